"""What stands in a file or folder, as entries of `collect`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiaas.errors import DataError, UsageError
from aiaas.pictures import ENDINGS
from aiaas.propose import form
from aiaas.propose.names import SPLITS

_BINARY = {
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".xlsx", ".xlsm"), "excel"),
}
_NOT_READ = frozenset(
    (
        *(".zip", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".npz", ".npy", ".pkl", ".h5", ".arff", ".sav", ".dta", ".rds"),
        *(".pdf", ".doc", ".docx", ".xls", ".xlsb", ".ods", ".html", ".htm", ".db", ".sqlite"),
    )
)
_MARKS = {b"PAR1": "parquet", b"ARROW1": "arrow"}
_TEXTS = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".txt", ".lines", ".data", ".dat", "")
_DATASET = ("dataset_dict.json", "state.json")
_SPLIT = {**{name: name for name in ("train", "validation", "test")}, "dev": "validation"}
_SPLIT |= {"val": "validation", "valid": "validation", "training": "train", "testing": "test"}
_PACKED = (".gz", ".zst")
_FEWEST = 2


@dataclass(slots=True)
class Place:
    """Where rows are: the entries of `collect` that read them, with their paths as they are. `labels` counts the files
    by the class folders of pictures, which need not be read; `header` is false where the columns have no names yet."""

    entries: list[dict[str, Any]]
    labels: Counter[str] | None = None
    header: bool = True


def look(path: Path) -> Place:
    """What stands at a path. Raises DataError where that is nothing to read, UsageError where it is too much."""
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        from aiaas import plugins

        around = path.parent.iterdir() if path.parent.is_dir() else ()
        close = plugins.nearest(path.name, [each.name for each in around])
        hint = f"did you mean {str(path.with_name(close))!r}?" if close else "name a file or a folder of this machine"
        raise DataError("there is no such file or folder", where=str(path), hint=hint)
    return _file(path)


def _file(path: Path) -> Place:
    ending = _ending(path)
    if not path.is_file():
        raise DataError("it is no file but a pipe or a device", where=str(path), hint="write it to a file first")
    if ending in _NOT_READ:
        raise DataError(f"files {ending} are not looked at", where=str(path), hint=form.HINT)
    if ending in _BINARY:
        if not path.stat().st_size:
            raise DataError("the file is empty", where=str(path), hint="name a file with rows")
        return Place([{"source": path}])
    if ending in ENDINGS:
        raise DataError(
            "it is a single picture", where=str(path), hint="name a folder that has one folder of pictures a class"
        )
    with path.open("rb") as stream:
        mark = stream.read(8)
    for begin, name in _MARKS.items():
        if mark.startswith(begin):
            return Place([{"source": path, "format": name}])
    found = form.look(path, str(path))
    usual = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".txt": "lines", ".lines": "lines"}
    usual |= {".csv": "csv", ".tsv": "tsv", ".tab": "tsv"}
    entry = dict(found.entry)
    if entry.get("format") == "lines" and ending not in (*_TEXTS, ".md"):
        raise DataError(f"it is no table, and files {ending} are not read as texts", where=str(path), hint=form.HINT)
    if entry.get("format") == usual.get(ending):
        entry.pop("format", None)
    if not found.header and "names" not in entry:
        entry["names"] = [f"column_{number}" for number in range(1, len(found.columns) + 1)]
    return Place([{"source": path, **entry}], header=found.header)


def _ending(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix.lower() in _PACKED else path.suffix.lower()


def _folder(folder: Path) -> Place:
    if any((folder / name).is_file() for name in _DATASET):
        return Place([{"source": folder}])
    inside = sorted(each for each in folder.iterdir() if not each.name.startswith((".", "_")))
    folders, files = [each for each in inside if each.is_dir()], [each for each in inside if each.is_file()]
    tables = [each for each in files if _ending(each) in _BINARY or (_ending(each) in _TEXTS and _ending(each))]
    tables = [each for each in tables if not re.match(r"(?i)readme|licen[sc]e", each.name)]
    if folders and _is_divided(split := _splits(folders), len(folders)):
        return _together([(each, _folder(each)) for each in folders], split)
    if len(folders) == 1 and len(tables) == 1 and _pictures_in(folders[0]):
        place = _file(tables[0])
        place.entries[0]["picture_folder"] = folders[0].name
        return place
    if len(folders) >= _FEWEST:
        return _classes(folder, folders)
    if tables:
        return _tables(folder, tables)
    if len(folders) == 1:
        return _folder(folders[0])
    if any(_ending(each) in ENDINGS for each in files):
        raise DataError(
            "the pictures lie beside each other, and nothing says what they show",
            where=str(folder),
            hint="put them into one folder a class, or a CSV beside their folder that names each and its label",
        )
    raise DataError("there is nothing in the folder that is read as rows", where=str(folder), hint=form.HINT)


def _splits(paths: Iterable[Path]) -> dict[Path, str]:
    """The split that each path is called by: train.csv, reviews_test.csv, or a folder val."""
    found = {}
    for path in paths:
        words = re.split(r"[^a-z]+", path.name.split(".")[0].lower())
        named = [_SPLIT[word] for word in words if word in _SPLIT]
        if len(named) == 1:
            found[path] = named[0]
    return found


def _is_divided(split: dict[Path, str], count: int) -> bool:
    """Whether all of so many paths are called by splits: one to learn from, and one to judge by."""
    return len(split) == count and "train" in split.values() and len(set(split.values())) > 1


def _together(places: Sequence[tuple[Path, Place]], split: dict[Path, str]) -> Place:
    """The data of every split. Where none is called test, what is called validation is held out to judge by."""
    if "test" not in split.values():
        split = {path: "test" if name == "validation" else name for path, name in split.items()}
    entries = [{**entry, "split": split[path]} for path, place in places for entry in place.entries]
    counts = [place.labels for _, place in places]
    labels: Counter[str] | None = None
    if all(count is not None for count in counts):
        labels = sum((count for count in counts if count), Counter())
    return Place(entries, labels, all(place.header for _, place in places))


def _classes(folder: Path, folders: Sequence[Path]) -> Place:
    """A folder with one folder a class."""
    kinds: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for each in folders:
        endings = [Path(name).suffix.lower() for name in _names(each)]
        pictures = sum(ending in ENDINGS for ending in endings)
        labels[each.name] = pictures
        kinds.update(picture=pictures, text=sum(ending in (".txt", "", ".md") for ending in endings))
    if kinds["picture"] > kinds["text"]:
        return Place([{"source": folder}], labels)
    if not kinds["text"]:
        raise DataError("its folders hold neither pictures nor texts", where=str(folder), hint=form.HINT)
    return Place([{"source": folder, **_encoding(folders)}])


def _encoding(folders: Sequence[Path]) -> dict[str, Any]:
    """What must be said of the encoding of texts, by the first of some folders."""
    for folder in folders:
        for name in _names(folder)[:20]:
            raw = Path(name).read_bytes()[: form.HEAD]
            found = form.encoding_of(raw)
            if found and found not in ("gb18030", "utf-16"):
                return {"encoding": found}
    return {}


def _names(folder: Path) -> list[str]:
    return [
        os.path.join(where, name)  # noqa: PTH118  # a hundred thousand of them
        for where, _, names in os.walk(folder)
        for name in sorted(names)
        if not name.startswith(".")
    ]


def _pictures_in(folder: Path) -> bool:
    return any(Path(name).suffix.lower() in ENDINGS for name in _names(folder)[:100])


def _tables(folder: Path, tables: Sequence[Path]) -> Place:
    """Files of rows beside each other: one, those of the splits, one a class, or parts of one table."""
    if len(tables) == 1:
        return _file(tables[0])
    if _is_divided(split := _splits(tables), len(tables)):
        return _together([(each, _file(each)) for each in tables], split)
    places = [_file(each) for each in tables]
    if all(_as_lines(place, each) for place, each in zip(places, tables, strict=True)):
        return Place([{**place.entries[0], "label": each.stem} for place, each in zip(places, tables, strict=True)])
    endings = {each.suffix for each in tables}
    said = {str({k: v for k, v in place.entries[0].items() if k != "source"}) for place in places}
    if len(endings) == 1 and len(said) == 1:
        rest = {**places[0].entries[0], "source": folder / f"*{tables[0].suffix}"}
        return Place([rest], header=places[0].header)
    listed = ", ".join(each.name for each in tables[:6])
    raise UsageError(
        f"the folder holds several files that do not belong to one table: {listed}",
        hint=f"name one: aiaas init --from {tables[0]}",
    )


def _as_lines(place: Place, path: Path) -> bool:
    entry = place.entries[0]
    return entry.get("format") == "lines" or ("format" not in entry and path.suffix.lower() in (".txt", ".lines"))


assert set(_SPLIT) >= SPLITS - {""}
