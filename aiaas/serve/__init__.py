"""The HTTP service: models that other programs call."""

from aiaas.serve.guard import Tls
from aiaas.serve.server import Started, serve

__all__ = ["Started", "Tls", "serve"]
