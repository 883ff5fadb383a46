"""What the recipe may say under `train` of an encoder: the settings of all networks, with what suits fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from aiaas.backends.settings import Learning


class FineTuning(Learning):
    """Settings of fine-tuning: few epochs, small steps, little memory where it is asked for."""

    epochs: int = Field(3, ge=1, le=100_000, description="How often every training row is seen.")
    batch_size: int = Field(32, ge=1, le=65_536, description="Rows of a batch at most.")
    batch_tokens: int | None = Field(
        None, ge=16, le=10_000_000, description="Tokens of a batch at most, padding included; by default no limit."
    )
    accumulate: int = Field(
        1, ge=1, le=4096, description="Batches a step: their gradients are added up, which takes memory for one only."
    )
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = Field("adamw", description="What turns gradients to steps.")
    learning_rate: float = Field(5e-5, gt=0, le=100, description="The highest learning rate of the schedule.")
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="What the learning rate of a layer is times that of the layer above it: below 1, the first layers "
        "keep more of what they know.",
    )
    weight_decay: float = Field(
        0.01, ge=0, le=1, description="Of adamw: what a weight loses a step, times the rate; embeddings lose nothing."
    )
    schedule: Literal["constant", "step", "linear", "cosine", "one_cycle"] = Field(
        "linear",
        description="constant; step: divided by ten after half and after three quarters of the steps; linear, cosine: "
        "down to nothing; one_cycle: up for the warm-up, then down to nothing.",
    )
    warmup: float = Field(
        0.1, ge=0, lt=1, description="The share of all steps in which the rate grows to its height; one_cycle: 0.25."
    )
    clip_norm: float | None = Field(1.0, gt=0, le=1e6, description="Scale gradients down to this norm at most.")
    processes: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] = Field(
        "auto", description="Among how many processes a batch is divided: auto is one for each GPU, else one."
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute the layers again on the way back: less memory, a third more time."
    )

    @model_validator(mode="before")
    @classmethod
    def _decay_goes_with_adamw(cls, given: Any) -> Any:
        """The default of weight_decay is for the default optimiser; another one has none."""
        if isinstance(given, dict) and given.get("optimizer", "adamw") != "adamw" and "weight_decay" not in given:
            return {**given, "weight_decay": 0.0}
        return given
