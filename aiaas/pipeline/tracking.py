"""What of a run goes to MLflow: settings, data, metrics, reports, the registered bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from aiaas.pipeline.lock import NAME as LOCK
from aiaas.pipeline.lock import take
from aiaas.pipeline.stages import Work, bundle_of
from aiaas.track import Registry, Run, Version
from aiaas.track.run import ARTIFACTS
from aiaas.track.spoken import Spoken
from aiaas.track.store import Store
from aiaas.workspace import Artefact, keys

Status = Literal["FINISHED", "FAILED", "KILLED"]
OFFLINE = "--offline sends nothing to a tracking server"
TRACKED = ("train", "evaluate", "report", "deploy")


class Tracking:
    """The run of one call of the pipeline: begun when the first stage must be made, so that a call which finds
    everything there costs nothing and leaves no run."""

    def __init__(self, work: Work, until: str) -> None:
        self._work = work
        self._wanted = until in TRACKED
        # A store in a file is no other machine.
        self._apart = work.offline and Store.of(work.workspace).remote
        self._run: Run | None = None
        self._waiting: list[Artefact] = []
        self._unsaid: list[Mapping[str, Any]] = []
        self._spoken: Spoken | None = None
        self._registered: Version | None = None

    def begin(self) -> None:
        """Start the run and the process that imports MLflow beside the work."""
        if self._run or not self._wanted:
            return
        recipe = self._work.recipe
        send = False if self._apart else None
        self._run = Run.start(self._work.workspace, recipe.name, source=recipe.file, verb=self._work.verb, send=send)
        self._spoken = Spoken(self._run.folder)
        for event in self._unsaid:
            self._spoken.write(event)
        self._run.params(recipe.flat())
        self._run.text("recipe.yaml", recipe.to_yaml())
        if self._work.group:
            label = {"aiaas.label": self._work.label} if self._work.label else {}
            self._run.tags({"aiaas.group": self._work.group, **label})
        self._run.flush()
        for artefact in self._waiting:
            self._log(self._run, artefact)

    def said(self, event: Mapping[str, Any]) -> None:
        """Keep an event in the folder of the run, for whoever looks on or asks later."""
        if self._spoken:
            self._spoken.write(event)
        elif self._wanted:
            self._unsaid.append(event)

    def close(self) -> None:
        """Nothing more will be said."""
        if self._spoken:
            self._spoken.close()

    def report(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics of a fit while it goes on."""
        if self._run:
            self._run.metrics({f"train.{name}": value for name, value in metrics.items()}, step=step)

    def stage(self, artefact: Artefact) -> None:
        """What a stage made, now or earlier."""
        if self._run:
            self._log(self._run, artefact)
            self._run.flush()
        else:
            self._waiting.append(artefact)

    def lock(self, made: Mapping[str, Artefact]) -> Path | None:
        """Keep what these were made of and with; the file, or None without a run or anything made."""
        if self._run is None or not made:
            return None
        lock = take(self._work, made, run=self._run.id)
        self._run.text(LOCK, lock.to_json())
        return self._run.folder / ARTIFACTS / LOCK

    def register(self, deployed: Artefact, metrics: Mapping[str, Any], signature: Mapping[str, Any]) -> dict[str, Any]:
        """Make the bundle a version of the model, the same bundle the same version, and move the alias."""
        recipe = self._work.recipe
        what = {"bundle": bundle_of(deployed), "digest": deployed.summary["digest"], "alias": recipe.deploy.alias}
        numbers = {name: value for name, value in metrics.items() if isinstance(value, float)}
        numbers |= _compared(deployed.summary["runtime"])
        if self._run:
            answer = deployed.summary["answer"]
            self._registered = self._run.register(
                recipe.name, **what, metrics=numbers, signature=signature, answer=answer
            )
        else:
            self._registered = Registry(self._work.workspace.models).register(recipe.name, **what, metrics=numbers)
        return self._model()

    def finish(self, status: Status) -> tuple[str | None, bool, dict[str, Any] | None]:
        """Wait until MLflow has it all: the id of the run, whether it is there, and the model as it stands now."""
        if self._run is None:
            return self._finish_without()
        recipe = self._work.recipe
        sent = self._run.finish(status)
        if sent.problem:
            problem = OFFLINE if self._apart else sent.problem
            self._work.warn(f"tracking: {problem}; the run is kept here, `aiaas runs sync` sends it later")
        if self._registered and sent.versions:
            if sent.versions[-1].number != self._registered.number:
                self._work.warn(
                    f"the tracking server counts {recipe.name}/{self._registered.number} as version "
                    f"{sent.versions[-1].number}; it has that number here now"
                )
            self._registered = sent.versions[-1]
        return sent.run_id, sent.tracked, self._model() if self._registered else None

    def _finish_without(self) -> tuple[str | None, bool, dict[str, Any] | None]:
        """The same where everything was there already: no run is begun, but the alias may have moved."""
        known = self._registered
        if known is None:
            return None, False, None
        space, alias = self._work.workspace, self._work.recipe.deploy.alias
        if known.remote and alias in Registry(space.models).unsent_aliases(known.name):
            from aiaas.track.history import sync_alias

            problem = OFFLINE if self._apart else sync_alias(space, known.name, alias)
            if problem:
                self._work.warn(f"the alias moved here, not in MLflow yet: {problem}; `aiaas runs sync` does it later")
        return known.run_id or known.run, known.remote is not None, self._model()

    def _model(self) -> dict[str, Any]:
        assert self._registered is not None
        return {
            "name": self._registered.name,
            "version": self._registered.number,
            "alias": self._work.recipe.deploy.alias,
            "digest": self._registered.digest,
        }

    def _log(self, run: Run, artefact: Artefact) -> None:
        summary = artefact.summary
        run.tags({f"aiaas.{artefact.stage}.key": artefact.key, f"aiaas.{artefact.stage}.digest": artefact.digest})
        match artefact.stage:
            case "collect":
                run.artifact(artefact.path / "provenance.json", "data/provenance.json")
            case "preprocess":
                where = ", ".join(source.source for source in self._work.recipe.collect)
                rows = sum(summary["splits"].values())
                run.dataset(self._work.recipe.name, artefact.digest, source=where, rows=rows)
                run.artifact(artefact.path / "report.json", "data/preprocess.json")
            case "inspect":
                run.artifact(artefact.path / "inspection.json", "data/inspection.json")
                if found := dict.fromkeys(each["name"] for each in summary["findings"] if each["level"] != "note"):
                    run.tags({"aiaas.findings": ", ".join(found)})
            case "train":
                run.tags({"aiaas.model_digest": summary["model_digest"], **_origins(summary.get("origins", {}))})
                for name in ("training.json", "history.jsonl", "curves.svg"):
                    if (artefact.path / name).exists():
                        run.artifact(artefact.path / name, f"train/{name}")
            case "report":
                for name in summary["bytes"]:
                    run.artifact(artefact.path / name, f"report/{name}")
            case "deploy":
                runtime = summary["runtime"]
                run.tags({"aiaas.runtime": runtime["name"]})
                if runtime.get("precision"):
                    run.tags({"aiaas.precision": runtime["precision"]})
                run.metrics(_compared(runtime) | _measured(summary))
            case "evaluate":
                run.metrics(_judged(summary["metrics"]))
                for name in ("metrics.json", "decision.json", "errors.jsonl", "texts.jsonl", "confusion.svg"):
                    if (artefact.path / name).exists():
                        run.artifact(artefact.path / name, f"report/{name}")
            case "gate":
                run.artifact(artefact.path / "gates.json", "report/gates.json")
                if missed := [each["metric"] for each in summary["gates"] if not each["met"]]:
                    run.tags({"aiaas.gates_missed": ", ".join(missed)})


def _measured(deployed: Mapping[str, Any]) -> dict[str, float]:
    """What the bundle takes, as far as a gate asks for it."""
    return {f"deploy.{name}": float(deployed[name]) for name in ("latency_p95_ms",) if deployed.get(name) is not None}


def _judged(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics with the ends of their intervals; what is no metric of all rows is in the report. Of changed inputs
    the metric is `robustness_NAME`."""
    from aiaas.evaluate import certainty, robustness

    aside = ("intervals", "slices", "worst", "notes", "calibration", "thresholds", "residuals", "robustness")
    flat = {name: each for name, each in metrics.items() if name not in aside}
    return {**flat, **certainty.flat(metrics), **robustness.flat(metrics)}


def _origins(read: Mapping[str, Any]) -> dict[str, str]:
    """Where the files came from that the fit read besides its rows: of each the address, the version where it has one,
    and a digest over all its files."""
    tags = {}
    for name, origin in read.items():
        tags[f"aiaas.origin.{name}"] = origin["address"]
        tags |= {f"aiaas.origin.{name}.revision": origin["revision"]} if origin["revision"] else {}
        tags[f"aiaas.origin.{name}.digest"] = keys.digest_json(sorted(origin["files"].values()))
    return tags


def _compared(runtime: Mapping[str, Any]) -> dict[str, float]:
    """How the forms of a model were compared, flat; nothing where there was one form only."""
    if "difference" not in runtime:
        return {}
    numbers = {f"deploy.{name}": float(runtime[name]) for name in ("difference", "changed")}
    for form, size in runtime["bytes"].items():
        told = {**runtime.get(form, {}), "bytes": size}
        numbers |= {f"deploy.{form}.{name}": float(value) for name, value in told.items()}
    return numbers
