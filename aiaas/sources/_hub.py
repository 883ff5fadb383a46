"""What the Hugging Face hub says of a repository: the commit that a revision means, and the files of that commit.

It is asked once and the answer kept, so that the same recipe reads the same version until `--refresh`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aiaas.contracts import SourceContext
from aiaas.errors import DataError, RemoteError, first_line

COMMIT = re.compile(r"[0-9a-f]{40}")


class Unreachable(RemoteError):
    """The hub may not be asked, or does not answer."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as a recipe names it; `elsewhere` says how its content is brought to a machine without the hub."""

    kind: Literal["dataset", "model"]
    name: str
    revision: str | None
    elsewhere: str

    @property
    def address(self) -> str:
        return f"hf:{self.name}"


@dataclass(frozen=True, slots=True)
class Version:
    """A commit, and the names of its files."""

    commit: str
    files: tuple[str, ...] = ()


def pinned(repository: Repository) -> str | None:
    """The commit, where the revision is one: nobody needs to be asked what it means."""
    return repository.revision if repository.revision and COMMIT.fullmatch(repository.revision) else None


def kept(repository: Repository, context: SourceContext) -> Version | None:
    """What the hub said before; nothing where it is to be asked again and a commit may have followed."""
    if context.refresh and not offline(context) and not pinned(repository):
        return None
    try:
        noted = json.loads(_place(repository, context.cache).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Version(str(noted["commit"]), tuple(noted.get("files", ())))


def offline(context: SourceContext) -> bool:
    """Whether the hub may not be asked: by our own word, or by what its client goes by."""
    return context.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def ask(repository: Repository, context: SourceContext) -> Version:
    """What the hub says now, which is kept. Raises Unreachable, and RemoteError where it has no such thing."""
    if offline(context):
        raise Unreachable(
            "the hub may not be asked: this is offline", where=repository.address, hint=repository.elsewhere
        )
    found = _ask(repository)
    place = _place(repository, context.cache)
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(f".{os.getpid()}")
    temporary.write_text(
        json.dumps(
            {
                repository.kind: repository.name,
                "revision": repository.revision,
                "commit": found.commit,
                "files": found.files,
            }
        ),
        "utf-8",
    )
    temporary.replace(place)
    return found


def _ask(repository: Repository) -> Version:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    kind, revision, where = repository.kind, repository.revision, repository.address
    try:
        info = HfApi().repo_info(repository.name, repo_type=kind, revision=revision, timeout=30)
    except RevisionNotFoundError as error:
        raise RemoteError(f"the {kind} has no revision {revision!r}", where=where) from error
    except RepositoryNotFoundError as error:
        hint = "check OWNER/NAME; for a private one set HF_TOKEN"
        raise RemoteError(f"the hub has no such {kind}, or keeps it private", where=where, hint=hint) from error
    except Exception as error:  # which errors of which HTTP library it lets through changes from version to version
        raise Unreachable(unreachable(error), where=where, hint=repository.elsewhere) from error
    if info.sha is None:
        raise DataError("the hub does not say which commit this is", where=where)
    return Version(info.sha, tuple(each.rfilename for each in info.siblings or ()))


def unreachable(error: Exception) -> str:
    """That the hub answered with an error, or not at all, in one line."""
    from huggingface_hub.errors import HfHubHTTPError

    return f"the hub {'answers' if isinstance(error, HfHubHTTPError) else 'cannot be reached'}: {first_line(error)}"


def _place(repository: Repository, cache: Path) -> Path:
    kind = "" if repository.kind == "dataset" else f"{repository.kind}s/"
    named = f"{kind}{repository.name}@{repository.revision}"
    return cache / "hub" / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.json"
