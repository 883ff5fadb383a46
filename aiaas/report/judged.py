"""All that the stages left of a model that was judged, or what its bundle says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aiaas import bundle, plugins
from aiaas.bundle import layout
from aiaas.contracts import Signature
from aiaas.errors import DataError, UsageError
from aiaas.evaluate import Kept, kept
from aiaas.report.forms import Calibration, Mistake, Robustness, Written, lines, part
from aiaas.train import history_of

if TYPE_CHECKING:
    from aiaas.workspace import Artefact

STAGES = ("collect", "preprocess", "inspect", "train", "evaluate", "gate")
"""Those that a report is made of, as far as they are there."""


@dataclass(frozen=True)
class Judged:
    """What a report is made of: the recipe as plain values, the metrics and the gates' verdicts, the sources, the steps
    and the fit as their stages sum them up; `seconds` by stage. `folders` are those of the artefacts, by stage: there
    are none where only a bundle is left."""

    recipe: Mapping[str, Any]
    metrics: Mapping[str, Any]
    gates: Sequence[Mapping[str, Any]] = ()
    sources: Sequence[Mapping[str, Any]] = ()
    rows: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    bundle: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_artefacts(cls, recipe: Mapping[str, Any], made: Mapping[str, Artefact]) -> Judged:
        """From the artefacts of the stages, `evaluate` at least."""

        def summary(stage: str) -> Mapping[str, Any]:
            return made[stage].summary if stage in made else {}

        judged = made["evaluate"].summary
        return cls(
            recipe=recipe,
            metrics=judged["metrics"],
            gates=summary("gate").get("gates") or judged.get("gates", ()),
            sources=summary("collect").get("sources", ()),
            rows=summary("preprocess"),
            fit=summary("train"),
            findings=[
                {**each, "accepted": each["name"] in recipe["inspect"]["accept"]}
                for each in summary("inspect").get("findings", ())
            ],
            seconds={stage: each.seconds for stage, each in made.items()},
            folders={stage: each.path for stage, each in made.items()},
        )

    @classmethod
    def of_bundle(cls, folder: Path) -> Judged:
        """From a bundle alone, such as one of another machine: without scores, errors and learning curves."""
        manifest = bundle.verify(folder)
        data = manifest.get("data") or {}
        fit = {name: manifest.get(name) for name in ("backend", "architecture", "packages", "signature", "origins")}
        return cls(
            recipe=yaml.safe_load((folder / layout.RECIPE).read_text("utf-8")),
            metrics=json.loads((folder / layout.METRICS).read_text("utf-8")),
            sources=data.get("sources", ()),
            rows={name: data[name] for name in ("rows", "steps", "dropped", "splits") if name in data},
            fit={name: value for name, value in fit.items() if value},
            bundle=_packaged(folder, manifest),
        )

    def deployed(self, folder: Path) -> Judged:
        """The same with what the bundle in `folder` says of itself."""
        from dataclasses import replace

        return replace(self, bundle=_packaged(folder, bundle.verify(folder)))

    # --- what is said in one word

    @property
    def name(self) -> str:
        return str(self.recipe["name"])

    @property
    def task(self) -> str:
        return str(self.recipe["task"])

    @property
    def model(self) -> str:
        section = self.recipe["model"]
        return f"{section['backend']}/{section['architecture']}"

    @cached_property
    def directions(self) -> Mapping[str, str]:
        """Which way each metric of the task is better; nothing where the task is not installed here."""
        try:
            return dict(plugins.task(self.task).METRICS)
        except UsageError:
            return {}

    @property
    def flat(self) -> dict[str, float | None]:
        """The metrics that are numbers; None where one is not defined on these rows."""
        return {name: each for name, each in self.metrics.items() if each is None or isinstance(each, float)}

    def interval(self, metric: str) -> Sequence[float] | None:
        found: Sequence[float] | None = self.metrics.get("intervals", {}).get("metrics", {}).get(metric)
        return found

    @property
    def level(self) -> str:
        return f"{100 * self.metrics.get('intervals', {}).get('level', 0.95):g} %"

    @property
    def met(self) -> bool | None:
        """Whether every gate is met; None where there are none."""
        return all(gate["met"] for gate in self.gates) if self.gates else None

    # --- what is read when it is asked for

    @cached_property
    def kept(self) -> Kept | None:
        """Targets and scores of the test rows, where the evaluation is here and kept them."""
        try:
            return kept(self.folders["evaluate"]) if "evaluate" in self.folders else None
        except DataError:
            return None

    @property
    def signature(self) -> Signature | None:
        return Signature.from_dict(self.fit["signature"]) if self.fit.get("signature") else None

    @cached_property
    def mistakes(self) -> list[Mistake]:
        return lines(Mistake, self.folders["evaluate"] / "errors.jsonl") if "evaluate" in self.folders else []

    @cached_property
    def written(self) -> list[Written]:
        return lines(Written, self.folders["evaluate"] / "texts.jsonl") if "evaluate" in self.folders else []

    @cached_property
    def calibration(self) -> Calibration | None:
        return part(Calibration, self.metrics, "calibration")

    @cached_property
    def robustness(self) -> Robustness | None:
        return part(Robustness, self.metrics, "robustness")

    @cached_property
    def history(self) -> list[dict[str, float]]:
        return history_of(self.folders["train"]) if "train" in self.folders else []


def _packaged(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "digest": manifest["digest"],
        "runtime": manifest.get("runtime", layout.NATIVE),
        "precision": manifest.get("precision"),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "aiaas": manifest.get("aiaas"),
    }
