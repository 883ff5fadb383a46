"""The client that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

from aiaas.client import events, requests
from aiaas.client.answers import Answers, Model, Taken
from aiaas.client.retry import Retry, told

if TYPE_CHECKING:
    import httpx

    from aiaas.client.requests import Part


class Client:
    """Asks the service at `url`. For use in several threads; to be closed, or used as a context.

    `key` is sent as a bearer token. `timeout` is what a request may take, in seconds, which the service is told as
    well; `attempts` how often it is sent while the service is away or asks to wait; `parallel` how many requests of one
    call are under way at once, of `batch` inputs each.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        attempts: int = 5,
        parallel: int = 4,
        batch: int = requests.ROWS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        requests.check(timeout=timeout, attempts=attempts, parallel=parallel, batch=batch)
        self.url = requests.base_url(url)
        self.parallel, self.batch, self.attempts = parallel, batch, attempts
        self._http = httpx.Client(**requests.settings(self.url, key, timeout), transport=transport)

    def models(self) -> list[Model]:
        """The models that the key may ask."""
        return [Model.of(each) for each in requests.understood(self._send("GET", "/v1/models"))["models"]]

    def model(self, name: str) -> Model:
        """The model of that name; UsageError where there is none for this key."""
        path = requests.predict_path(name).removesuffix("/predict")
        return Model.of(requests.understood(self._send("GET", path), model=name))

    def predict(
        self, model: str, inputs: Sequence[Any], options: Mapping[str, Any] | None = None, *, keep_errors: bool = False
    ) -> Answers:
        """The answers to `inputs`: texts, objects of columns, or files as bytes. `options` are for models that write.
        With `keep_errors` an input that is refused has `{"error": {"message": …}}` in its place.

        Raises DataError with the place of the first input that does not fit, where they are not kept, OptionError,
        UsageError (no such model, no valid key) and RemoteError.
        """
        path = requests.predict_path(model)

        def ask(part: Part) -> list[Taken]:
            taken = Taken(len(part), keeping=keep_errors)
            while taken.left:
                response = self._send("POST", path, part.body(taken.left))
                if requests.too_many(response, part):
                    first, second = part.halves()
                    return [*ask(first), *ask(second)]
                if not taken.refuse(requests.refused(response)):
                    taken.answer(requests.understood(response, part.start, model=model))
            return [taken]

        parts = requests.parts(inputs, options, self.batch)
        if len(inputs) <= 1 or self.parallel <= 1:
            return Answers.joined(model, map(ask, parts))
        with ThreadPoolExecutor(self.parallel) as threads:
            return Answers.joined(model, threads.map(ask, parts))

    def stream(self, model: str, value: Any, options: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The answer of a model that writes, piece by piece; to close the iterator ends the request. What has not begun
        to come is asked for again as by `predict`, which raises the same."""
        (part,) = requests.parts([value], options, 1)
        response = self._send("POST", requests.predict_path(model), part.body(stream=True), stream=True)
        with told(self.url), closing(response):
            if response.is_error:
                requests.understood(response, model=model)
            reader = events.Reader(self.url)
            for data in response.iter_bytes():
                yield from reader.take(data)
            reader.check()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _send(self, method: str, path: str, body: bytes | None = None, *, stream: bool = False) -> httpx.Response:
        """The response, of which with `stream` nothing was read that is no error."""
        import httpx

        headers = {"content-type": "application/json"} if body is not None else {}
        request = self._http.build_request(method, path, content=body, headers=headers)
        retry = Retry(self.attempts)
        while True:
            with told(f"{self.url}{path}"):
                try:
                    response = self._http.send(request, stream=stream)
                    if response.is_error:
                        response.read()
                    wait = retry.after(response)
                except httpx.TransportError as error:
                    wait = retry.after_failure(error)
                    if wait is None:
                        raise
                else:
                    if wait is None:
                        return response
            time.sleep(wait)
