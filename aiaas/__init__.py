"""aiaas: one YAML recipe carries a model from raw data to an API that others call.

import aiaas

result = aiaas.run("recipes/reviews_zh_nb.yaml", set=["model.params.alpha=0.5"])
model = aiaas.load("reviews-zh-nb@champion")
model.predict(["房间很干净，服务也好"])

with aiaas.Client("https://models.example.org", key) as client:
    client.predict("reviews-zh-nb", ["房间很干净，服务也好"]).outputs

What fails raises a subclass of `aiaas.AiaasError`. With AIAAS_OFFLINE=1 in the environment a process that imports this
package reaches no other machine; libraries that would report what they are used for are told not to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import offline as _network

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.client import AsyncClient, Client
    from aiaas.compare import Comparison
    from aiaas.errors import AiaasError
    from aiaas.inspect.report import Report
    from aiaas.pipeline import Fetched, Planned, Result
    from aiaas.pipeline.stages import Work
    from aiaas.recipe import Recipe
    from aiaas.report import Judged

__version__ = "0.1.0"
__all__ = [
    "AiaasError",
    "AsyncClient",
    "Client",
    "Recipe",
    "__version__",
    "compare_models",
    "fetch",
    "inspect_data",
    "load",
    "plan",
    "report_on",
    "run",
]

_network.obey()


def run(
    recipe: str | Path | Recipe,
    *,
    set: Sequence[str] = (),
    until: str = "deploy",
    workspace: str | Path | None = None,
    offline: bool = False,
    refresh: bool = False,
    events: Callable[[Mapping[str, Any]], None] | None = None,
) -> Result:
    """Carry a recipe to the stage `until` and return metrics, stages, bundle and the registered model.

    `recipe` is a file or a Recipe; `set` takes the words of `--set`, as `model.params.alpha=0.5`; `workspace` is a
    folder, by default `.aiaas`. `offline` fetches nothing and sends nothing to a tracking server, `refresh` fetches
    remote sources again; `events` is called with what `--events` writes. Raises AiaasError subclasses; a failed gate is
    a GateError.
    """
    from aiaas import pipeline

    return pipeline.run(_work(recipe, set, workspace, offline=offline, refresh=refresh), until, events=events)


def plan(
    recipe: str | Path | Recipe,
    *,
    set: Sequence[str] = (),
    until: str = "deploy",
    workspace: str | Path | None = None,
    offline: bool = False,
) -> list[Planned]:
    """For each stage up to `until`: whether a run would find it there, and if not, why. Computes nothing.

    Arguments and errors are those of `run`.
    """
    from aiaas import pipeline

    return pipeline.plan(_work(recipe, set, workspace, offline=offline), until)


def fetch(
    recipe: str | Path | Recipe,
    *,
    set: Sequence[str] = (),
    workspace: str | Path | None = None,
    refresh: bool = False,
) -> Fetched:
    """Bring everything that a recipe needs of other machines, so that `run` with `offline` finds it.

    Arguments and errors are those of `run`; RemoteError where a source cannot be had or would be asked again.
    """
    from aiaas import pipeline

    return pipeline.fetch(_work(recipe, set, workspace, refresh=refresh, verb="fetch"))


def load(reference: str | Path, *, workspace: str | Path | None = None) -> Bundle:
    """The model called `reference` (NAME, NAME@ALIAS, NAME/VERSION, or a bundle's folder), verified and ready.

    Its `predict` takes inputs as a request has them and gives the answers of the service. Raises UsageError where no
    such model is registered here, VerificationError for one that is damaged or altered, and MissingPackageError.
    """
    from aiaas import bundle
    from aiaas.workspace import Workspace

    return bundle.find(str(reference), Workspace.look(_path(workspace)))


def inspect_data(
    recipe: str | Path | Recipe,
    *,
    set: Sequence[str] = (),
    workspace: str | Path | None = None,
    offline: bool = False,
) -> Report:
    """What a recipe would learn from: rows, classes, lengths, and what is the matter with them (`findings`).

    The rows are collected and preprocessed unless they are there already; nothing is learned. Arguments and errors are
    those of `run`, but no finding raises.
    """
    from aiaas.pipeline.looking import look_at_recipe

    return look_at_recipe(_work(recipe, set, workspace, offline=offline, verb="inspect"))


def report_on(
    reference: str | Path | Recipe, *, set: Sequence[str] = (), workspace: str | Path | None = None
) -> Judged:
    """How good a model is: metrics with intervals, classes, slices, errors, where it comes from.

    `reference` is a run, a model as `load` takes it, a recipe's file (.yaml) or a Recipe that was evaluated; `set` is
    for a recipe. `aiaas.report.page`, `model_card` and `bill_of_materials` write it out. Raises UsageError where it
    names nothing that was evaluated.
    """
    from aiaas.errors import UsageError
    from aiaas.pipeline import reporting
    from aiaas.recipe import Recipe
    from aiaas.workspace import Workspace

    if isinstance(reference, Recipe) or str(reference).lower().endswith((".yaml", ".yml")):
        return reporting.of_recipe(_work(reference, set, workspace, verb="report")).judged
    if set:
        raise UsageError("`set` changes a recipe, and this is none", where=str(reference))
    return reporting.of_reference(str(reference), Workspace.look(_path(workspace))).judged


def compare_models(
    references: Sequence[str | Path],
    *,
    metric: str | None = None,
    rows: int = 5,
    timeout: float = 30.0,
    workspace: str | Path | None = None,
) -> Comparison:
    """Hold runs, models and services against the first of them, on the same rows.

    Each is a run, a model as `load` takes it, or a service's URL; `metric` is the main one, by default the task's
    first; so many `rows` that are answered differently are kept; a service has `timeout` seconds for a request. Raises
    UsageError for fewer than two, or where there are no rows to ask, and DataError where tasks or labels differ. Rows
    that a service does not answer are counted, not raised.
    """
    from aiaas import compare
    from aiaas.errors import UsageError
    from aiaas.workspace import Workspace

    if isinstance(references, str) or len(references) < 2:
        raise UsageError("there is nothing to compare it with", where=str(references), hint="name two or more")
    subjects = compare.gather([str(each) for each in references], Workspace.look(_path(workspace)), timeout=timeout)
    return compare.compare(subjects, metric=metric, rows=rows)


def _work(
    recipe: str | Path | Recipe,
    overrides: Sequence[str],
    workspace: str | Path | None,
    *,
    offline: bool = False,
    refresh: bool = False,
    verb: str = "run",
) -> Work:
    from aiaas.errors import UsageError
    from aiaas.pipeline.stages import Work
    from aiaas.recipe import Recipe
    from aiaas.workspace import Workspace

    if isinstance(recipe, Recipe):
        chosen = recipe.changed(overrides) if overrides else recipe
    elif isinstance(recipe, Mapping):
        raise UsageError("a recipe is a file or a Recipe, found a dict", hint="make one: aiaas.Recipe.from_dict(…)")
    else:
        chosen = Recipe.read(recipe, overrides)
    return Work(chosen, Workspace.open(_path(workspace)), offline or _network.asked(), refresh, verb)


def _path(given: str | Path | None) -> Path | None:
    return Path(given) if given else None


def __getattr__(name: str) -> Any:
    """Classes are loaded when they are asked for: importing aiaas stays free."""
    if name == "AiaasError":
        from aiaas.errors import AiaasError

        return AiaasError
    if name == "Recipe":
        from aiaas.recipe import Recipe

        return Recipe
    if name in ("AsyncClient", "Client"):
        from aiaas import client

        return getattr(client, name)
    raise AttributeError(f"module 'aiaas' has no attribute {name!r}")
