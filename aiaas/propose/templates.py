"""What a recipe may begin with: the files of templates/, each a task, its steps, a model and how it learns."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import Field

from aiaas import plugins
from aiaas.contracts import Params
from aiaas.errors import UsageError


class Model(Params):
    """As under `model` of a recipe."""

    backend: str
    architecture: str
    params: dict[str, Any]


class Template(Params):
    """One file of templates/: `about` says for whom it is, the rest is what a recipe says."""

    name: str
    about: str
    task: str
    steps: list[Any]
    model: Model
    train: dict[str, Any] = Field(default_factory=dict)

    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed here."""
        requires = plugins.architecture(self.model.backend, self.model.architecture).REQUIRES
        return [name for name, version in plugins.installed(requires).items() if version is None]

    def command(self) -> str | None:
        """What installs the packages that are missing; None where none is."""
        from aiaas.errors import MissingPackageError

        requires = plugins.architecture(self.model.backend, self.model.architecture).REQUIRES
        try:
            plugins.require(requires, self.name)
        except MissingPackageError as error:
            return error.hint
        return None


@cache
def all_of_them() -> list[Template]:
    """Every template, by task and name."""
    room = files("aiaas.propose") / "templates"
    found = [
        Template.model_validate({"name": each.name.removesuffix(".yaml"), **yaml.safe_load(each.read_text("utf-8"))})
        for each in room.iterdir()
        if each.name.endswith(".yaml")
    ]
    return sorted(found, key=lambda each: (each.task, each.name))


def named(name: str) -> Template:
    """The template of this name; UsageError that lists what there is."""
    known = {each.name: each for each in all_of_them()}
    if name in known:
        return known[name]
    close = plugins.nearest(name, known)
    raise UsageError(
        f"there is no template {name!r}; there are: {', '.join(known)}",
        hint=f"did you mean {close!r}?" if close else "aiaas init --list says what each is for",
    )
