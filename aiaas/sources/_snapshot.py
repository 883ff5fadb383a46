"""A folder of a model repository of the Hugging Face hub, in the hub's own cache. Nothing in it is ever run."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiaas.contracts import Folder, SourceContext
from aiaas.errors import RemoteError
from aiaas.sources import _folders, _found, _hub
from aiaas.sources._hub import Repository, Unreachable, Version


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the cache holds of a commit."""

    path: Path
    commit: str
    files: Sequence[_found.File]


def version(folder: Folder, context: SourceContext) -> Version:
    """The commit that the revision means: as the recipe pins it, as the hub said before, or asked now. Without the hub
    it is the commit that the hub's cache has for the revision. Raises RemoteError where none of these is."""
    repository = _repository(folder)
    if known := _hub.kept(repository, context):
        return known
    if commit := _hub.pinned(repository):
        return Version(commit)
    try:
        return _hub.ask(repository, context)
    except Unreachable as error:
        commit = _cached_commit(repository)
        if commit is None:
            raise RemoteError(_told(error.message, folder.wanted), where=error.where, hint=error.hint) from error
        if not _hub.offline(context):
            context.warn(f"{folder.address}: {error.message}; the commit {commit[:12]} in its cache is used")
        return Version(commit)


def fetch(folder: Folder, context: SourceContext) -> Snapshot:
    """The folder with its wanted files; those that are not there are fetched, and nobody is asked anything where
    all are. Raises RemoteError that says which are missing, and DataError where the repository has no such file."""
    context = replace(context, refresh=False)  # what is read is what the key says
    repository, known = _repository(folder), version(folder, context)
    path = _snapshot(repository.name, known.commit)
    if missing := _missing(folder, known, path):
        try:
            known = _download(folder, repository, known, context)
        except Unreachable as error:
            if known.files or not _enough(folder, path):
                message = _told(error.message, _missing(folder, known, path) or missing)
                raise RemoteError(message, where=error.where, hint=error.hint) from error
    names = known.files or [str(each.relative_to(path)) for each in path.rglob("*")]
    wanted = [name for name in _folders.matching(names, folder.wanted) if (path / name).is_file()]
    _folders.require(folder, wanted, names)
    return Snapshot(path, known.commit, [_found.File(path / name, f"{folder.address}/{name}") for name in wanted])


def _download(folder: Folder, repository: Repository, known: Version, context: SourceContext) -> Version:
    """Fetch what is missing of the wanted files. Raises Unreachable, and DataError as `fetch` does."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        """Its progress on a terminal, and nothing elsewhere."""

        def __init__(self, *args: Any, disable: bool | None = None, **kwargs: Any) -> None:
            super().__init__(*args, disable=disable or None, **kwargs)

    if not known.files:
        known = _hub.ask(replace(repository, revision=known.commit), context)
    wanted = _folders.matching(known.files, folder.wanted)
    _folders.require(folder, wanted, known.files)
    if _hub.offline(context):
        raise Unreachable("this is offline", where=folder.address, hint=repository.elsewhere)
    try:
        names = [glob.escape(name) for name in wanted]
        snapshot_download(repository.name, revision=known.commit, allow_patterns=names, tqdm_class=Bar)
    except (OSError, RuntimeError, ValueError) as error:  # those of the HTTP library as well, whichever it is
        raise Unreachable(_hub.unreachable(error), where=folder.address, hint=repository.elsewhere) from error
    return known


def _enough(folder: Folder, path: Path) -> bool:
    """Whether one may go on with what another tool left in the cache: which files the commit has is not known, so what
    a glob with a wildcard lacks may not exist at all."""
    there = [pattern for pattern in folder.wanted if any(path.glob(pattern))]
    return bool(there) and set(_folders.required(folder.wanted)) <= set(there)


def _missing(folder: Folder, known: Version, path: Path) -> list[str]:
    """What of the wanted is not in the cache: names where the files of the commit are known, else the globs."""
    if known.files:
        return [name for name in _folders.matching(known.files, folder.wanted) if not (path / name).is_file()]
    return [pattern for pattern in folder.wanted if not any(path.glob(pattern))]


def _told(why: str, missing: Sequence[str]) -> str:
    return f"{why}; not here yet: {_found.listing(missing)}"


def _repository(folder: Folder) -> Repository:
    name = folder.address.removeprefix("hf:")
    revision = f" --revision {shlex.quote(folder.revision)}" if folder.revision else ""
    globs = set(folder.wanted) - set(_folders.required(folder.wanted))
    wanted = " ".join(f"--include {shlex.quote(each)}" if globs else each for each in folder.wanted)
    elsewhere = (
        f"on a machine that reaches the hub: hf download {name} {wanted}{revision} --local-dir FOLDER; then bring "
        f"FOLDER here and name it in place of {folder.address}"
    )
    return Repository("model", name, folder.revision, elsewhere)


def _storage(name: str) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"))


def _snapshot(name: str, commit: str) -> Path:
    return _storage(name) / "snapshots" / commit


def _cached_commit(repository: Repository) -> str | None:
    """The commit that the revision meant when the hub's own tools last fetched it."""
    try:
        return (_storage(repository.name) / "refs" / (repository.revision or "main")).read_text("utf-8").strip()
    except OSError:
        return None
