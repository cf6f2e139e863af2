"""Write the JSON schemas of the documents that realmix publishes: ``python -m tests.schemas``."""

from __future__ import annotations

from pathlib import Path

from realmix.tasks.core.lifecycle import entries
from realmix.tasks.core.mixes import fit_result, pool_result
from realmix.tasks.core.plan import plan
from realmix.tasks.core.provenance import lineage
from realmix.tasks.core.release import document
from realmix.tasks.core.report import manifest, verdict_document

FOLDER = Path(verdict_document.__file__).parent / "schemas"
PUBLISHED = {
    "cleaned-1.json": entries.CleanedVersions,
    "epoch-1.json": entries.Epoch,
    "fit-1.json": fit_result.FitResult,
    "forgotten-1.json": entries.Forgotten,
    "lineage-1.json": lineage.Lineage,
    "manifest-1.json": manifest.Manifest,
    "plan-1.json": plan.Plan,
    "pool-1.json": pool_result.PoolResult,
    "promotion-1.json": entries.Promotion,
    "release-1.json": document.ReleaseDocument,
    "responsibility-1.json": entries.Responsibility,
    "retraining-1.json": entries.Retraining,
    "review-1.json": entries.Review,
    "rollback-1.json": entries.Rollback,
    "settled-1.json": entries.Settled,
    "verdict-1.json": verdict_document.VerdictDocument,
}

if __name__ == "__main__":
    for name, model in PUBLISHED.items():
        (FOLDER / name).write_text(model.schema_text(), encoding="utf-8")
