"""OpenAI's embeddings: a vector a text, as numbers or as base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from aiaas.serve.calls import Answered
from aiaas.serve.errors import RequestError
from aiaas.serve.models import Live
from aiaas.serve.predict import encode_with
from aiaas.serve.protocols import call_of
from aiaas.serve.protocols.asking import Sent, ask, read_as
from aiaas.serve.protocols.openai.naming import NAME, named
from aiaas.serve.protocols.tensors import outputs_of
from aiaas.serve.service import Service

EMBEDDING = "embedding"


class EmbeddingsRequest(Sent):
    """Texts that get a vector each."""

    model: str = Field(description="The name of a model that gives vectors.")
    input: str | list[str] = Field(description="A text, or a list of texts; tokens are not taken.")
    encoding_format: Literal["float", "base64"] = Field(
        "float", description="Numbers, or their four bytes each, little-endian, as base64."
    )
    dimensions: int | None = Field(None, description="As many as the model gives; it is not shortened.")
    user: str | None = Field(None, description="Taken and not kept.")


async def embed(request: Request, service: Service) -> Response:
    call = call_of(request, NAME)
    sent = await read_as(request, service, EmbeddingsRequest, 'such as {"model": "...", "input": "..."}')
    live = service.models.find(sent.model, call.caller)
    _gives(live, sent.dimensions)
    texts = [sent.input] if isinstance(sent.input, str) else sent.input
    _, answered = await ask(request, service, call, live, texts)
    usage = {"prompt_tokens": call.tokens, "total_tokens": call.tokens}
    head = {"object": "list", **named(answered.about), "usage": usage}
    body = await encode_with(head, "data", _data(answered, sent.encoding_format))
    return Response(body, media_type="application/json")


def embeds(live: Live) -> bool:
    """Whether a model gives vectors of texts."""
    return live.bundle.signature.bare == "text" and EMBEDDING in {each.name for each in outputs_of(live)}


def _gives(live: Live, dimensions: int | None) -> None:
    """RequestError where a model gives no vectors, or none of so many numbers."""
    if not embeds(live):
        raise RequestError("the model gives no embeddings", where="model", hint="GET /v1/models lists what there is")
    (size,) = next(each.shape for each in outputs_of(live) if each.name == EMBEDDING)
    if dimensions not in (None, size):
        raise RequestError(f"the model gives {size} numbers", where="dimensions", hint=f"leave it out, or say {size}")


def _data(answered: Answered, encoding: str) -> list[dict[str, Any]]:
    vectors: Sequence[Any] = [each[EMBEDDING] for each in answered.outputs]
    if encoding == "base64":
        vectors = list(map(_base64, vectors))
    return [{"object": "embedding", "index": place, "embedding": each} for place, each in enumerate(vectors)]


def _base64(vector: Sequence[float]) -> str:
    import numpy as np

    made = np.array(vector, "<f4")
    if not np.isfinite(made).all():
        raise ValueError("an answer holds a number that is not finite")
    return base64.b64encode(made.tobytes()).decode("ascii")
