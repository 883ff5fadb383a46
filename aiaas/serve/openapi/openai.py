"""OpenAI's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, array, body_of, content, post, record
from aiaas.serve.openapi.shapes import ABOUT, columns_of, examples_of
from aiaas.serve.protocols.openai.completions import CompletionRequest
from aiaas.serve.protocols.openai.embeddings import EmbeddingsRequest, embeds
from aiaas.serve.service import Service

_NAMED: dict[str, str | Schema] = {**ABOUT, "system_fingerprint": "string"}


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    return {
        "/v1/embeddings": {"post": _embeddings(service, [live for live in seen if embeds(live)])},
        "/v1/completions": {"post": _completions(service, [live for live in seen if live.bundle.options])},
    }


def _embeddings(service: Service, models: Sequence[Live]) -> Schema:
    vector = {"oneOf": [array({"type": "number"}), {"type": "string", "contentEncoding": "base64"}]}
    entry = record({"object": {"const": "embedding"}, "index": "integer", "embedding": vector})
    usage = record({"prompt_tokens": "integer", "total_tokens": "integer"})
    given = record({"object": {"const": "list"}, "data": array(entry), "usage": usage, **_NAMED})
    taken = _of_models(body_of(EmbeddingsRequest), models)
    summary = "A vector for each text."
    example = _example(models, "input")
    return dict(post("embeddings", summary, content(taken, example), content(given), _refusals(service), "Problem"))


def _completions(service: Service, models: Sequence[Live]) -> Schema:
    choice = record(
        {
            "index": "integer",
            "text": "string",
            "finish_reason": {"enum": ["stop", "length"]},
            "logprobs": {"type": "null"},
        }
    )
    usage = record({"prompt_tokens": "integer", "completion_tokens": "integer", "total_tokens": "integer"})
    given = record(
        {
            "id": "string",
            "object": {"const": "text_completion"},
            "created": "integer",
            "choices": array(choice),
            "usage": usage,
            **_NAMED,
        }
    )
    events = content(
        {"description": "A chunk for each piece; one that says why the text ends; [DONE]."},
        kind="text/event-stream",
    )
    taken = _of_models(body_of(CompletionRequest), models)
    example = _example(models, "prompt")
    summary = "What a model writes on from each prompt."
    return dict(
        post("completions", summary, content(taken, example), content(given) | events, _refusals(service), "Problem")
    )


def _of_models(schema: Schema, models: Sequence[Live]) -> Schema:
    if models:
        schema["properties"]["model"]["enum"] = [live.name for live in models]
    return schema


def _example(models: Sequence[Live], field: str) -> Any:
    for live in models:
        if texts := next(iter(columns_of(live, examples_of(live).inputs).values()), None):
            return {"model": live.name, field: texts}
    return None


def _refusals(service: Service) -> dict[str, str]:
    return {
        "400": "The body is not of this form, or the model is not one for this.",
        "404": "There is no such model.",
        "413": f"More than {service.limits.body:,} bytes, or too many texts.",
        "422": "A text does not fit the model.",
    }
