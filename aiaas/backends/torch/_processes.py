"""A fit in several processes of this machine: one for each GPU, or a few that share the processor.

With one, the fit runs here (`_fit.learn`), and nothing below is of any account. With several, this process starts
them all, hands each the same job and learns nothing itself. What they tell it, it passes on to `Training`; what they
learned, it puts into its own network. So it stays free to answer signals, to name the cause when one of them dies, and
to end all of them, and nothing of torch.distributed is left in it.

Each of them (`_worker.py`) runs the fit as one process alone would, over its part of the rows of every batch. DDP,
which accelerate wraps the network in, adds up the gradients; the loss of a process is its share of the mean over all
rows of the step, so that the step is that of one alone, however the rows are divided. All have the same weights.
The sums of the metrics are added up (`_group.py`), and what depends on a clock or a signal the first one says to all:
when to keep a checkpoint, when it is over, when to stop. It alone reports and keeps. Of the others a checkpoint holds
the random numbers, so that as many processes go on from it bit for bit.
"""

from __future__ import annotations

import pickle
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from aiaas.backends.torch import _checkpoint, _fit, _memory
from aiaas.backends.torch._settings import FineTuning
from aiaas.backends.torch._torch import Device, torch
from aiaas.backends.torch._worker import Job
from aiaas.children import Child
from aiaas.contracts import Training
from aiaas.errors import AiaasError, TrainingError

_GRACE = 10.0  # seconds for the others to say what happened, when one process failed
_MODULE = "aiaas.backends.torch._worker"


def count(settings: FineTuning, device: Device) -> int:
    """Processes that `settings` ask for. Raises TrainingError where there are fewer GPUs."""
    gpus = int(torch().cuda.device_count()) if device.kind == "cuda" else 0
    if settings.processes == "auto":
        return max(1, gpus)
    if gpus and settings.processes > gpus:
        raise TrainingError(
            f"train.processes is {settings.processes}, and PyTorch finds {gpus} GPU{'s' if gpus > 1 else ''} here",
            where="train.processes",
            hint="leave train.processes out: there is one for each GPU",
        )
    return settings.processes


def learn(plan: _fit.Plan, device: Device, training: Training, parts: int) -> None:
    """Fit the network of `plan` in `parts` processes. Raises what `_fit.learn` does, and TrainingError where one of
    several was ended from outside."""
    if parts == 1:
        _fit.learn(plan, device, training)
        return
    with tempfile.TemporaryDirectory(prefix="aiaas-") as folder:
        job = Job(
            plan=plan,
            device=device,
            task=training.task,
            signature=training.signature,
            seed=training.seed,
            checkpoints=training.checkpoints,
            parts=parts,
            meet=Path(folder) / "meet",
        )
        with _started(job) as workers:
            weights = _followed(workers, pickle.dumps(job), training)
    from safetensors.torch import load

    plan.network.to(device.kind)
    _checkpoint.put_weights(plan.network, load(weights))


class _Worker(Child):
    """The handle of one process."""

    def __init__(self, part: int, job: Job) -> None:
        self.part, self.parts = part, job.parts
        super().__init__(_MODULE, _environment(part, job))

    def ended(self) -> Exception | None:
        """Wait for the process, which closed its end; what it died of, if it had no time to say so."""
        status = self.process.wait()
        who = f"process {self.part + 1} of {self.parts}"
        if status < 0:
            return TrainingError(
                f"{who} was ended by {signal.Signals(-status).name}",
                hint=f"if memory ran out: {_memory.HINT}, or let fewer processes learn: train.processes",
            )
        return RuntimeError(f"{who} ended with status {status}") if status else None


@contextmanager
def _started(job: Job) -> Iterator[list[_Worker]]:
    """The processes; none of them outlives the block."""
    workers: list[_Worker] = []
    try:
        workers.extend(_Worker(part, job) for part in range(job.parts))  # keeps those before one that does not start
        yield workers
    finally:
        for worker in workers:
            worker.end()


def _environment(part: int, job: Job) -> dict[str, str]:
    """What accelerate reads, as torch's own launcher writes it, and that nothing is said to the network."""
    loopback = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
    return {
        "RANK": str(part),
        "LOCAL_RANK": str(part),
        "WORLD_SIZE": str(job.parts),
        "LOCAL_WORLD_SIZE": str(job.parts),
        "MASTER_ADDR": "127.0.0.1",
        "OMP_NUM_THREADS": str(job.threads),
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        **({"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}),
    }


def _followed(workers: list[_Worker], job: bytes, training: Training) -> bytes:
    """Hand out the job, pass on what is told, and return the weights that were learned. Raises what a process failed
    with: rather what it knows of itself than that another one left it."""
    for worker in workers:
        try:
            worker.connection.send_bytes(job)
        except OSError:  # it died; below it is said of what
            continue
    weights = b""
    failed: list[Exception] = []
    running: dict[Any, _Worker] = {worker.connection: worker for worker in workers}
    deadline: float | None = None
    while running and (deadline is None or time.monotonic() < deadline):
        for connection in wait(list(running), _GRACE if deadline else None):
            assert isinstance(connection, Connection)
            error: Exception | None = None
            try:
                name, *said = connection.recv()
            except (EOFError, OSError):
                error = running.pop(connection).ended()
            else:
                if name == "learned":
                    training.notes.update(said[0])
                    weights = connection.recv_bytes()
                elif name == "failed":
                    error = said[0]
                elif name != "done":
                    _pass_on(connection, name, said, training)
            if isinstance(error, AiaasError):
                raise error
            if error:
                failed.append(error)
                deadline = deadline or time.monotonic() + _GRACE
    if failed:
        raise failed[0]
    return weights


def _pass_on(connection: Connection, name: str, said: list[Any], training: Training) -> None:
    """Call the function of `training` that a process has called."""
    if name == "should_stop":
        connection.send(training.should_stop())
    elif name == "report":
        training.report(*said)
    elif name == "progress":
        training.progress(*said)
    else:
        training.warn(*said)
