"""What the recipe may say under `train` of models that count words or columns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from aiaas.backends.settings import Duration, EarlyStopping
from aiaas.contracts import Params


class Streaming(Params):
    """Settings of counting: where the rows are while a model learns."""

    stream: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Learn from rows that stay on disk, in memory that does not grow with them. auto: where they would "
        "not fit into memory.",
    )
    processes: Literal["auto"] | int = Field(
        "auto",
        description="Streamed: how many processes turn texts into numbers; auto: one a core where there are many "
        "texts. The model is the same.",
    )
    checkpoint_every: Duration = Field(
        "1m",  # type: ignore[assignment]  # validated as what a recipe says is
        description="Streamed: how often what was learned is kept, for a run that is killed.",
    )

    @model_validator(mode="after")
    def _in_range(self) -> Streaming:
        if self.processes != "auto" and not 1 <= self.processes <= 256:
            raise ValueError("processes: auto, or 1 to 256")
        return self


class Descending(Streaming):
    """Settings of linear classifiers: where the rows are, and how long descent over rows on disk lasts."""

    epochs: int = Field(5, ge=1, le=10_000, description="Streamed: how often every training row is seen.")
    time_limit: Duration | None = Field(
        None,
        description="Streamed: end after this time of training, such as 90s, 5m or 1h30m, with what was learned by "
        "then.",
    )
    early_stopping: EarlyStopping | None = Field(
        None,
        description="Streamed: stop when the validation rows get no better, and keep the weights of the best epoch.",
    )

    @model_validator(mode="after")
    def _go_together(self) -> Descending:
        given = {"epochs", "time_limit", "early_stopping"} & self.model_fields_set
        changed = [name for name in sorted(given) if getattr(self, name) != type(self).model_fields[name].default]
        if self.stream == "never" and changed:
            raise ValueError(f"{changed[0]} goes with stream: auto or always")
        if self.early_stopping and self.early_stopping.metric == "mae":
            raise ValueError("early_stopping.metric: loss or accuracy; mae is for regressions")
        return self
