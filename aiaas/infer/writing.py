"""What is asked of a model that writes: options for every answer, and what follows a prompt, as it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiaas.contracts import Answer, Params, Signature
from aiaas.errors import UsageError
from aiaas.infer.answering import Writing


def options_of(model: Writing, words: Sequence[str]) -> dict[str, Any] | None:
    """The options that `NAME=VALUE` words ask for, None where there are none. Raises UsageError for a model that has no
    options, OptionError for a name or value that it does not take."""
    from aiaas.bundle import of_words

    if not words:
        return None
    if model.options is None:
        raise UsageError(
            f"the model {model.name} takes no options", where="--option", hint="options are for models that write"
        )
    return of_words(model.options, words)


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that answers every line with the same options."""

    model: Writing
    asked: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def version(self) -> str | None:
        return self.model.version

    @property
    def digest(self) -> str:
        return self.model.digest

    @property
    def runtime(self) -> str:
        return self.model.runtime

    @property
    def signature(self) -> Signature:
        return self.model.signature

    @property
    def options(self) -> type[Params] | None:
        return self.model.options

    def decode(self, value: Any, /) -> Any:
        return self.model.decode(value)

    def answer(self, rows: Sequence[Any], /) -> list[Answer]:
        return self.model.answer(rows, self.asked)


def write(model: Writing, prompt: str, options: Mapping[str, Any] | None) -> Iterator[str]:
    """What follows `prompt`, piece by piece. Raises UsageError for a model that does not write, DataError for a prompt
    that is no text."""
    if model.options is None:
        raise UsageError(
            f"the model {model.name} does not write on from a prompt",
            where="--prompt",
            hint="give it lines to answer, in a file or on stdin",
        )
    return model.write(model.decode(prompt), options)
