"""The processes of one fit, as each of them sees the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiaas.backends.torch._torch import torch


@dataclass(frozen=True, slots=True)
class Group:
    """This process is number `part` of `parts`. What stands here is asked of all processes at the same place of a fit:
    each waits for the others. One alone waits for nobody."""

    part: int = 0
    parts: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that reports and keeps."""
        return self.part == 0

    def agree(self, *said: bool) -> tuple[bool, ...]:
        """What the first process says: clocks and signals differ, and all must do the same."""
        if self.parts == 1:
            return said
        return tuple(bool(each) for each in self.gathered(torch().tensor(said, dtype=torch().uint8))[0])

    def total(self, numbers: Sequence[float]) -> list[float]:
        """The sum of each number over all processes: of the same order, and so the same, in each of them."""
        if self.parts == 1:
            return list(numbers)
        several = self.gathered(torch().tensor(numbers, dtype=torch().float64))
        return [sum(each) for each in zip(*(one.tolist() for one in several), strict=True)]

    def gathered(self, tensor: Any) -> list[Any]:
        """The tensor of each process, in their order; on the processor, and of equal shape."""
        if self.parts == 1:
            return [tensor]
        several = [torch().empty_like(tensor) for _ in range(self.parts)]
        torch().distributed.all_gather(several, tensor)
        return several

    def wait(self) -> None:
        """Go on when all are here."""
        self.agree(True)


ALONE = Group()


@contextmanager
def joined(part: int, parts: int, gpu: bool, meet: Path) -> Iterator[Group]:
    """This process as one of several on this machine, which find each other by the file `meet`. What is on GPUs is
    added up by NCCL, all else by gloo."""
    distributed = torch().distributed
    if gpu:
        torch().cuda.set_device(part)
    store = distributed.FileStore(str(meet), parts)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", store=store, rank=part, world_size=parts)
    yield Group(part, parts)
    distributed.destroy_process_group()  # after an error it might wait for those who wait for it
