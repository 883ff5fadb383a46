"""MLflow beside the work: a journal on disk, a process that sends it, and the local registry of models."""

from aiaas.track.registry import Reference, Registry, Version, parse_reference
from aiaas.track.run import Run, Sent

__all__ = ["Reference", "Registry", "Run", "Sent", "Version", "parse_reference"]
