"""Values of the environment that a recipe or a bundle refers to as `${env:NAME}`: read where they are used, and
replaced by their reference wherever they would be printed."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, quote_plus

from aiaas.errors import SecretError

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST_MASKED = 4
_revealed: dict[str, str] = {}


def remember(name: str, value: str) -> None:
    """Let `mask` replace this value from now on."""
    if len(value) >= _SHORTEST_MASKED:
        _revealed[value] = name


def mask(text: str) -> str:
    """`text` with every secret that this process has used replaced by its reference, also where it stands quoted as
    in an address. Secrets of fewer than four characters cannot be told from ordinary text."""
    for value, name in sorted(_revealed.items(), key=lambda item: -len(item[0])):
        for shape in {value, quote(value, safe=""), quote_plus(value)}:
            text = text.replace(shape, f"${{env:{name}}}")
    return text


def value(reference: str, where: str) -> str:
    """What a single reference stands for; `where` is what asks for it. Raises SecretError when it is not set."""
    found = REFERENCE.fullmatch(reference)
    assert found is not None, "whoever asks has checked it"
    name = found[1]
    if name not in os.environ:
        raise SecretError(
            f"needs the environment variable {name}, which is not set", where=where, hint=f"export {name}=…"
        )
    remember(name, os.environ[name])
    return os.environ[name]
