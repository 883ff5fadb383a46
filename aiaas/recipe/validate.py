"""One part of a recipe against the model that describes it; faults go to the document."""

from __future__ import annotations

import copy
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from aiaas.recipe import paths, wording
from aiaas.recipe.document import Document

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], value: Any, path: paths.Path, document: Document, *, as_json: bool = True) -> M | None:
    """`value`, which stands at `path`, as `model`; `None` where it has faults.

    What came from a shell is read as text where the model wants text. Plug-ins' parts are checked as strict JSON: no
    text for numbers, lists for tuples.
    """
    while True:  # each turn has fewer values that could be text
        try:
            if as_json:
                return model.model_validate_json(json.dumps(value), strict=True)
            return model.model_validate(value, strict=True)
        except ValidationError as error:
            retyped = _retyped(error, model, value, path, document.raws)
            if retyped is None:
                wording.explain(error, model, value, path, document)
                return None
            value = retyped


def _retyped(
    error: ValidationError, model: type[BaseModel], value: Any, path: paths.Path, raws: dict[paths.Path, str]
) -> Any:
    """`value` with raw text where text is wanted and something else was found; `None` where nothing can be done."""
    wanted = [
        inner
        for inner in wording.places(error, model, value, "string_type")
        if (*path, *inner) in raws and not isinstance(at(value, inner), str)
    ]
    if not wanted:
        return None
    value = copy.deepcopy(value)
    for inner in wanted:
        if not inner:
            return raws[path]
        at(value, inner[:-1])[inner[-1]] = raws[(*path, *inner)]
    return value


def at(value: Any, path: paths.Path) -> Any:
    """What stands at `path` of `value`."""
    for part in path:
        value = value[part]
    return value
