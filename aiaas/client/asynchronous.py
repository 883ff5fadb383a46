"""The client of programs that wait for many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from aiaas.client import events, requests
from aiaas.client.answers import Answers, Model, Taken
from aiaas.client.retry import Retry, told

if TYPE_CHECKING:
    import httpx

    from aiaas.client.requests import Part


class AsyncClient:
    """As `Client`, for one event loop."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        attempts: int = 5,
        parallel: int = 4,
        batch: int = requests.ROWS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx

        requests.check(timeout=timeout, attempts=attempts, parallel=parallel, batch=batch)
        self.url = requests.base_url(url)
        self.parallel, self.batch, self.attempts = parallel, batch, attempts
        self._http = httpx.AsyncClient(**requests.settings(self.url, key, timeout), transport=transport)

    async def models(self) -> list[Model]:
        """See `Client.models`."""
        return [Model.of(each) for each in requests.understood(await self._send("GET", "/v1/models"))["models"]]

    async def model(self, name: str) -> Model:
        """See `Client.model`."""
        path = requests.predict_path(name).removesuffix("/predict")
        return Model.of(requests.understood(await self._send("GET", path), model=name))

    async def predict(
        self, model: str, inputs: Sequence[Any], options: Mapping[str, Any] | None = None, *, keep_errors: bool = False
    ) -> Answers:
        """See `Client.predict`."""
        path = requests.predict_path(model)
        turns = asyncio.Semaphore(self.parallel)

        async def ask(part: Part) -> list[Taken]:
            taken = Taken(len(part), keeping=keep_errors)
            while taken.left:
                async with turns:
                    response = await self._send("POST", path, part.body(taken.left))
                if requests.too_many(response, part):
                    first, second = part.halves()
                    return [*await ask(first), *await ask(second)]
                if not taken.refuse(requests.refused(response)):
                    taken.answer(requests.understood(response, part.start, model=model))
            return [taken]

        parts = list(requests.parts(inputs, options, self.batch))  # what cannot be sent is said before any is
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(ask(part)) for part in parts]
        except ExceptionGroup as failed:  # the first that was raised; the others were cancelled for it
            raise failed.exceptions[0] from None
        return Answers.joined(model, [each.result() for each in asked])

    async def stream(self, model: str, value: Any, options: Mapping[str, Any] | None = None) -> AsyncIterator[str]:
        """See `Client.stream`."""
        (part,) = requests.parts([value], options, 1)
        response = await self._send("POST", requests.predict_path(model), part.body(stream=True), stream=True)
        with told(self.url):
            try:
                if response.is_error:
                    requests.understood(response, model=model)
                reader = events.Reader(self.url)
                async for data in response.aiter_bytes():
                    for piece in reader.take(data):
                        yield piece
                reader.check()
            finally:
                await response.aclose()

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _send(self, method: str, path: str, body: bytes | None = None, *, stream: bool = False) -> httpx.Response:
        import httpx

        headers = {"content-type": "application/json"} if body is not None else {}
        request = self._http.build_request(method, path, content=body, headers=headers)
        retry = Retry(self.attempts)
        while True:
            with told(f"{self.url}{path}"):
                try:
                    response = await self._http.send(request, stream=stream)
                    if response.is_error:
                        await response.aread()
                    wait = retry.after(response)
                except httpx.TransportError as error:
                    wait = retry.after_failure(error)
                    if wait is None:
                        raise
                else:
                    if wait is None:
                        return response
            await asyncio.sleep(wait)
