"""What came of a run and of its stages, as the callers and `--json` have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiaas.pipeline.stages import bundle_of
from aiaas.workspace import Artefact


@dataclass(frozen=True, slots=True)
class StageResult:
    """`seconds` is what it took now: nearly nothing for a cached one."""

    name: str
    key: str
    cached: bool
    seconds: float
    summary: Mapping[str, Any] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "key": self.key, "cached": self.cached, "seconds": self.seconds}


@dataclass(slots=True)
class Result:
    """What a run leaves. `run_id` is MLflow's where the store answered, else the local one and `tracked` is false.
    `data` says where the rows came from, and how many came and went in each step. `lock` is the file in which the
    run keeps what it was made of; one that found everything there keeps nothing."""

    recipe: str
    seconds: float = 0.0
    run_id: str | None = None
    tracked: bool = False
    stages: list[StageResult] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    findings: list[dict[str, Any]] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    model_digest: str | None = None
    bundle: Path | None = None
    runtime: dict[str, Any] | None = None
    model: dict[str, Any] | None = None
    lock: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        fields = {name: value for name, value in asdict(self).items() if value not in (None, [], {})}
        fields["stages"] = [stage.as_dict() for stage in self.stages]
        fields["tracked"] = self.tracked
        if self.findings is not None:
            fields["findings"] = self.findings  # that there are none is worth saying
        if self.bundle:
            fields["bundle"] = str(self.bundle)
        if self.lock:
            fields["lock"] = str(self.lock)
        return fields

    def note(self, artefact: Artefact, summary: Mapping[str, Any]) -> None:
        """Take what the summary of a stage adds."""
        if artefact.stage == "collect":
            self.data = {
                "sources": [dict(source) for source in summary["sources"]],
                "rows": {"collected": summary["rows"]},
            }
        elif artefact.stage == "preprocess":
            self.data |= {name: summary[name] for name in ("rows", "steps", "dropped", "splits")}
        elif artefact.stage == "inspect":
            self.findings = list(summary["findings"])
        elif artefact.stage == "train":
            self.model_digest = summary["model_digest"]
        elif artefact.stage == "evaluate":
            self.metrics = dict(summary["metrics"])
        elif artefact.stage == "gate":
            self.gates = list(summary["gates"])
        elif artefact.stage == "deploy":
            self.bundle = bundle_of(artefact)
            self.runtime = dict(summary["runtime"])
