"""Traces by OpenTelemetry, where its environment variables say where to send them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.errors import UsageError
from aiaas.serve.access import OPEN
from aiaas.serve.batching import Batch, Spent
from aiaas.serve.watching import Ended

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

REQUIRES = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOL = "http/protobuf"
PATIENCE = 2.0
"""Seconds that the last spans may take to be sent."""


def configured(environment: Mapping[str, str]) -> bool:
    """Whether traces are asked for. Raises UsageError for a way to send them that is not taken."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    if exporter not in ("", "otlp"):
        raise UsageError(
            "traces are sent by OTLP only", where="OTEL_TRACES_EXPORTER", hint="set it to otlp, or to none"
        )
    if not exporter and not any(environment.get(name) for name in _ENDPOINTS):
        return False
    for name in _PROTOCOLS:
        if given := environment.get(name):
            if given != _PROTOCOL:
                raise UsageError(f"traces are sent as {_PROTOCOL} only", where=name, hint=f"set it to {_PROTOCOL}")
            break
    return True


class Traces:
    """A span a request, in the trace of the caller where there is one, with its waiting and computing as spans below.

    What is sampled, where it goes and what the service is called the environment says (`OTEL_…`). `exporter` is for
    tests.
    """

    def __init__(self, worker: int = 0, exporter: SpanExporter | None = None) -> None:
        plugins.require(REQUIRES, "tracing")
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        about = {"service.name": "aiaas", "service.version": version("aiaas"), "service.instance.id": str(worker)}
        # What the environment says wins over what stands here.
        resource = Resource(about).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=Resource.create().merge(resource), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("aiaas.serve", version("aiaas"))
        self._context = TraceContextTextMapPropagator()
        self._server, self._error = SpanKind.SERVER, StatusCode.ERROR

    def began(self) -> None: ...

    def ended(self, request: Ended) -> None:
        if request.route in OPEN:
            return
        # The event loop's clock knows no date.
        date = time.time_ns() - time.monotonic_ns()
        end = date + _ns(request.over)
        given = self._context.extract({"traceparent": request.traceparent}) if request.traceparent else None
        span = self._tracer.start_span(
            f"{request.method} {request.route}" if request.route else request.method,
            given,
            self._server,
            _attributes(request),
            start_time=end - _ns(request.seconds),
        )
        if span.is_recording():
            if request.status >= 500:
                span.set_status(self._error)
            if request.call and request.call.spent.answered:
                self._below(span, request.call.spent, date)
        span.end(end)

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None: ...

    def close(self) -> None:
        """Send what is left, as far as that is soon done: a collector that is down does not keep the service."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(PATIENCE)

    def _below(self, span: Span, spent: Spent, date: int) -> None:
        """Waiting, and from there until it was answered."""
        from opentelemetry.trace import set_span_in_context

        context = set_span_in_context(span)
        asked, answered = date + _ns(spent.asked), date + _ns(spent.answered)
        begun = asked + _ns(spent.waited)
        self._tracer.start_span("queue", context, start_time=asked).end(begun)
        self._tracer.start_span("compute", context, start_time=begun).end(answered)


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


def _attributes(request: Ended) -> dict[str, str | int | float]:
    """Names as OpenTelemetry's conventions for HTTP have them, and our own below `aiaas`."""
    told: dict[str, str | int | float] = {
        "http.request.method": request.method if request.method != "OTHER" else "_OTHER",
        "http.response.status_code": request.status,
        "aiaas.request_id": request.id,
    }
    if request.route:
        told["http.route"] = request.route
    if request.code:
        told["error.type"] = request.code
    if call := request.call:
        told |= {"aiaas.key": call.caller.key, "aiaas.tenant": call.caller.tenant}
        if call.about:
            told |= {f"aiaas.{name}": str(value or "") for name, value in call.about.items()}
            told |= {"aiaas.rows": call.rows, "aiaas.tokens": call.tokens, "aiaas.compute_seconds": call.spent.computed}
    return told
