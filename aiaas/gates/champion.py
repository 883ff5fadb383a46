"""The model that another one is held against."""

from __future__ import annotations

import os

from aiaas.errors import UsageError
from aiaas.recipe.gate import Against
from aiaas.track import Registry, Version, parse_reference
from aiaas.track.fetch import NotRegistered, fetched
from aiaas.workspace import Workspace


def champion(name: str, asked: Against, workspace: Workspace, *, fetch: bool) -> Version | None:
    """The version that the gate of the model `name` names; None where it is an alias that no version of the model has
    yet, as before the first one was registered.

    With `fetch`, a model that is not registered here is asked for in the MLflow that MLFLOW_TRACKING_URI names; without
    it, what was last fetched from there is taken. Raises UsageError where another model or a version is named that
    there is not, and RemoteError.
    """
    registry = Registry(workspace.models)
    named = "@" in asked.model or "/" in asked.model
    if named:
        name, alias, version = parse_reference(asked.model)
    elif asked.model.isdecimal():
        alias, version = None, int(asked.model)
    else:
        alias, version = asked.model, None
    of_own = version is None and not named
    if registry.has(name):
        absent = of_own and alias not in registry.aliases(name)
        return None if absent else registry.resolve(name, alias=alias, version=version)
    if not fetch or not os.environ.get("MLFLOW_TRACKING_URI"):
        if not fetch and (known := fetched(workspace.root, name, alias=alias, version=version)):
            return known
        if of_own:
            return None
        raise UsageError(
            f"no model is registered here as {asked.model!r}",
            where="evaluate.gates.against",
            hint="aiaas models list shows what there is; in MLflow is looked where MLFLOW_TRACKING_URI says which",
        )
    try:
        return registry.resolve(name, alias=alias, version=version)
    except NotRegistered:
        if of_own:
            return None
        raise
