"""TensorFlow, imported quietly and set up for training that can be repeated bit by bit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiaas.backends.settings import Learning
from aiaas.cores import cores, instructions
from aiaas.errors import TrainingError

REQUIRES = ("tensorflow",)


def tensorflow() -> Any:
    """The module. Imports it without what its libraries write to stderr before anyone can tell them not to."""
    if "tensorflow" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _silence():
            import tensorflow as tf
        tf.get_logger().setLevel("ERROR")
    return sys.modules["tensorflow"]


def keras() -> Any:
    """Keras, which computes with TensorFlow here."""
    tensorflow()
    import keras

    return keras


@contextmanager
def _silence() -> Iterator[None]:
    """Send what C++ code writes to file descriptor 2 nowhere; Python's own words and exceptions are not affected."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def set_up(settings: Learning, *, convolutions: bool = False) -> Any:
    """Set the devices up as `settings` say, and give the strategy under whose `scope()` the network is built.

    `convolutions` says that the time goes into them, which decides the precision that is worth it. Raises TrainingError
    when a GPU is asked for and there is none.
    """
    tf = tensorflow()
    gpus = _devices(settings)
    threads = settings.threads or cores()
    for limit in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        with suppress(RuntimeError):  # once TensorFlow has computed anything, its threads stay as they are
            limit(threads)
    tf.config.experimental.enable_op_determinism()
    keras().config.set_dtype_policy(_policy(settings, gpus, convolutions))
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def seed(number: int) -> None:
    """Begin as a fresh process with this seed would: names of layers and random numbers."""
    forget()
    keras().utils.set_random_seed(number)


def forget() -> None:
    """Forget the layers and variables made so far, and their names. Keras forgets the precision as well: it is kept."""
    config = keras().config
    policy = config.dtype_policy()
    keras().utils.clear_session(free_memory=False)
    config.set_dtype_policy(policy)


def _devices(settings: Learning) -> list[Any]:
    """The GPUs to learn on; none on a processor."""
    tf = tensorflow()
    with _silence():  # where there is no driver
        gpus = list(tf.config.list_physical_devices("GPU"))
    if settings.device == "gpu" and not gpus:
        raise TrainingError(
            "train.device is gpu, but TensorFlow finds no GPU here", hint="leave train.device out, or say cpu"
        )
    if settings.device == "cpu" and gpus:
        with suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
        return []
    for gpu in gpus:
        with suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    return gpus


def _policy(settings: Learning, gpus: list[Any], convolutions: bool) -> str:
    """The precision of the sums; the weights are float32 in any case. auto: bfloat16 where all GPUs have it (compute
    capability 8), float16 on older ones (7); on a processor bfloat16 for convolutions where it has AMX, which halves
    their time, else float32."""
    if settings.precision != "auto":
        return {"float32": "float32"}.get(settings.precision, f"mixed_{settings.precision}")
    if not gpus:
        return "mixed_bfloat16" if convolutions and "amx_bf16" in instructions() else "float32"
    details = [tensorflow().config.experimental.get_device_details(gpu) for gpu in gpus]
    able = min((each.get("compute_capability", (0, 0)) for each in details), default=(0, 0))
    return "mixed_bfloat16" if able >= (8, 0) else "mixed_float16" if able >= (7, 0) else "float32"


def plain() -> None:
    """Build what follows in float32: a network that answers, whatever it was trained in."""
    keras().config.set_dtype_policy("float32")
