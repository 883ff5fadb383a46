"""Which weights of an encoder learn: all, none, those above some layers, or small ones beside them (LoRA, Hu et al.,
2021)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import Field

from aiaas.contracts import Params
from aiaas.errors import TrainingError

_ATTENTION = {
    *("query", "value"),  # BERT, RoBERTa, ELECTRA
    *("q_lin", "v_lin"),  # DistilBERT
    *("query_proj", "value_proj"),  # DeBERTa
    *("q_proj", "v_proj", "q", "v"),  # MPNet and others
    "Wqkv",  # ModernBERT
}
"""What the matrices of queries and values are called."""

Frozen = Literal["none", "embeddings", "encoder"] | Annotated[int, Field(ge=1, le=256)]


class Lora(Params):
    """Low-rank matrices beside those of the encoder, which stay as they are."""

    rank: int = Field(8, ge=1, le=1024, description="Rank of the matrices.")
    alpha: float = Field(16.0, gt=0, le=10_000, description="Their product counts alpha / rank times.")
    dropout: float = Field(0.0, ge=0, lt=1, description="In training: the share of their inputs that is dropped.")
    targets: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["attention", "all"] = Field(
        "attention",
        description="Beside which matrices they stand: those of queries and values, all but the head's, or names of "
        "modules.",
    )


def layers_of(network: Any) -> list[Any]:
    """The layers of the encoder, from the first on."""
    count = getattr(network.config, "num_hidden_layers", 0)
    lists = [module for module in network.modules() if type(module).__name__ == "ModuleList" and len(module) == count]
    return list(lists[0]) if lists else []


def passes(network: Any) -> int:
    """How many layers a text passes: one that stands for several (ALBERT) counts each time. At least one."""
    return int(getattr(network.config, "num_hidden_layers", 0) or max(1, len(layers_of(network))))


def freeze(network: Any, frozen: Frozen, fresh: Collection[str]) -> None:
    """Stop what is `frozen` from learning: the embeddings, as many layers and the embeddings below them, or all but the
    head. Weights that the folder of the encoder lacks (`fresh`) learn in any case. Raises TrainingError where there are
    not so many layers."""
    if frozen == "none":
        return
    base, layers = network.base_model, layers_of(network)
    modules = [base] if frozen == "encoder" else [getattr(base, "embeddings", None) or base.get_input_embeddings()]
    if isinstance(frozen, int):
        if frozen > len(layers):
            raise TrainingError(
                f"model.params.freeze is {frozen}, the encoder has {len(layers)} layers",
                where="model.params.freeze",
                # Of some (ALBERT) the layers are one and the same, which learns or does not.
                hint=f"say at most {len(layers)}, or encoder" if layers else "say embeddings, or encoder",
            )
        modules += layers[:frozen]
    for module in modules:
        module.requires_grad_(False)
    for name, weight in network.named_parameters():
        if name in fresh:
            weight.requires_grad_(True)


def with_lora(network: Any, lora: Lora, fresh: Collection[str]) -> Any:
    """The network with low-rank matrices, which learn in place of its own; `fresh` modules and the head learn as well.
    Raises TrainingError where a target is no module of the encoder."""
    from peft import LoraConfig, get_peft_model

    base = network.base_model
    linear = {name.rpartition(".")[2] for name, module in base.named_modules() if type(module).__name__ == "Linear"}
    head = {name for name, module in network.named_children() if module is not base and [*module.parameters()]}
    learning = head | {name.split(".")[1] for name in fresh if name.startswith(f"{network.base_model_prefix}.")}
    targets: Collection[str] = lora.targets
    if targets == "attention":
        targets = linear & _ATTENTION
    elif targets == "all":
        targets = linear
    unknown = sorted(set(targets) - linear)
    if unknown or not targets:
        raise TrainingError(
            f"the encoder has no matrix called {unknown[0]!r}" if unknown else "the encoder names its attention anew",
            where="model.params.lora.targets",
            hint=f"there are {', '.join(sorted(linear))}",
        )
    beside = [
        name
        for name, module in base.named_modules(prefix=network.base_model_prefix)
        if type(module).__name__ == "Linear"
        and name.rpartition(".")[2] in targets
        and name.split(".")[1] not in learning
    ]
    return get_peft_model(
        network,
        LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=beside,
            modules_to_save=sorted(learning),
        ),
    )


def merged(network: Any) -> Any:
    """The network with what its low-rank matrices learned added to its own."""
    return network.merge_and_unload()
