"""Everything that a run of a recipe asks other machines for, brought to this one beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from aiaas import offline, plugins
from aiaas.errors import RemoteError, UsageError
from aiaas.pipeline import files, lists
from aiaas.pipeline.run import Listener, run
from aiaas.pipeline.stages import STAGES, Work, judging, there
from aiaas.workspace import keys


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is here now. `sources` says of each source its rows and where they came from, `files` the same of what the
    model reads besides them; `lists` are the addresses of what steps read, `champion` the model that a gate holds the
    new one against, where it is registered elsewhere."""

    recipe: str
    rows: int
    sources: list[dict[str, Any]]
    files: dict[str, Any]
    lists: list[str]
    champion: str | None
    packages: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "rows": self.rows,
            "sources": self.sources,
            "files": self.files,
            "lists": self.lists,
            "champion": self.champion,
            "packages": self.packages,
        }


def fetch(work: Work, listener: Listener | None = None) -> Fetched:
    """Collect the rows, fetch what model and steps read besides them and the champion that a gate names, and make sure
    that a run which is offline finds all of it.

    Raises UsageError where the environment forbids it; MissingPackageError for what the model needs, before anything is
    fetched; what sources raise; and RemoteError where a source would be asked again all the same.
    """
    if work.offline or offline.asked():
        raise UsageError("offline nothing can be fetched", hint=f"unset {offline.VARIABLE}")
    recipe = work.recipe
    packages = plugins.require(*_packages(work))
    recipe.sources()  # a secret that is not set is said with its place
    with work.workspace.in_use():
        read = _beside(work)  # what fails fails before the rows, which may take long
        champion = judging.champion(work)
        collected = run(work, "collect", listener).stages[-1]
        _prove(work, collected.key)
    return Fetched(
        recipe.name,
        collected.summary["rows"],
        [dict(source) for source in collected.summary["sources"]],
        read,
        sorted(lists.addresses(recipe.preprocess)),
        f"{champion.name}/{champion.number}" if champion else None,
        packages,
    )


def _packages(work: Work) -> tuple[Iterable[str], str]:
    """The distributions that the model needs, as far as it says so, and what for."""
    model = work.recipe.model
    return plugins.architecture(model.backend, model.architecture).REQUIRES, f"{model.backend}/{model.architecture}"


def _beside(work: Work) -> dict[str, Any]:
    """What is read besides the rows: the lists of steps, the files and folders of the model. Where each came from."""
    lists.read(work.recipe.preprocess, work.data_context())
    model, context = work.recipe.model, work.source_context()
    files.paths(model, context)
    return files.provenance(model, context)


def _prove(work: Work, key: str) -> None:
    """Ask for all of it once more, as a run does that may reach nobody."""
    alone = replace(work, offline=True, refresh=False)
    collect = STAGES["collect"]
    if (found := keys.digest_json(collect.inputs(alone, {}))) != key or there(alone, collect, found) is None:
        raise RemoteError(
            "a source cannot say offline that its rows are the same: a run with --offline would want it again",
            where=work.recipe.where("collect"),
            hint="run the same command again; if it says so again, the source changes while it is read",
        )
    _beside(alone)
