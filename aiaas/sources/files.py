"""Local files: a path, a glob, or a folder with one sub-folder a class.

{source: "data/reviews-*.csv.gz", columns: {text: review, label: cat}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aiaas.contracts import Batch, Folder, Origin, SourceContext
from aiaas.errors import DataError
from aiaas.sources import _folders, _formats, _found
from aiaas.sources._params import FileParams

SCHEMES = ("", "file")

Params = FileParams


def fingerprint(params: FileParams, context: SourceContext) -> Mapping[str, Any]:
    """The digest of every file by its name."""
    return _formats.fingerprint(_files(params, context), params)


def read(params: FileParams, context: SourceContext) -> Iterator[Batch]:
    """The rows of all files, sorted by name. Raises DataError when there is no file or one cannot be read."""
    return _formats.read(_files(params, context), params, context)


def origins(params: FileParams, context: SourceContext) -> Sequence[Origin]:
    return _formats.origins(_files(params, context), params)


def paths(params: FileParams, context: SourceContext) -> Sequence[Path]:
    """Where the files are. Raises DataError when there is none."""
    return [file.path for file in _files(params, context)]


def folder_fingerprint(folder: Folder, context: SourceContext) -> Mapping[str, Any]:
    """The digest of every wanted file by its name in the folder. Such a folder has one version, whatever `revision`."""
    return _folders.fingerprint(_folders.local(folder, _path(folder.address, context), context.base))


def folder(folder: Folder, context: SourceContext) -> Path:
    """Where the folder is. Raises DataError when it is not there or lacks a file."""
    path = _path(folder.address, context)
    _folders.local(folder, path, context.base)
    return path


def folder_origins(folder: Folder, context: SourceContext) -> Sequence[Origin]:
    return _folders.origins(_folders.local(folder, _path(folder.address, context), context.base).values())


def _files(params: FileParams, context: SourceContext) -> list[_found.File]:
    files = _expand(params.source, context)
    return _found.with_labels(files, _expand(params.labels, context), params.source) if params.labels else files


def _expand(address: str, context: SourceContext) -> list[_found.File]:
    return _found.expand(_pattern(address), context.base, address)


def _path(address: str, context: SourceContext) -> Path:
    return context.base / Path(_pattern(address)).expanduser()


def _pattern(address: str) -> str:
    """The path or glob that an address holds."""
    if "://" in address and not address.startswith("file://"):
        raise DataError(
            "no source reads this kind of address", where=address, hint="a path that holds a colon begins with ./"
        )
    return unquote(urlsplit(address).path) if address.startswith("file://") else address.removeprefix("file:")
