"""The models that answer, by the names that callers use; a version is put in the place of another in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from aiaas import plugins
from aiaas.contracts import TakesFiles
from aiaas.serve.batching import Batcher, Size
from aiaas.serve.calls import Caller
from aiaas.serve.errors import NotFoundError
from aiaas.serve.limits import Limits
from aiaas.serve.watching import All

if TYPE_CHECKING:
    from aiaas.bundle import Bundle


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Live:
    """A version of a model that answers."""

    name: str
    bundle: Bundle
    batches: Batcher
    about: Mapping[str, Any]
    """Name, version and digest: what every answer names."""
    media_types: tuple[str, ...]
    """What an input may be as a file; empty where the task takes none."""
    awake: bool = True
    """Whether what answers is in memory; all else that is known of the model always is."""

    @property
    def described(self) -> dict[str, Any]:
        """What a caller may know of it: no path, no recipe."""
        return {
            "name": self.name,
            "version": self.bundle.version,
            "digest": self.bundle.digest,
            "runtime": self.bundle.runtime,
            "task": self.bundle.manifest["task"],
            "signature": self.bundle.signature.as_dict(),
        }


class Waking(Protocol):
    """What brings back a model that is not in memory, and is told of each that is asked."""

    async def rouse(self, live: Live, deadline: float) -> Live: ...
    def used(self, name: str) -> None: ...


class Models:
    """All that answer. Work that a version began it also ends, whatever is put in its place.

    `turn` is called before anything is looked up: whoever switches versions does it there. `waking` is there where
    models may leave memory."""

    def __init__(self, threads: Executor, limits: Limits, watcher: All) -> None:
        self._threads = threads
        self._limits = limits
        self._watcher = watcher
        self._live: dict[str, Live] = {}
        self.turn: Callable[[], None] = lambda: None
        self.waking: Waking | None = None

    def __iter__(self) -> Iterator[Live]:
        self.turn()
        return iter(self.current())

    def current(self) -> list[Live]:
        """All as they are, for any thread: nothing is switched."""
        return list(self._live.values())

    def make(self, name: str, bundle: Bundle, *, awake: bool = True) -> Live:
        """A version that could be put in its place."""
        about = {"model": bundle.name, "version": bundle.version, "digest": bundle.digest}
        batches = Batcher(
            bundle.scored,
            self._threads,
            limit=Size(self._limits.batch_rows, self._limits.batch_tokens),
            waiting=self._limits.waiting,
            watch=lambda batch: self._watcher.computed(about, batch),
        )
        return Live(name, bundle, batches, about, _media_types(bundle), awake)

    def put(self, name: str, bundle: Bundle) -> Live | None:
        """Let `bundle` answer as `name` from now on; what answered until now is given back."""
        return self.place(self.make(name, bundle))

    def place(self, live: Live) -> Live | None:
        """The same of a version that was made before."""
        before = self._live.get(live.name)
        self._live[live.name] = live
        self._watcher.placed(live.about, before.about if before else None, awake=live.awake)
        return before

    def take_away(self, name: str) -> Live | None:
        gone = self._live.pop(name, None)
        if gone is not None:
            self._watcher.placed(gone.about, None, awake=False)
        return gone

    def of(self, caller: Caller) -> list[Live]:
        """Those that exist for the caller."""
        return [live for live in self if caller.sees(live.name)]

    def get(self, name: str) -> Live | None:
        """What answers as `name`, whoever asks."""
        return self._live.get(name)

    def find(self, name: str, caller: Caller) -> Live:
        """The model of that name, where it exists for the caller; NotFoundError is the same for one that is hidden."""
        self.turn()
        live = self._live.get(name)
        if live is not None and caller.sees(name):
            return live
        close = plugins.nearest(name, [each.name for each in self.of(caller)])
        hint = f"did you mean {close!r}?" if close else "GET /v1/models lists what there is"
        raise NotFoundError("there is no such model", hint=hint)

    async def awake(self, name: str, caller: Caller, deadline: float) -> Live:
        """`find`, of a model that can answer: one that is not in memory is loaded first. Raises DeadlineError where
        that takes longer than until `deadline`."""
        live = self.find(name, caller)
        if self.waking is None:
            return live
        self.waking.used(name)
        return live if live.awake else await self.waking.rouse(live, deadline)


def _media_types(bundle: Bundle) -> tuple[str, ...]:
    task = plugins.task(bundle.manifest["task"])
    return tuple(task.MEDIA_TYPES) if isinstance(task, TakesFiles) else ()
