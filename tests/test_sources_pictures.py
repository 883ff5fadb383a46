"""Pictures as sources hold them: folders, parquet, IDX, arrays, rows of pixels, the hub's Image feature."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from aiaas import pictures, plugins
from aiaas.collect.columns import Mapper
from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import hub
from tests.picture_toys import red_or_blue

COUNT = 30
PIXELS = np.random.default_rng(5).integers(0, 256, (COUNT, 7, 5), np.uint8)
LABELS = [number % 3 for number in range(COUNT)]


def collected(folder: Path, warnings: list[str] | None = None, **params: Any) -> dict[str, list[Any]]:
    """The rows of a source as collect maps them for the task."""
    module = plugins.source(params["source"])
    told = warnings if warnings is not None else []
    context = SourceContext(folder, folder / "cache", warn=told.append)
    given = module.Params.model_validate(params)
    module.fingerprint(given, context)
    mapper = Mapper(given, plugins.task("image-classification"), ())
    rows: dict[str, list[Any]] = {"image": [], "label": []}
    for batch in module.read(given, context):
        mapped, _ = mapper.apply(batch, lambda row: f"row {row}")
        for name, values in mapped.items():
            rows[name] += values
    assert all(origin.sha256 for origin in module.origins(given, context))
    return rows


def pixels_of(rows: dict[str, list[Any]], channels: Any = 1) -> Any:
    return pictures.decode_many(rows["image"], 7, 5, channels)


def failure(folder: Path, **params: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        collected(folder, **params)
    return caught.value


def idx(array: Any) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


# --- folders -----------------------------------------------------------------------------------------------------


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / "all" / ("red", "blue")[number % 2] / f"{number}.PNG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(red_or_blue(number))
    (tmp_path / "all/red/.DS_Store").write_bytes(b"x")
    (tmp_path / "all/red/notes.txt").write_text("found in the attic")
    warnings: list[str] = []
    rows = collected(tmp_path, warnings, source="all")
    assert rows["image"] == [red_or_blue(number) for number in (1, 3, 5, 0, 2, 4)]
    assert rows["label"] == ["blue"] * 3 + ["red"] * 3
    assert warnings == ["1 of 7 files are no pictures and passed over: all/red/notes.txt"]


def test_a_glob_with_a_label(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(red_or_blue(number, "JPEG"))
    rows = collected(tmp_path, source="*.jpg", label="red")
    assert rows["label"] == ["red"] * 3
    assert rows["image"][2] == red_or_blue(2, "JPEG")


def test_batches_of_files_know_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.sources._pictures._BYTES", 1000)
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(red_or_blue(number))
    module: Any = plugins.source("x")
    batches = list(module.read(module.Params(source="*.png"), SourceContext(tmp_path, tmp_path)))
    assert len(batches) > 2
    names = [batch.where(row) for batch in batches for row in range(len(batch["image"]))]
    assert names == [f"{number}.png" for number in range(10)]


# --- parquet and the hub -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("struct_", [False, True], ids=["bytes", "datasets struct"])
def test_parquet(tmp_path: Path, struct_: bool) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    data = [red_or_blue(number) for number in range(10)]
    held = [{"bytes": each, "path": f"{place}.png"} for place, each in enumerate(data)] if struct_ else data
    parquet.write_table(pa.table({"img": held, "label": [number % 2 for number in range(10)]}), tmp_path / "a.parquet")
    rows = collected(tmp_path, source="a.parquet", columns={"image": "img"})
    assert rows == {"image": data, "label": ["0", "1"] * 5}


def test_a_column_of_names_is_no_column_of_pictures(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    for held in ("cats/1.png", {"bytes": None, "path": "cats/1.png"}, 7):
        parquet.write_table(pa.table({"image": [held], "label": ["cat"]}), tmp_path / "a.parquet")
        error = failure(tmp_path, source="a.parquet")
        assert "column 'image' holds" in error.message
        assert error.where == "row 0"


def test_the_hub_gives_pictures_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one call that needs the hub is answered by a local folder of the same format."""
    import datasets

    data = [red_or_blue(number) for number in range(10)]
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["red", "blue"])})
    rows = {"img": [{"bytes": each, "path": None} for each in data], "label": [number % 2 for number in range(10)]}
    (tmp_path / "data").mkdir()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "data" / "train.parquet"))
    opened = hub.open_dataset
    monkeypatch.setattr(hub, "open_dataset", lambda name, params, commit: opened(str(tmp_path / "data"), params, None))
    params = hub.Params(source="hf:uoft-cs/cifar10", revision="0" * 40, columns={"image": "img"})
    mapper = Mapper(params, plugins.task("image-classification"), ())
    (batch,) = hub.read(params, SourceContext(tmp_path, tmp_path / "cache"))
    mapped, _ = mapper.apply(batch, str)
    assert mapped == {"image": data, "label": ["red", "blue"] * 5}


# --- IDX ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx(tmp_path: Path, ending: str) -> None:
    pack = gzip.compress if ending else bytes
    (tmp_path / f"x-idx3-ubyte{ending}").write_bytes(pack(idx(PIXELS)))
    (tmp_path / f"y-idx1-ubyte{ending}").write_bytes(pack(idx(np.array(LABELS))))
    where = {"source": f"x-idx3-ubyte{ending}", "labels": f"y-idx1-ubyte{ending}", "format": "idx"}
    rows = collected(tmp_path, **where)
    assert np.array_equal(pixels_of(rows)[..., 0], PIXELS)
    assert rows["label"] == [str(label) for label in LABELS]
    named = collected(tmp_path, **where, label_names=["t-shirt", "bag", "boot"])
    assert named["label"] == [("t-shirt", "bag", "boot")[label] for label in LABELS]
    assert "label_names: names those from 0 to 1" in failure(tmp_path, **where, label_names=["a", "b"]).message


def test_idx_of_colours_in_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.sources._arrays.BYTES", 400)
    coloured = np.random.default_rng(1).integers(0, 256, (COUNT, 7, 5, 3), np.uint8)
    (tmp_path / "x.idx").write_bytes(idx(coloured))
    rows = collected(tmp_path, source="x.idx", label="one")
    assert np.array_equal(pixels_of(rows, 3), coloured)


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (idx(PIXELS)[:-1], idx(np.array(LABELS)), "ends before all the rows"),
        (idx(PIXELS) + b"x", idx(np.array(LABELS)), "more bytes follow the 30 rows"),
        (idx(PIXELS), idx(np.array(LABELS[:-1])), "holds 29 numbers, there are 30 pictures"),
        (idx(np.array(LABELS)), idx(np.array(LABELS)), "an array of 30, which are no pictures"),
        (b"\x89PNG\r\n\x1a\n", idx(np.array(LABELS)), "no IDX file"),
        (b"\0\0\x0d\x03" + bytes(12), idx(np.array(LABELS)), "type 0x0d"),
        (idx(PIXELS), b"\0\0\x08\x01\0", "ends before"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 1, 60_000, 60_000), idx(np.array([0])), "which are no pictures"),
    ],
)
def test_what_is_wrong_with_idx(tmp_path: Path, images: bytes, labels: bytes, told: str) -> None:
    (tmp_path / "x").write_bytes(images)
    (tmp_path / "y").write_bytes(labels)
    assert told in failure(tmp_path, source="x", labels="y", format="idx").message


def test_the_labels_belong_to_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "x.idx").write_bytes(idx(PIXELS))
    (tmp_path / "y.idx").write_bytes(idx(np.array(LABELS)))
    module: Any = plugins.source("x")
    params = module.Params(source="x.idx", labels="y.idx", format="idx")
    context = SourceContext(tmp_path, tmp_path / "cache")
    before = dict(module.fingerprint(params, context))
    assert set(before) == {"x.idx", "y.idx"}
    (tmp_path / "y.idx").write_bytes(idx(np.array(LABELS[::-1])))
    assert module.fingerprint(params, context) != before
    assert "goes with one file" in failure(tmp_path, source="*.idx", labels="y.idx", format="idx").message
    assert failure(tmp_path, source="x.idx", labels="gone.idx", format="idx").where == "gone.idx"


# --- arrays ------------------------------------------------------------------------------------------------------


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", PIXELS)
    np.save(tmp_path / "y.npy", np.array(LABELS))
    rows = collected(tmp_path, source="x.npy", labels="y.npy")
    assert np.array_equal(pixels_of(rows)[..., 0], PIXELS)
    assert rows["label"] == [str(label) for label in LABELS]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "all.npz", x_train=PIXELS / 255, y_train=np.array(LABELS), x_test=PIXELS[:4], y_test=LABELS[:4])
    rows = collected(
        tmp_path,
        source="all.npz",
        columns={"image": "x_train", "label": "y_train"},
        highest=1,
        label_names=["a", "b", "c"],
    )
    assert np.array_equal(pixels_of(rows)[..., 0], PIXELS)
    assert rows["label"] == ["abc"[label] for label in LABELS]
    assert "different numbers of rows" in failure(tmp_path, source="all.npz").message
    gone = failure(tmp_path, source="all.npz", columns={"image": "x", "label": "y_train"})
    assert "no array 'x'; there are: x_train, y_train, x_test, y_test" in gone.message


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return print, ("sprung",)

    np.save(tmp_path / "x.npy", np.array([Trap()], object), allow_pickle=True)
    assert "type object" in failure(tmp_path, source="x.npy", label="a").message


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.full((2, 3, 3), 300), "go from 300 to 300; allowed are 0 to 255"),
        (np.full((2, 3, 3), np.nan), "allowed are 0 to 255"),
        (np.zeros((2, 9)), "its shape is 2 x 9"),
        (np.zeros((2, 0, 9)), "its shape is 2 x 0 x 9"),
        (np.zeros((0, 60_000, 60_000)), "its shape is 0 x 60000 x 60000"),
        (np.asfortranarray(np.zeros((2, 3, 3))), "column by column"),
    ],
)
def test_what_is_wrong_with_arrays(tmp_path: Path, array: Any, told: str) -> None:
    np.save(tmp_path / "x.npy", array)
    assert told in failure(tmp_path, source="x.npy", label="a").message


def test_a_cut_array_is_told(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.save(out, PIXELS)
    (tmp_path / "x.npy").write_bytes(out.getvalue()[:-1])
    assert "ends before" in failure(tmp_path, source="x.npy", label="a").message


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, image=PIXELS, label=np.array(LABELS))
    whole = bytearray(path.read_bytes())
    name, extra = struct.unpack("<2H", whole[26:30])
    whole[30 + name + extra] = 0xFF  # a kind of block that there is not
    path.write_bytes(whole)
    assert "cannot be read as npz" in failure(tmp_path, source="x.npz").message


# --- rows of pixels ----------------------------------------------------------------------------------------------


def test_the_digits_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = collected(
        tmp_path,
        source="package:sklearn/datasets/data/digits.csv.gz",
        format="pixels",
        shape=[8, 8],
        label_at="last",
        highest=16,
    )
    assert rows["label"] == [str(label) for label in digits.target]
    given = pictures.decode_many(rows["image"], 8, 8, 1)[..., 0]
    assert np.array_equal(given, np.rint(digits.images * 255 / 16).astype(np.uint8))


def test_pixels_with_a_header_and_the_label_first(tmp_path: Path) -> None:
    body = "\n".join(f"{label},{','.join(map(str, row.ravel()))}" for label, row in zip(LABELS, PIXELS, strict=True))
    head = ",".join(["label", *(f"pixel{place}" for place in range(35))])
    (tmp_path / "x.csv").write_text(f"{head}\n{body}\n\n")
    rows = collected(tmp_path, source="x.csv", format="pixels", shape=[7, 5], label_at="first")
    assert np.array_equal(pixels_of(rows)[..., 0], PIXELS)
    assert rows["label"] == [str(label) for label in LABELS]


def test_malformed_rows_of_pixels(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2,3,4,a\n1,2,3,4\n1,x,3,4,b\n5,6,7,8,b\n")
    how: dict[str, Any] = {"source": "x.csv", "format": "pixels", "shape": [2, 2], "label_at": "last"}
    error = failure(tmp_path, **how)
    assert "line 2: 4 fields instead of 5; line 3: a pixel is no number" in error.message
    assert "label_at:" in str(error.hint)
    warnings: list[str] = []
    rows = collected(tmp_path, warnings, **how, on_error="skip")
    assert rows["label"] == ["a", "b"]
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"format": "pixels"}, "pixels needs shape"),
        ({"format": "jsonl", "labels": "y"}, "labels belongs to csv, tsv, idx and npy, not to jsonl"),
        ({"format": "idx", "shape": [2, 2]}, "shape belongs to pixels, not to idx"),
        ({"format": "pixels", "shape": [2, 2, 2]}, "shape"),
        ({"format": "npy", "highest": 0}, "highest"),
    ],
)
def test_parameters_that_do_not_go_together(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        plugins.source("x").Params.model_validate({"source": "x", **params})
