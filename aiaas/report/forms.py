"""What evaluations leave besides flat metrics, as this room reads it. Further members may stand beside these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aiaas.errors import DataError

Ends = tuple[float, float] | None
"""From where to where a figure may be; None where that is not known."""


class Form(BaseModel):
    """Base of what is read: frozen, and open for what later versions say besides."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Mistake(Form):
    """An answer that cost much: the row's number in the collected data, what is right, what was answered, how sure, and
    what it cost; the example as the model reads it, and as a picture where it is one."""

    row: int
    target: Any = None
    answer: Any = None
    score: float | None = None
    loss: float
    shown: dict[str, Any] = Field(default_factory=dict)
    picture: Annotated[str, Field(pattern=r"^data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+$")] | None = None


class Bin(Form):
    """Answers about as sure as each other, and the share of them that is right."""

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None
    interval: Ends = None


class Before(Form):
    """What scores were worth before a temperature was fitted."""

    ece: float | None = None
    log_loss: float | None = None


class Calibration(Form):
    """Whether a classifier is right as often as it says."""

    ece: float | None
    bins: tuple[Bin, ...]
    temperature: float | None = None
    before: Before | None = None


class Perturbed(Form):
    """What is left of a metric when the inputs are spoilt in one way."""

    name: str
    value: float | None
    difference: float | None
    interval: Ends = None
    p: float | None = None
    worse: bool


class Robustness(Form):
    """A metric of plain and of perturbed inputs."""

    rows: int
    metric: str
    plain: float | None
    perturbed: tuple[Perturbed, ...]


class Written(Form):
    """A text that a generator wrote, and what it goes on from."""

    prompt: str = ""
    text: str


class Findings(Form):
    """What an inspection found of the rows."""

    name: str
    level: str
    message: str


F = TypeVar("F", bound=Form)


def part(form: type[F], metrics: Mapping[str, Any], name: str) -> F | None:
    """A member of the metrics; None where there is none. Raises DataError for another form."""
    return None if metrics.get(name) is None else _read(form, metrics[name], f"metrics.json, {name}")


def lines(form: type[F], path: Path) -> list[F]:
    """The objects of a file of JSON lines; none where there is no file. Raises DataError for another form."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            value = json.loads(line)
        except ValueError:
            raise DataError("this is no JSON", where=f"{path}:{number}", hint="evaluate the model again") from None
        found.append(_read(form, value, f"{path}:{number}"))
    return found


def _read(form: type[F], value: Any, where: str) -> F:
    try:
        return form.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(
            f"the evaluation left what this version cannot read: {place + ': ' if place else ''}{first['msg']}",
            where=where,
            hint="evaluate the model again",
        ) from None
