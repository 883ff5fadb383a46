"""Encoders for tests: folders as transformers writes them, small, with weights drawn by lot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def make_encoder(folder: Path, texts: Sequence[str], *, layers: int = 2, size: int = 32, **settings: Any) -> Path:
    """A BERT of `layers` layers of `size` numbers, with a tokenizer made of `texts`; equal arguments, equal
    files."""
    from aiaas.backends.torch._torch import quiet

    with quiet():
        import torch
        from transformers import BertConfig, BertModel

        tokenizer = make_tokenizer(folder, texts)
        config = BertConfig(
            **{
                "vocab_size": len(tokenizer) + 3,
                "hidden_size": size,
                "num_hidden_layers": layers,
                "num_attention_heads": 4,
                "intermediate_size": 2 * size,
                "max_position_embeddings": 64,
                "initializer_range": 0.1,
                "pad_token_id": 0,
                **settings,
            }
        )
        before = torch.get_rng_state()
        torch.manual_seed(1)
        BertModel(config).save_pretrained(folder)
        torch.set_rng_state(before)
    return folder


def make_tokenizer(folder: Path, texts: Sequence[str]) -> Any:
    """A tokenizer as BERT has it, whose pieces are the characters of the texts and their short words, saved in
    `folder`. It is not trained: the trainer of the library breaks ties by chance."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted({character for text in texts for character in text.lower() if not character.isspace()})
    words = sorted({word.lower() for text in texts for word in text.split() if word.isascii() and 1 < len(word) < 6})
    pieces = [*SPECIAL, *alphabet, *words, *(f"##{letter}" for letter in alphabet if letter.isascii())]
    tokenizer = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names)
    fast.save_pretrained(folder)
    return fast
