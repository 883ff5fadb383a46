"""Finds plug-ins by name: a module of ours in `aiaas/<room>/`, or one that a package registers.

The name in a recipe is the file's name (a task's dashes are underscores there); an architecture is
`backend/architecture`. A package adds its own through the entry-point groups `aiaas.sources`, `aiaas.steps`,
`aiaas.tasks` and `aiaas.architectures`. One that cannot be used is named when it is asked for, and the others work.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any, Literal, cast, get_args

from aiaas import contracts
from aiaas.errors import MissingPackageError, PluginError, UsageError, first_line

Room = Literal["sources", "steps", "tasks", "architectures"]
_EXTRAS = {
    "data": {
        *("sqlalchemy", "psycopg", "openpyxl", "lxml", "trafilatura", "lxml_html_clean", "protego", "w3lib"),
        *("python-jsonpath", "faker", "phonenumbers", "opencc", "pypinyin", "py3langid", "cleanlab"),
    },
    "tune": {"optuna"},
    "onnx": {"onnxruntime", "tokenizers"},
    "torch": {
        *("torch", "transformers", "accelerate", "peft", "safetensors", "onnx", "onnxscript"),
        *("onnxruntime", "tokenizers"),
    },
    "tensorflow": {"tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "tokenizers"},
    "telemetry": {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"},
    "presidio": {"presidio-analyzer", "spacy"},
}
"""The packages that each extra brings, the smallest extra first."""
_HOLDS: dict[Room, type] = {
    "sources": contracts.Source,
    "steps": contracts.StepModule,
    "tasks": contracts.Task,
    "architectures": contracts.Architecture,
}
"""What a plug-in of each room holds at least."""


@cache
def _registered(room: Room) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"aiaas.{room}")}


@cache
def _ours(room: Room) -> dict[str, str]:
    """Name in a recipe → module path, read from the folder alone: nothing is imported but the room itself."""
    if room == "architectures":
        backends = importlib.import_module("aiaas.backends")
        return {
            f"{backend.name}/{module.name}": f"aiaas.backends.{backend.name}.{module.name}"
            for backend in pkgutil.iter_modules(backends.__path__)
            if backend.ispkg
            for module in pkgutil.iter_modules([f"{path}/{backend.name}" for path in backends.__path__])
            if not module.name.startswith("_") and not module.ispkg
        }
    package = importlib.import_module(f"aiaas.{room}")
    dash = room == "tasks"
    return {
        (module.name.replace("_", "-") if dash else module.name): f"aiaas.{room}.{module.name}"
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    }


def names(room: Room) -> list[str]:
    """Every name a recipe may use in this room, sorted."""
    return sorted({*_ours(room), *_registered(room)})


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that `word` was probably meant to be; the one with the same letters, where there is one."""
    close = difflib.get_close_matches(word, list(allowed), n=3, cutoff=0.6)
    return next((name for name in close if sorted(name) == sorted(word)), close[0] if close else None)


def find(room: Room, name: str) -> object:
    """The module with this name; UsageError that lists what there is and the nearest name, PluginError where a package
    registers it and it cannot be used."""
    if name in _ours(room):
        return importlib.import_module(_ours(room)[name])
    if name in _registered(room):
        return _load(room, _registered(room)[name])
    allowed = names(room)
    close = nearest(name, allowed)
    raise UsageError(
        f"there is no {room.removesuffix('s')} {name!r}; allowed: {', '.join(allowed)}",
        hint=f"did you mean {close!r}?" if close else None,
    )


def _load(room: Room, point: EntryPoint) -> object:
    package = point.dist.name if point.dist else point.value
    named = f"the {room.removesuffix('s')} {point.name!r} of the package {package}"
    hint = f"mend or update the package, or remove it: pip uninstall {package}"
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:  # whatever a package does when it is imported
        told = f"{named} cannot be imported: {type(error).__name__}: {first_line(error)}"
        raise PluginError(told, where=point.value, hint=hint) from error
    if lacks := _lacking(room, plugin):
        raise PluginError(f"{named} lacks {', '.join(lacks)}", where=point.value, hint=hint)
    if point.name in _ours(room):
        raise PluginError(f"{named} is never used: aiaas has one of that name", where=point.value, hint=hint)
    if room == "architectures" and "/" not in point.name:
        raise PluginError(f"{named} is never used: it must be called BACKEND/NAME", where=point.value, hint=hint)
    return plugin


def _lacking(room: Room, plugin: object) -> list[str]:
    """The names that the contract of the room asks for and the plug-in has not."""
    contract = _HOLDS[room]
    asked = {*contract.__annotations__, *(name for name, value in vars(contract).items() if callable(value))}
    return sorted(name for name in asked if not name.startswith("_") and not hasattr(plugin, name))


def usable(room: Room) -> dict[str, Any]:
    """Every module of a room by its name, without those that cannot be used."""
    found = {}
    for name in names(room):
        with suppress(PluginError):
            found[name] = find(room, name)
    return found


def registered() -> Iterator[tuple[str, PluginError | None]]:
    """What packages add, as `room/name`, each with why it cannot be used, if so. Imports all of them."""
    for room in get_args(Room):
        for name, point in sorted(_registered(room).items()):
            problem = None
            try:
                _load(room, point)
            except PluginError as error:
                problem = error
            yield f"{room}/{name}", problem


def broken() -> list[PluginError]:
    """What cannot be used of that which packages add."""
    return [problem for _, problem in registered() if problem]


def source(address: str) -> contracts.Source:
    """The source that answers to the scheme of `address`; a plain path or glob belongs to `files`. A source that cannot
    be imported answers to none but the scheme that it is called like."""
    scheme = address.partition(":")[0] if ":" in address else ""
    if not scheme:
        return cast(contracts.Source, find("sources", "files"))
    # The module called like the scheme is asked first, so that the others are not imported.
    for name in sorted(names("sources"), key=lambda name: name != scheme):
        try:
            module = cast(contracts.Source, find("sources", name))
        except PluginError:
            if name == scheme:
                raise
            continue
        if scheme in module.SCHEMES:
            return module
    return cast(contracts.Source, find("sources", "files"))


def step(name: str) -> contracts.StepModule:
    return cast(contracts.StepModule, find("steps", name))


def task(name: str) -> contracts.Task:
    return cast(contracts.Task, find("tasks", name))


def architecture(backend: str, name: str) -> contracts.Architecture:
    return cast(contracts.Architecture, find("architectures", f"{backend}/{name}"))


def code(plugin: object) -> Path:
    """Where the code of a plug-in stands: its file, or the folder of the package that it belongs to."""
    module = sys.modules[getattr(plugin, "__module__", None) or plugin.__name__]  # type: ignore[attr-defined]
    assert module.__file__
    return Path(module.__file__).parent if module.__package__ else Path(module.__file__)


def installed(requires: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each distribution, None where there is none."""
    return {name: _version(name) for name in requires}


def _version(name: str) -> str | None:
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None


def require(requires: Iterable[str], purpose: str) -> dict[str, str]:
    """The installed version of each distribution; raises MissingPackageError with the command that installs what is
    missing and, as far as one extra brings them, the others."""
    versions: dict[str, str] = {}
    found = installed(requires)
    for name, version in found.items():
        if version is None:
            extra = _extra(name, set(found))
            wanted = f"'aiaas[{extra}]'" if extra else name
            raise MissingPackageError(
                f"{purpose} needs the package {name}, which is not installed", hint=f"pip install {wanted}"
            )
        versions[name] = version
    return versions


def extras() -> list[str]:
    """The extras of the project that a person may choose from."""
    return list(_EXTRAS)


def _extra(name: str, beside: Set[str]) -> str | None:
    """Of the extras that bring the package, the one that brings most of those `beside` it."""
    bringing = [extra for extra, packages in _EXTRAS.items() if name in packages]
    return max(bringing, key=lambda extra: len(_EXTRAS[extra] & beside), default=None)
