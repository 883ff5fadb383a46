"""Run the stages: what is there already is used, what is not is made, tracked and registered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from aiaas.contracts import Finding
from aiaas.errors import AiaasError, GateError, Interrupted
from aiaas.pipeline.events import Events, Write
from aiaas.pipeline.plan import changes_since_last, stages_until
from aiaas.pipeline.result import Result, StageResult
from aiaas.pipeline.stages import Stage, Work, champion_of, there
from aiaas.pipeline.tracking import Status, Tracking
from aiaas.workspace import Artefact, keys


class Listener(Protocol):
    """Who watches a run. Called from the thread that runs it."""

    def stage_begins(self, name: str, why: list[str]) -> None: ...
    def stage_ends(self, stage: StageResult) -> None: ...


def run(
    work: Work,
    until: str = "deploy",
    listener: Listener | None = None,
    events: Write | None = None,
    *,
    enforce: bool = True,
) -> Result:
    """Carry the recipe to the stage `until` and return what came of it. `events` is given what happens on the way, as
    aiaas/pipeline/events.py describes it; the folder of the run keeps the same.

    Raises what the stages raise; GateError after everything up to the evaluation was kept and tracked, unless gates are
    not to be enforced. Interrupted or killed, the same call goes on from the last stage that was finished.
    """
    told = Events([events] if events else [], listener)
    work = told.overhear(work)
    tracking = Tracking(work, until)
    told.also(tracking.said)
    told.begins(work.verb, work.recipe.name, work.recipe.file)
    try:
        with work.workspace.in_use():
            result = _run(work, until, told, tracking, enforce)
    except BaseException as error:
        told.failed(error)
        raise
    else:
        told.ends(result)
    finally:
        tracking.close()
    return result


def _refuse_absent(work: Work, stages: Sequence[Stage]) -> None:
    """What is named and not there is said before anything is made: secrets, a version to be held against."""
    work.recipe.sources()
    if any(stage.name == "gate" for stage in stages):
        champion_of(work, work.recipe.evaluate.against)


def _run(work: Work, until: str, listener: Listener, tracking: Tracking, enforce: bool) -> Result:
    from aiaas import gates

    started = time.perf_counter()
    work = replace(work, recipe=work.recipe.settled())
    stages = stages_until(until)
    _refuse_absent(work, stages)
    if work.guard:
        for told in work.guard.begin(work.recipe):
            work.warn(told)
    result = Result(work.recipe.name)
    tell = work.report

    def report(step: int, metrics: Mapping[str, float]) -> None:
        tracking.report(step, metrics)
        tell(step, metrics)

    work = replace(work, report=report)
    made: dict[str, Artefact] = {}
    if work.label:
        tracking.begin()
    try:
        for stage in stages:
            if stage.name == "deploy" and enforce:
                gates.enforce(result.gates)  # not before: whoever missed one wants to read the report
            made[stage.name], outcome = reach(work, stage, made, tracking, listener)
            if stage.name == "inspect":
                outcome = _with_accepted(outcome, work)
            result.stages.append(outcome)
            result.note(made[stage.name], outcome.summary)
            listener.stage_ends(outcome)
            if stage.name == "inspect":
                _enforce_findings(outcome)
        if "deploy" in made:
            result.gates += _on_bundle(work, result)
        if enforce:
            gates.enforce(result.gates)
        if "deploy" in made:
            result.model = tracking.register(made["deploy"], result.metrics, made["deploy"].summary["signature"])
        result.lock = tracking.lock(made)
        result.run_id, result.tracked, result.model = tracking.finish("FINISHED")
    except BaseException as error:
        with suppress(AiaasError):  # what it failed of is what is to be told
            result.lock = tracking.lock(made)
        result.run_id, result.tracked, _ = tracking.finish(_status(error))
        if isinstance(error, AiaasError):
            result.seconds = round(time.perf_counter() - started, 3)
            error.reached = result.as_dict()
        raise
    result.seconds = round(time.perf_counter() - started, 3)
    return result


def _status(error: BaseException) -> Status:
    """How the run ended, in MLflow's words. A run whose gate was not met did its work."""
    if isinstance(error, GateError):
        return "FINISHED"
    return "KILLED" if isinstance(error, Interrupted | KeyboardInterrupt) else "FAILED"


def reach(
    work: Work, stage: Stage, made: Mapping[str, Artefact], tracking: Tracking | None, listener: Listener | None
) -> tuple[Artefact, StageResult]:
    """The artefact of the stage, made now unless it is there or another process is just making it. To be called while
    the workspace is in use."""
    started = time.perf_counter()
    inputs = stage.inputs(work, made)
    key = keys.digest_json(inputs)
    if work.guard:
        work.guard.inputs(stage.name, key, inputs)
    artefact = there(work, stage, key)
    cached = artefact is not None
    if artefact is None:
        if tracking:
            tracking.begin()
        with work.workspace.lock(key):
            artefact = there(work, stage, key)
            cached = artefact is not None
            if artefact is None:
                if listener:
                    listener.stage_begins(stage.name, changes_since_last(work, stage, inputs))
                with work.workspace.build(stage.name, inputs) as draft:
                    stage.make(work, made, draft)
                artefact = work.workspace.find(stage.name, key)
                assert artefact is not None
                work.workspace.forget_checkpoints(key)
    if work.guard:
        work.guard.outcome(artefact)
    work.workspace.remember(work.recipe.name, stage.name, key)
    if tracking:
        tracking.stage(artefact)
    return artefact, StageResult(stage.name, key, cached, round(time.perf_counter() - started, 3), artefact.summary)


def _with_accepted(inspected: StageResult, work: Work) -> StageResult:
    """The findings with what the recipe says of them, which was no part of finding them."""
    accept = work.recipe.inspect.accept
    found = [{**each, "accepted": each["name"] in accept} for each in inspected.summary["findings"]]
    return replace(inspected, summary={**inspected.summary, "findings": found})


def _enforce_findings(inspected: StageResult) -> None:
    from aiaas import inspect

    inspect.enforce([Finding.model_validate(each) for each in inspected.summary["findings"]], "preprocess")


def _on_bundle(work: Work, result: Result) -> list[dict[str, Any]]:
    """The verdicts on what the bundle takes. One that was made before is measured once more where it was too slow."""
    from aiaas import gates

    deployed = result.stages[-1]

    def again() -> float | None:
        from aiaas import bundle, deploy

        return deploy.latency(bundle.load(result.bundle)) if deployed.cached and result.bundle else None

    verdicts = gates.judge_bundle(work.recipe.evaluate.bounds, deployed.summary, again)
    return [each.as_dict() for each in verdicts]
