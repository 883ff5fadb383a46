"""Tables that name pictures: the bytes of the files take the place of their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.pictures import MAX_BYTES
from aiaas.sources import FileBatch
from aiaas.sources._found import File, digest_of_folder

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

_ROWS = 1000
_BYTES = 16 * 2**20
_SHOWN = 5


def folder_of(file: File, params: FileParams) -> Path:
    """Where the pictures lie. DataError where there is no such folder."""
    assert params.picture_folder is not None
    folder = (file.path.parent / params.picture_folder).resolve()
    if not folder.is_dir():
        raise DataError(
            f"picture_folder: names {params.picture_folder!r}, which is no folder beside it",
            where=file.shown,
            hint=f"looked for {folder}",
        )
    return folder


def fingerprint(file: File, params: FileParams) -> dict[str, str]:
    """A digest of all that lies in the folder of the pictures, by the folder's name."""
    digest, count, _ = digest_of_folder(folder_of(file, params))
    return {f"{file.shown}, {count:,} files in {params.picture_folder}": digest}


def filled(batches: Iterator[FileBatch], file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The batches with pictures for their names, some MiB at once. Raises DataError for names that leave the folder,
    and where files are missing, unless `on_error: skip` leaves such rows out."""
    folder = folder_of(file, params)
    column = params.columns.get("image", "image")
    missing: list[str] = []
    for batch in batches:
        if column not in batch:
            yield batch  # collect says which columns there are
            continue
        yield from _filled(batch, column, folder, params, context, missing)
    if not missing:
        return
    more = f"; and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    told = f"{len(missing):,} pictures are missing in {params.picture_folder}: {'; '.join(missing[:_SHOWN])}{more}"
    if params.on_error == "fail":
        raise DataError(told, where=file.shown, hint="bring them, or leave their rows out with on_error: skip")
    context.warn(f"{file.shown}: {told}")


def _filled(
    batch: FileBatch, column: str, folder: Path, params: FileParams, context: SourceContext, missing: list[str]
) -> Iterator[FileBatch]:
    """The rows up to one whose picture is missing, which is left out, then those behind it."""
    held: list[bytes | None] = []
    start = size = 0
    for index, name in enumerate(batch[column]):
        path = _path(name, folder, batch.where(index))
        data = _bytes(path, batch.where(index)) if path else None
        if path and data is None:
            missing.append(f"{name} ({batch.where(index)})")
            if params.on_error == "skip":
                row = {each: values[index] for each, values in batch.items()}
                context.drop(batch.where(index), "its picture is missing", row)
            if held:
                yield _part(batch, column, held, start)
            held, start, size = [], index + 1, 0
            continue
        held.append(data)
        size += len(data or b"")
        if len(held) == _ROWS or size > _BYTES:
            yield _part(batch, column, held, start)
            held, start, size = [], index + 1, 0
    if held:
        yield _part(batch, column, held, start)


def _part(batch: FileBatch, column: str, pictures: list[Any], start: int) -> FileBatch:
    part = batch.cut(start, start + len(pictures))
    part[column] = pictures
    return part


def _path(name: Any, folder: Path, where: str) -> Path | None:
    """The file that a name means, None where there is no name. DataError for one that leaves the folder."""
    if name is None:
        return None
    if not isinstance(name, str) or "\0" in name:
        raise DataError(f"a picture is named by text; this is {name!r}", where=where)
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise DataError(
            f"the picture {name!r} lies outside picture_folder", where=where, hint="choose a folder that holds them all"
        )
    return path


def _bytes(path: Path, where: str) -> bytes | None:
    """What the file holds, a few bytes more than a picture may have; None where there is no such file."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"the picture cannot be read: {error.strerror}", where=where) from error
