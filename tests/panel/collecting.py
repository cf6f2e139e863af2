"""Check what is said about twice the rows against the panel's spare rows: ``python -m tests.panel.collecting``.

Two learners at their defaults stand for real only; the truth is the mean over draws of what twice the rows gain on
rows outside. Some five minutes of one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.collecting import QUANTILES
from realmix.tasks.core.scores.learning_curve import fit_power_law
from realmix.tasks.core.scores.rows_saved import best_per_size
from realmix.tasks.core.splits.nested_subsets import CURVE_SHARES, nested_subsets
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from tests.panel.intervals import wilson
from tests.panel.tables import METHOD_HALF, Cell, Rows, cells, draw_rows

LEARNERS = ("linear", "xgboost")
BEST = "best of both"
N_FOLDS = 5
# Draws whose curve is measured, and whose gain makes the truth.
N_CURVES, N_TRUTHS = 2, 6
RESULTS = Path(__file__).parent / "results" / "collecting.csv"


def main() -> None:
    found = pd.DataFrame([row for cell in cells() for row in check(cell)])
    found.to_csv(RESULTS, index=False, float_format="%.5f")
    holds = found["truth"].between(found["low"], found["high"])
    for name, rows in {"all": found.index == found.index, **parts(found)}.items():
        n, hits = int(rows.sum()), int(holds[rows].sum())
        low, high = wilson(hits, n)
        error = (found["median"] - found["truth"])[rows].mean()
        print(
            f"{name}: {hits} of {n} = {hits / n:.2f} [{low:.2f}, {high:.2f}], mean error {100 * error:+.1f} %"
        )


def parts(found: pd.DataFrame) -> dict[str, pd.Series]:
    """Which rows belong to each half, size and learner."""
    is_method = found["table"].isin(METHOD_HALF)
    sizes = {f"{n:,} rows": found["n_rows"] == n for n in sorted(found["n_rows"].unique())}
    learners = {name: found["learner"] == name for name in (*LEARNERS, BEST)}
    return {"method half": is_method, "confirmation half": ~is_method, **sizes, **learners}


def check(cell: Cell) -> Iterator[dict[str, object]]:
    """The stated and the true gain of twice the rows, for each learner and draw; none without spare rows."""
    draws = [draw_rows(cell, seed) for seed in range(N_TRUTHS)]
    if len(draws[0].spare) < cell.n_rows:
        return
    schema = infer_schema(draws[0].training, draws[0].card.target)
    metric = METRICS["log_loss" if schema.is_classification else "rmse"]
    outside = np.array([outside_scores(draw, schema, metric) for draw in draws])
    once, twice = outside.mean(axis=0)
    truth = dict(
        zip((*LEARNERS, BEST), 1 - np.append(twice, twice.min()) / np.append(once, once.min()), strict=True)
    )
    for seed, draw in enumerate(draws[:N_CURVES]):
        sizes, scores = curves(schema.apply(draw.training), schema, metric, seed)
        best = best_per_size(scores, greater_is_better=False)
        of_best = scores[best, np.arange(len(sizes))]
        for learner, of_learner in zip((*LEARNERS, BEST), (*scores, of_best), strict=True):
            law = fit_power_law(sizes, of_learner, metric, n_fitted=sizes[-1], overlap=1 / (N_FOLDS - 1))
            low, median, high = law.quantiles(law.gain(cell.n_rows, 2 * cell.n_rows), QUANTILES)
            yield {"table": cell.table, "n_rows": cell.n_rows, "draw": seed, "learner": learner,
                   "low": low, "median": median, "high": high, "truth": truth[learner]}  # fmt: skip
    print(f"{cell.name}: done", flush=True)


def outside_scores(draw: Rows, schema: Schema, metric: MetricSpec) -> np.ndarray:
    """Scores on the rows outside after once and twice the rows: shape (2, n_learners)."""
    more = pd.concat([draw.training, draw.spare.iloc[: len(draw.training)]], ignore_index=True)
    test = schema.apply(draw.test)
    return np.array([[score(name, schema.apply(rows), test, schema, metric) for name in LEARNERS]
                     for rows in (draw.training, more)])  # fmt: skip


def curves(
    rows: pd.DataFrame, schema: Schema, metric: MetricSpec, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of nested subsets, and scores of shape (n_learners, n_sizes, n_folds)."""
    strata = schema.encode_target(rows) if schema.is_classification else np.zeros(len(rows), dtype=int)
    kind = StratifiedKFold if schema.is_classification else KFold
    sizes, scores = [], []
    for number, (train, validation) in enumerate(
        kind(N_FOLDS, shuffle=True, random_state=seed).split(rows, strata)
    ):
        groups = np.arange(len(train))
        subsets = nested_subsets(strata[train], groups, CURVE_SHARES, seed=N_FOLDS * seed + number)
        sizes.append([len(subset) for subset in subsets])
        parts = [rows.iloc[train[subset]] for subset in subsets]
        outside = rows.iloc[validation]
        scores.append([[score(name, part, outside, schema, metric) for part in parts] for name in LEARNERS])
    return np.mean(sizes, axis=0), np.array(scores).transpose(1, 2, 0)


def score(name: str, training: pd.DataFrame, test: pd.DataFrame, schema: Schema, metric: MetricSpec) -> float:
    """Score one learner at its defaults."""
    spec = MODELS[name]
    model = spec.build(schema, spec.search_space(0, schema), 0, 1)
    model.fit(training[schema.feature_names], schema.one_hot_target(training), np.ones(len(training)))
    return metric.compute(schema.encode_target(test), model.predict(test[schema.feature_names]), None)


if __name__ == "__main__":
    main()
