"""What a model of this backend is saved as: settings, the network as transformers writes it, the tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiaas.backends import arrays
from aiaas.backends.torch._encoder import Kind
from aiaas.backends.torch._torch import config_of, quiet, torch, transformers

SETTINGS, NETWORK = "model.json", "encoder"
_ONE_FILE = "1000GB"


def write_network(directory: Path, network: Any) -> None:
    """Write settings and weights of the network into `directory/encoder`; equal weights, equal bytes."""
    with quiet():
        network.save_pretrained(directory / NETWORK, max_shard_size=_ONE_FILE)


def read_network(directory: Path, kind: Kind) -> Any:
    """The network that `write_network` wrote, ready to answer. Raises VerificationError."""
    folder = directory / NETWORK
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise arrays.damaged(folder / name, "a file of the model is missing")
    with quiet():
        try:
            config = config_of(folder)
        except Exception as error:  # the library has no class for what may be wrong
            raise arrays.damaged(folder / "config.json", "the settings of the network cannot be read") from error
        try:
            network, found = getattr(transformers(), kind).from_pretrained(
                folder,
                config=config,
                dtype=torch().float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as error:
            raise arrays.damaged(folder / "model.safetensors", "the weights of the network cannot be read") from error
    if any(found[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        raise arrays.damaged(folder / "model.safetensors", "the weights are not those of the network's settings")
    if not all(torch().isfinite(weight).all() for weight in network.parameters()):
        raise arrays.damaged(folder / "model.safetensors", "the weights of the network are not all finite")
    if torch().cuda.is_available():
        network.to("cuda")
    return network.eval()
