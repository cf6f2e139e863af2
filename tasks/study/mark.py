"""Mark the results of a study: croissant.json, datasheet.md and lineage.json beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.provenance.croissant import MarkedFile, croissant
from realmix.tasks.core.provenance.datasheet import datasheet
from realmix.tasks.core.provenance.lineage import Lineage
from realmix.tasks.core.provenance.mark import FOOTER, Mark
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.table.card_parts import Provenance
from realmix.tasks.runtime.cache_keys import file_digest, tree_digest
from realmix.tasks.runtime.lineage_index import LINEAGE, keep_lineage
from realmix.tasks.runtime.study_folder import StudyFolder, Table

TRAINING, CROISSANT, DATASHEET = "training.parquet", "croissant.json", "datasheet.md"
FOLDS = "work/folds.npz"
MODELS = ("model", "real_only", "evaluated/model", "evaluated/real_only")


def mark_study(folder: StudyFolder, table: Table, document: VerdictDocument) -> None:
    """Describe what a study leaves behind, before its manifest is written.

    Parameters
    ----------
    folder : StudyFolder
        With the training table, the packaged models, ``verdict.json`` and ``report.html`` in it.
    table : Table
    document : VerdictDocument
    """
    marked = read_mark(folder.path / TRAINING)
    description = f"Training table of the model that the study {document.study} ships. {marked.explanation}"
    write_croissant(
        folder.path / CROISSANT,
        f"{table.name}-training",
        description,
        table.card.provenance,
        marked,
        [folder.path / TRAINING],
    )
    text = datasheet(document, table.card, marked)
    (folder.path / DATASHEET).write_text(text, encoding="utf-8")
    folder.write_json(LINEAGE, lineage_of(folder, table, document, marked).to_dict())
    keep_lineage(folder.path)


def read_mark(path: Path) -> Mark:
    """Read the mark in the footer of a Parquet file.

    Raises
    ------
    BadInput
        If it has none.
    """
    footer = (pq.read_schema(path).metadata or {}).get(FOOTER)
    if footer is None:
        raise BadInput(f"{path} has no mark of origin: realmix did not write it, or an earlier release did.")
    return Mark.read(json.loads(footer))


def write_croissant(
    path: Path, name: str, description: str, terms: Provenance, marked: Mark, files: list[Path]
) -> None:
    """Describe Parquet and CSV files in a sidecar beside them: a comment line in a CSV would break its readers."""
    described = croissant(name, description, terms, marked, [describe_file(file) for file in files])
    path.write_text(json.dumps(described, indent=1, ensure_ascii=False), encoding="utf-8")


def describe_file(path: Path) -> MarkedFile:
    """Return the digest, bytes and columns of a Parquet or CSV file."""
    if path.suffix == ".csv":
        kinds = pd.read_csv(path, nrows=1000).dtypes
        columns = {str(name): str(kind) for name, kind in kinds.items()}
    else:
        schema = pq.read_schema(path)
        columns = {field.name: str(field.type) for field in schema}
    return MarkedFile(path.name, file_digest(path), path.stat().st_size, columns)


def lineage_of(folder: StudyFolder, table: Table, document: VerdictDocument, marked: Mark) -> Lineage:
    """Collect the digests of everything between the raw rows and the decision."""
    place, described = folder.path, document.table
    return Lineage.build(
        {
            "schema_version": 1,
            "kind": "study",
            "study": document.study,
            "table": table.name,
            "realmix_version": document.realmix_version,
            "raw": raw_rows(table),
            "split": {
                "holdout": _text_digest(document.plan.get("holdout")),
                "folds": _digest(place / FOLDS),
                "n_development": described.n_development,
                "n_holdout": described.n_holdout,
            },
            "pools": _pools(folder, marked.synthesizer),
            "training": {
                "sha256": file_digest(place / TRAINING),
                "n_real": marked.n_real,
                "n_synthetic": marked.n_synthetic,
                "synthesizer": marked.synthesizer,
                "seed": marked.seed,
            },
            "models": {role: tree_digest(place / role) for role in MODELS if (place / role).exists()},
            "decision": {"word": document.word, "sentence": document.sentence},
            "files": _files(place),
        }
    )


def raw_rows(table: Table) -> dict[str, Any]:
    """Name the rows as they were read; those of a registered table by the file that it was registered from."""
    return {
        "digest": table.snapshot.digest,
        "source": table.source.get("location", table.card.source),
        "n_rows": table.snapshot.n_rows,
        "source_sha256": table.source.get("sha256", table.snapshot.source.get("sha256")),
    }


def _pools(folder: StudyFolder, shipped: str | None) -> list[dict[str, Any]]:
    """List the pools of all folds, and of the final fits, as far as they were drawn."""
    logged = folder.read_json("work/pools.json") if (folder.work / "pools.json").exists() else []
    pools = [(log["scope"], log["synthesizer"], log["kept"]) for log in logged if not log["failure"]]
    for scope in ("evaluated", "shipped"):
        file = folder.scope(scope) / f"{shipped}.parquet"
        pools += [(scope, shipped, pq.read_metadata(file).num_rows)] if file.exists() else []
    return [
        {
            "scope": scope,
            "synthesizer": name,
            "n_rows": n_rows,
            "sha256": _digest(folder.scope(scope) / f"{name}.parquet"),
        }
        for scope, name, n_rows in pools
    ]


def _files(folder: Path) -> dict[str, str]:
    """Return the digests of the documents, and of each file of the models, by their path in the folder."""
    named = [
        path
        for path in folder.iterdir()
        if path.is_file() and path.name not in (TRAINING, LINEAGE, "manifest.json")
    ]
    inside = [path for role in MODELS for path in (folder / role).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted({*named, *inside})}


def _text_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str | None:
    """Return the sha256 of a file; None where there is none, as of pools that another machine keeps."""
    return file_digest(path) if path.exists() else None
