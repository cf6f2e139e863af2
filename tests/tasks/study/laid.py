"""A study laid out into folds whose arms' predictions are written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.verdict import Verdict
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Layout, Plan, Split
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.compare import compare_arms
from realmix.tasks.study.development import Development
from realmix.tasks.study.out_of_fold import failed_arms, failed_mixes, out_of_fold
from realmix.tasks.study.privacy import StudyPools
from realmix.tasks.study.race import batches
from realmix.tasks.study.split import lay_folds, split_holdout
from tests.tasks.shop_table import rows, table_of


def lay(
    place: Path,
    n_rows: int = 800,
    card: Mapping[str, Any] | None = None,
    *,
    in_time: bool = False,
    **changes: Any,
) -> tuple[StudyFolder, Table, Split, Layout]:
    """Split the table of a shop and lay out its folds: five in two repeats, or forward; with one synthesizer."""
    raw, declared = rows(n_rows), dict(card or {})
    if in_time:
        raw, declared = raw.assign(day=np.arange(n_rows) // 2), {"time": "day", **declared}
        changes = {"forward": True, "n_repeats": 1, **changes}
    table, folder = table_of(raw, place, **declared), StudyFolder(place / "study")
    split, rule = split_holdout.fn(table, folder, rule=None, seed=0)
    plan: dict[str, Any] = {
        "seed": 0, "task": "binary", "metric": "log_loss", "holdout": rule, "n_folds": 5, "n_repeats": 2,
        "n_development": split.n_development, "forward": False, "models": ("linear", "class-prior"),
        "n_trials": 1, "synthesizers": {"smote": None}, "ratios": (1.0,), "weights": (1.0,),
        "label_rules": ("joint",), "balances": ("prior",), "teacher": (("linear", 0),), "n_workers": 1,
        "threads_per_fit": 1, "n_bootstrap": 50,
    }  # fmt: skip
    return folder, table, split, lay_folds.fn(folder, Plan(**plan | changes))


def predict(
    folder: StudyFolder, scope: str, batch: str, arms: list[Arm], sharpness: dict[str, float]
) -> dict[str, Any]:
    """Write predictions that know the truth through noise: by so many units, 1 where none is given."""
    place = Scope(folder.scope(scope))
    truth = place.context.schema.encode_target(place.validation)
    noise = np.random.default_rng(len(scope) + int(scope[-1])).normal(size=len(truth))
    chances = [1 / (1 + np.exp(-(sharpness.get(arm.name, 1.0) * (2 * truth - 1) + noise))) for arm in arms]
    place.write_predictions(
        f"predictions-{batch}.npy", np.array([np.column_stack([1 - p, p]) for p in chances])
    )
    folder.write_json(f"work/{scope}/predictions-{batch}.json", [arm.name for arm in arms])
    return {"scope": scope, "batch": batch, "skipped": False, "failures": {}, "seconds": 1.0}


def predict_all(
    folder: StudyFolder, layout: Layout, competing: dict[str, list[Arm]], sharpness: dict[str, float]
) -> list[dict[str, Any]]:
    """Write the predictions of every batch on every fold."""
    return [
        predict(folder, block.scope, batch, arms, sharpness)
        for block in layout.blocks
        for batch, arms in competing.items()
    ]


def gathered(
    folder: StudyFolder, layout: Layout, pools: list[dict[str, Any]], trained: list[dict[str, Any]]
) -> tuple[Development, OutOfFold]:
    """Return the development rows, and the predictions of all arms of the plan that did not fail."""
    development, failed = Development(folder.work), failed_mixes(layout.plan, pools) | failed_arms(trained)
    return development, out_of_fold(folder, layout, development, batches(layout.plan), failed, trained)


def compared(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold
) -> tuple[Comparison, Verdict]:
    """Compare and decide; pools are attacked only where the card limits their leak."""
    return compare_arms.fn(folder, layout, development, oof, StudyPools(folder, layout, development))
