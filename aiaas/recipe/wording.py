"""Turns what pydantic found into words for people: what is wrong, what is allowed, which name was probably meant."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from aiaas.plugins import nearest
from aiaas.recipe import paths
from aiaas.recipe.document import Document, without_url_passwords

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "empty",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "dataclass_type"), "a mapping of keys"),
}
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
    "multiple_of": ("multiple_of", "a multiple of"),
}
_LENGTHS = {
    "too_short": ("min_length", "at least", "items"),
    "too_long": ("max_length", "at most", "items"),
    "string_too_short": ("min_length", "at least", "characters"),
    "string_too_long": ("max_length", "at most", "characters"),
}
_YAML_11 = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def explain(error: ValidationError, model: type[BaseModel], value: Any, path: paths.Path, document: Document) -> None:
    """Note every fault of `error`, which validating `value` (at `path` of the recipe) against `model` raised."""
    by_place: dict[paths.Path, list[Mapping[str, Any]]] = {}
    for found in error.errors(include_url=False):
        inner = _path_in(value, found, model)
        by_place.setdefault(inner, []).append(cast(Mapping[str, Any], found))
    for inner, found_here in by_place.items():
        deeper = any(other[: len(inner)] == inner and len(other) > len(inner) for other in by_place)
        wanted = [_WANTED[found["type"]] for found in found_here if found["type"] in _WANTED]
        if deeper and len(wanted) == len(found_here):
            continue  # one branch of a union; another one fits and says what is wrong inside
        named = next((found for found in found_here if found["type"] == "literal_error"), None)
        if len(found_here) > 1 and named:
            names = _choices(_model_at(model, inner[:-1]), inner, named["ctx"])
            _choice(names, named["input"], (*path, *inner), document, _other_than_names(found_here))
        elif len(found_here) > 1 and wanted:
            _type(wanted, found_here[0]["input"], (*path, *inner), document)
        else:
            _one(found_here[0], model, inner, path, document)


def places(error: ValidationError, model: type[BaseModel], value: Any, kind: str) -> list[paths.Path]:
    """Where in `value` the error found a fault of this kind."""
    return [_path_in(value, found, model) for found in error.errors(include_url=False) if found["type"] == kind]


def _path_in(value: Any, found: Any, model: type[BaseModel]) -> paths.Path:
    """The error's path in the data, without what pydantic adds for the branches of unions. A key that is missing, or
    was filled in, may be its end."""
    path: list[str | int] = []
    last = len(found["loc"]) - 1
    for index, part in enumerate(found["loc"]):
        here = range(len(value)) if isinstance(value, list | tuple) else value if isinstance(value, dict) else ()
        if part in here:
            value = value[part]
        elif index < last or (found["type"] != "missing" and not _field(_model_at(model, tuple(path)), (part,))):
            continue
        path.append(part)
    return tuple(path)


def _one(
    found: Mapping[str, Any], model: type[BaseModel], inner: paths.Path, path: paths.Path, document: Document
) -> None:
    kind, given, context = found["type"], found.get("input"), found.get("ctx") or {}
    full = (*path, *inner)
    note = document.refuse
    if kind == "extra_forbidden":
        unknown_key(_model_at(model, inner[:-1]), full, document)
    elif kind == "missing":
        _missing(_model_at(model, inner[:-1]), full, document)
    elif kind in _WANTED:
        _type([_WANTED[kind]], given, full, document)
    elif kind in ("literal_error", "enum"):
        _choice(_choices(_model_at(model, inner[:-1]), inner, context), given, full, document)
    elif kind in _BOUNDS:
        note(full, f"must be {_limit(found)}{_found_number(given, full, document)}")
    elif kind in _LENGTHS:
        note(full, f"must have {_limit(found)}")
    elif kind == "string_pattern_mismatch":
        described = description(_model_at(model, inner[:-1]), inner)
        note(full, f"must match {context['pattern']}" + (f" ({described})" if described else ""))
    elif kind in ("value_error", "assertion_error"):
        note(full, _safe(str(context.get("error", found["msg"])), given, full, document))
    else:
        text = str(found["msg"])
        note(full, _safe(text[:1].lower() + text[1:], given, full, document))


def unknown_key(model: type[BaseModel] | None, path: paths.Path, document: Document) -> None:
    allowed = [field.alias or name for name, field in model.model_fields.items()] if model else []
    note_name("key", str(path[-1]), allowed, path, document, key=True)


def note_name(
    what: str, name: str, allowed: list[str], path: paths.Path, document: Document, *, key: bool = False
) -> None:
    """A name that is none of the allowed ones; says which was probably meant."""
    close = nearest(name, allowed)
    listed = f"allowed: {', '.join(allowed)}" if allowed else "none is allowed here"
    shown = repr(name) if len(name) <= 60 else f"of {len(name)} characters"
    document.refuse(path, f"unknown {what} {shown}; {listed}", f"did you mean {close!r}?" if close else None, key=key)


def _missing(model: type[BaseModel] | None, path: paths.Path, document: Document) -> None:
    if isinstance(path[-1], int):
        document.refuse(path[:-1], f"must have at least {path[-1] + 1} items")
        return
    described = description(model, path)
    message = "is missing" + (f": {described[:1].lower()}{described[1:].rstrip('.')}" if described else "")
    document.refuse(path, message, f"add {path[-1]}: … here", key=True)


def _type(wanted: list[str], given: Any, path: paths.Path, document: Document) -> None:
    document.refuse(
        path,
        f"must be {' or '.join(dict.fromkeys(wanted))}, found {kind_of(given)}",
        _type_hint(wanted, given, path, document),
    )


def _type_hint(wanted: list[str], given: Any, path: paths.Path, document: Document) -> str | None:
    if isinstance(given, str):
        if "${env:" in given:
            name = "AIAAS__" + "__".join(str(part).upper() for part in path)
            return f"${{env:…}} stands in text only; set the environment variable {name} instead"
        if "true or false" in wanted and given.lower() in _YAML_11:
            return f"write {_YAML_11[given.lower()]}"
        if any("number" in name for name in wanted) and path not in document.plain and _is_number(given):
            return "take the quotes away"
        return "put it in brackets: […]" if wanted == ["a list"] else None
    if "text" in wanted and path in document.plain and not document.secretive(path):
        return f'put it in quotes: "{document.plain[path]}"'
    if wanted == ["a list"] and given is not None and not isinstance(given, dict):
        return "put it in brackets: […]"
    return None


def _choice(allowed: list[str], given: Any, path: paths.Path, document: Document, others: Iterable[str] = ()) -> None:
    """`others` is what may stand in place of one of the `allowed` names."""
    named = isinstance(given, str) and not document.secretive(path)
    shown = repr(given) if named and len(given) <= 60 else kind_of(given)
    close = nearest(given, allowed) if isinstance(given, str) else None
    hint = f"did you mean {close!r}?" if close else None
    wanted = f"one of {', '.join(allowed)}" if len(allowed) > 1 else "".join(allowed)
    document.refuse(path, f"must be {' or '.join(dict.fromkeys([wanted, *others]))}; found {shown}", hint)


def _other_than_names(found_here: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What may stand in place of one of some names."""
    for found in found_here:
        if found["type"] in _BOUNDS or found["type"] in _LENGTHS:
            yield _limit(found)
        elif found["type"] in _WANTED:
            yield _WANTED[found["type"]]


def _limit(found: Mapping[str, Any]) -> str:
    """What a number or a length that is out of its range must be: at least 1 item."""
    kind, context = found["type"], found["ctx"]
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{words} {context[key]:g}"
    key, words, unit = _LENGTHS[kind]
    return f"{words} {context[key]} {unit if context[key] != 1 else unit[:-1]}"


def _choices(model: type[BaseModel] | None, inner: paths.Path, context: Mapping[str, Any]) -> list[str]:
    """The names a Literal allows, from the model where it tells, else from pydantic's own list."""
    for annotation in _annotations(model, inner):
        if typing.get_origin(annotation) is typing.Literal:
            return [str(choice) for choice in typing.get_args(annotation)]
    return [part.strip(" '") for part in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]


def _annotations(model: type[BaseModel] | None, inner: paths.Path) -> Iterator[Any]:
    """The annotation of the field that `inner` ends at, and what it is made of."""
    field = _field(model, inner)
    todo = [field.annotation] if field else []
    while todo:
        annotation = todo.pop()
        yield annotation
        if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
            todo.extend(typing.get_args(annotation))


def _field(model: type[BaseModel] | None, inner: paths.Path) -> Any:
    if model is None or not inner:
        return None
    return next(
        (field for name, field in model.model_fields.items() if inner[-1] in (name, field.alias)),
        None,
    )


def description(model: type[BaseModel] | None, inner: paths.Path) -> str:
    """What the field that `inner` ends at is for, without its full stop."""
    field = _field(model, inner)
    return (field.description or "").rstrip(".") if field else ""


def _model_at(model: type[BaseModel] | None, inner: paths.Path) -> type[BaseModel] | None:
    """The model that describes what stands at `inner`, as far as annotations tell."""
    current = model
    for index, part in enumerate(inner):
        if isinstance(part, int):
            continue
        field = _field(current, inner[: index + 1])
        current = next(_models_in(field.annotation), None) if field else None
    return current


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)


def kind_of(value: Any) -> str:
    """What a value is, without repeating it: it may be a secret."""
    kinds: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text", dict: "a mapping"}
    return "nothing" if value is None else kinds.get(type(value), "a list")


def _found_number(given: Any, path: paths.Path, document: Document) -> str:
    plain = isinstance(given, int | float) and not document.secretive(path)
    return f", found {given:g}" if plain and abs(given) < 1e300 else ""


def _safe(text: str, given: Any, path: paths.Path, document: Document) -> str:
    """A plug-in's own words, unless they repeat a value that may be a secret."""
    if document.secretive(path) and given not in (None, "") and str(given) in text:
        return "is not a value that is allowed here"
    return without_url_passwords(text)


def _is_number(text: str) -> bool:
    parse: Callable[[str], float] = float
    try:
        parse(text)
    except ValueError:
        return False
    return True
