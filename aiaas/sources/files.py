"""Local files: a path, a glob, or a folder with one sub-folder a class.

{source: "data/reviews-*.csv.gz", columns: {text: review, label: cat}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aiaas.contracts import Batch, Origin, SourceContext
from aiaas.errors import DataError
from aiaas.sources import _formats, _found
from aiaas.sources._params import FileParams

SCHEMES = ("", "file")

Params = FileParams


def fingerprint(params: FileParams, context: SourceContext) -> Mapping[str, Any]:
    """The digest of every file by its name."""
    return _formats.fingerprint(_files(params, context))


def read(params: FileParams, context: SourceContext) -> Iterator[Batch]:
    """The rows of all files, sorted by name. Raises DataError when there is no file or one cannot be read."""
    return _formats.read(_files(params, context), params, context)


def origins(params: FileParams, context: SourceContext) -> Sequence[Origin]:
    return _formats.origins(_files(params, context), params)


def paths(params: FileParams, context: SourceContext) -> Sequence[Path]:
    """Where the files are. Raises DataError when there is none."""
    return [file.path for file in _files(params, context)]


def _files(params: FileParams, context: SourceContext) -> list[_found.File]:
    files = _expand(params.source, context)
    return _found.with_labels(files, _expand(params.labels, context), params.source) if params.labels else files


def _expand(address: str, context: SourceContext) -> list[_found.File]:
    if "://" in address and not address.startswith("file://"):
        raise DataError(
            "no source reads this kind of address", where=address, hint="a path that holds a colon begins with ./"
        )
    pattern = unquote(urlsplit(address).path) if address.startswith("file://") else address.removeprefix("file:")
    return _found.expand(pattern, context.base, address)
