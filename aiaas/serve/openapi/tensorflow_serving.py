"""TensorFlow Serving's REST API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, array, content, get, only, post, record
from aiaas.serve.openapi.shapes import ABOUT, columns_of, examples_of, input_of, value_of
from aiaas.serve.protocols.asking import most
from aiaas.serve.protocols.tensorflow_serving import SIGNATURE, by_rows
from aiaas.serve.protocols.tensors import outputs_of
from aiaas.serve.service import Service

PROBLEM = "TensorProblem"


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    return {path: item for live in seen for path, item in _of(service, live).items()}


def _of(service: Service, live: Live) -> Schema:
    found: Schema = {}
    name = live.name
    for path, told in versions(f"/v1/models/{name}", live.bundle.version):
        found[f"{path}:predict"] = {"post": _predict(service, live, f"tf_predict{told}_{name}")}
        summary = f"The tensors of {name}."
        found[f"{path}/metadata"] = {
            "get": get(f"tf_metadata{told}_{name}", summary, {"type": "object"}, problem=PROBLEM)
        }
        if told:
            state = record({"model_version_status": array({"type": "object"})})
            found[path] = {"get": get(f"tf_status_{name}", f"The state of {name}.", state, problem=PROBLEM)}
    return found


def versions(path: str, version: str | None) -> list[tuple[str, str]]:
    """The path of a model, and that of its version where it has one, with what tells their operations apart."""
    return [(path, ""), *([(f"{path}/versions/{version}", "_version")] if version else [])]


def _predict(service: Service, live: Live, operation: str) -> Schema:
    allowed, examples, outputs = most(service, live), examples_of(live), outputs_of(live)
    columns: Any = {
        name: array({}, maxItems=allowed, description="A value a row.") for name in live.bundle.signature.features
    }
    signature: Any = {"signature_name": {"const": SIGNATURE}}
    taken = {
        "oneOf": [
            only(record({"instances": array(input_of(live), maxItems=allowed)}, **signature)),
            only(record({"inputs": only(record({}, **columns))}, **signature)),
        ]
    }
    made = {each.name: value_of(each) for each in outputs}
    row = next(iter(made.values())) if len(made) == 1 else record(made)
    by_column = {name: array(schema) for name, schema in made.items()}
    column = next(iter(by_column.values())) if len(made) == 1 else record(by_column)
    given = {"oneOf": [record({**ABOUT, "predictions": array(row)}), record({**ABOUT, "outputs": column})]}
    shown = bool(examples.inputs)
    inputs = examples.inputs if live.bundle.signature.bare is None else next(iter(_columns(live, examples.inputs)), [])
    return dict(
        post(
            operation,
            f"Answers of {live.name}, one for each instance.",
            content(taken, {"instances": inputs} if shown else None),
            content(given, {**live.about, **by_rows(outputs, examples.answers)} if shown else None),
            {
                "400": "The body is not of this form.",
                "404": "There is no such signature or version.",
                "413": f"More than {service.limits.body:,} bytes or {allowed:,} instances.",
                "422": "Instances do not fit the model.",
            },
            PROBLEM,
        )
    )


def _columns(live: Live, inputs: Sequence[Any]) -> list[list[Any]]:
    return list(columns_of(live, inputs).values())
