"""The HTTP service: models that other programs call."""

from aiaas.serve.seen import AccessLogs
from aiaas.serve.server import Started, serve

__all__ = ["AccessLogs", "Started", "serve"]
