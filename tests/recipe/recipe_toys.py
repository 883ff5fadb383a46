"""Small plug-ins, registered as a package of someone else's would register them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator

from aiaas import contracts
from aiaas.contracts import Column, SourceParams


class Labels(contracts.Task):
    COLUMNS = (Column("text", "text"), Column("label", "label"))
    OPEN = True
    METRICS = {"accuracy": "higher", "f1": "higher", "log_loss": "lower"}  # noqa: RUF012


class Numbers(contracts.Task):
    COLUMNS = (Column("target", "number"),)
    OPEN = True
    METRICS = {"mae": "lower", "r2": "higher"}  # noqa: RUF012


class CleanStep(contracts.StepModule):
    Step = contracts.Step

    class Params(contracts.Params):
        html: bool = Field(True, description="Take tags away.")
        keep: tuple[str, ...] = Field((), description="Tags that stay.")


class DropStep(contracts.StepModule):
    Step = contracts.Step

    class Params(contracts.Params):
        pass


class Login(BaseModel):
    model_config = {"extra": "forbid"}
    user: str = Field(description="Who.")
    password: str | None = Field(None, description="The password, as ${env:NAME}.")


class ToySource(contracts.Source):
    SCHEMES = ("toy", "toys")

    class Params(SourceParams):
        format: Literal["lines", "csv"] = Field("lines", description="How rows stand in it.")
        limit: int | None = Field(None, ge=1, le=1000, description="At most so many rows.")
        token: str | None = Field(None, description="A token, as ${env:NAME}.")
        login: Login | None = Field(None, description="Who reads.")


class ToyBayes(contracts.Architecture):
    REQUIRES = ("a-distribution-that-is-not-installed",)
    TASKS = ("toy-labels",)

    class Params(contracts.Params):
        alpha: float = Field(1.0, gt=0, le=100, description="Smoothing.")
        ngrams: tuple[int, int] = Field((1, 1), description="Lengths of n-grams, from and to.")
        stop: int | list[str] | None = Field(None, description="A number, or words.")
        features: Literal["tfidf", "counts"] = Field("tfidf", description="How words count.")
        depth: Literal["all", "none"] | Annotated[int, Field(ge=1, le=9)] = Field("all", description="How deep.")
        prefix: str = Field("", max_length=3, description="Before each word.")
        even: int = Field(2, description="An even number.")

        @field_validator("even")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise ValueError(f"must be even, and {value} is odd")
            return value


class ToyLine(contracts.Architecture):
    REQUIRES = ()
    TASKS = ("toy-numbers",)

    class Params(contracts.Params):
        rate: float = Field(description="How fast.")


POINTS = {
    "tasks": {"toy-labels": "Labels", "toy-numbers": "Numbers", "toy-broken": "Missing"},
    "steps": {"toy_clean": "CleanStep", "toy_drop": "DropStep"},
    "sources": {"toy": "ToySource"},
    "architectures": {"toy/bayes": "ToyBayes", "toy/line": "ToyLine"},
}
