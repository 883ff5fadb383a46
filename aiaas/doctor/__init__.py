"""Whether this machine has what aiaas needs: looked at without importing a framework, and within a second also where
nothing answers."""

from __future__ import annotations

from aiaas.doctor import machine, network, packages
from aiaas.doctor.check import Check, Level
from aiaas.workspace import Workspace

__all__ = ["Check", "Level", "examine"]


def examine(workspace: Workspace, *, offline: bool = False) -> list[Check]:
    """All that is looked at, in the order in which it matters. `offline` asks nobody over the network."""
    asked = network.Asked(workspace, offline=offline)  # they have time to answer while the rest is looked at
    return [
        machine.python(),
        packages.needed(),
        *packages.extras(),
        *packages.plugins(),
        machine.processor(),
        machine.gpus(),
        machine.memory(),
        *machine.disk(workspace.root),
        *asked.checks(),
    ]
