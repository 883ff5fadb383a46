"""The HTTP service: models that other programs call."""

from aiaas.serve.server import Started, serve

__all__ = ["Started", "serve"]
