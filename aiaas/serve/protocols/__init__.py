"""How callers ask: one file a protocol, all of them over `Service.answer` and `Service.write`.

A protocol is a module with `NAME`, as it stands in logs and metrics, and `routes(service)`: what it takes under which
paths. A handler reads the request, asks the service, and writes the answer as its protocol has it; errors it leaves to
the boundary, unless its protocol prescribes their form.
"""

from __future__ import annotations

from starlette.requests import Request

from aiaas.serve.calls import Call


def call_of(request: Request, protocol: str) -> Call:
    """The call that a request is, marked with the protocol it came by."""
    call: Call = request.state.call
    call.protocol = protocol
    return call
