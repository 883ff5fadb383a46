"""What supervisor and workers say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, TypeAdapter

from aiaas.bundle import Located
from aiaas.serve.seen import Places
from aiaas.serve.settings import Settings

# --- the supervisor -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """The first that a worker hears: load these."""

    slot: int
    models: tuple[Located, ...]
    settings: Settings
    places: Places
    kind: Literal["begin"] = "begin"


@dataclass(frozen=True, slots=True)
class Open:
    """Take requests."""

    kind: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Prepare:
    """Load this version and say so; `at_once`, let it answer too."""

    number: int
    model: Located
    at_once: bool = False
    kind: Literal["prepare"] = "prepare"


@dataclass(frozen=True, slots=True)
class Arm:
    """What was prepared under `key` answers once the board's epoch is `number`; say that you know."""

    key: int
    number: int
    kind: Literal["arm"] = "arm"


@dataclass(frozen=True, slots=True)
class Drop:
    """The model called `name` answers nothing that begins once the board's epoch is `number`; say that you know."""

    number: int
    name: str
    kind: Literal["drop"] = "drop"


@dataclass(frozen=True, slots=True)
class Turn:
    """The board has a new epoch; for a worker that nobody asks anything."""

    kind: Literal["turn"] = "turn"


@dataclass(frozen=True, slots=True)
class Forget:
    """What was prepared or armed under this number is not wanted."""

    number: int
    kind: Literal["forget"] = "forget"


@dataclass(frozen=True, slots=True)
class Settle:
    """The version that answered as `name` before this one will not come back."""

    name: str
    kind: Literal["settle"] = "settle"


@dataclass(frozen=True, slots=True)
class Changed:
    """What was wanted under this number is done in all workers, or `refused` says why in none."""

    number: int
    refused: str | None = None
    kind: Literal["changed"] = "changed"


@dataclass(frozen=True, slots=True)
class Retire:
    """Finish what was begun and end; others go on."""

    kind: Literal["retire"] = "retire"


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish what was begun, close the door and end, as all do; `now`: without finishing."""

    now: bool = False
    kind: Literal["stop"] = "stop"


# --- a worker -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """All models are; `about` are their name, version, digest and runtime."""

    about: tuple[dict[str, Any], ...]
    kind: Literal["loaded"] = "loaded"


@dataclass(frozen=True, slots=True)
class Failed:
    """One cannot be loaded: the name of the error's class, and what it says."""

    error: str
    message: str
    where: str | None
    hint: str | None
    kind: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Opened:
    """Requests are answered."""

    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was asked under this number is done, or `refused` says why not."""

    number: int
    refused: str | None = None
    kind: Literal["prepared"] = "prepared"


@dataclass(frozen=True, slots=True)
class Counted:
    """Requests that versions answered here, by their digests, and how many of them they failed."""

    versions: Mapping[str, tuple[int, int]]
    kind: Literal["counted"] = "counted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An administrator wants all workers to answer with the model that `load` refers to, or no more with `unload`."""

    number: int
    load: str | None = None
    unload: str | None = None
    kind: Literal["wanted"] = "wanted"


@dataclass(frozen=True, slots=True)
class Leaving:
    """It was told to end, by somebody else."""

    kind: Literal["leaving"] = "leaving"


Message = (
    Begin
    | Open
    | Prepare
    | Arm
    | Drop
    | Turn
    | Forget
    | Settle
    | Changed
    | Retire
    | Stop
    | Loaded
    | Failed
    | Opened
    | Prepared
    | Counted
    | Wanted
    | Leaving
)
ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Discriminator("kind")])
