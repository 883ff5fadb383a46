"""The model: fitted, and packaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.pipeline import files
from aiaas.pipeline.stages.code import OF_STEPS, model_code
from aiaas.pipeline.stages.work import Made, Work
from aiaas.workspace import Draft, keys

if TYPE_CHECKING:
    from aiaas.recipe.models import ModelSection


def packages_of(model: ModelSection) -> dict[str, str]:
    """What the model needs, each with its version. Raises MissingPackageError."""
    architecture = plugins.architecture(model.backend, model.architecture)
    return plugins.require(architecture.REQUIRES, f"{model.backend}/{model.architecture}")


def train_inputs(work: Work, made: Made) -> dict[str, Any]:
    model = work.recipe.model
    return {
        "task": work.recipe.task,
        "seed": work.recipe.seed,
        "model": model.model_dump(mode="json"),
        "train": work.recipe.train.model_dump(mode="json"),
        "rows": made["preprocess"].digest,
        **files.fingerprints(model, work.source_context()),
        "packages": packages_of(model),
        "code": keys.digest_code("train", *model_code(work)),
    }


def make_train(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import train

    draft.aside |= {"history.jsonl", "curves.svg"}  # may hold speeds; what was learned is in model/
    context, model = work.source_context(), work.recipe.model
    read = files.paths(model, context)
    draft.summary.update(
        train.train(
            model,
            work.recipe.train,
            task=work.recipe.task,
            seed=work.recipe.seed,
            data=made["preprocess"].path,
            out=draft.path,
            around=train.Around(
                checkpoints=work.checkpoints or work.workspace.checkpoints / keys.digest_json(draft.inputs),
                cache=work.workspace.cache,
                files=read,
                origins=files.provenance(model, context),
            ),
            watch=train.Watch(work.report, work.training, work.warn, work.enough),
        )
    )


def deploy_inputs(work: Work, made: Made) -> dict[str, Any]:
    from aiaas import deploy

    model = work.recipe.model
    architecture = plugins.architecture(model.backend, model.architecture)
    return {
        "recipe": work.recipe.resolved(),
        "model": made["train"].digest,
        "collected": made["collect"].digest,
        "rows": made["preprocess"].digest,
        "judged": made["evaluate"].digest,
        "packages": deploy.tools(architecture, work.recipe.deploy),
        "code": keys.digest_code("deploy", "bundle", "decision", *OF_STEPS, *model_code(work)),
    }


def make_deploy(work: Work, made: Made, draft: Draft) -> None:
    from aiaas import deploy

    draft.aside.add("provenance.json")  # when rows were fetched is no part of the bundle
    trained = deploy.Trained(*(made[name].path for name in ("collect", "preprocess", "train", "evaluate")))
    draft.summary.update(deploy.package(work.recipe, trained, draft.path, work.warn))
