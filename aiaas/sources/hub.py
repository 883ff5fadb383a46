"""A dataset of the Hugging Face hub, streamed. No code of the dataset is ever run.

{source: "hf:lansinuote/ChnSentiCorp", hub_split: train, columns: {text: text, label: label}}
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from aiaas.contracts import Batch, Origin, SourceContext, SourceParams
from aiaas.errors import DataError, RemoteError

if TYPE_CHECKING:
    from datasets import IterableDataset

SCHEMES = ("hf",)

_ROWS = 1000
_COMMIT = re.compile(r"[0-9a-f]{40}")
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
            f"the dataset cannot be read: {_first_line(error)}", where=params.source, hint=_ELSEWHERE
        ) from error


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """The commit; the hub streams, so there are no bytes to digest."""
    return [Origin(params.source, 0, None, licence=params.licence, revision=_commit(params, context))]


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
    if params.revision and _COMMIT.fullmatch(params.revision):
        return params.revision
    name = params.source.removeprefix("hf:")
    kept = _place(name, params.revision, context.cache)
    if kept.is_file() and (context.offline or not context.refresh):
        return str(json.loads(kept.read_text("utf-8"))["commit"])
    if context.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise RemoteError("the hub may not be asked: this is offline", where=params.source, hint=_ELSEWHERE)
    commit = _ask(name, params)
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"dataset": name, "revision": params.revision, "commit": commit}), "utf-8")
    temporary.replace(kept)
    return commit


def _ask(name: str, params: Params) -> str:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        commit = HfApi().dataset_info(name, revision=params.revision, timeout=30).sha
    except RevisionNotFoundError as error:
        raise RemoteError(f"the dataset has no revision {params.revision!r}", where=params.source) from error
    except RepositoryNotFoundError as error:
        hint = "check OWNER/NAME; for a private one set HF_TOKEN"
        raise RemoteError("the hub has no such dataset, or keeps it private", where=params.source, hint=hint) from error
    except Exception as error:  # which errors of which HTTP library it lets through changes from version to version
        what = "answers" if isinstance(error, HfHubHTTPError) else "cannot be reached"
        message = f"the hub {what}: {_first_line(error)}"
        raise RemoteError(message, where=params.source, hint=_ELSEWHERE) from error
    if commit is None:
        raise DataError("the hub does not say which commit this is", where=params.source)
    return commit


def _place(name: str, revision: str | None, cache: Path) -> Path:
    return cache / "hub" / f"{hashlib.sha256(f'{name}@{revision}'.encode()).hexdigest()[:32]}.json"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
