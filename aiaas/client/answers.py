"""What a service says: its models, and its answers with who gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    """One answer an input, in their order. `versions` are those that answered, with their digests: more than one where
    another was put in its place meanwhile."""

    outputs: list[Answer]
    model: str
    versions: tuple[tuple[str | None, str], ...]

    @classmethod
    def joined(cls, model: str, parts: Iterable[tuple[Mapping[str, Any], int]]) -> Answers:
        """The answers of several requests, each to so many inputs. Raises RemoteError for another number of answers."""
        outputs: list[Answer] = []
        versions: dict[tuple[str | None, str], None] = {}
        for said, count in parts:
            outputs += _checked(said, count)
            versions[said.get("version"), str(said.get("digest", ""))] = None
        return cls(outputs, model, tuple(versions))

    def __len__(self) -> int:
        return len(self.outputs)


def _checked(said: Mapping[str, Any], count: int) -> Sequence[Answer]:
    outputs = said.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != count:
        raise RemoteError("the service gave another number of answers than of inputs")
    return outputs
