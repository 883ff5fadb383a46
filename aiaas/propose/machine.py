"""What the machine has that a model may need."""

from __future__ import annotations

import os
from dataclasses import dataclass

from aiaas.cores import cores


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores and bytes of memory that this process may use."""

    cores: int
    memory: int

    def __str__(self) -> str:
        return f"{self.cores} core{'s' * (self.cores != 1)}, {self.memory / 2**30:.0f} GB of memory"


def machine() -> Machine:
    """This one."""
    return Machine(cores(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
