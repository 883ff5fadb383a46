"""Parameters that the networks over texts share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aiaas.backends.texts import Tokens, Vectors

Width = Annotated[int, Field(ge=1, le=4096)]


class TextParams(Tokens):
    """What stands before and behind the heart of a network over texts: tokens, their embedding, dense layers."""

    vectors: Vectors | None = Field(
        None, description="Begin with pretrained vectors, such as {source: vectors.vec.gz}; null: from nothing."
    )
    embedding_size: int | None = Field(
        None, ge=1, le=16_384, description="Numbers a token is embedded in; by default those of the vectors, else 128."
    )
    token_dropout: float = Field(
        0.0, ge=0, lt=1, description="In training: the share of the tokens that are taken as unknown, anew each epoch."
    )
    embedding_dropout: float = Field(
        0.2, ge=0, lt=1, description="In training: the share of the embedding's channels dropped, a text at a time."
    )
    dense: tuple[Width, ...] = Field((), max_length=4, description="Sizes of dense layers before the outputs.")
    dropout: float = Field(
        0.5, ge=0, lt=1, description="In training: the share of the values dropped before each dense layer and the end."
    )
