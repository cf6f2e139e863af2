"""Mark a shared table with its origin, and keep the lineage of its release in the house."""

from __future__ import annotations

import json
from pathlib import Path

from realmix.tasks.core.provenance.lineage import Lineage
from realmix.tasks.core.provenance.mark import mark
from realmix.tasks.core.release.document import ReleaseDocument, release_lines
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.lineage_index import LINEAGE, keep_lineage
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.study.mark import CROISSANT, raw_rows, write_croissant


def mark_release(folder: Path, shared: Path, document: ReleaseDocument, table: Table) -> None:
    """Describe a shared table in a file beside it, and index what it was made from.

    Parameters
    ----------
    folder : Path
        Of the release, with its documents in it.
    shared : Path
        The shared table.
    document : ReleaseDocument
    table : Table
        That it was made from.
    """
    is_private = document.dp is not None and document.dp.end_to_end
    marked = mark(
        # The digest of the real rows follows from them without noise.
        snapshot=None if is_private else table.snapshot.digest,
        synthesizer=document.synthesizer,
        seed=document.seed,
        n_real=0,
        n_synthetic=document.n_rows,
    )
    promise = (
        f" Differentially private: epsilon {document.dp.epsilon:.3g}, delta {document.dp.delta:.1g}."
        if document.dp and is_private
        else ""
    )
    write_croissant(
        shared.with_name(CROISSANT),
        f"{table.name}-synthetic",
        f"Synthetic table to share. {marked.explanation}{promise}",
        table.card.provenance,
        marked,
        [shared],
    )
    text = json.dumps(lineage_of_release(folder, shared, document, table).to_dict(), indent=1)
    write_atomically(folder / LINEAGE, lambda path: path.write_text(text, encoding="utf-8"))
    keep_lineage(folder)


def lineage_of_release(folder: Path, shared: Path, document: ReleaseDocument, table: Table) -> Lineage:
    """Collect the digests of the raw rows, the shared table and the documents of its release."""
    others = [path for path in folder.rglob("*") if path.is_file() and path not in (shared, folder / LINEAGE)]
    return Lineage.build(
        {
            "schema_version": 1,
            "kind": "release",
            "study": folder.name,
            "table": table.name,
            "realmix_version": document.realmix_version,
            "raw": raw_rows(table),
            "split": None,
            "pools": [],
            "training": {
                "sha256": file_digest(shared),
                "n_real": 0,
                "n_synthetic": document.n_rows,
                "synthesizer": document.synthesizer,
                "seed": document.seed,
            },
            "models": {},
            "decision": {"word": "released", "sentence": release_lines(document)[0]},
            "files": {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(others)},
        }
    )
