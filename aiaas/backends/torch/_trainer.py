"""transformers' Trainer with our batches, optimiser, loss and checkpoints. Imported only when something is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from aiaas.backends.course import Course
from aiaas.backends.torch import _checkpoint, _optimizer
from aiaas.backends.torch._batches import loader
from aiaas.backends.torch._group import Group
from aiaas.backends.torch._settings import FineTuning
from aiaas.backends.torch._torch import Device

if TYPE_CHECKING:
    from aiaas.backends.torch._fit import Plan


def arguments(settings: FineTuning, device: Device, seed: int, folder: Path) -> TrainingArguments:
    """The settings as the Trainer has them. It logs, evaluates and saves nothing by itself: the fit says when."""
    made = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        num_train_epochs=settings.epochs,
        gradient_accumulation_steps=settings.accumulate,
        max_grad_norm=settings.clip_norm or 0.0,
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if settings.gradient_checkpointing else None,
        bf16=device.precision == "bfloat16",
        fp16=device.precision == "float16",
        use_cpu=device.kind == "cpu",
        seed=seed,
        label_names=["labels"],
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        log_level="critical",
        remove_unused_columns=False,
        dataloader_pin_memory=device.kind == "cuda",
        ddp_find_unused_parameters=True,  # and then the gradients lie alike in every step, and are added in one order
    )
    if made.n_gpu > 1:  # several of them in one process would each see a part of a batch and of the sums
        made._n_gpu = 1
    return made


@contextmanager
def state_of_its_own() -> Iterator[None]:
    """Within the block accelerate begins anew, whatever it was set to in this process; after it, all is as it was.
    What it keeps for a whole process (device, precision, accumulation) is of the first Accelerator there otherwise."""
    kinds = (PartialState, AcceleratorState, GradientState)
    before = [dict(kind._shared_state) for kind in kinds]
    _forget()
    try:
        yield
    finally:
        _forget()
        for kind, state in zip(kinds, before, strict=True):
            kind._shared_state.update(state)


def _forget() -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


class Sums:
    """What metrics are made of: sums over the rows so far."""

    def __init__(self) -> None:
        self.rows, self.loss, self.right = 0, 0.0, 0

    def add(self, losses: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        self.rows += int((labels >= 0).sum())
        self.loss += float(losses.sum(dtype=torch.float64))
        self.right += int((logits.argmax(-1) == labels).sum())

    def include(self, others: Sums, group: Group) -> None:
        """Add what all processes have in `others`."""
        rows, loss, right = group.total((others.rows, others.loss, others.right))
        self.rows, self.loss, self.right = self.rows + int(rows), self.loss + loss, self.right + int(right)

    @property
    def metrics(self) -> dict[str, float]:
        rows = max(1, self.rows)
        return {"loss": self.loss / rows, "accuracy": self.right / rows}


class FineTuner(Trainer):  # type: ignore[misc]
    """One process of a fit. `sums` are those of the epoch, over all processes; what this one has added since the last
    step, or in judging, is in `fresh`."""

    def __init__(
        self, plan: Plan, course: Course, settings: TrainingArguments, callback: TrainerCallback, group: Group
    ) -> None:
        self.plan, self.course, self.group = plan, course, group
        self.sums, self.fresh = Sums(), Sums()
        self._tensors: dict[str, Any] = {}
        self.optimizer: Any = None
        self.lr_scheduler: Any = None
        super().__init__(
            model=plan.network,
            args=settings,
            compute_loss_func=self._loss,
            callbacks=[callback],
        )
        self.remove_callback(PrinterCallback)
        self.loss_is_scaled_for_ga = True

    # --- what it learns from

    def get_train_dataloader(self) -> Any:
        return self._loader(self.plan.train)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        return self._loader(self.plan.validation)

    def _loader(self, batches: Any) -> Any:
        return loader(batches, lambda: self.course.state.epoch, self.group.part, self.group.parts, self.plan.types)

    def _loss(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        """The mean over all rows of a step of what each row counts times its cross-entropy."""
        logits = outputs["logits"].float()
        training = self.model.training
        losses = torch.nn.functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=self.plan.settings.label_smoothing if training else 0.0
        )
        if training:
            losses = losses * self.plan.weights.to(losses.device)[labels.clamp(min=0)]
        self.fresh.add(losses.detach(), logits.detach(), labels)
        return losses.sum() / (len(labels) if num_items_in_batch is None else num_items_in_batch)

    def judge(self) -> dict[str, float]:
        """Loss and accuracy on the validation rows; nothing where there are none."""
        if not len(self.plan.validation):
            return {}
        self.evaluate()
        judged = Sums()
        judged.include(self._taken(), self.group)
        return {f"validation_{name}": value for name, value in judged.metrics.items()}

    def add_up(self) -> int:
        """Take a step into the sums of the epoch; returns its rows."""
        before = self.sums.rows
        self.sums.include(self._taken(), self.group)
        return self.sums.rows - before

    def _taken(self) -> Sums:
        taken, self.fresh = self.fresh, Sums()
        return taken

    def forget_sums(self) -> None:
        """Begin the sums of another epoch."""
        self.sums = Sums()

    # --- how it learns

    def create_optimizer(self, model: Any = None) -> Any:
        if self.optimizer is None:
            decaying = self.get_decay_parameter_names(self.model)
            self.optimizer = _optimizer.optimizer(self.plan.settings, self.model, decaying, self.plan.layers)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self.lr_scheduler is None:
            self.lr_scheduler = _optimizer.schedule(self.plan.settings, self.optimizer, num_training_steps)
        return self.lr_scheduler

    @property
    def learning_rate(self) -> float:
        """The highest of the rates of the step that comes next."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # nobody asks, and the Trainer would count all weights at every step

    # --- checkpoints

    def keep(self, folder: Path) -> None:
        """Write everything that the next step depends on; the first process does, and the others wait for it."""
        course, state = self.course, self.course.state
        course.kept()
        scaler = self.accelerator.scaler
        rest = {
            "sums": vars(self.sums),
            "schedule": {"last_epoch": self.lr_scheduler.last_epoch, "step_count": self.lr_scheduler._step_count},
            "rates": [group["lr"] for group in self.optimizer.param_groups],
            "scaler": scaler.state_dict() if scaler else None,
        }
        random = _checkpoint.random_state(self.group)
        if self.group.first:
            tensors = _checkpoint.weights_of(self.model) | _checkpoint.state_of(self.optimizer) | random
            tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
            if _checkpoint.save(folder, state, tensors, rest, self.state):
                _checkpoint.forget_best(folder, state.best_epoch)
        self.group.wait()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        self._tensors = _checkpoint.read_tensors(Path(resume_from_checkpoint))
        _checkpoint.put_weights(self.model, self._tensors)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        _, rest = _checkpoint.read_state(Path(checkpoint))
        _checkpoint.put_state(self.optimizer, self._tensors)
        for group, rate in zip(self.optimizer.param_groups, rest["rates"], strict=True):
            group["lr"] = rate
        self.lr_scheduler.last_epoch = rest["schedule"]["last_epoch"]
        self.lr_scheduler._step_count = rest["schedule"]["step_count"]
        if rest["scaler"] and self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(rest["scaler"])
        vars(self.sums).update(rest["sums"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            _checkpoint.put_random_state(self._tensors, self.group.part)
            self._tensors = {}
