"""What can go wrong, and what a script learns of it.

    AiaasError                1   a fault of ours
    ├── UsageError            2   the command line
    │   ├── RecipeError       2   the recipe; holds every fault at once
    │   ├── SecretError       2   a secret that a recipe or a bundle refers to is not in the environment, or no use
    │   ├── OptionError       2   what a model that writes was asked for: length, temperature, …
    │   └── LockError         2   a lock that is none, or that what is to be run does not keep to
    ├── DataError             3   the data: missing, unreadable, contradicting, leaking
    │   └── ExampleError      3   one example of several cannot be taken; knows which
    ├── MissingPackageError   4   a backend or an extra is not installed
    ├── PluginError           4   a package's plug-in cannot be imported, or used
    ├── TrainingError         5   training failed
    ├── GateError             6   a gate was not met
    ├── ReproductionError     6   what was run again came out otherwise
    ├── VerificationError     7   a bundle or model is damaged, altered or too new
    │   └── ExportError       7   a model has no portable form, or one that answers differently
    ├── RemoteError           8   a tracking server, a hub, an endpoint
    └── Interrupted          75   stopped; the same command goes on
        └── Abandoned        75   a fit that whoever watches it wants no more of

Library code raises these and nothing else on purpose. One boundary in cli/ turns them into a message and an exit
status, one in serve/ into an HTTP status.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class AiaasError(Exception):
    """A failure a person can act on: what happened, where, and what to do next.

    `message` says what is wrong and what would be allowed; `where` names the file, line, column or address; `hint`
    says what to do.
    """

    status: ClassVar[int] = 1
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.reached: dict[str, Any] = {}
        """What was done before it failed (stages, metrics), for whoever reports it."""
        self._note()

    def __reduce__(self) -> tuple[Any, ...]:
        """As it stands, whatever its class is made of: it is told from one process to another."""
        return AiaasError.__new__, (type(self), *self.args), self.__dict__

    def reword(self, change: Callable[[str], str]) -> None:
        """Put all that it says otherwise, as to keep secrets out of it."""
        self.message = change(self.message)
        self.where = self.where and change(self.where)
        self.hint = self.hint and change(self.hint)
        self.args = (self.message,)
        self._note()

    def _note(self) -> None:
        """Let a traceback show where it went wrong and what to do: whoever calls from Python sees no more."""
        told = (("where", self.where), ("hint", self.hint))
        self.__notes__ = [f"  {name}: {said}" for name, said in told if said]

    def as_dict(self) -> dict[str, Any]:
        """The `error` object of `--json`."""
        return {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}


class UsageError(AiaasError):
    """The command line asks for something that does not exist or does not go together."""

    status = 2
    code = "usage"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a recipe: `where` is file:line:column (or `--set`), `path` the dotted path of the value."""

    where: str
    path: str
    message: str
    hint: str | None = None


class RecipeError(UsageError):
    """A recipe says something it may not say. All faults are found before any is reported."""

    code = "recipe"

    def __init__(self, faults: Sequence[Fault]) -> None:
        count = len(faults)
        self.faults = tuple(faults)
        super().__init__(
            "\n".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults),
            where=faults[0].where if faults else None,
            hint=faults[0].hint if count == 1 else None,
        )

    def _note(self) -> None:
        places = (": ".join(filter(None, (fault.where, fault.path, fault.hint))) for fault in self.faults)
        self.__notes__ = [f"  {place}" for place in places]

    def as_dict(self) -> dict[str, Any]:
        faults = [
            {"where": fault.where, "path": fault.path, "message": fault.message, "hint": fault.hint}
            for fault in self.faults
        ]
        return {**super().as_dict(), "faults": faults}


class OptionError(UsageError):
    """An option of an answer that the model has not, or a value that it does not allow. Names the option and what is
    allowed, and repeats nothing of what was sent."""

    code = "option"


class SecretError(UsageError):
    """What a recipe or a bundle refers to as `${env:NAME}` is not set, or is no use as what it is for."""

    code = "secret"


class LockError(UsageError):
    """A lock that cannot be read as one, or a run that must keep to it and would not."""

    code = "lock"


class DataError(AiaasError):
    """The data is missing, cannot be read, or cannot carry the result that was asked of it."""

    status = 3
    code = "data"


class ExampleError(DataError):
    """One of the examples that a model was given cannot be taken: `index` is its place among them, from 0. The others
    may be asked again without it."""

    def __init__(self, message: str, index: int, *, hint: str | None = None) -> None:
        super().__init__(message, where=f"example {index + 1}", hint=hint)
        self.index = index


class MissingPackageError(AiaasError):
    """A package that a backend, a source or a step needs is not installed; the hint holds the command."""

    status = 4
    code = "missing-package"


class PluginError(AiaasError):
    """A plug-in that a package registers cannot be imported, or used; names both. What does not need it works."""

    status = 4
    code = "plugin"


class TrainingError(AiaasError):
    """Training ran and failed: it diverged, or the data cannot be learned with these parameters."""

    status = 5
    code = "training"


class GateError(AiaasError):
    """The model was trained and judged, and is not good enough to be registered."""

    status = 6
    code = "gate"


class ReproductionError(AiaasError):
    """A run was made again of the same, and came out otherwise."""

    status = 6
    code = "reproduction"


class VerificationError(AiaasError):
    """A bundle or model is damaged, was altered, or was written by a newer aiaas."""

    status = 7
    code = "verification"


class ExportError(VerificationError):
    """A model has no portable form, or one that answers differently from the model."""


class RemoteError(AiaasError):
    """A service elsewhere did not answer, or answered with an error: `answered` is the status of HTTP, where it
    did."""

    status = 8
    code = "remote"
    answered: int | None = None


class Interrupted(AiaasError):
    """Stopped by a signal; what was done is kept and the same command goes on."""

    status = 75
    code = "interrupted"


class Abandoned(Interrupted):
    """A fit was stopped because whoever watches it wants no more of it, not by a signal."""

    code = "abandoned"


def of_status(status: int) -> type[AiaasError]:
    """The error that stands for an exit status, for whoever passes on how another process ended."""
    return next((kind for kind in AiaasError.__subclasses__() if kind.status == status), AiaasError)


def first_line(error: BaseException) -> str:
    """What an error of a library says, without the pages that it appends; its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
