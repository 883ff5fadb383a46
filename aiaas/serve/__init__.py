"""The HTTP service: models that other programs call."""

from aiaas.serve.guard import Tls
from aiaas.serve.limits import Limits
from aiaas.serve.seen import AccessLogs
from aiaas.serve.server import Started, serve
from aiaas.serve.settings import Settings

__all__ = ["AccessLogs", "Limits", "Settings", "Started", "Tls", "serve"]
