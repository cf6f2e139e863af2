"""One run of the panel: a study on a cell's rows, every arm scored on rows it never saw."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.arms import Arm, Exit, Mix
from realmix.tasks.core.plan.make_plan import REAL_TRIALS
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from tests.panel.rivals import ONCE_PER_CELL, RIVALS
from tests.panel.study import Raced, Recipe, predict_arms, predict_teacher, race_rows
from tests.panel.tables import SIZES, Cell, Rows, draw_rows

CHEAP: dict[str, int | None] = {"sequential-trees": None, "neighbour-swap": None}
# Bounded steps; the fits of a VAE double a run's time and those of a GAN double it again, so they
# stand in two draws and in one draw of their cells.
DEEP_OF_SEED: tuple[dict[str, int | None], ...] = ({"tvae": 300, "ctgan": 300}, {"tvae": 300}, {})
# Sizes of the true learning curve, in multiples of the study's rows.
CURVE = (0.5, 2**-0.5, 1.0, 2**0.5, 2.0, 2**1.5, 4.0)
TEACHER = "teacher"
TUNED = "tuned-xgboost"
N_TUNING_TRIALS = 8
CURVE_ARMS = tuple(Arm(Mix(), model, trial) for model in ("xgboost", "linear") for trial in (0, 1))


@dataclass(frozen=True)
class Record:
    """What a run leaves behind; everything the panel reports is arithmetic on it.

    Attributes
    ----------
    cell, seed
    oof : OutOfFold
        All arms on the study's own folds.
    tested : tuple of str
        Names of what was scored outside: arms, rivals, the teacher.
    row_losses : ndarray of shape (n_tested, n_test)
    side : ndarray of shape (n_tested,)
        AUC for classification, NaN for regression.
    curve : dict of n_rows to mapping of arm name to score
        Real only on more and fewer real rows, scored outside.
    seconds : dict
        By kind of work.
    """

    cell: Cell
    seed: int
    oof: OutOfFold
    tested: tuple[str, ...]
    row_losses: np.ndarray
    side: np.ndarray
    curve: Mapping[int, Mapping[str, float]]
    seconds: Mapping[str, float]

    @property
    def metric(self) -> str:
        return "log_loss" if self.oof.is_classification else "rmse"

    def losses(self, name: str) -> np.ndarray:
        """Row losses outside, of shape (n_test,)."""
        return self.row_losses[self.tested.index(name)]

    def auc(self, name: str) -> float:
        """AUC outside, NaN for regression."""
        return float(self.side[self.tested.index(name)])

    def score(self, name: str) -> float:
        """Score outside, lower = better."""
        return float(METRICS[self.metric].from_mean_loss(self.losses(name).mean()))


def recipe(cell: Cell, seed: int) -> Recipe:
    """What the studies of a cell try."""
    deep = DEEP_OF_SEED[seed] if cell.has_deep else {}
    return Recipe(
        synthesizers=CHEAP | deep,
        ratios=(1.0, 5.0),
        n_trials=2,
        n_real_trials=REAL_TRIALS,
        n_repeats=2,
        full_grid=has_full_grid(cell, seed),
    )


def path_of(store: Path, cell: Cell, seed: int) -> Path:
    """Where a run is kept, without the suffixes of its two files."""
    return store / f"{cell.name}-{seed}"


def has_full_grid(cell: Cell, seed: int) -> bool:
    """Whether nobody leaves the race, so that its winner can be held against the full grid's."""
    return seed == 0 and cell.n_rows == min(SIZES)


def run(cell: Cell, seed: int, store: Path) -> Path:
    """Run one study with all its rivals, and keep the record.

    Parameters
    ----------
    cell : Cell
    seed : int
    store : Path
        Folder of records: a run that is there is not run again.
    """
    target = path_of(store, cell, seed)
    if target.with_suffix(".json").exists():
        return target
    started = time.perf_counter()
    rows = draw_rows(cell, seed)
    with tempfile.TemporaryDirectory(prefix="realmix-panel-") as folder:
        outcome = race_rows(
            rows.training, rows.card, recipe(cell, seed), folder=Path(folder), seed=seed, digest=cell.name
        )
        oof = outcome.out_of_fold
        predictions, test = predict_outside(outcome, oof, rows, cell, seed)
        curve = true_curve(outcome, rows, test, seed)
    store.mkdir(parents=True, exist_ok=True)
    _keep(target, cell, seed, oof, outcome.schema, predictions, test, curve,
          {**outcome.seconds, "all": time.perf_counter() - started})  # fmt: skip
    return target


def predict_outside(
    outcome: Raced, oof: OutOfFold, rows: Rows, cell: Cell, seed: int
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Predictions of every arm, the teacher and the rivals, on the test rows."""
    schema = outcome.schema
    test = schema.apply(known_labels(rows.test, schema))
    X = test[schema.feature_names]
    predictions = predict_arms(outcome, [arm for arms in outcome.arms.values() for arm in arms], X)
    predictions[TEACHER] = predict_teacher(outcome, X)
    real = schema.apply(rows.training)
    best = tuned_trial(real, schema, oof.folds[0], seed)
    predictions[TUNED] = fit_rows(real, schema, best, seed).predict(X)
    for name, make in RIVALS.items():
        if name not in ONCE_PER_CELL or seed == 0:
            added = make(real, schema, derive_seed("rival", name, cell.name, seed))
            predictions[name] = fit_rows(
                pd.concat([real, added], ignore_index=True), schema, best, seed
            ).predict(X)
    return predictions, test


def tuned_trial(real: pd.DataFrame, schema: Schema, folds: np.ndarray, seed: int) -> int:
    """Tune XGBoost as people do: the best of eight trials by plain cross-validation."""
    metric = METRICS["log_loss" if schema.is_classification else "rmse"]
    y = schema.encode_target(real)
    losses = np.zeros(N_TUNING_TRIALS)
    for trial in range(N_TUNING_TRIALS):
        for fold in np.unique(folds):
            held = folds == fold
            model = fit_rows(real[~held], schema, trial, seed)
            predicted = model.predict(real.loc[held, schema.feature_names])
            assert metric.row_loss is not None
            losses[trial] += metric.row_loss(y[held], predicted).sum()
    return int(np.argmin(losses))


def known_labels(raw: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Test rows whose class the study has seen at all."""
    if not schema.is_classification:
        return raw
    labels = raw[schema.target].astype(str)
    return raw[labels.isin([str(c) for c in schema.classes])].reset_index(drop=True)


def fit_rows(rows: pd.DataFrame, schema: Schema, trial: int, seed: int, model: str = "xgboost") -> Any:
    """A learner on plain rows."""
    spec = MODELS[model]
    learner = spec.build(schema, spec.search_space(trial, schema), derive_seed("panel", seed), 1)
    return learner.fit(rows[schema.feature_names], schema.one_hot_target(rows), np.ones(len(rows)))


def true_curve(outcome: Raced, rows: Rows, test: pd.DataFrame, seed: int) -> dict[int, dict[str, float]]:
    """Real only on fewer and on more real rows: what the study could not know."""
    schema, n_rows = outcome.schema, len(rows.training)
    metric = METRICS["log_loss" if schema.is_classification else "rmse"]
    known = known_labels(pd.concat([rows.training, rows.spare.iloc[: 4 * n_rows]], ignore_index=True), schema)
    everything, X, y = schema.apply(known), test[schema.feature_names], schema.encode_target(test)
    curve: dict[int, dict[str, float]] = {}
    for share in CURVE:
        size = round(share * n_rows)
        if size <= len(everything):
            fitted = {
                arm.name: fit_rows(everything.iloc[:size], schema, arm.trial, seed, arm.model)
                for arm in CURVE_ARMS
            }
            curve[size] = {name: float(metric.compute(y, m.predict(X), None)) for name, m in fitted.items()}
    return curve


def _keep(
    target: Path,
    cell: Cell,
    seed: int,
    oof: OutOfFold,
    schema: Schema,
    predictions: Mapping[str, np.ndarray],
    test: pd.DataFrame,
    curve: Mapping[int, Mapping[str, float]],
    seconds: Mapping[str, float],
) -> None:
    """Write arrays first and the record last: a record that is there is whole."""
    metric = METRICS["log_loss" if schema.is_classification else "rmse"]
    y = schema.encode_target(test)
    assert metric.row_loss is not None
    losses = np.array([metric.row_loss(y, p) for p in predictions.values()], dtype=np.float32)
    auc = METRICS["roc_auc"]
    side = [_auc(auc, y, p) if schema.is_classification else float("nan") for p in predictions.values()]
    np.savez_compressed(
        target.with_suffix(".npz"),
        y=oof.y,
        folds=oof.folds,
        predictions=oof.predictions.astype(np.float32),
        groups=np.arange(len(oof.y)) if oof.groups is None else oof.groups,
        row_losses=losses,
        side=np.array(side),
    )
    record = {
        "cell": [cell.table, cell.n_rows],
        "seed": seed,
        "n_train": oof.n_train,
        "arms": [arm.to_dict() for arm in oof.arms],
        "disqualified": dict(oof.disqualified),
        "exits": {name: dataclasses.asdict(left) for name, left in oof.exits.items()},
        "tested": list(predictions),
        "curve": {str(size): dict(scores) for size, scores in curve.items()},
        "seconds": dict(seconds),
    }
    target.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")


def _auc(metric: Any, y: np.ndarray, predicted: np.ndarray) -> float:
    return (
        float(metric.compute(y, predicted, None)) if len(np.unique(y)) == predicted.shape[1] else float("nan")
    )


def read(path: Path) -> Record:
    """Read a record that :func:`run` left."""
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    groups = kept["groups"]
    oof = OutOfFold(
        arms=tuple(Arm.from_dict(arm) for arm in record["arms"]),
        y=kept["y"],
        folds=kept["folds"],
        predictions=kept["predictions"].astype(float),
        n_train=record["n_train"],
        groups=groups if len(np.unique(groups)) < len(groups) else None,
        disqualified=record["disqualified"],
        exits={name: Exit(**left) for name, left in record["exits"].items()},
    )
    return Record(
        Cell(*record["cell"]), record["seed"], oof, tuple(record["tested"]), kept["row_losses"], kept["side"],
        {int(size): scores for size, scores in record["curve"].items()}, record["seconds"],
    )  # fmt: skip
