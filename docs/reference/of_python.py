"""The Python API: every name that the package exports, as its signature and its docstring have it."""

from __future__ import annotations

import inspect
from typing import Any

import aiaas
from aiaas.bundle import Bundle
from aiaas.pipeline import Fetched, Planned, Result

SHOWN: dict[type, tuple[str, ...]] = {
    aiaas.Recipe: ("read", "from_dict", "changed", "resolved", "flat", "to_yaml", "origins"),
    Bundle: ("predict", "stream", "examples", "replay"),
    aiaas.Client: ("predict", "models"),
}
"""Methods that a person calls, of classes that have others."""


def python() -> dict[str, Any]:
    functions = [name for name in aiaas.__all__ if inspect.isfunction(getattr(aiaas, name))]
    return {
        "functions": [_callable(name, getattr(aiaas, name)) for name in functions],
        "results": [_class(each) for each in (Result, Planned, Fetched)],
        "classes": [_class(each) for each in (aiaas.Recipe, Bundle, aiaas.Client, aiaas.AsyncClient)],
        "errors": [_error(each) for each in _kinds(aiaas.AiaasError)],
    }


def _callable(name: str, function: Any) -> dict[str, str]:
    parameters = inspect.signature(function)
    plain = [each.replace(annotation=_plain(each.annotation)) for each in parameters.parameters.values()]
    told = f"{name}({', '.join(_parameter(each) for each in plain if each.name not in ('self', 'cls'))})"
    if len(told) > 90:
        parts = [_parameter(each) for each in plain if each.name not in ("self", "cls")]
        keyword = next((at for at, each in enumerate(plain) if each.kind is each.KEYWORD_ONLY), None)
        parts[keyword:keyword] = ["*"] if keyword is not None else []
        told = f"{name}(\n    " + ",\n    ".join(parts) + ",\n)"
    elif any(each.kind is each.KEYWORD_ONLY for each in plain):
        first = next(_parameter(each) for each in plain if each.kind is each.KEYWORD_ONLY)
        told = told.replace(first, f"*, {first}", 1)
    return {"name": name, "signature": f"{told} -> {_plain(parameters.return_annotation)}", "text": _text(function)}


def _parameter(each: inspect.Parameter) -> str:
    default = "" if each.default is each.empty else f" = {each.default!r}"
    return f"{each.name}: {each.annotation}{default}"


def _plain(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _class(kind: type) -> dict[str, Any]:
    methods = [_callable(name, getattr(kind, name)) for name in SHOWN.get(kind, ())]
    fields = {} if kind in SHOWN else dict(getattr(kind, "__annotations__", {}))
    public = {name: _plain(each) for name, each in fields.items() if not name.startswith("_")}
    return {"name": kind.__name__, "text": _text(kind), "fields": public, "methods": methods}


def _error(kind: type[aiaas.AiaasError]) -> dict[str, Any]:
    return {"name": kind.__name__, "status": kind.status, "text": _text(kind).splitlines()[0]}


def _kinds(kind: type[aiaas.AiaasError]) -> list[type[aiaas.AiaasError]]:
    """The error and all below it, those of the project alone."""
    below = [each for child in kind.__subclasses__() for each in _kinds(child)]
    return [each for each in (kind, *below) if each.__module__ == "aiaas.errors"]


def _text(thing: Any) -> str:
    return inspect.getdoc(thing) or ""
