"""ONNX Runtime: a network from a file, called as a function, without the framework that it was trained with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.cores import cores
from aiaas.errors import UsageError, VerificationError, first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUNTIME = "onnx"
REQUIRES = ("onnxruntime",)
FROM_KERAS = ("tf2onnx", "onnx")
"""What writing a network of Keras takes."""
FROM_TORCH = ("onnxscript", "onnx")
"""What writing a network of torch takes."""
TO_INT8 = ("onnx", "onnxruntime")
"""What writing whole numbers of eight bits in place of its weights takes."""
OF_TEXTS = (*REQUIRES, "tokenizers")
"""What an encoder of texts takes to answer."""
THREADS = "AIAAS_THREADS"
_ERRORS_ONLY = 3


class PortableNetwork:
    """The network in an .onnx file: arrays in, one array out, wherever it was trained."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.path = path
        self.session = open_session(path, threads)

    def __call__(self, *inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The first output (n, …) for inputs (n, …), in the order in which the network names them. Raises
        VerificationError when the network takes others."""
        return run(self.session, inputs)

    def save(self, directory: Path) -> None:
        """Write the file into `directory`, as it is."""
        shutil.copyfile(self.path, directory / self.path.name)


def open_session(path: Path, threads: int | None = None) -> Any:
    """A session of ONNX Runtime over a file whose digest was compared before.

    `threads` compute one request; by default AIAAS_THREADS, else one a core. Raises MissingPackageError,
    VerificationError when the file is no network that the runtime knows, UsageError for a bad AIAAS_THREADS.
    """
    plugins.require(REQUIRES, "a model in portable form")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    # Between the operators of a network a thread that spins is there at once, which takes a quarter off an answer; when
    # nothing is asked, it must not burn a core that another service could use.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common class but this
        raise VerificationError(
            f"ONNX Runtime cannot read the model: {first_line(error)}", where=str(path), hint="deploy the model again"
        ) from error


def run(session: Any, inputs: tuple[NDArray[Any], ...]) -> NDArray[np.float32]:
    """The first output of the network, as float32. Raises VerificationError when the inputs are not those it takes."""
    import numpy as np

    names = [each.name for each in session.get_inputs()]
    try:
        (output, *_) = session.run(None, dict(zip(names, inputs, strict=True)))
    except Exception as error:
        raise VerificationError(
            f"the model in portable form does not take this input: {first_line(error)}",
            hint="deploy the model again",
        ) from error
    return np.asarray(output, np.float32)


def default_threads() -> int:
    """Threads of one request: AIAAS_THREADS, else one for each core that this process may use."""
    given = os.environ.get(THREADS)
    if given is None:
        return cores()
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given) <= 1024:
        raise UsageError(f"{THREADS} is {given!r}; it must be a number of threads from 1 to 1024", where=THREADS)
    return int(given)
