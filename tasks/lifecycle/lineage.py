"""Find the chains from raw rows to decisions that a file, a model's folder or a served model is in."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from realmix.tasks.core.errors import BadInput, RegistryRefused
from realmix.tasks.core.provenance.lineage import Chain, entries_about
from realmix.tasks.runtime.cache_keys import tree_digest
from realmix.tasks.runtime.database import decisions
from realmix.tasks.runtime.lineage_index import kept_lineages
from realmix.tasks.runtime.snapshots import frame_digest, open_snapshot, read_parquet
from realmix.tasks.study.mark import read_mark

SERVED = "models:/"


def trace(location: str) -> list[Chain]:
    """Return all chains of this home that something is in.

    Parameters
    ----------
    location : str
        A file, the folder of a model, or a served model, ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``.

    Raises
    ------
    BadInput
        If it is not there, or in no chain of this home.
    RegistryRefused
        If MLflow does not give the served model.
    """
    if location.startswith(SERVED):
        with tempfile.TemporaryDirectory() as scratch:
            return _trace(_download(location, Path(scratch)), location)
    return _trace(Path(location), location)


def _trace(path: Path, location: str) -> list[Chain]:
    if not path.exists():
        raise BadInput(
            f"There is no {location}; expected a file, a model's folder or models:/NAME/VERSION. Check the path."
        )
    for digest in _digests(path):
        found = [
            (role, kept.lineage)
            for kept in kept_lineages()
            if (role := kept.lineage.role_of(digest)) is not None
        ]
        if found:
            # A study whose results were copied to a second folder is one study.
            return [
                Chain(role, lineage, entries_about(decisions(lineage.table), lineage.study))
                for role, lineage in {
                    lineage.model_dump_json(): (role, lineage) for role, lineage in found
                }.values()
            ]
    raise BadInput(
        f"No study of this home made or read {location} (sha256 {tree_digest(path)}), as it is now.{_mark_in_words(path)} "
        "A file is recognized as an exact copy of a result or of the table as it was read, not what a database holds. "
        "Name the unchanged file, and the home in which it was made (REALMIX_HOME)."
    )


def _digests(path: Path) -> Iterator[str]:
    """Yield the digest of the bytes; then, of a Parquet file, that of its rows, as a snapshot has it."""
    yield tree_digest(path, as_made=True)
    if path.suffix == ".parquet":
        with suppress(BadInput):
            yield open_snapshot(path).digest
        with suppress(BadInput):
            yield frame_digest(read_parquet(path))


def _mark_in_words(path: Path) -> str:
    with suppress(BadInput, OSError, pa.ArrowException):
        marked = read_mark(path)
        return f" Its mark says: {marked.explanation} They come from the snapshot {', '.join(marked.derived_from)}."
    return ""


def _download(location: str, folder: Path) -> Path:
    """Download a served model from MLflow as its study uploaded it; MLflow adds a file where it is asked by name."""
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    name, mark, number = re.split(r"([/@])", location.removeprefix(SERVED) + "/", maxsplit=1)
    number = number.rstrip("/")
    try:
        client = MlflowClient()
        version = client.get_model_version_by_alias(name, number).version if mark == "@" else number
        uri = client.get_model_version_download_uri(name, version)
        return Path(download_artifacts(uri, dst_path=str(folder)))
    except Exception as err:  # whatever a store or its driver raises
        raise RegistryRefused(
            f"MLflow does not give {location} ({type(err).__name__}); expected models:/NAME/VERSION or "
            "models:/NAME@ALIAS. Check both, and MLFLOW_TRACKING_URI."
        ) from err
