"""Folders that are read as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that an architecture reads, such as that of a pretrained encoder: the address as under `collect`
    (a path, package:NAME/path, hf:OWNER/NAME), the files in it that are wanted, as globs relative to it, and for a hub
    the revision. Files that match none of the globs are neither read nor fetched."""

    address: str
    wanted: tuple[str, ...]
    revision: str | None = None
