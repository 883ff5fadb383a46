"""The addresses in a recipe: under `collect` a source of rows, in an architecture's parameters a file or folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from pydantic import ValidationError

from aiaas import contracts, plugins
from aiaas.errors import PluginError, UsageError
from aiaas.recipe import paths
from aiaas.recipe.document import Document

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def source(address: str, path: paths.Path, document: Document) -> Any:
    """The source that answers to the address at `path`; None where there is none, which is noted."""
    scheme = _SCHEME.match(address)
    module = imported(lambda: plugins.source(address), path, document)
    if module is not None and scheme and "${env:" not in scheme[0] and scheme[1] not in module.SCHEMES:
        _unknown_scheme(scheme[1], path, document)
        return None
    return module


def file(address: str | contracts.Folder, path: paths.Path, document: Document) -> None:
    """Note a file or folder at `path` that no source could give."""
    folder = isinstance(address, contracts.Folder)
    text = address.address if isinstance(address, contracts.Folder) else address
    module = source(text, path, document)
    if module is None:
        return
    if folder and not isinstance(module, contracts.OfFolders):
        document.refuse(path, f"{text!r} gives no folder; it must be a path, package:NAME/path or hf:OWNER/NAME")
        return
    if not folder and not isinstance(module, contracts.OfFiles):
        document.refuse(path, f"{text!r} gives rows; it must be a file: a path, package:NAME/path, https://…")
        return
    try:
        cast(contracts.Source, module).Params(source=text)
    except ValidationError as error:
        document.refuse(path, error.errors()[0]["msg"].removeprefix("Value error, "))


def imported(find: Callable[[], Any], path: paths.Path, document: Document) -> Any:
    """A plug-in; one that cannot even be imported is named like any other fault."""
    try:
        return find()
    except (UsageError, PluginError) as error:
        document.refuse(path, error.message, error.hint)
    except Exception as error:
        document.refuse(path, f"the plug-in cannot be imported: {type(error).__name__}: {error}")
    return None


def _unknown_scheme(scheme: str, path: paths.Path, document: Document) -> None:
    allowed = sorted({name for module in plugins.usable("sources").values() for name in module.SCHEMES if name})
    close = plugins.nearest(scheme.lower(), allowed)
    message = f"unknown kind of source {scheme + ':'!r}; allowed: {', '.join(f'{name}:' for name in allowed)}, a path"
    hint = f"did you mean '{close}:'?" if close else "a path that holds a colon begins with ./"
    if problem := next((each.message for each in plugins.broken() if each.message.startswith("the source ")), None):
        hint = f"{hint}; it may be that {problem}"
    document.refuse(path, message, hint)
