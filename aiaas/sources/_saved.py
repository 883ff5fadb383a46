"""Folders that `save_to_disk` of the library datasets wrote: one dataset, or a dictionary of its splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiaas.errors import DataError

_STATE = "state.json"
_SPLITS = "dataset_dict.json"
_OURS = {
    **{name: name for name in ("train", "validation", "test")},
    **dict.fromkeys(("valid", "val", "dev"), "validation"),
}


def files(folder: Path, address: str) -> list[tuple[Path, str | None]]:
    """The Arrow files of such a folder in their order, each with the split that it belongs to; none where it is none.

    Raises DataError where a file is missing, and for splits that go by other names than ours.
    """
    if (folder / _STATE).is_file():
        return [(each, None) for each in _parts(folder, address)]
    if not (folder / _SPLITS).is_file():
        return []
    names = _json(folder / _SPLITS, address).get("splits")
    if not isinstance(names, list) or not names:
        raise DataError("it does not say which splits there are", where=f"{address}/{_SPLITS}")
    if unknown := [name for name in names if name not in _OURS]:
        raise DataError(
            f"the folder holds the split {unknown[0]!r}; known are {', '.join(_OURS)}",
            where=address,
            hint=f"name one split a source: {{source: {address.rstrip('/')}/{unknown[0]}, split: train}}",
        )
    return [(each, _OURS[name]) for name in names for each in _parts(folder / name, f"{address.rstrip('/')}/{name}")]


def _parts(folder: Path, address: str) -> list[Path]:
    if not (folder / _STATE).is_file():
        raise DataError(f"the folder of a split has no {_STATE}", where=address, hint="save the dataset again")
    state = _json(folder / _STATE, address)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise DataError(
            "its rows are chosen by an index file of an old version of datasets",
            where=address,
            hint="load it and save it again after flatten_indices()",
        )
    listed = state.get("_data_files") or []
    names: list[Any] = [each.get("filename") for each in listed if isinstance(each, dict)]
    if not names:
        raise DataError("it names no data files", where=f"{address}/{_STATE}")
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
            raise DataError(f"its data file {name!r} is not in the folder", where=address, hint="copy the whole folder")
    return [folder / name for name in names]


def _json(path: Path, address: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError("it cannot be read as JSON", where=f"{address}/{path.name}") from error
    return found if isinstance(found, dict) else {}
