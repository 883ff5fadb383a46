"""Encoders of the transformers library, read from a folder: settings, tokenizer, weights. No code, nothing pickled.

A folder that does not fit together is refused before anything large is made: what is wrong, and what to do about it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aiaas.backends.subwords import Subwords
from aiaas.backends.torch._params import EncoderParams
from aiaas.backends.torch._torch import config_of, torch, transformers
from aiaas.errors import DataError, first_line

Kind = Literal["AutoModel", "AutoModelForSequenceClassification"]
Change = Callable[[Any], None]
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
_ADAPTER = "adapter_config.json"
_COVERED = 0.9  # of the tokens an encoder knows, what its own tokenizer has at least: some tables are rounded up
_SUCH_AS = "choose an encoder such as BERT, RoBERTa, DistilBERT, ELECTRA, MiniLM or e5"
_NO_LIMIT = 1_000_000  # what the library writes where a tokenizer knows no length, and more


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder whose weights were not read yet: settings (of transformers), tokenizer, the shapes of all weights."""

    folder: Path
    kind: Kind
    config: Any
    subwords: Subwords
    shapes: Any
    """The network itself, without values (on torch's device `meta`)."""


def read(params: EncoderParams, folder: Path, kind: Kind, change: Change = lambda config: None) -> Encoder:
    """The encoder in `folder`, whose settings are passed through `change`. Raises DataError where the folder holds none
    that can be used as it is."""
    config = _config(folder)
    change(config)
    check_weights(folder)
    try:
        with torch().device("meta"):
            shapes = getattr(transformers(), kind).from_config(config, trust_remote_code=False)
    except Exception as error:
        raise DataError(
            f"transformers makes no {kind} of a model of type {config.model_type}: {first_line(error)}",
            where=str(folder / "config.json"),
            hint=_SUCH_AS,
        ) from error
    if not _reads_texts(shapes, kind):
        raise DataError(
            f"a model of type {config.model_type} is no encoder of texts",
            where=str(folder / "config.json"),
            hint=_SUCH_AS,
        )
    tokenizer = _tokenizer(folder)
    if config.pad_token_id is None:  # some, such as GPT-2, answer several texts only where they know it
        config.pad_token_id = tokenizer.pad_token_id
    longest = min(_positions(shapes), int(tokenizer.model_max_length))
    if params.max_length > longest:
        raise DataError(
            f"the encoder reads {longest:,} tokens at most, model.params.max_length is {params.max_length:,}",
            where="model.params.max_length",
            hint=f"set it to {longest} or less",
        )
    return Encoder(folder, kind, config, _subwords(tokenizer, params.max_length, shapes, folder), shapes)


def weights(encoder: Encoder) -> tuple[Any, frozenset[str]]:
    """The network with the weights of the folder in float32, and the names of those that were not in it: a new head,
    and what else the folder lacks behind the layers. Raises DataError where the weights are not those of the settings.
    """
    folder = encoder.folder
    try:
        network, found = getattr(transformers(), encoder.kind).from_pretrained(
            folder,
            config=encoder.config,
            dtype=torch().float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # told below, with the names
            output_loading_info=True,
        )
    except Exception as error:  # damaged files, too little memory, ...: the library has no class for them
        raise DataError(
            f"the weights of the encoder cannot be read: {first_line(error)}", where=str(folder), hint="fetch it again"
        ) from error
    changed = {each[0] if isinstance(each, tuple) else each for each in found["mismatched_keys"]}
    fresh = frozenset(found["missing_keys"]) | changed
    prefix = f"{network.base_model_prefix}."
    inner = sorted(
        name
        for name in fresh
        if (encoder.kind == "AutoModel" or name.startswith(prefix)) and "pooler" not in name.removeprefix(prefix)
    )
    if inner:
        raise DataError(
            f"{len(inner)} weights of the encoder are missing or have another shape than config.json says, such as "
            f"{inner[0]}",
            where=str(folder),
            hint="fetch the folder again: weights and config.json must be of the same model",
        )
    return network, fresh


def _config(folder: Path) -> Any:
    """The settings of the encoder. Raises DataError where they ask for code or are not there."""
    path = folder / "config.json"
    said = _json(path)
    if said is None:
        raise DataError(
            "there is no config.json in the folder of the encoder",
            where=str(folder),
            hint="name the folder that save_pretrained of transformers wrote",
        )
    for file, content in (("config.json", said), ("tokenizer_config.json", _json(folder / "tokenizer_config.json"))):
        if content and "auto_map" in content:
            raise DataError(
                f"the encoder brings code of its own ({file}: auto_map), which is never run",
                where=str(folder / file),
                hint="choose an encoder whose type transformers knows itself",
            )
    if (folder / _ADAPTER).is_file():
        raise DataError(
            f"the folder holds an adapter ({_ADAPTER}), which would be put over the weights unseen",
            where=str(folder / _ADAPTER),
            hint="merge it where you trust it (merge_and_unload of peft, then save_pretrained), or remove it to use "
            "the encoder without it",
        )
    if "quantization_config" in said:
        raise DataError(
            "the weights of the encoder are quantised, which cannot be learned from",
            where=str(path),
            hint="choose the encoder in float32, float16 or bfloat16",
        )
    try:
        return config_of(folder)
    except Exception as error:
        raise DataError(
            f"transformers cannot read the settings: {first_line(error)}", where=str(path), hint=_SUCH_AS
        ) from error


def _json(path: Path) -> dict[str, Any] | None:
    """The object in a file, None where there is no file."""
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"the file is not JSON: {error}", where=str(path), hint="fetch the encoder again") from error
    if not isinstance(value, dict):
        raise DataError("the file holds no JSON object", where=str(path), hint="fetch the encoder again")
    return value


def check_weights(folder: Path) -> None:
    """Raise DataError unless there are weights that can be read without unpickling."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
    if pickled:
        raise DataError(
            f"the weights of the encoder are pickled ({pickled[0]}), and what is pickled is never opened",
            where=str(folder),
            hint='convert them where you trust them: python -c "from transformers import AutoModel; '
            f"AutoModel.from_pretrained('{folder}').save_pretrained('{folder}')\"",
        )
    raise DataError(
        "there are no weights in the folder of the encoder (*.safetensors)",
        where=str(folder),
        hint="fetch model.safetensors as well; where there are pickled weights only (pytorch_model.bin) and you trust "
        'them: python -c "from transformers import AutoModel; '
        "AutoModel.from_pretrained('OWNER/NAME').save_pretrained('FOLDER')\", the tokenizer beside them",
    )


def _tokenizer(folder: Path) -> Any:
    """The tokenizer as transformers has it: it knows the special tokens, and turns older forms into the one we use."""
    try:
        tokenizer = transformers().AutoTokenizer.from_pretrained(
            folder, use_fast=True, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise DataError(
            f"the tokenizer of the encoder cannot be read: {first_line(error)}",
            where=str(folder),
            hint="the folder must hold tokenizer.json, or vocab.txt of BERT",
        ) from error
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise DataError(
            f"the tokenizer of the encoder ({type(tokenizer).__name__}) has no form in tokenizer.json",
            where=str(folder),
            hint="choose an encoder with a tokenizer.json",
        )
    if tokenizer.pad_token_id is None:
        raise DataError(
            "the tokenizer of the encoder has no token that fills a batch (pad_token)",
            where=str(folder),
            hint="name one in tokenizer_config.json, or choose another encoder",
        )
    return tokenizer


def _subwords(tokenizer: Any, max_length: int, shapes: Any, folder: Path) -> Subwords:
    """The tokenizer as it is saved with the model. Raises DataError where it is not that of the encoder: it gives
    numbers that this lacks, or leaves out many that it knows."""
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    found = Subwords.of(copy, max_length, (tokenizer.pad_token_id, tokenizer.pad_token))
    rows = shapes.get_input_embeddings().num_embeddings
    if not _COVERED * rows <= len(found) <= rows:
        raise DataError(
            f"the tokenizer does not fit the encoder: it has {len(found):,} tokens, the encoder knows {rows:,}",
            where=str(folder),
            hint="tokenizer and weights must be of the same model: fetch the folder again",
        )
    return found


def _reads_texts(shapes: Any, kind: Kind) -> bool:
    """Whether the network takes tokens and what of them is padding, and gives something for each of them."""
    taken = inspect.signature(shapes.forward).parameters
    try:
        rows = getattr(shapes.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:  # of one that reads texts and pictures
        return False
    writes = kind == "AutoModel" and shapes.config.is_encoder_decoder
    return rows is not None and {"input_ids", "attention_mask"} <= taken.keys() and not writes


def _positions(shapes: Any) -> int:
    """Tokens that the encoder has places for. RoBERTa and its kin begin to count behind the number of the padding."""
    known = int(getattr(shapes.config, "max_position_embeddings", None) or _NO_LIMIT)
    for name, module in shapes.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return known - int(module.padding_idx) - 1
    return known


def takes_types(network: Any) -> bool:
    """Whether the network tells the two texts of a pair apart by `token_type_ids`."""
    parameters = inspect.signature(network.forward).parameters
    return "token_type_ids" in parameters and getattr(network.config, "type_vocab_size", 0) > 1
