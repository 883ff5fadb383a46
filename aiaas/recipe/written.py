"""A recipe as it was written: what stands in its file or was set over it, without the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiaas.recipe.models import Recipe


def written(recipe: Recipe) -> dict[str, Any]:
    """The values that were said, in their order and in the short forms they were said in; `from_dict` takes it."""
    said = recipe._document.data
    found = _said(recipe.resolved(), said) if isinstance(said, Mapping) else recipe.resolved()
    assert isinstance(found, dict)
    return found


def _said(resolved: Any, said: Any) -> Any:
    """Of what is resolved the part that was said; a short form stays one."""
    if isinstance(said, Mapping) and isinstance(resolved, Mapping):
        return {name: _said(resolved[name], value) if name in resolved else value for name, value in said.items()}
    if isinstance(said, list) and isinstance(resolved, list) and len(said) == len(resolved):
        return [_said(one, other) for one, other in zip(resolved, said, strict=True)]
    if isinstance(resolved, Mapping | list):
        return said
    return resolved
