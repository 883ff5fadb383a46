"""What models there are."""

from __future__ import annotations

from collections.abc import Sequence

from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, array, get, record, ref
from aiaas.serve.service import Service


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    entry = record({"id": "string", "object": {"const": "model"}, "created": "integer", "owned_by": "string"})
    listed = record({"object": {"const": "list"}, "data": array(entry), "models": array(ref("Model"))})
    return {
        "/v1/models": {"get": get("list_models", "The models of this service.", listed)},
        **{
            f"/v1/models/{live.name}": {"get": get(f"get_{live.name}", f"About {live.name}.", ref("Model"))}
            for live in seen
        },
    }
