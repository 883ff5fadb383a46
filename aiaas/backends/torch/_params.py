"""Parameters that all architectures over an encoder share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiaas.contracts import Folder, Params

ENCODER = "encoder"
"""The parameter, and what `Training.files` calls the folder."""

_WANTED = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*.json",
    "special_tokens_map*.json",
    "added_tokens*.json",
    "vocab*.txt",
    "vocab*.json",
    "merges*.txt",
    "*.model",
)
"""Settings, weights and tokenizer; of the last there are several forms. No pickled weights, and no code."""


class EncoderParams(Params):
    """Which encoder, and how much of a text it reads."""

    encoder: str = Field(
        "hf:google-bert/bert-base-multilingual-cased",
        min_length=1,
        description="The pretrained encoder: a folder, package:NAME/path, or hf:OWNER/NAME of the Hugging Face hub.",
    )
    revision: str | None = Field(
        None, min_length=1, description="Of a hub: the branch, tag or commit; by default the main branch."
    )
    max_length: int = Field(
        128, ge=8, le=8192, description="Tokens that are read of a text, or of both of a pair; special ones count."
    )
    truncation: Literal["cut", "fail"] = Field(
        "cut", description="Training texts that are longer are cut, and counted; or the fit fails."
    )


def files(params: EncoderParams) -> dict[str, Folder]:
    """The folder of the encoder; see `ReadsFiles`."""
    return {ENCODER: Folder(params.encoder, _WANTED, params.revision)}
