"""Metrics for Prometheus. Labels are names that the operator gave and words of ours, never what a caller sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aiaas.serve.access import require
from aiaas.serve.batching import Batch
from aiaas.serve.calls import Call
from aiaas.serve.resident import resident
from aiaas.serve.seen.numbers import Bounded, Counters, Distribution, Gauges, Histograms, Number, Store, text
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
        self._store = store = Store(folder, worker)
        self._requests = Counters(store, "aiaas_requests", "Requests that are over.", ("route", "status", *MODEL))
        self._rejects = Counters(
            store, "aiaas_rejects", "Requests that were not answered, by the code of the error.", ("reason", *MODEL)
        )
        self._of_model = _by_model(store)
        self._of_tenant = _by_tenant(store)
        self._tenant_requests = Counters(
            store, "aiaas_tenant_requests", "Requests of a tenant that are over.", ("tenant", "status")
        )
        self._active = Gauges(store, "aiaas_requests_active", "Requests under way.").of()
        self._loaded = Gauges(store, "aiaas_models_loaded", "Workers that have a version in memory.", MODEL)
        self._process = _Process(store, str(worker))
        store.flush()  # a worker that is asked nothing is there too

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
            self._tenant_requests.of(call.caller.tenant, str(request.status)).add()
            if call.about:
                self._of_model.of(*model).ended(call, request.seconds)
                self._of_tenant.of(call.caller.tenant).ended(call)
        self._process.look(request.over)
        self._store.soon()

    def computed(self, about: Mapping[str, Any], batch: Batch) -> None:
        self._of_model.of(*_model(about)).computed(batch)
        self._store.soon()

    def placed(self, about: Mapping[str, Any], before: Mapping[str, Any] | None, *, awake: bool) -> None:
        if before:
            self._loaded.of(*_model(before)).set(0)
        self._loaded.of(*_model(about)).set(float(awake))
        self._store.flush()  # so seldom that it need not wait

    def routes(self) -> list[Route]:
        async def metrics(request: Request) -> Response:
            require(request.state.call.caller, "admin")
            self._store.flush()
            shown, kind = await asyncio.to_thread(text, self._folder, request.headers.get("accept", ""))
            return Response(shown, headers={"content-type": kind})

        return [Route("/metrics", metrics, methods=["GET"])]

    def close(self) -> None:
        self._store.close()


@dataclass(frozen=True, slots=True)
class _OfModel:
    """The numbers of one version of a model."""

    rows: Number
    tokens: Number
    seconds: Distribution
    waited: Distribution
    batch_seconds: Distribution
    batch_rows: Distribution
    batch_fill: Distribution
    waiting: Number

    def ended(self, call: Call, seconds: float) -> None:
        self.seconds.seen(seconds)
        self.rows.add(call.rows)
        self.tokens.add(call.used)
        if call.spent.answered:
            self.waited.seen(call.spent.waited)

    def computed(self, batch: Batch) -> None:
        self.batch_seconds.seen(batch.seconds)
        self.batch_rows.seen(batch.size.rows)
        self.batch_fill.seen(batch.fill)
        self.waiting.set(batch.waiting)


def _by_model(store: Store) -> Bounded[_OfModel]:
    def histograms(name: str, told: str, bounds: Sequence[float]) -> Histograms:
        return Histograms(store, name, told, bounds, MODEL)

    families = (
        Counters(store, "aiaas_rows", "Inputs of requests.", MODEL),
        Counters(store, "aiaas_tokens", "Tokens that it read and wrote, as it counts them.", MODEL),
        histograms("aiaas_request_seconds", "From the head of a request to the last of its answer.", SECONDS),
        histograms("aiaas_queue_seconds", "What an answered request waited until it was computed.", SECONDS),
        histograms("aiaas_batch_seconds", "The computing of a batch.", SECONDS),
        histograms("aiaas_batch_rows", "Inputs in a batch.", ROWS),
        histograms("aiaas_batch_fill_ratio", "How much a batch held of what one may hold.", SHARES),
        Gauges(store, "aiaas_queue_rows", "Inputs that waited after the last batch.", MODEL),
    )
    return Bounded(lambda *values: _OfModel(*(each.of(*values) for each in families)))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _OfTenant:
    """What a tenant asked for, and what that cost."""

    rows: Number
    tokens: Number
    computed: Number

    def ended(self, call: Call) -> None:
        self.rows.add(call.rows)
        self.tokens.add(call.used)
        self.computed.add(call.spent.computed)


def _by_tenant(store: Store) -> Bounded[_OfTenant]:
    label = ("tenant",)
    rows = Counters(store, "aiaas_tenant_rows", "Inputs that a tenant sent.", label)
    tokens = Counters(store, "aiaas_tenant_tokens", "Tokens that were read and written for it.", label)
    told = "A tenant's share of the time of computing."
    computed = Counters(store, "aiaas_tenant_compute_seconds", told, label)
    return Bounded(lambda tenant: _OfTenant(rows.of(tenant), tokens.of(tenant), computed.of(tenant)))


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
        self.look(time.monotonic())

    def look(self, clock: float) -> None:
        """Look again, where the last time is a while ago."""
        if clock >= self._next:
            self._next = clock + LOOK
            self._cpu.set(time.process_time())
            self._memory.set(resident())


def _model(about: Mapping[str, Any]) -> tuple[str, str]:
    return (about["model"], about["version"] or "") if about else ("", "")
