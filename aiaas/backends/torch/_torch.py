"""PyTorch and transformers: imported quietly, set up to train the same again bit by bit, and left as found."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aiaas.backends.settings import Learning
from aiaas.cores import cores
from aiaas.errors import TrainingError

_OFFLINE = {"HF_HUB_OFFLINE": "1"}
_SMALLER = ("amx_bf16", "avx512_bf16", "bf16")  # instructions of Intel, AMD and Arm


def torch() -> Any:
    """The module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

    return torch


def transformers() -> Any:
    """The module, which reads files of this machine and asks nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch()
        import transformers

    return transformers


def config_of(folder: Path) -> Any:
    """The settings of a network, from its `config.json`. Raises what the library does."""
    config = transformers().AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    config._attn_implementation = None  # it may name a repository of the hub, whose code the library would run
    return config


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block the libraries print nothing, draw no bars, warn of nothing and go to no network; after it,
    everything is set as it was."""
    with warnings.catch_warnings(), _environment(_OFFLINE):
        warnings.simplefilter("ignore")
        logging = transformers().utils.logging
        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity(logging.CRITICAL)
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass(frozen=True, slots=True)
class Device:
    """Where a fit computes and in what precision: the weights are float32 in any case."""

    kind: Literal["cpu", "cuda"]
    precision: Literal["float32", "bfloat16", "float16"]


def device(settings: Learning) -> Device:
    """The device that `settings` ask for. Raises TrainingError when a GPU is asked for and there is none, or when a
    processor is to compute in float16."""
    has_gpu = bool(torch().cuda.is_available())
    if settings.device == "gpu" and not has_gpu:
        raise TrainingError(
            "train.device is gpu, but PyTorch finds no GPU here", hint="leave train.device out, or say cpu"
        )
    if has_gpu and settings.device != "cpu":
        return Device("cuda", _of_gpu() if settings.precision == "auto" else settings.precision)
    if settings.precision == "float16":
        raise TrainingError(
            "train.precision is float16, in which no processor learns",
            hint="leave train.precision out, or say bfloat16",
        )
    if settings.precision == "auto":
        return Device("cpu", "bfloat16" if has_bfloat16() else "float32")
    return Device("cpu", settings.precision)


def _of_gpu() -> Literal["float32", "bfloat16", "float16"]:
    """bfloat16 where the GPU has it (compute capability 8), float16 on older ones (7)."""
    able = torch().cuda.get_device_capability()
    return "bfloat16" if able >= (8, 0) else "float16" if able >= (7, 0) else "float32"


def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16, which is faster than in float32."""
    able = torch().cpu.get_capabilities()
    return any(able.get(name, False) for name in _SMALLER)


@contextmanager
def set_up(settings: Learning, seed: int) -> Iterator[Device]:
    """Threads, random numbers and determinism for one fit; after it, all of them are as they were."""
    import numpy as np

    frame, found = torch(), device(settings)
    threads = frame.get_num_threads()
    strict, warn = frame.are_deterministic_algorithms_enabled(), frame.is_deterministic_algorithms_warn_only_enabled()
    filled = frame.utils.deterministic.fill_uninitialized_memory
    kept = random.getstate(), np.random.get_state(), frame.get_rng_state()
    frame.set_num_threads(settings.threads or cores())
    with _environment({"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}):  # without it, cuBLAS adds in any order
        frame.use_deterministic_algorithms(True, warn_only=True)
        frame.utils.deterministic.fill_uninitialized_memory = False  # nobody reads it, and filling takes time
        frame.manual_seed(seed)
        try:
            yield found
        finally:
            frame.use_deterministic_algorithms(strict, warn_only=warn)
            frame.utils.deterministic.fill_uninitialized_memory = filled
            frame.set_num_threads(threads)
            random.setstate(kept[0])
            np.random.set_state(kept[1])
            frame.set_rng_state(kept[2])
