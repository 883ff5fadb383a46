"""What an interrupted fit goes on from: a folder, whole or not there, of everything that the next step depends on.

Tensors are kept as safetensors and the rest as JSON: nothing in a checkpoint is unpickled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiaas.backends.course import State
from aiaas.backends.torch._group import Group
from aiaas.backends.torch._torch import torch
from aiaas.workspace import atomic

_TENSORS, _STATE = "tensors.safetensors", "state.json"
_WEIGHTS, _MOMENTS, _RANDOM = "weights.", "optimizer.", "random."


def learned(network: Any) -> Iterator[tuple[str, Any]]:
    """The weights that learn, by name: the others are those of the encoder."""
    return ((name, weight) for name, weight in network.named_parameters() if weight.requires_grad)


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`."""
    found = sorted(folder.glob("checkpoint-*")) if folder.is_dir() else []
    return found[-1] if found else None


def save(folder: Path, state: State, tensors: Mapping[str, Any], rest: Mapping[str, Any], trainer_state: Any) -> bool:
    """Keep a checkpoint in `folder` in place of the one before it.

    Nothing is kept, and False returned, when a tensor is not finite: the last good checkpoint stays.
    """
    from safetensors.torch import save_file

    if not all(torch().isfinite(tensor).all() for tensor in tensors.values() if tensor.is_floating_point()):
        return False
    name = f"checkpoint-{state.epoch:06d}-{state.step:08d}"
    if (folder / name).exists():
        return True
    before = latest(folder)
    new = folder / f".{name}.tmp"
    shutil.rmtree(new, ignore_errors=True)
    with atomic.disk_errors(folder / name):
        new.mkdir(parents=True)
        save_file(dict(tensors), new / _TENSORS)
        (new / _STATE).write_text(json.dumps({"state": asdict(state), **rest}), encoding="utf-8")
        trainer_state.save_to_json(str(new / "trainer_state.json"))
        atomic.sync_tree(new)
        new.rename(folder / name)
        atomic.sync_folder(folder)
    if before is not None:
        shutil.rmtree(before)
    return True


def read_state(checkpoint: Path) -> tuple[State, dict[str, Any]]:
    """Where the fit stood, and the rest that `save` was given."""
    rest = json.loads((checkpoint / _STATE).read_text("utf-8"))
    return State(**rest.pop("state")), rest


def read_tensors(checkpoint: Path) -> dict[str, Any]:
    """The tensors that `save` was given."""
    from safetensors.torch import load_file

    tensors: dict[str, Any] = load_file(checkpoint / _TENSORS)
    return tensors


def weights_of(network: Any) -> dict[str, Any]:
    """The weights that learn, as tensors of a checkpoint."""
    return {_WEIGHTS + name: weight.detach() for name, weight in learned(network)}


def put_weights(network: Any, tensors: Mapping[str, Any]) -> None:
    """Give the weights the values in a checkpoint."""
    with torch().no_grad():
        for name, weight in learned(network):
            weight.copy_(tensors[_WEIGHTS + name])


def state_of(optimizer: Any) -> dict[str, Any]:
    """What an optimiser remembers of each weight, as tensors of a checkpoint."""
    return {
        f"{_MOMENTS}{number}.{name}": torch().as_tensor(value)
        for number, kept in optimizer.state_dict()["state"].items()
        for name, value in kept.items()
        if value is not None
    }


def put_state(optimizer: Any, tensors: Mapping[str, Any]) -> None:
    """Give the optimiser back what it remembered."""
    kept: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        if key.startswith(_MOMENTS):
            number, _, name = key.removeprefix(_MOMENTS).partition(".")
            kept.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": kept})


def random_state(group: Group) -> dict[str, Any]:
    """The random state of all processes, as tensors of a checkpoint."""
    return {
        f"{_RANDOM}{part}.{name}": state
        for name, module in _generators().items()
        for part, state in enumerate(group.gathered(module.get_rng_state()))
    }


def put_random_state(tensors: Mapping[str, Any], part: int) -> None:
    """Go on with the random numbers of process `part` where `random_state` was asked for. One that was not there then,
    on a machine with fewer GPUs, keeps its own."""
    for name, module in _generators().items():
        if (state := tensors.get(f"{_RANDOM}{part}.{name}")) is not None:
            module.set_rng_state(state)


def _generators() -> dict[str, Any]:
    """What draws random numbers: the processor, and the GPU of this process."""
    frame = torch()
    return {"cpu": frame, "cuda": frame.cuda} if frame.cuda.is_available() else {"cpu": frame}


def keep_best(folder: Path, network: Any, epoch: int) -> None:
    """Keep the weights of the best epoch so far. Those before it stay until the next checkpoint: the last one may
    still name them."""
    from safetensors.torch import save

    atomic.write_bytes(_best(folder, epoch), save(weights_of(network)))


def put_best(folder: Path, network: Any, epoch: int) -> None:
    """Give the weights the values of the best epoch."""
    from safetensors.torch import load_file

    put_weights(network, load_file(_best(folder, epoch)))


def forget_best(folder: Path, epoch: int) -> None:
    """Remove the weights of epochs that are not the best any more."""
    for path in folder.glob("best-*.safetensors"):
        if path != _best(folder, epoch):
            path.unlink()


def _best(folder: Path, epoch: int) -> Path:
    return folder / f"best-{epoch:06d}.safetensors"
