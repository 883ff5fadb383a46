"""A model behind a service's URL, answering as a bundle does."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from aiaas import plugins
from aiaas.client import Client
from aiaas.contracts import Answer, Generative, Params
from aiaas.errors import UsageError

KEY = "AIAAS_KEY"
"""The variable that holds the key: a command line is no place for one."""
_PATH = re.compile(r"(?P<base>.*?)(?:/v1(?:/models(?:/(?P<name>[^/]+)(?:/predict)?)?)?)?/?")


def is_url(reference: str) -> bool:
    return reference.startswith(("http://", "https://"))


class RemoteModel:
    """A model served at `url`: the service's address, or `.../v1/models/NAME`.

    The name may be left out where the service has one model. Raises UsageError for a name it has not, RemoteError
    when it does not answer as aiaas does. Requests are repeated while the service is away or asks to wait.
    """

    def __init__(self, url: str, *, timeout: float = 60.0, attempts: int = 4) -> None:
        base, name = _split(url)
        self._client = Client(base, os.environ.get(KEY) or None, timeout=timeout, attempts=attempts)
        try:
            model = self._client.model(name) if name else self._only_model()
            self._task = _task(model.task)
        except BaseException:
            self.close()
            raise
        self.name, self.task, self.signature, self.runtime = model.name, model.task, model.signature, model.runtime
        self.version, self.digest = model.version, model.digest

    @property
    def options(self) -> type[Params] | None:
        """What may be asked of a model that writes; None for others, and where its task is not known here."""
        return self._task.Options if isinstance(self._task, Generative) else None

    def decode(self, value: Any, /) -> Any:
        """The input itself: the service decodes."""
        return value

    def answer(self, rows: Sequence[Any], options: Mapping[str, Any] | None = None, /) -> list[Answer]:
        """One answer for each row, in order; `{"error": …}` for each that the service refuses."""
        return self._client.predict(self.name, rows, options, keep_errors=True).outputs

    def write(self, row: Any, options: Mapping[str, Any] | None = None, /) -> Iterator[str]:
        """What the model writes on from one input, piece by piece as the service sends it."""
        return self._client.stream(self.name, row, options)

    def written(self, text: str, /) -> Answer:
        """All the pieces that `write` gave, as a caller reads them."""
        answer: Answer = self._task.written(text, self.signature)
        return answer

    def close(self) -> None:
        self._client.close()

    def _only_model(self) -> Any:
        models = self._client.models()
        if len(models) != 1:
            names = ", ".join(model.name for model in models)
            raise UsageError(
                f"the service has {len(models)} models: {names}" if models else "the service has no model",
                where=self._client.url,
                hint=f"name one: {self._client.url}/v1/models/{models[0].name}" if models else None,
            )
        return models[0]


def _task(name: str) -> Any:
    """The task of that name, None where it is not known here."""
    try:
        return plugins.task(name)
    except UsageError:  # a plug-in that only the service has
        return None


def _split(url: str) -> tuple[str, str | None]:
    """The service's address and the model's name, where the URL holds one."""
    try:
        parts = urlsplit(url)
    except ValueError:  # the client says what is wrong with it
        return url, None
    match = _PATH.fullmatch(parts.path)
    assert match is not None, "every part of the pattern is optional"
    name = match["name"]
    return urlunsplit(parts._replace(path=match["base"])), unquote(name) if name else None
