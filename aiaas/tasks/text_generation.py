"""Write on from a text, as the texts that were learned from go on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from aiaas import contracts
from aiaas.contracts import Answer, Column, Mistakes, Signature, Statistic
from aiaas.errors import DataError
from aiaas.statistics import known, observed
from aiaas.statistics.weighted import Once, Sums, ratio
from aiaas.tasks import _repeats
from aiaas.tasks._texts import decode, example, request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "COLUMNS", "METRICS", "OPEN", "SCORES", "WRITING", "Options", "answer", "asked", "decode", "example", "measure",
    "mistakes", "opening", "request", "statistics", "writing_statistics", "written",
]  # fmt: skip

COLUMNS = (Column("text", "text"),)
OPEN = False
METRICS: Mapping[str, Literal["higher", "lower"]] = {"perplexity": "lower", "bits_per_character": "lower"}
WRITING = _repeats.METRICS
SCORES = ("nats", "tokens", "characters")
"""Of a text as a document of its own: minus the logarithm of its probability, the end of the text included; how many
tokens that probability is the product of; how many characters the text has. A character that the model does not know
counts as the unknown token and as the choice of one among all characters that it does not know, so that models with
different vocabularies compare."""

_OPENING = 16


class Options(contracts.Params):
    """What a caller may ask for. Equal options, equal text."""

    max_length: int = Field(200, ge=1, le=100_000, description="Write at most so many tokens.")
    min_length: int = Field(0, ge=0, le=100_000, description="Do not end the text before so many tokens.")
    temperature: float = Field(
        0.8, ge=0, le=10, description="Below 1 likely tokens become likelier, above 1 less so; 0 takes the likeliest."
    )
    top_k: int | None = Field(None, ge=1, le=1_000_000, description="Choose among so many of the likeliest tokens.")
    top_p: float = Field(
        1.0, gt=0, le=1, description="Choose among the likeliest tokens that together have this probability."
    )
    repetition_penalty: float = Field(
        1.0, ge=1, le=10, description="Take the probability of tokens just written to this power; 1 changes nothing."
    )
    stop: tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...] = Field(
        (), max_length=16, description="End before the first of these texts."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Another seed, another text.")

    @model_validator(mode="after")
    def _go_together(self) -> Options:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} is more than max_length {self.max_length}")
        return self


def opening(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """`{"text": …}` with the first characters of a row."""
    return {"text": row["text"][:_OPENING]}


def written(text: str, signature: Signature) -> Answer:
    """`{"text": …}`: what was written, without what it goes on from."""
    return {"text": text}


def asked(length: int, seed: int) -> Options:
    """At most `length` tokens, all else by default."""
    return Options(max_length=length, seed=seed)


def writing_statistics(texts: Sequence[str]) -> Mapping[str, Statistic]:
    """How far what was written repeats, as functions of weights, which count texts."""
    return _repeats.statistics(texts)


def answer(scores: NDArray[np.float32], signature: Signature) -> Answer:
    """How likely a text is to a model: `{"perplexity", "bits_per_character"}`; None for a text of no characters."""
    return _figures(scores[None])


def measure(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
    """Perplexity a token and bits a character over all texts; `scores` has the columns `SCORES`. DataError without
    rows."""
    import numpy as np

    figures = _figures(scores)
    _, tokens, characters = np.asarray(scores, np.float64).sum(axis=0).tolist()
    return {**figures, "tokens": int(tokens), "characters": int(characters)}


def statistics(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mapping[str, Statistic]:
    """Perplexity and bits a character as functions of weights, which count texts."""
    return _statistics(scores)


def mistakes(targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> Mistakes:
    """Bits a character of each text: those that the model finds least likely for their length."""
    import numpy as np

    nats, _, characters = np.asarray(scores, np.float64).T
    bits = ratio(nats, characters, np.nan) / math.log(2)
    return Mistakes(bits, lambda place: {"target": None, "answer": None, "score": None})


def _figures(scores: NDArray[np.float32]) -> dict[str, Any]:
    found = observed(_statistics(scores), len(scores))
    return {name: known(value) for name, value in found.items()}


def _statistics(scores: NDArray[np.float32]) -> dict[str, Statistic]:
    """Perplexity is e to the nats of a token, in figures that a float can hold."""
    import numpy as np

    if len(scores) == 0:
        raise DataError("there are no rows to measure on")
    sums = Once(Sums(scores))

    def perplexity(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        nats, tokens, _ = sums(weights)
        return np.exp(np.minimum(700.0, ratio(nats, tokens, np.nan)))

    def bits(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        nats, _, characters = sums(weights)
        return ratio(nats, characters, np.nan) / math.log(2)

    return {"perplexity": perplexity, "bits_per_character": bits}
