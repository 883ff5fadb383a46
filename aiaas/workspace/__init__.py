"""Where artefacts live: content keys, atomic writes, manifests, locks."""

from aiaas.workspace.store import Artefact, Draft, Workspace

__all__ = ["Artefact", "Draft", "Workspace"]
