"""Metrics for Prometheus. Labels are names that the operator gave and words of ours, never what a caller sent."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aiaas.serve.access import require
from aiaas.serve.batching import Batch
from aiaas.serve.calls import Call
from aiaas.serve.seen.numbers import Counters, Gauges, Histograms, Store, text
from aiaas.serve.watching import Ended

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
MODEL = ("model", "version")
LOOK = 1.0
"""Seconds between two looks at what the process itself takes."""


class Metrics:
    """What a worker did, in numbers that any worker shows under `/metrics`. `folder` is that of the service, empty when
    it starts; `worker` its number, from 0 on."""

    def __init__(self, folder: Path, worker: int = 0) -> None:
        self._folder = folder
        self._worker = str(worker)
        self._store = store = Store(folder, worker)
        self._requests = Counters(store, "aiaas_requests", "Requests that are over.", ("route", "status", *MODEL))
        self._rejects = Counters(
            store, "aiaas_rejects", "Requests that were not answered, by the code of the error.", ("reason", *MODEL)
        )
        self._rows = Counters(store, "aiaas_rows", "Inputs of requests that were admitted.", MODEL)
        self._tokens = Counters(store, "aiaas_tokens", "Tokens of these inputs, as the model counts them.", MODEL)
        self._seconds = Histograms(
            store,
            "aiaas_request_seconds",
            "From the first byte of a request to the last of its answer.",
            SECONDS,
            MODEL,
        )
        self._waited = Histograms(
            store, "aiaas_queue_seconds", "What an answered request waited until it was computed.", SECONDS, MODEL
        )
        self._computed = Histograms(store, "aiaas_batch_seconds", "The computing of a batch.", SECONDS, MODEL)
        self._batch_rows = Histograms(store, "aiaas_batch_rows", "Inputs in a batch.", ROWS, MODEL)
        self._fill = Histograms(
            store, "aiaas_batch_fill_ratio", "How much a batch held of what one may hold.", SHARES, MODEL
        )
        self._tenants = _Tenants(store)
        self._active = Gauges(store, "aiaas_requests_active", "Requests under way.").of()
        self._waiting = Gauges(store, "aiaas_queue_rows", "Inputs that waited after the last batch.", MODEL)
        self._process = _Process(store, self._worker)

    def began(self) -> None:
        self._active.add()

    def ended(self, request: Ended) -> None:
        self._active.add(-1.0)
        call = request.call
        model = _model(call.about) if call else ("", "")
        self._requests.of(request.route or "", str(request.status), *model).add()
        if request.code:
            self._rejects.of(request.code, *model).add()
        if call:
            self._tenants.ended(call, request.status)
            if call.about:
                self._seconds.of(*model).seen(request.seconds)
                self._rows.of(*model).add(call.rows)
                self._tokens.of(*model).add(call.tokens)
            if call.spent.answered:
                self._waited.of(*model).seen(call.spent.waited)
        self._process.look()

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None:
        model = _model(about)
        self._computed.of(*model).seen(batch.seconds)
        self._batch_rows.of(*model).seen(batch.size.rows)
        self._fill.of(*model).seen(batch.fill)
        self._waiting.of(*model).set(batch.waiting)

    def routes(self) -> list[Route]:
        async def metrics(request: Request) -> Response:
            require(request.state.call.caller, "admin")
            self._process.look(now=True)
            shown, kind = await asyncio.to_thread(text, self._folder, request.headers.get("accept", ""))
            return Response(shown, headers={"content-type": kind})

        return [Route("/metrics", metrics, methods=["GET"])]

    def close(self) -> None:
        self._store.close()


class _Tenants:
    """What each tenant asked for, and what that cost."""

    def __init__(self, store: Store) -> None:
        self._requests = Counters(
            store, "aiaas_tenant_requests", "Requests of a tenant that are over.", ("tenant", "status")
        )
        self._rows = Counters(store, "aiaas_tenant_rows", "Inputs that a tenant sent.", ("tenant",))
        self._tokens = Counters(store, "aiaas_tenant_tokens", "Tokens of these inputs.", ("tenant",))
        self._compute = Counters(
            store, "aiaas_tenant_compute_seconds", "A tenant's share of the time of computing.", ("tenant",)
        )

    def ended(self, call: Call, status: int) -> None:
        tenant = call.caller.tenant
        self._requests.of(tenant, str(status)).add()
        if call.rows:
            self._rows.of(tenant).add(call.rows)
            self._tokens.of(tenant).add(call.tokens)
            self._compute.of(tenant).add(call.spent.computed)


class _Process:
    """What the worker takes of the machine."""

    def __init__(self, store: Store, worker: str) -> None:
        self._next = 0.0
        labels = ("worker",)
        self._cpu = Gauges(
            store, "aiaas_worker_cpu_seconds", "Processor time of a worker since it started.", labels
        ).of(worker)
        self._memory = Gauges(store, "aiaas_worker_resident_bytes", "Memory of a worker.", labels).of(worker)
        Gauges(store, "aiaas_worker_start_time_seconds", "When a worker started, since the epoch.", labels).of(
            worker
        ).set(time.time())
        Gauges(store, "aiaas_workers", "Workers, by the version of aiaas.", ("version",)).of(version("aiaas")).set(1)
        self.look()

    def look(self, *, now: bool = False) -> None:
        """Look again, where the last time is a while ago."""
        clock = time.monotonic()
        if now or clock >= self._next:
            self._next = clock + LOOK
            self._cpu.set(time.process_time())
            self._memory.set(_resident())


def _model(about: Mapping[str, Any]) -> tuple[str, str]:
    return (about["model"], about["version"] or "") if about else ("", "")


def _resident() -> int:
    """Bytes of memory that the process has; 0 where the system does not say it this way."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
