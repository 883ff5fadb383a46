"""The registered model: the bundle as it is, beside it the few files that make the folder an MLflow model.

MLmodel             loader_module aiaas.bundle.pyfunc, which reads the bundle without unpickling anything
bundle/             the bundle
requirements.txt, python_env.yaml, conda.yaml
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiaas.contracts import Signature

LOADER = "aiaas.bundle.pyfunc"
FOLDER = "bundle"
DIGEST_TAG = "aiaas.digest"
_REQUIREMENTS = ("aiaas",)


def describe(
    out: Path,
    *,
    bundle: Path,
    digest: str,
    model_id: str,
    run_id: str,
    signature: Mapping[str, Any] | None,
    answer: Mapping[str, Any] | None,
) -> None:
    """Write everything of the MLflow model but the bundle itself into the folder `out`."""
    from mlflow.models import Model

    python = platform.python_version()
    model = Model(run_id=run_id, model_id=model_id, signature=_signature(signature, answer) if signature else None)
    model.add_flavor(
        "python_function",
        loader_module=LOADER,
        data=FOLDER,
        code=None,
        python_version=python,
        env={"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        streamable=False,
    )
    model.metadata = {DIGEST_TAG: digest}
    model.model_size_bytes = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    model.save(str(out / "MLmodel"))
    pip = "".join(f"{line}\n" for line in _REQUIREMENTS)
    (out / "requirements.txt").write_text(pip)
    (out / "python_env.yaml").write_text(
        f"python: {python}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
    )
    (out / "conda.yaml").write_text(
        f"name: aiaas\nchannels:\n- conda-forge\ndependencies:\n- python={python}\n- pip\n- pip:\n"
        + "".join(f"  - {line}\n" for line in _REQUIREMENTS)
    )


def _signature(signature: Mapping[str, Any], answer: Mapping[str, Any] | None) -> Any:
    """Input and output of the model in MLflow's words.

    The one column of a model of texts or files has no name, so that a plain list fits as well as a table; a file is
    bytes, which MLflow's own service takes as base64. A number is `any`: MLflow would refuse whole numbers in a column
    of floats, and a missing value in a column of whole numbers; the task checks both better.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, Map, Schema

    features = signature["features"]
    taken = Signature.from_dict(signature)
    if taken.bare:
        inputs = [ColSpec("binary" if taken.file else "string")]
    else:
        inputs = [ColSpec("string" if kind == "string" else AnyType(), name) for name, kind in features.items()]

    def column(name: str, value: Any) -> Any:
        if isinstance(value, Mapping) and all(isinstance(each, float) for each in value.values()):
            return ColSpec(Map("double"), name)
        kinds = {str: "string", bool: "boolean", int: "long", float: "double"}
        return ColSpec(kinds.get(type(value)) or AnyType(), name)

    outputs = [column(name, value) for name, value in (answer or {}).items()]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs) if outputs else None)
