"""Whether the service lives and is ready."""

from __future__ import annotations

from collections.abc import Sequence

from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, content, get, record, response
from aiaas.serve.service import Service


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    ready = get("ready", "Whether requests should be sent here.", record({"status": "string"}))
    ready["responses"]["503"] = response("On its way out.", content(record({"status": "string"})))
    return {
        "/health/live": {"get": get("live", "Whether the process answers.", record({"status": "string"}))},
        "/health/ready": {"get": ready},
    }
