"""The Hugging Face hub: a dataset as a source of rows, streamed, a model as a folder. No code of theirs is ever run.

{source: "hf:lansinuote/ChnSentiCorp", hub_split: train, columns: {text: text, label: label}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from aiaas.contracts import Batch, Folder, Origin, SourceContext, SourceParams
from aiaas.errors import RemoteError, first_line
from aiaas.sources import _folders, _hub, _snapshot

if TYPE_CHECKING:
    from datasets import IterableDataset

SCHEMES = ("hf",)

_ROWS = 1000
_ELSEWHERE = (
    "fetch it on a machine that reaches the hub (hf download OWNER/NAME --repo-type dataset) and name its "
    "parquet files instead: --set 'collect[0].source=FOLDER/*.parquet'"
)


class Params(SourceParams):
    """A dataset of the hub."""

    config: str | None = Field(None, description="Which configuration of the dataset, where it has several.")
    hub_split: str = Field("train", min_length=1, description="Which of the dataset's own splits to read.")
    revision: str | None = Field(None, description="A branch, tag or commit of the dataset; by default its newest.")

    @field_validator("source")
    @classmethod
    def _names_a_dataset(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.${}:-]+(/[\w.${}:-]+)?", value.removeprefix("hf:")):
            raise ValueError("it must read hf:OWNER/NAME")
        return value


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The address and the commit that the revision means; asked once and kept, asked again when `context.refresh`."""
    return {"address": params.source, "revision": _commit(params, context)}


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The rows, class labels by their names. Raises RemoteError when the hub cannot be reached or has no such data."""
    if context.offline:
        raise RemoteError("reading a dataset of the hub needs the network", where=params.source, hint=_ELSEWHERE)
    name = params.source.removeprefix("hf:")
    commit = _commit(params, context)
    try:
        yield from batches(open_dataset(name, params, commit))
    except (OSError, RuntimeError, ValueError) as error:
        raise RemoteError(
            f"the dataset cannot be read: {first_line(error)}", where=params.source, hint=_ELSEWHERE
        ) from error


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """The commit; the hub streams, so there are no bytes to digest."""
    return [Origin(params.source, 0, None, licence=params.licence, revision=_commit(params, context))]


def folder_fingerprint(folder: Folder, context: SourceContext) -> Mapping[str, Any]:
    """The address of a model and the commit that the revision means; asked once and kept."""
    return {"address": folder.address, "revision": _snapshot.version(folder, context).commit}


def folder(folder: Folder, context: SourceContext) -> Path:
    """Where a model lies in the hub's own cache, its wanted files fetched where they are not there. Raises RemoteError
    that says which are missing and how to bring them, and DataError when the repository has no such file."""
    return _snapshot.fetch(folder, context).path


def folder_origins(folder: Folder, context: SourceContext) -> Sequence[Origin]:
    """The wanted files of the commit."""
    found = _snapshot.fetch(folder, context)
    return _folders.origins(found.files, revision=found.commit)


def open_dataset(path: str, params: Params, commit: str | None) -> IterableDataset:
    """One split of a dataset, of the hub or of a local folder of data files, as a stream."""
    import datasets

    return datasets.load_dataset(path, params.config, split=params.hub_split, revision=commit, streaming=True)


def batches(dataset: IterableDataset) -> Iterator[Batch]:
    """The rows as the files hold them: pictures stay undecoded, a class label becomes its name."""
    import datasets

    labels = {
        name: feature for name, feature in (dataset.features or {}).items() if isinstance(feature, datasets.ClassLabel)
    }
    for batch in dataset.decode(False).iter(_ROWS):
        for name, feature in labels.items():
            # The hub marks rows whose class it keeps to itself by -1.
            batch[name] = [None if each is None or each < 0 else feature.int2str(each) for each in batch[name]]
        yield dict(batch)


def _commit(params: Params, context: SourceContext) -> str:
    """The commit that the revision means, so that what is read is what the key says."""
    repository = _hub.Repository("dataset", params.source.removeprefix("hf:"), params.revision, _ELSEWHERE)
    known = _hub.pinned(repository)
    return known or (_hub.kept(repository, context) or _hub.ask(repository, context)).commit
