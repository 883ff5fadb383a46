"""`${env:NAME}`: a secret stays a reference in everything printed, stored, hashed or tracked, until it is used."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from aiaas.contracts import Params
from aiaas.environment import REFERENCE, mask, remember
from aiaas.errors import Fault, RecipeError
from aiaas.recipe import paths
from aiaas.recipe.document import Document, has_url_password, is_secret_key, walk

__all__ = ["check", "mask", "missing", "reveal", "reveal_all"]

_BEGINNING = re.compile(r"\$\{env:", re.IGNORECASE)

P = TypeVar("P", bound=Params)


def missing(value: Any, environ: Mapping[str, str]) -> list[str]:
    """The variables that `value` refers to and `environ` lacks, sorted."""
    texts = (inner for _, inner in walk(value) if isinstance(inner, str))
    return sorted({name for text in texts for name in REFERENCE.findall(text) if name not in environ})


def check(document: Document) -> None:
    """Refuse what is no proper reference, and what is a secret in plain sight."""
    for path, value in walk(document.data):
        if not isinstance(value, str):
            continue
        if len(_BEGINNING.findall(value)) != len(REFERENCE.findall(value)):
            document.refuse(path, "a reference to the environment is ${env:NAME}, NAME of letters, digits and _")
        elif value and not REFERENCE.search(value) and _secret(path):
            name = re.sub(r"\W", "_", str(path[-1])).upper()
            document.refuse(path, "a recipe holds no secret", f"write ${{env:{name}}} and set that variable")
        elif has_url_password(value):
            hint = "write ${env:NAME} in place of the password and set that variable"
            document.refuse(path, "holds a password; a recipe holds no secret", hint)


def _secret(path: paths.Path) -> bool:
    """Whether what stands there is one by its name or by that of what is around it; a column may be called anything."""
    return not {"columns", "fields"}.intersection(path) and any(map(is_secret_key, path))


def reveal(params: P, environ: Mapping[str, str] | None = None, *, where: str = "") -> P:
    """A copy with every `${env:NAME}` replaced by its value: to work with, never to print, store or hash. `where` is
    what an error names. Raises RecipeError naming each variable that is not set."""
    document = Document(where)
    (revealed,) = reveal_all((params,), (), document, os.environ if environ is None else environ)
    return revealed


def reveal_all(many: Iterable[P], path: paths.Path, document: Document, environ: Mapping[str, str]) -> tuple[P, ...]:
    """Reveal each of `many`, which stand one after the other at `path` of the document."""
    faults: list[Fault] = []
    revealed = []
    for index, params in enumerate(many):
        here = (*path, index) if path else ()
        data = params.model_dump(mode="json", by_alias=True)
        found = len(faults)
        filled = _fill(data, here, document, environ, faults)
        if len(faults) > found or filled == data:
            revealed.append(params)
            continue
        try:
            revealed.append(type(params).model_validate(filled))
        except ValidationError:
            where = document.place(here).where
            faults.append(
                Fault(where, paths.render(here), "is not valid any more with the values of its ${env:…} references")
            )
    if faults:
        raise RecipeError(faults)
    return tuple(revealed)


def _fill(value: Any, path: paths.Path, document: Document, environ: Mapping[str, str], faults: list[Fault]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, (*path, key), document, environ, faults) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, (*path, index), document, environ, faults) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environ:
            message = f"needs the environment variable {name}, which is not set"
            faults.append(Fault(document.place(path).where, paths.render(path), message, f"export {name}=…"))
            return match[0]
        remember(name, environ[name])
        return environ[name]

    return REFERENCE.sub(fill, value)
