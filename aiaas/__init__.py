"""aiaas: one YAML recipe carries a model from raw data to an API that others call.

import aiaas

result = aiaas.run("recipes/reviews_zh_nb.yaml", set=["model.params.alpha=0.5"])
model = aiaas.load("reviews-zh-nb@champion")
model.predict(["房间很干净，服务也好"])

with aiaas.Client("https://models.example.org", key) as client:
    client.predict("reviews-zh-nb", ["房间很干净，服务也好"]).outputs
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiaas.bundle import Bundle
    from aiaas.client import AsyncClient, Client
    from aiaas.pipeline import Result
    from aiaas.recipe import Recipe

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "Recipe", "__version__", "load", "run"]


def run(
    recipe: str | Path | Recipe,
    *,
    set: Sequence[str] = (),
    until: str = "deploy",
    workspace: str | Path | None = None,
    offline: bool = False,
    events: Callable[[Mapping[str, Any]], None] | None = None,
) -> Result:
    """Carry a recipe to the stage `until` and return metrics, stages, bundle and the registered model.

    `recipe` is a file or a Recipe; `set` takes the words of `--set`, as `model.params.alpha=0.5`; `events` is called
    with what `--events` writes. Raises AiaasError subclasses; a failed gate is a GateError.
    """
    from aiaas import pipeline
    from aiaas.pipeline.stages import Work
    from aiaas.recipe import Recipe, read
    from aiaas.workspace import Workspace

    chosen = recipe if isinstance(recipe, Recipe) else read(Path(recipe), set)
    space = Workspace.open(Path(workspace) if workspace else None)
    return pipeline.run(Work(chosen, space, offline), until, events=events)


def load(reference: str | Path, *, workspace: str | Path | None = None) -> Bundle:
    """The model called `reference` (NAME, NAME@ALIAS, NAME/VERSION, or a bundle's folder), verified and ready."""
    from aiaas import bundle
    from aiaas.workspace import Workspace

    return bundle.find(str(reference), Workspace.look(Path(workspace) if workspace else None))


def __getattr__(name: str) -> Any:
    """`aiaas.Recipe` and the clients are loaded when they are asked for: importing aiaas stays free."""
    if name == "Recipe":
        from aiaas.recipe import Recipe

        return Recipe
    if name in ("AsyncClient", "Client"):
        from aiaas import client

        return getattr(client, name)
    raise AttributeError(f"module 'aiaas' has no attribute {name!r}")
