"""What a service says: its models, and its answers with who gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from aiaas.contracts import Answer, Signature
from aiaas.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the service, as it may be asked."""

    name: str
    version: str | None
    digest: str
    task: str
    runtime: str
    signature: Signature

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Model:
        try:
            signature = Signature.from_dict(said["signature"])
            return cls(
                *(said["name"], said["version"], said["digest"], said["task"], said["runtime"]), signature=signature
            )
        except (KeyError, TypeError) as error:
            raise RemoteError("the service does not describe its models as aiaas does") from error


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer an input, in their order; `{"error": {"message": …}}` for one that was refused, where such are kept.
    `versions` are those that answered, with their digests: more than one where another was put in its place
    meanwhile."""

    outputs: list[Answer]
    model: str
    versions: tuple[tuple[str | None, str], ...]

    @classmethod
    def joined(cls, model: str, parts: Iterable[Sequence[Taken]]) -> Answers:
        """The answers to several parts, in their order."""
        outputs: list[Answer] = []
        versions: dict[tuple[str | None, str], None] = {}
        for part in chain.from_iterable(parts):
            outputs += part.outputs
            versions |= part.versions
        return cls(outputs, model, tuple(versions))

    def __len__(self) -> int:
        return len(self.outputs)


class Taken:
    """The answers to the inputs of one part, as they come in: `left` are the places of those that are still to be
    asked."""

    def __init__(self, count: int, *, keeping: bool) -> None:
        self.left = list(range(count))
        self.outputs: list[Answer] = [{} for _ in self.left]
        self.versions: dict[tuple[str | None, str], None] = {}
        self._keeping = keeping

    def refuse(self, refused: Mapping[int, str]) -> bool:
        """Keep in their places those that a service refuses, counted in what was left; False where none is kept."""
        known = {place: message for place, message in refused.items() if place < len(self.left)}
        if not self._keeping or not known:
            return False
        for place, message in known.items():
            self.outputs[self.left[place]] = {"error": {"message": message}}
        self.left = [each for place, each in enumerate(self.left) if place not in known]
        return True

    def answer(self, said: Mapping[str, Any]) -> None:
        """The answers to all that was left. Raises RemoteError for another number of them."""
        for place, output in zip(self.left, _checked(said, len(self.left)), strict=True):
            self.outputs[place] = output
        self.versions[said.get("version"), str(said.get("digest", ""))] = None
        self.left = []


def _checked(said: Mapping[str, Any], count: int) -> Sequence[Answer]:
    outputs = said.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != count:
        raise RemoteError("the service gave another number of answers than of inputs")
    return outputs
