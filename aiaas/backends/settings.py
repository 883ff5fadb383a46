"""What the recipe may say under `train` of every model that learns by gradients, whatever its framework."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from aiaas.contracts import Params

_UNITS = {"h": 3600, "m": 60, "s": 1}
_MOMENTUM = 0.9
_DURATION = r"^(?=\d)(?:\d+h)?(?:\d+m)?(?:\d+s)?$"


def _seconds(value: Any) -> Any:
    """Seconds, from a text such as `1h30m`, `5m` or `90s`."""
    if isinstance(value, str):
        if not re.fullmatch(_DURATION, value, re.ASCII):
            raise ValueError("must be a time such as 90s, 5m or 1h30m")
        return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([hms])", value))
    return value


def written(seconds: int) -> str:
    """A time as a recipe writes it: 5400 is 1h30m."""
    parts = [f"{seconds // size % (60 if unit != 'h' else 10**9)}{unit}" for unit, size in _UNITS.items()]
    return "".join(part for part in parts if not part.startswith("0")) or "0s"


Duration = Annotated[
    int,
    BeforeValidator(_seconds),
    Field(ge=1),
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION}),
]


class EarlyStopping(Params):
    """When to stop because nothing gets better."""

    metric: Literal["loss", "accuracy", "mae"] = Field(
        "loss", description="What is watched on the validation rows; accuracy of classifiers, mae of regressions."
    )
    patience: int = Field(3, ge=1, le=1000, description="Stop after this many epochs without a better one.")
    min_delta: float = Field(0.0, ge=0, le=1e6, description="What counts as better: by more than this.")


class Learning(Params):
    """Settings of learning by gradients: how long, in what batches, with which optimiser and schedule."""

    epochs: int = Field(10, ge=1, le=100_000, description="How often every training row is seen.")
    time_limit: Duration | None = Field(
        None, description="End after this time of training, such as 90s, 5m or 1h30m, with what was learned by then."
    )
    batch_size: int = Field(64, ge=1, le=65_536, description="Rows a step.")
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = Field("adam", description="What turns gradients to steps.")
    learning_rate: float = Field(1e-3, gt=0, le=100, description="The highest learning rate of the schedule.")
    momentum: float = Field(_MOMENTUM, ge=0, lt=1, description="Of sgd and rmsprop.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="Of adamw: what a weight loses a step, times the rate.")
    schedule: Literal["constant", "step", "linear", "cosine", "one_cycle"] = Field(
        "constant",
        description="constant; step: divided by ten after half and after three quarters of the steps; linear, cosine: "
        "down to nothing; one_cycle: up for the warm-up, then down to nothing.",
    )
    warmup: float = Field(
        0.0, ge=0, lt=1, description="The share of all steps in which the rate grows to its height; one_cycle: 0.25."
    )
    clip_norm: float | None = Field(None, gt=0, le=1e6, description="Scale gradients down to this norm at most.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Classifiers: the share of a label given to all.")
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = Field(
        None, description="Classifiers: what a row of a label counts: balanced (all labels alike) or {label: weight}."
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="Stop when the validation rows get no better, and keep the weights of the best epoch."
    )
    checkpoint_every: Duration = Field(
        "1m",  # type: ignore[assignment]  # validated as what a recipe says is
        description="How often what was learned is kept, for a run that is killed; at the end of an epoch as well.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Of the sums: auto takes what the device does well and what loses nothing."
    )
    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="Where to learn: auto takes all GPUs there are.")
    threads: int | None = Field(None, ge=1, le=1024, description="Threads of the processor; by default one a core.")

    @model_validator(mode="after")
    def _go_together(self) -> Learning:
        if self.weight_decay and self.optimizer != "adamw":
            raise ValueError(f"weight_decay goes with optimizer: adamw, not with {self.optimizer}")
        if self.momentum != _MOMENTUM and self.optimizer not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum goes with optimizer: sgd or rmsprop, not with {self.optimizer}")
        return self
