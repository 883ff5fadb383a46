"""OpenAI's completions: what a model writes on from a prompt, as a whole or piece by piece."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from aiaas.errors import OptionError
from aiaas.serve.calls import Call
from aiaas.serve.errors import RequestError, answer_error
from aiaas.serve.models import Live
from aiaas.serve.predict import encode
from aiaas.serve.protocols import call_of
from aiaas.serve.protocols.asking import Sent, ask, read_as
from aiaas.serve.protocols.native import EVENTS
from aiaas.serve.protocols.openai.naming import NAME, named
from aiaas.serve.service import Service

_NAMES = {"max_tokens": "max_length", "min_tokens": "min_length"}
"""Options that OpenAI, and servers like it, call otherwise than the task does."""
_SAME = ("temperature", "top_p", "top_k", "repetition_penalty", "seed", "stop")
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,), "best_of": (1,), "echo": (False,), "logprobs": (), "suffix": (),
    "presence_penalty": (0,), "frequency_penalty": (0,), "logit_bias": ({},),
}  # fmt: skip
"""What is taken where it changes nothing, since clients send it; None is of them."""


class StreamOptions(Sent):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class CompletionRequest(Sent):
    """Prompts to write on from. What is left out is as the model's own options have it."""

    model: str = Field(description="The name of a model that writes.")
    prompt: str | list[str] = Field(description="A text, or a list of texts; tokens are not taken.")
    max_tokens: int | None = Field(None, description="Write at most so many tokens.")
    min_tokens: int | None = Field(None, description="Do not end the text before so many tokens.")
    temperature: float | None = Field(None, description="0 takes the likeliest token.")
    top_p: float | None = Field(None, description="Choose among the likeliest with this probability together.")
    top_k: int | None = Field(None, description="Choose among so many of the likeliest.")
    repetition_penalty: float | None = Field(None, description="1 changes nothing.")
    stop: str | list[str] | None = Field(None, description="End before the first of these texts.")
    seed: int | None = Field(None, description="Another seed, another text.")
    stream: bool | None = Field(None, description="Send the text of one prompt as it is written.")
    stream_options: StreamOptions | None = Field(
        None, description="Where `include_usage` is true, a last chunk says the usage."
    )
    user: str | None = Field(None, description="Taken and not kept.")
    n: int | None = Field(None, description="Nothing but 1.")
    best_of: int | None = Field(None, description="Nothing but 1.")
    echo: bool | None = Field(None, description="Nothing but false.")
    logprobs: int | None = Field(None, description="Nothing but null.")
    suffix: str | None = Field(None, description="Nothing but null.")
    presence_penalty: float | None = Field(None, description="Nothing but 0.")
    frequency_penalty: float | None = Field(None, description="Nothing but 0.")
    logit_bias: dict[str, float] | None = Field(None, description="Nothing but {}.")

    @model_validator(mode="after")
    def _possible(self) -> CompletionRequest:
        for name, allowed in _NEUTRAL.items():
            given = getattr(self, name)
            if given is not None and given not in allowed:
                raise ValueError(f"{name} is not something that models here do; leave it out")
        return self

    @property
    def prompts(self) -> list[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt

    @property
    def options(self) -> dict[str, Any]:
        """What is asked, under the names of the task's options."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop
        given = {**self.model_dump(include={*_NAMES, *_SAME}), "stop": stop}
        return {_NAMES.get(name, name): value for name, value in given.items() if value is not None}


async def complete(request: Request, service: Service) -> Response:
    call = call_of(request, NAME)
    sent = await read_as(request, service, CompletionRequest, 'such as {"model": "...", "prompt": "..."}')
    live = service.models.find(sent.model, call.caller)
    if live.bundle.options is None:
        raise RequestError("the model does not write", where="model", hint="GET /v1/models lists what there is")
    try:
        if sent.stream:
            return await _streamed(service, call, live, sent)
        live, answered = await ask(request, service, call, live, sent.prompts, sent.options)
    except OptionError as error:
        raise _theirs(error) from None
    made = _Completion(live, sent, call)
    texts = [str(each["text"]) for each in answered.outputs]
    choices = [made.choice(place, text, made.reason(text)) for place, text in enumerate(texts)]
    return Response(encode(made.body(choices, usage=made.usage(texts))), media_type="application/json")


async def _streamed(service: Service, call: Call, live: Live, sent: CompletionRequest) -> Response:
    if len(sent.prompts) != 1:
        raise RequestError("one prompt a request is streamed", where="stream", hint="send each in a request of its own")
    live, pieces = await service.write(call, live.name, sent.prompts[0], sent.options)
    events = _events(_Completion(live, sent, call), pieces)
    return StreamingResponse(events, media_type="text/event-stream", headers=EVENTS)


async def _events(made: _Completion, pieces: Any) -> AsyncIterator[bytes]:
    """A chunk a piece, one that says why the text ends, one with the usage where it is asked for, and [DONE]; or an
    error as the last."""
    text = ""
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                text += piece
                yield _event(made.body([made.choice(0, piece, None)]))
        yield _event(made.body([made.choice(0, "", made.reason(text))]))
        if made.sent.stream_options and made.sent.stream_options.include_usage:
            yield _event(made.body([], usage=made.usage([text])))
        yield b"data: [DONE]\n\n"
    except Exception as error:
        yield b"data: " + bytes(answer_error(error, made.call.id).body) + b"\n\n"


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + encode(body) + b"\n\n"


class _Completion:
    """What all chunks of one completion have in common."""

    def __init__(self, live: Live, sent: CompletionRequest, call: Call) -> None:
        self.live = live
        self.sent = sent
        self.call = call
        self._common = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            **named(live.about),
        }

    def body(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return {**self._common, "choices": choices, **more}

    def choice(self, place: int, text: str, reason: str | None) -> dict[str, Any]:
        return {"index": place, "text": text, "logprobs": None, "finish_reason": reason}

    def reason(self, text: str) -> str:
        """Why a text ends: it is as long as it may be, or the model, or a text of `stop`, ended it."""
        kind = self.live.bundle.options
        asked = kind.model_validate(self.sent.options).model_dump() if kind else {}
        return "length" if self._tokens([text]) >= asked.get("max_length", float("inf")) else "stop"

    def usage(self, texts: list[str]) -> dict[str, int]:
        written = self._tokens(texts)
        return {
            "prompt_tokens": self.call.tokens,
            "completion_tokens": written,
            "total_tokens": self.call.tokens + written,
        }

    def _tokens(self, texts: list[str]) -> int:
        return sum(self.live.bundle.tokens([text for text in texts if text]))


def _theirs(error: OptionError) -> RequestError:
    """An option's fault under the name that the caller gave it."""
    name = str(error.where or "").removeprefix("options.")
    told = next((theirs for theirs, ours in _NAMES.items() if ours == name), name)
    message = error.message.replace(name, told, 1) if name else error.message
    return RequestError(message, where=told or None, hint=error.hint and error.hint.replace(name, told, 1))
