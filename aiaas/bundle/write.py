"""Lay a bundle out: model, request-time steps, signature, recipe, examples, digests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiaas.bundle import layout
from aiaas.bundle.load import load, open_unsealed
from aiaas.contracts import Signature
from aiaas.recipe import Recipe
from aiaas.workspace import atomic, keys


def write(
    out: Path,
    *,
    recipe: Recipe,
    model: Path,
    runtime: str = layout.NATIVE,
    precision: str | None = None,
    lost: Mapping[str, Any] | None = None,
    signature: Signature,
    fitted: Signature | None = None,
    temperature: float | None = None,
    packages: Mapping[str, str],
    metrics: Mapping[str, Any],
    examples: Sequence[Any],
    steps: Sequence[Mapping[str, Any]],
    origins: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> str:
    """Write a bundle into the empty folder `out` and return its digest.

    `model` is a folder that `save` wrote, or `export` where `runtime` is a portable one; `packages` are those it needs.
    `signature` says what a request holds, and `fitted` what the model takes where that is not the same. `precision` is
    that of its numbers where it is not the framework's own, and `lost` what an int8 form gets wrong. `temperature` is
    that of a classifier's scores, where one was fitted; its thresholds are in the signature.
    `examples` are inputs of requests; their answers are computed by the bundle itself, from what was written. `steps`
    are the records of the request-time steps, `origins` says where the files came from that the fit read,
    and `data` where the rows came from and what became of them.
    """
    shutil.copytree(model, out / layout.MODEL)
    atomic.write_text(out / layout.RECIPE, recipe.to_yaml())
    atomic.write_json(out / layout.METRICS, metrics)
    manifest: dict[str, Any] = {
        "schema": layout.SCHEMA,
        "name": recipe.name,
        "task": recipe.task,
        "backend": recipe.model.backend,
        "architecture": recipe.model.architecture,
        "runtime": runtime,
        **({"precision": precision} if precision else {}),
        **({"lost": dict(lost)} if lost else {}),
        "signature": signature.as_dict(),
        **({"features": dict(fitted.features)} if fitted and fitted.features != signature.features else {}),
        **({} if temperature is None else {"temperature": temperature}),
        "steps": list(steps),
        "packages": dict(packages),
        "aiaas": version("aiaas"),
        **({"origins": dict(origins)} if origins else {}),
        **({"data": dict(data)} if data else {}),
    }
    unsealed = open_unsealed(out, manifest)
    answers = unsealed.predict(examples)
    lines = [
        json.dumps({"input": each, "answer": answer}, ensure_ascii=False, allow_nan=False)
        for each, answer in zip(examples, answers, strict=True)
    ]
    atomic.write_text(out / layout.EXAMPLES, "".join(f"{line}\n" for line in lines))
    manifest["files"] = keys.digest_files(out)
    manifest["digest"] = keys.digest_json(manifest)
    atomic.write_json(out / layout.MANIFEST, manifest)
    return load(out).digest
