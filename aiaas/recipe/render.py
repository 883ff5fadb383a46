"""A resolved recipe as flat names and as canonical YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from aiaas.recipe import paths, scalars

_STEPS: paths.Path = ("preprocess", "steps")


def flat(resolved: dict[str, Any]) -> dict[str, tuple[paths.Path, Any]]:
    """Dotted name → (path in the recipe, value). Steps are named, not numbered, and `preprocess.steps` keeps their
    order, so that two recipes stay comparable when one of them has a step more."""
    found: dict[str, tuple[paths.Path, Any]] = {}
    for path, value in _leaves(resolved, ()):
        if path == _STEPS:
            found[paths.render_flat(path)] = (path, [next(iter(step)) for step in value])
            _steps(value, found)
        else:
            found[paths.render_flat(path)] = (path, value)
    return found


def _steps(steps: list[dict[str, Any]], found: dict[str, tuple[paths.Path, Any]]) -> None:
    seen: dict[str, int] = {}
    for index, step in enumerate(steps):
        ((name, params),) = step.items()
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}.{seen[name]}"
        for path, value in _leaves(params, (*_STEPS, index, name)):
            if path[4:]:
                found[f"{paths.render_flat(_STEPS)}.{label}.{paths.render_flat(path[4:])}"] = (path, value)


def _leaves(value: Any, path: paths.Path) -> Iterator[tuple[paths.Path, Any]]:
    """Single values, empty containers, and lists of single values."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif path != _STEPS and isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or 1.2 would read as something else, so that any reader agrees."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _tag, _pattern in (
    ("null", scalars.NULL),
    ("bool", scalars.BOOL),
    ("int", scalars.INT),
    ("float", scalars.FLOAT),
    ("float", scalars.SPECIAL),
):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern.pattern})\Z"), None)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Line breaks of Unicode's own survive only as escapes."""
    style = '"' if re.search("[\x85\u2028\u2029\ufeff]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(resolved: dict[str, Any]) -> str:
    """Block style but for lists of single values and empty containers; keys in the order of the models."""
    return yaml.dump(resolved, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)


def inline(value: Any) -> str:
    """A value on one line, in flow style."""
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=True, width=10**9)
    return text.removesuffix("\n...\n").strip()
