"""Our own protocol."""

from __future__ import annotations

from collections.abc import Sequence

from aiaas.serve.limits import Limits
from aiaas.serve.models import Live
from aiaas.serve.openapi.schema import Schema, array, content, only, post, record
from aiaas.serve.openapi.shapes import ABOUT, examples_of, input_of, output_of
from aiaas.serve.protocols.asking import most
from aiaas.serve.service import Service


def paths(service: Service, seen: Sequence[Live]) -> Schema:
    return {f"/v1/models/{live.name}/predict": {"post": _predict(service, live)} for live in seen}


def _predict(service: Service, live: Live) -> Schema:
    limits, allowed, examples = service.limits, most(service, live), examples_of(live)
    outputs = array(output_of(live.bundle.signature, examples.answers))
    taken = only(record({"inputs": array(input_of(live), maxItems=allowed)}, **_asked(live)))
    given = record({**ABOUT, "outputs": outputs})
    shown = bool(examples.inputs)
    return dict(
        post(
            f"predict_{live.name}",
            f"Answers of {live.name}, one for each input, in order.",
            content(taken, {"inputs": examples.inputs} if shown else None) | _files(live.media_types, limits),
            content(given, {**live.about, "outputs": examples.answers} if shown else None) | _events(live),
            {
                "400": "The body is not of this form.",
                "413": f"More than {limits.body:,} bytes or {allowed:,} inputs.",
                "415": "The body is not declared as one of these.",
                "422": "Inputs do not fit the model; `faults` names each.",
            },
            "Problem",
        )
    )


def _asked(live: Live) -> Schema:
    """What else may be asked of a model that writes."""
    if live.bundle.options is None:
        return {}
    stream = {"type": "boolean", "default": False, "description": "Send one input's answer as it is written."}
    return {"options": {**live.bundle.options.model_json_schema(), "title": "Options"}, "stream": stream}


def _events(live: Live) -> Schema:
    """The answer of a model that writes as events."""
    if live.bundle.options is None:
        return {}
    text = (
        'Events: `token` with {"text": …} for each piece; then `answer` with what the response would be as a whole, '
        "or `error` with a Problem."
    )
    return content({"description": text}, kind="text/event-stream")


def _files(media_types: Sequence[str], limits: Limits) -> Schema:
    """A file as the body itself, or some of them in a form."""
    if not media_types:
        return {}
    part = {"type": "string", "contentMediaType": ", ".join(media_types)}
    files = array(part, minItems=1, maxItems=limits.rows)
    bare: Schema = {kind: {} for kind in media_types}
    return bare | {"multipart/form-data": {"schema": record({"file": files})}}
