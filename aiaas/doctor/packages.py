"""The packages that aiaas needs, those that its extras bring, and the plug-ins that others bring."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires

from packaging.requirements import Requirement
from packaging.version import InvalidVersion

from aiaas import plugins as plugs
from aiaas.doctor.check import Check
from aiaas.errors import MissingPackageError

OURS = "aiaas"
_SHOWN = 6


def needed() -> Check:
    """Whether everything is there, in a version that fits, without which nothing works."""
    wanted = _wanted("")
    if not wanted:
        return Check("packages", "note", "aiaas is not installed as a package, so nothing says what it needs")
    missing, unfit, versions = _judged(wanted)
    details = {"packages": versions, "missing": missing, "unfit": unfit}
    if missing or unfit:
        hint = f"pip install --upgrade {OURS}"
        return Check("packages", "failed", _told(missing, unfit), hint, details, MissingPackageError)
    return Check("packages", "ok", f"all {len(versions)} that aiaas needs, in versions that fit", details=details)


def extras() -> Iterator[Check]:
    """Of each extra whether it is there, and the command that brings it."""
    for extra in plugs.extras():
        wanted = _wanted(extra)
        missing, unfit, versions = _judged(wanted)
        details = {"packages": versions, "missing": missing, "unfit": unfit}
        hint = f"pip install '{OURS}[{extra}]'"
        if not wanted:
            continue
        if missing or unfit:
            yield Check(extra, "warning" if unfit else "note", _told(missing, unfit), hint, details)
        else:
            named_first = sorted(versions, key=lambda name: name != extra)  # what the extra is called after is not cut
            shown = ", ".join(f"{name} {versions[name]}" for name in named_first[:_SHOWN])
            yield Check(extra, "ok", shown + (", …" if len(versions) > _SHOWN else ""), details=details)


def plugins() -> Iterator[Check]:
    """What other packages add, each by its name where it cannot be imported; nothing where they add nothing."""
    found = dict(plugs.registered())
    works = [name for name, problem in found.items() if problem is None]
    if works:
        yield Check("plug-ins", "ok", ", ".join(works), details={"plugins": works})
    for name, problem in found.items():
        if problem:
            yield Check("plug-ins", "warning", problem.message, problem.hint, {"plugins": [name]})


def _wanted(extra: str) -> dict[str, Requirement]:
    """What the metadata of aiaas say about the extra, by package; of "" what they say in any case."""
    try:
        lines = requires(OURS) or []
    except PackageNotFoundError:
        return {}
    found: dict[str, Requirement] = {}
    for line in lines:
        each = Requirement(line)
        always = each.marker is None or each.marker.evaluate({"extra": ""})
        if always if not extra else not always and each.marker and each.marker.evaluate({"extra": extra}):
            nested = [_wanted(other) for other in each.extras] if each.name == OURS else [{each.name: each}]
            for part in nested:
                found |= part
    return found


def _judged(wanted: dict[str, Requirement]) -> tuple[list[str], list[str], dict[str, str]]:
    """The requirements whose package is missing, those that its version does not meet, and the versions there are."""
    missing, unfit, versions = [], [], {}
    for name, requirement in wanted.items():
        asked = f"{name}{requirement.specifier}"
        try:
            version = versions[name] = distribution(name).version
            if not requirement.specifier.contains(version, prereleases=True):
                unfit.append(f"{asked} (found {version})")
        except PackageNotFoundError:
            missing.append(asked)
        except (InvalidVersion, TypeError):  # a folder without its metadata, which a broken removal leaves
            unfit.append(f"{asked} (its version cannot be read)")
    return missing, unfit, versions


def _told(missing: list[str], unfit: list[str]) -> str:
    parts = [("not installed", missing), ("of another version", unfit)]
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
