"""What an administrator may want of a running service, whose workers all do it or none."""

from __future__ import annotations

from typing import Protocol


class Manager(Protocol):
    """Raises ConflictError where it cannot be done, and then nothing has changed."""

    async def load(self, reference: str) -> None:
        """Answer with a further model too: NAME, NAME@ALIAS or NAME/VERSION of the registry."""

    async def unload(self, name: str) -> None:
        """Answer with it no more; what was begun is finished."""
