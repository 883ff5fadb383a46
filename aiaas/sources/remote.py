"""Files of any file system that fsspec knows: object stores, ftp, ssh, and so on. Fetched once, then read as local
files are.

{source: "s3://bucket/reviews-*.parquet", options: {endpoint_url: "https://objects.example.org"}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from aiaas.contracts import Batch, Origin, SourceContext
from aiaas.sources import _formats, _found, _patience, _store, digest_of
from aiaas.sources._params import FileParams
from aiaas.sources._sizes import Size

SCHEMES = (
    *("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "ocilake", "tos", "tosfs", "memory"),
    *("ftp", "sftp", "ssh", "smb", "hdfs", "webhdfs", "webdav", "root", "dbfs", "dropbox", "gdrive", "box", "lakefs"),
    *("github", "gist", "dvc", "wandb"),
)


class Params(FileParams):
    """Files in a store that fsspec opens; its package (s3fs, gcsfs, adlfs, …) must be installed."""

    options: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="What fsspec's file system is told, such as {anon: true} or {key: '${env:KEY}'}; without it the "
        "store's own variables and files of the environment hold the credentials.",
    )
    max_bytes: Size = Field(
        20 * 10**9, ge=1, description="Refuse more than so much together: bytes, or such as 500MB; by default 20 GB."
    )
    timeout: float = Field(60.0, gt=0, le=600, description="Seconds the store may stay silent, above 0, at most 600.")

    @field_validator("labels")
    @classmethod
    def _stands_alone(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("a second file is not fetched: fetch both, and name the files")
        return value

    @field_validator("source")
    @classmethod
    def _names_a_place(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator or not rest.strip("/") or "::" in value:
            raise ValueError(f"it must read {scheme.partition(':')[0] or 's3'}://bucket/path")
        return value


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The pinned digest, or of each file the version that the store states: its ETag, checksum or generation, else its
    size and time of change. The store is asked once, and again when `context.refresh`."""
    if params.sha256:
        return {"address": _patience.shown(params.source), "sha256": params.sha256}
    return {entry.shown: entry.version for entry in _store.listing(_wanted(params), context)}


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The rows of the files, fetched first where needed. Raises RemoteError, MissingPackageError, and DataError for
    what is refused."""
    return _formats.read(_files(params, context), params, context)


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """The files as they were fetched, each with the version that the store stated."""
    versions = {entry.shown: entry.version for entry in _store.listing(_wanted(params), _kept(context))}
    return [
        Origin(origin.location, origin.bytes, origin.sha256, origin.licence, versions.get(origin.location))
        for origin in _formats.origins(_files(params, context), params)
    ]


def paths(params: Params, context: SourceContext) -> Sequence[Path]:
    """Where the fetched files are."""
    return [file.path for file in _files(params, context)]


def _files(params: Params, context: SourceContext) -> list[_found.File]:
    files = _fetched(params, _kept(context))
    if params.sha256 and not context.offline and digest_of(_formats.origins(files, params)) != params.sha256:
        return _fetched(params, replace(context, refresh=True))  # kept is another version than the one that is pinned
    return files


def _fetched(params: Params, context: SourceContext) -> list[_found.File]:
    wanted = _wanted(params)
    entries = _store.listing(wanted, context)
    files = [_found.File(_store.place(wanted, entry, context), entry.shown, entry.label) for entry in entries]
    for file in files:
        _formats.format_of(file, params)  # before anything is fetched
    _store.fetch(wanted, entries, context)
    return files


def _kept(context: SourceContext) -> SourceContext:
    """What is read is what the fingerprint said: a refresh took effect there."""
    return replace(context, refresh=False)


def _wanted(params: Params) -> _patience.Wanted:
    return _patience.Wanted(params.source, dict(params.options), params.max_bytes, params.timeout)
