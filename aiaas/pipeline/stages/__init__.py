"""What each stage's key is made of, and what it does when the key is new.

A stage is a function of its recipe section, the digest of its input and the version of its code. `inputs` gives
exactly that, as JSON; its digest is the key under which the workspace keeps what `make` wrote.
"""

from __future__ import annotations

from pathlib import Path

from aiaas.errors import VerificationError
from aiaas.pipeline.stages import data, judging, model
from aiaas.pipeline.stages.judging import champion_of
from aiaas.pipeline.stages.model import packages_of
from aiaas.pipeline.stages.work import Made, Stage, Work
from aiaas.workspace import Artefact

__all__ = ["STAGES", "Made", "Stage", "Work", "bundle_of", "champion_of", "packages_of", "there"]

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("collect", (), data.collect_inputs, data.make_collect),
        Stage("preprocess", ("collect",), data.preprocess_inputs, data.make_preprocess),
        Stage("inspect", ("preprocess",), data.inspect_inputs, data.make_inspect),
        Stage("train", ("preprocess",), model.train_inputs, model.make_train),
        Stage("evaluate", ("collect", "preprocess", "train"), judging.evaluate_inputs, judging.make_evaluate),
        Stage("gate", ("collect", "preprocess", "evaluate"), judging.gate_inputs, judging.make_gate),
        Stage("report", judging.REPORTED, judging.report_inputs, judging.make_report),
        Stage("deploy", ("collect", "preprocess", "train", "evaluate"), model.deploy_inputs, model.make_deploy),
    )
}


def there(work: Work, stage: Stage, key: str) -> Artefact | None:
    """What the stage made under this key, or None. A bundle counts only as it was made: whoever finds one altered is
    told to deploy again, and that must make it anew."""
    artefact = work.workspace.find(stage.name, key)
    if artefact is None or stage.name != "deploy":
        return artefact
    from aiaas.bundle import verify

    try:
        verify(bundle_of(artefact), artefact.summary["digest"])
    except VerificationError:
        return None
    return artefact


def bundle_of(artefact: Artefact) -> Path:
    """The bundle inside what `deploy` made."""
    return artefact.path / "bundle"
