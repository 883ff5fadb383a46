"""One of several processes of a fit; `_processes` starts it and says what it hears from it.

    python -P -m aiaas.backends.torch._worker FD

FD is a socket. A job comes in; messages go out, each a name and its arguments: those that `Training` has functions for
(from the first process alone), and at the end `learned`, `done` or `failed`.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from aiaas import children
from aiaas.backends.torch import _checkpoint, _fit
from aiaas.backends.torch._group import joined
from aiaas.backends.torch._torch import Device, quiet, set_up
from aiaas.contracts import Signature, Training
from aiaas.cores import cores
from aiaas.errors import AiaasError


@dataclass(frozen=True, slots=True)
class Job:
    """What all processes of a fit are told: what is learned, by how many, and the file where they meet."""

    plan: _fit.Plan
    device: Device
    task: str
    signature: Signature
    seed: int
    checkpoints: Path
    parts: int
    meet: Path

    @property
    def threads(self) -> int:
        """Threads of each process."""
        return max(1, (self.plan.settings.threads or cores()) // self.parts)


def main() -> None:
    """Do the job, tell of it, and end with status 0 unless it failed."""
    parent = children.parent()
    status = 1
    try:
        job: Job = parent.recv()
        _learn(job, int(os.environ["RANK"]), parent)
        status = 0
    except AiaasError as error:
        parent.send(("failed", error))
    except BaseException:
        parent.send(("failed", RuntimeError(traceback.format_exc())))
    finally:
        os._exit(status)  # at once: what torch.distributed would tidy up waits for the others, which may hang


def _learn(job: Job, part: int, parent: Connection) -> None:
    """Learn, as process `part`, and send what was learned if it is the first: they all learned the same."""
    settings = job.plan.settings.model_copy(update={"threads": job.threads})
    training = Training(job.task, job.signature, job.seed + part, job.checkpoints, job.plan.settings)
    if part == 0:
        _tell(training, parent)
    with quiet(), set_up(settings, training.seed):
        with joined(part, job.parts, job.device.kind == "cuda", job.meet) as group:
            _fit.learn(job.plan, job.device, training, group)
        if part == 0:
            from safetensors.torch import save

            weights = {name: weight.cpu() for name, weight in _checkpoint.weights_of(job.plan.network).items()}
            parent.send(("learned", training.notes))
            parent.send_bytes(save(weights))
    parent.send(("done",))


def _tell(training: Training, parent: Connection) -> None:
    """Let `training` speak to whoever started this process."""

    def should_stop() -> bool:
        parent.send(("should_stop",))
        return bool(parent.recv())

    training.report = lambda step, metrics: parent.send(("report", step, dict(metrics)))
    training.progress = lambda progress: parent.send(("progress", progress))
    training.warn = lambda message: parent.send(("warn", message))
    training.should_stop = should_stop


if __name__ == "__main__":
    main()
