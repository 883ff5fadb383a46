"""OpenAI's API, as far as models here go: embeddings, and completions of models that write, streamed too.

Its errors have our form, which is what its clients read: an `error` with a code and a message.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aiaas.serve.protocols.openai.completions import complete
from aiaas.serve.protocols.openai.embeddings import embed
from aiaas.serve.protocols.openai.naming import NAME, about
from aiaas.serve.service import Service

__all__ = ["NAME", "about", "routes"]


def routes(service: Service) -> list[Route]:
    async def embeddings(request: Request) -> Response:
        return await embed(request, service)

    async def completions(request: Request) -> Response:
        return await complete(request, service)

    return [
        Route("/v1/embeddings", embeddings, methods=["POST"]),
        Route("/v1/completions", completions, methods=["POST"]),
    ]
