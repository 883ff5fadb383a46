"""The Python API: what is exported, typed and documented, and that it does what the verbs do."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from typing import get_type_hints

import pytest

import aiaas
from aiaas.errors import ExampleError, Fault, GateError, RecipeError, UsageError
from tests.conftest import BAD, GOOD, RECIPE, comments

FUNCTIONS = ["compare_models", "fetch", "inspect_data", "load", "plan", "report_on", "run"]
CLASSES = ["AiaasError", "AsyncClient", "Client", "Recipe"]


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `tiny.yaml` was carried through."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "good.txt").write_text("\n".join(comments(GOOD, 120, 1)) + "\n", "utf-8")
    (folder / "bad.txt").write_text("\n".join(comments(BAD, 120, 2)) + "\n", "utf-8")
    (folder / "tiny.yaml").write_text(RECIPE, "utf-8")
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setenv("AIAAS_TRACKING", "off")
        aiaas.run("tiny.yaml")
        yield folder


def test_what_is_exported_is_this_and_nothing_else() -> None:
    assert sorted(aiaas.__all__) == sorted([*FUNCTIONS, *CLASSES, "__version__"])
    assert all(getattr(aiaas, name) is not None for name in aiaas.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = aiaas.trian


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_no_export_is_called_like_a_module(name: str) -> None:
    """Importing the module would put it in the place of the function."""
    assert find_spec(f"aiaas.{name}") is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_typed_and_documented(name: str) -> None:
    function = getattr(aiaas, name)
    signature = inspect.signature(function)
    assert all(each.annotation is not each.empty for each in signature.parameters.values())
    assert signature.return_annotation is not signature.empty
    first, *rest = inspect.getdoc(function).splitlines()  # type: ignore[union-attr]
    assert first[0].isupper()
    assert rest or first.endswith(".")
    beyond = [each.kind for each in signature.parameters.values()][1:]
    assert set(beyond) <= {inspect.Parameter.KEYWORD_ONLY}


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(aiaas.__file__).parent / "py.typed").is_file()
    assert get_type_hints(aiaas.AiaasError.__init__)


def test_importing_it_is_free() -> None:
    code = "import sys; before = {*sys.modules}; import aiaas; print(*{*sys.modules} - before)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "numpy", "yaml", "mlflow", "tensorflow", "torch"} & set(loaded)


def test_a_recipe_may_be_a_file_or_made_here(carried: Path) -> None:
    read = aiaas.Recipe.read("tiny.yaml", ["seed=4"])
    made = aiaas.Recipe.from_dict(read.resolved())
    assert made == read
    changed = read.changed(["model.params.alpha=0.25", "seed=3"])
    assert (changed.seed, changed.file, changed.base) == (3, read.file, read.base)
    assert read.seed == 4
    named = {stage.name: stage.cached for stage in aiaas.plan(read, set=["seed=3"])}
    assert set(named.values()) == {True}, "the same as the file, however it was said"
    assert not all(stage.cached for stage in aiaas.plan("tiny.yaml", set=["seed=4"]))


def test_a_run_that_was_made_is_asked_about(carried: Path) -> None:
    result = aiaas.run("tiny.yaml", offline=True)
    assert all(stage.cached for stage in result.stages)
    judged = aiaas.report_on("tiny@champion")
    assert judged.metrics["accuracy"] == result.metrics["accuracy"]
    assert aiaas.report_on("tiny.yaml").metrics == judged.metrics
    assert aiaas.report_on(aiaas.Recipe.read("tiny.yaml")).name == "tiny"
    assert aiaas.inspect_data("tiny.yaml").rows.collected == 240
    assert aiaas.fetch("tiny.yaml").rows == 240
    (one,) = aiaas.load("tiny@champion").predict(["房间很好，服务干净"])
    assert one["label"] == "pos"
    assert result.bundle is not None
    assert aiaas.load(result.bundle).digest == aiaas.load("tiny/1", workspace=carried / ".aiaas").digest


def test_models_are_held_against_each_other(carried: Path) -> None:
    with pytest.raises(GateError):  # judged, and kept: a run like any other
        aiaas.run("tiny.yaml", set=["model.params.alpha=50", "evaluate.gates.log_loss='<= 1e-9'"])
    runs = sorted(path.name for path in (carried / ".aiaas" / "runs").iterdir() if path.is_dir())
    found = aiaas.compare_models(runs, rows=1)
    names = [each.name.rpartition(" ")[2] for each in found.standings]
    assert [run.rpartition("-")[2] for run in runs] == names
    for wrong in ("tiny", ["tiny"]):
        with pytest.raises(UsageError, match="nothing to compare"):
            aiaas.compare_models(wrong)


def test_a_recipe_stands_where_it_was_read_wherever_the_program_goes(carried: Path) -> None:
    read, made = aiaas.Recipe.read("tiny.yaml"), aiaas.Recipe.from_dict(aiaas.Recipe.read("tiny.yaml").resolved())
    (carried / "elsewhere").mkdir()
    with chdir("elsewhere"):
        for recipe in (read, made, read.changed(["seed=3"])):
            assert all(stage.cached for stage in aiaas.plan(recipe, workspace=carried / ".aiaas"))


@pytest.mark.parametrize(
    ("misuse", "told"),
    [
        (lambda: aiaas.run("tiny.yaml", until="deplyo"), "no stage 'deplyo'.*\n.*did you mean 'deploy'"),
        (lambda: aiaas.run("tiny.yaml", set="seed=4"), "must be a list of texts PATH=VALUE"),
        (lambda: aiaas.Recipe.read("tiny.yaml", {"seed": 4}), "must be a list of texts PATH=VALUE"),
        (lambda: aiaas.plan({"name": "tiny"}), "Recipe.from_dict"),
        (lambda: aiaas.load("tiny").predict("房间很好"), "inputs must be a list"),
    ],
)
def test_what_would_be_mistaken_for_something_else_is_refused(
    misuse: Callable[[], object], told: str, carried: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        misuse()


def test_an_error_shows_where_and_what_to_do_in_a_traceback_and_crosses_processes() -> None:
    faults = [
        Fault("a.yaml:3:1", "sead", "unknown key", "did you mean 'seed'?"),
        Fault("a.yaml:4:1", "name", "is missing"),
    ]
    for error, lines in (
        (RecipeError(faults), ["  a.yaml:3:1: sead: did you mean 'seed'?", "  a.yaml:4:1: name"]),
        (ExampleError("it is too long", 2, hint="cut it"), ["  where: example 3", "  hint: cut it"]),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
        assert again.__notes__ == lines
        again.reword(lambda text: text.replace("it", "***"))
        assert "it" not in str(again) + "".join(again.__notes__[1:])


def test_what_names_nothing_is_told(carried: Path) -> None:
    with pytest.raises(aiaas.AiaasError, match="tinny"):
        aiaas.load("tinny")
    with pytest.raises(UsageError, match="this is none"):
        aiaas.report_on("tiny@champion", set=["seed=1"])
    with pytest.raises(UsageError):
        aiaas.report_on("tiny.yaml", set=["seed=99"])
