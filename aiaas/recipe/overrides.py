"""Values from outside the file: `--set PATH=VALUE`, and the environment's `AIAAS__PATH__WITH__UNDERSCORES=VALUE`.

What wins: `--set` (a later one over an earlier one), then the environment, then the file, then the default. A value is
read as one YAML scalar, or as a list or mapping where it opens with a bracket or brace, and typed by the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiaas import plugins
from aiaas.errors import UsageError
from aiaas.plugins import nearest
from aiaas.recipe import paths, scalars
from aiaas.recipe.compose import Unreadable
from aiaas.recipe.document import Document, Place
from aiaas.recipe.parse import parse

PREFIX = "AIAAS__"
_STEPS: paths.Path = ("preprocess", "steps")


def apply(document: Document, overrides: Iterable[str], environ: Mapping[str, str]) -> None:
    """Lay the environment's values and then those of `--set` over the document; faults are noted in it."""
    if not isinstance(document.data, dict):
        return
    named = sorted((name for name in environ if name.upper().startswith(PREFIX)), key=lambda name: (len(name), name))
    for index, name in enumerate(named):
        place = _place("environment", f"environment {name}", f"environment {name}", 1, index)
        parts = [part.lower() for part in name[len(PREFIX) :].split("__")]
        if not all(parts):
            document.refuse((), "is not a path: a key is missing between double underscores", at=place)
            continue
        _override(document, tuple(parts), environ[name], place, fold=True)
    for index, text in enumerate(overrides):
        _set(document, text, index)


def _set(document: Document, text: str, index: int) -> None:
    path, equals, value = text.partition("=")
    where = f"--set {path[:80]}{'=…' if equals else ''}"
    place = _place("--set", "--set", where, 2, index)
    if not equals:
        document.refuse((), "must be PATH=VALUE", "for example --set model.params.alpha=0.5", at=place)
        return
    try:
        parts = paths.parse(path.strip())
    except ValueError:
        hint = "write it like model.params.alpha or collect[0].source"
        document.refuse((), "is not a path", hint, at=place)
        return
    _override(document, parts, value, place)


def _place(kind: Any, origin: str, where: str, layer: int, index: int) -> Place:
    return Place(kind, origin, where, where, (layer, index, 0))


def _override(document: Document, path: paths.Path, text: str, place: Place, *, fold: bool = False) -> None:
    value, raws = _value(document, path, text, place)
    if value is _UNREADABLE:
        return
    resolved = _Walk(document, place, fold).to(path)
    if resolved is None:
        return
    document.replace(resolved, value, place)
    document.raws.update({(*resolved, *inner): raw for inner, raw in raws.items()})


_UNREADABLE = object()


def _value(document: Document, path: paths.Path, text: str, place: Place) -> tuple[Any, dict[paths.Path, str]]:
    """The value, and the text of each plain scalar in it."""
    text = text.strip()
    try:
        if not text.startswith(("[", "{", '"', "'")):
            return scalars.resolve(text), {(): text}
        inner = parse(text.encode("utf-8", "surrogatepass"), place.where)
    except (ValueError, Unreadable) as error:
        document.refuse(path, str(error), at=place)
        return _UNREADABLE, {}
    for fault in inner.faults:
        hint = fault.hint or "put text that begins with a bracket, brace or quote in quotes of its own"
        document.refuse((*path, *_parts(fault.path)), fault.message, hint, at=place)
    if inner.faults:
        return _UNREADABLE, {}
    return inner.data, inner.plain


def _parts(path: str) -> paths.Path:
    return paths.parse(path) if path else ()


class _Walk:
    """Follows a path into the data, making what is missing on the way and finding steps by their names."""

    def __init__(self, document: Document, place: Place, fold: bool) -> None:
        self.document, self.place, self.fold = document, place, fold

    def to(self, path: paths.Path) -> paths.Path | None:
        """The path in the data, `None` where there is no way (a fault tells why)."""
        here: paths.Path = ()
        parts = list(path)
        while parts:
            part = self._part(here, parts)
            if part is None:
                return None
            here = (*here, part)
            if parts and not self._open(here, parts[0]):
                return None
        return here

    def _at(self, path: paths.Path) -> Any:
        value = self.document.data
        for part in path:
            value = value[part]
        return value

    def _part(self, here: paths.Path, parts: list[str | int]) -> str | int | None:
        """The next key or index below `here`; takes it from `parts`."""
        container, part = self._at(here), parts.pop(0)
        if isinstance(container, dict):
            if here[:-1] == _STEPS and part not in container:
                parts.insert(0, part)  # `steps[0].nfkc`: a step's parameter, its name left out
                return str(next(iter(container), part))
            text = str(part)
            if not self.fold:
                return text
            known = [*container, *(self._parameters() if here == ("model", "params") else ())]
            return next((key for key in known if key.lower() == text.lower()), text)
        if here == _STEPS and isinstance(part, str) and not part.isdecimal():
            parts.insert(0, part)
            return self._step(container, part)
        if isinstance(part, str) and not re.fullmatch(r"[0-9]{1,6}", part):
            self._refuse((*here, part), "a list is addressed by index", f"for example {paths.render((*here, 0))}")
            return None
        index = int(part)
        if index > len(container):
            self._refuse((*here, index), f"there is no such item; the list has {len(container)}")
            return None
        return index

    def _parameters(self) -> list[str]:
        """The names of the architecture's parameters: the only ones that may hold capitals, which the environment
        lacks."""
        section = self.document.data.get("model", {})
        try:
            found = plugins.architecture(str(section.get("backend")), str(section.get("architecture")))
        except UsageError:  # said where the names are checked
            return []
        return list(found.Params.model_fields)

    def _step(self, steps: list[Any], name: str) -> int | None:
        found = [next(iter(step), None) if isinstance(step, dict) else step for step in steps]
        if name in found:
            return found.index(name)
        close = nearest(name, [step for step in found if isinstance(step, str)])
        listed = ", ".join(str(step) for step in found) or "none"
        hint = f"did you mean {close!r}?" if close else "add it with --set preprocess.steps=[…]"
        self._refuse((*_STEPS, name), f"the recipe has no such step; it has: {listed}", hint)
        return None

    def _open(self, here: paths.Path, following: str | int) -> bool:
        """Make sure that something can be put below `here`."""
        container = self._at(here[:-1])
        missing = here[-1] not in container if isinstance(container, dict) else here[-1] == len(container)
        value = None if missing else self._at(here)
        if isinstance(value, dict | list):
            return True
        is_step = here[:-1] == _STEPS
        if isinstance(value, str) and is_step:
            self.document.replace(here, {value: {}}, self.document.place(here))
            return True
        if value is not None:
            self._refuse(here, f"is a single value; there is nothing called {following!r} in it")
            return False
        as_list = isinstance(following, int) or re.fullmatch(r"[0-9]{1,6}", following) or here == _STEPS
        self.document.replace(here, [] if as_list else {}, self.place)
        return True

    def _refuse(self, path: paths.Path, message: str, hint: str | None = None) -> None:
        self.document.refuse(path, message, hint, at=self.place)
