"""What a recipe may say of texts as sequences, whatever the framework: their tokens, and pretrained vectors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiaas.contracts import Params


class Tokens(Params):
    """How a text is divided into tokens, and which of them a vocabulary keeps."""

    tokens: Literal["char", "word", "spelled", "both"] = Field(
        "char",
        description="What a text is a sequence of. char: characters. word: words, Chinese ones as jieba, others as "
        "nltk divides them. spelled: words, and of a word that is not in the vocabulary its characters. both: all "
        "words, and behind them all characters.",
    )
    max_length: int = Field(
        256,
        ge=1,
        le=65_536,
        description="Tokens of a text; a longer one is cut there. With both: words, and characters.",
    )
    lowercase: bool = Field(True, description="Ignore case.")
    min_count: int = Field(
        2, ge=1, le=1_000_000, description="Tokens that stand fewer times in the training texts count as unknown."
    )
    max_size: int = Field(
        50_000, ge=1, le=10_000_000, description="Keep only this many tokens, the most frequent; the rest is unknown."
    )


class Vectors(Params):
    """Pretrained vectors, which an embedding begins with."""

    source: str = Field(
        min_length=1,
        description="Text of word2vec or GloVe (.gz too), or an array (.npy): a path, package:NAME/path, https://….",
    )
    words: str | None = Field(
        None,
        min_length=1,
        description="With .npy: where the word of each row is: lines of text, a JSON list, or a column of parquet.",
    )
    freeze: bool = Field(False, description="Leave the vectors as they are; false: learn on from them.")

    def files(self, name: str) -> dict[str, str]:
        """The addresses of its files, by the parameters that hold them; `name` is what the recipe calls this."""
        return {f"{name}.source": self.source} | ({f"{name}.words": self.words} if self.words else {})
