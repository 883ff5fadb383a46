"""A model behind a service's URL, answering as a bundle does."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from aiaas import plugins
from aiaas.contracts import Answer, Generative, Params, Signature
from aiaas.errors import DataError, RemoteError, UsageError
from aiaas.infer import events

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4
LONGEST_WAIT = 10.0
_PATH = re.compile(r"(?P<base>.*?)(?:/v1(?:/models(?:/(?P<name>[^/]+)(?:/predict)?)?)?)?/?")
_PLACE = re.compile(r"inputs\[(\d+)\]")


def is_url(reference: str) -> bool:
    return reference.startswith(("http://", "https://"))


class RemoteModel:
    """A model served at `url`: the service's address, or `.../v1/models/NAME`.

    The name may be left out where the service has one model. Raises UsageError for a name it has not, RemoteError
    when it does not answer as aiaas does. Requests are repeated while the service is away or asks to wait, a few
    times at most.
    """

    def __init__(self, url: str, *, timeout: float = 60.0) -> None:
        self._base, name = _split(url)
        self._http = _client(self._base, timeout)
        try:
            self.name = name or self._only_model()
            self._url = f"{self._base}/v1/models/{quote(self.name, safe='')}"
            about = self._about()
            self.signature, self.version, self.digest, self.runtime, self._task = about
        except BaseException:
            self.close()
            raise

    @property
    def options(self) -> type[Params] | None:
        """What may be asked of a model that writes; None for others, and where its task is not known here."""
        return self._task.Options if isinstance(self._task, Generative) else None

    def _about(self) -> tuple[Signature, str | None, str, str, Any]:
        about = self._ask("GET", self._url, lost=f"the service has no model {self.name!r}")
        try:
            digest, runtime, task = str(about["digest"]), str(about["runtime"]), _task(str(about["task"]))
            return Signature.from_dict(about["signature"]), about["version"], digest, runtime, task
        except (KeyError, TypeError) as error:
            raise RemoteError("the service does not answer as aiaas does", where=self._url) from error

    def decode(self, value: Any, /) -> Any:
        """The input itself: the service decodes. A file goes as base64, which JSON can hold."""
        return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value

    def answer(self, rows: Sequence[Any], options: Mapping[str, Any] | None = None, /) -> list[Answer]:
        """One answer for each row, in order; `{"error": …}` for each that the service refuses."""
        given: list[Answer] = [{}] * len(rows)
        left = list(range(len(rows)))
        while left:
            reply = self._post([rows[place] for place in left], options)
            if "outputs" in reply:
                if len(reply["outputs"]) != len(left):
                    raise RemoteError("the service gave another number of answers than of inputs", where=self._url)
                for place, answer in zip(left, reply["outputs"], strict=True):
                    given[place] = answer
                break
            refused = _refused(reply, len(left))
            if not refused:  # it refuses the batch without saying which: the caller halves it
                raise DataError(reply["error"]["message"])
            for index, message in refused.items():
                given[left[index]] = {"error": {"message": message}}
            left = [place for index, place in enumerate(left) if index not in refused]
        return given

    def close(self) -> None:
        self._http.close()

    def _only_model(self) -> str:
        reply = self._ask("GET", f"{self._base}/v1/models", lost="there is no aiaas service at this address")
        names = [str(each["name"]) for each in reply.get("models", [])]
        if len(names) != 1:
            raise UsageError(
                f"the service has {len(names)} models: {', '.join(names)}" if names else "the service has no model",
                where=self._base,
                hint=f"name one: {self._base}/v1/models/{names[0]}" if names else None,
            )
        return names[0]

    def write(self, row: Any, options: Mapping[str, Any] | None = None, /) -> Iterator[str]:
        """What the model writes on from one input, piece by piece as the service sends it."""
        body = {**_body([row], options), "stream": True}
        return events.pieces(self._http, f"{self._url}/predict", body)

    def written(self, text: str, /) -> Answer:
        """All the pieces that `write` gave, as a caller reads them."""
        answer: Answer = self._task.written(text, self.signature)
        return answer

    def _post(self, inputs: list[Any], options: Mapping[str, Any] | None) -> Mapping[str, Any]:
        body = _body(inputs, options)
        return self._ask("POST", f"{self._url}/predict", json=body, lost="the service lost the model")

    def _ask(self, method: str, url: str, *, lost: str, json: Any = None) -> Mapping[str, Any]:
        """The object that the service answers, an `error` object only where the inputs are at fault."""
        response = self._send(method, url, json)
        try:
            reply = response.json()
        except ValueError:
            reply = None
        if response.status_code == 404:
            raise UsageError(lost, where=url, hint=_hint(reply))
        if not isinstance(reply, dict) or (response.is_error and not isinstance(reply.get("error"), dict)):
            raise RemoteError(f"the service answers {response.status_code}, not as aiaas does", where=url)
        if response.is_success or (json is not None and response.status_code in {413, 422}):
            return reply
        raise RemoteError(
            f"the service answers {response.status_code}: {reply['error'].get('message', '')}",
            where=url,
            hint=_hint(reply),
        )

    def _send(self, method: str, url: str, json: Any) -> httpx.Response:
        import httpx

        for attempt in range(1, ATTEMPTS + 1):
            wait = 0.1 * 2**attempt
            try:
                response = self._http.request(method, url, json=json)
                if response.status_code not in {429, 503} or attempt == ATTEMPTS:
                    return response
                wait = _retry_after(response, wait)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS or isinstance(error, httpx.ReadTimeout | httpx.UnsupportedProtocol):
                    raise RemoteError(
                        f"the service does not answer: {error}", where=url, hint="is `aiaas serve` running there?"
                    ) from error
            time.sleep(wait)
        raise AssertionError("unreachable")


def _body(inputs: list[Any], options: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"inputs": inputs} | ({"options": dict(options)} if options else {})


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
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"this URL cannot be read: {error}", where=url) from None
    if not host or parts.query or parts.fragment or parts.username or parts.password:
        raise UsageError(
            "this is not a service's URL", where=url.rpartition("@")[2], hint="such as http://127.0.0.1:8000"
        )
    match = _PATH.fullmatch(parts.path)
    assert match is not None, "every part of the pattern is optional"
    name = match["name"]
    return f"{parts.scheme}://{parts.netloc}{match['base']}", unquote(name) if name else None


def _client(base: str, timeout: float) -> httpx.Client:
    import httpx

    key = os.environ.get("AIAAS_KEY")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    # A proxy that the environment names cannot reach this machine's own loopback.
    return httpx.Client(headers=headers, timeout=httpx.Timeout(timeout, connect=5.0), trust_env=not _loopback(base))


def _loopback(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _retry_after(response: httpx.Response, default: float) -> float:
    try:
        return min(LONGEST_WAIT, max(0.0, float(response.headers["retry-after"])))
    except (KeyError, ValueError):
        return default


def _refused(reply: Mapping[str, Any], count: int) -> dict[int, str]:
    """Position → message of each input that the service refuses."""
    error = reply["error"]
    refused: dict[int, str] = {}
    for fault in error.get("faults") or [error]:
        place = _PLACE.match(str(fault.get("where")))
        if place and int(place[1]) < count:
            refused[int(place[1])] = str(fault.get("message"))
    return refused


def _hint(reply: Any) -> str | None:
    error = reply.get("error") if isinstance(reply, dict) else None
    hint = error.get("hint") if isinstance(error, dict) else None
    return str(hint) if hint else None
