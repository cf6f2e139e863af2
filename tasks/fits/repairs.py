"""Fit the two repairs of unequal groups on a fold: reweighed real rows, and a mix with its rare cells raised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.fairness.groups import groupings
from realmix.tasks.core.fairness.repairs import RAISED, REWEIGHED, raise_rare, reweigh
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.mixes.training_set import TrainingSet
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.fits.arms import coded, fit_arm, ingredients, mixed
from realmix.tasks.fits.scope import Scope

# All rows of the pool would leave nothing to choose.
SHARE_OF_POOL = 0.5


def train_repairs(
    folder: str, real_only: dict[str, Any], mix: dict[str, Any], column: str, n_jobs: int
) -> dict[str, Any]:
    """Fit both repairs and store their predictions of the validation rows.

    Parameters
    ----------
    folder : str
        Of the scope.
    real_only, mix : dict
        :meth:`Arm.to_dict` of what is repaired: the first is reweighed, the second, which draws on a pool,
        raised.
    column : str
        Sensitive feature whose groups are made more alike.
    n_jobs : int
        Threads per fit.

    Returns
    -------
    dict
        ``ratio``: synthetic rows per real row of the raised mix. The predictions lie in ``reweighed.npy`` and
        ``raised.npy``, which :meth:`Scope.read_predictions` reads in shape (n_validation, n_classes).
    """
    scope = Scope(Path(folder))
    X = code_texts([scope.validation[scope.context.schema.feature_names]])[0]
    weighed, raised = Arm.from_dict(real_only), Arm.from_dict(mix)
    training = reweighed_set(scope, weighed, column)
    scope.write_predictions(f"{REWEIGHED}.npy", fit_arm(scope, weighed, training, n_jobs).predict(X))
    training = raised_set(scope, raised, column)
    scope.write_predictions(f"{RAISED}.npy", fit_arm(scope, raised, training, n_jobs).predict(X))
    n_real = len(scope.base_weight)
    return {"ratio": (len(training.rows) - n_real) / n_real}


def reweighed_set(scope: Scope, arm: Arm, column: str) -> TrainingSet:
    """Build the training set of an arm on real rows, weighed so that class and group are independent."""
    schema, given = scope.context.schema, ingredients(scope, arm.mix.synthesizer)
    training = mixed(coded(given, schema), arm.mix, schema)
    cells = cells_of(given.real, given.real, column, schema, schema.encode_target(given.real))
    weight = reweigh(cells, len(schema.classes), training.sample_weight)
    return replace(training, sample_weight=weight)


def raised_set(scope: Scope, arm: Arm, column: str) -> TrainingSet:
    """Build the training set of a mix with the rows of the rarest cells, from at most half of its pool."""
    schema, given = scope.context.schema, ingredients(scope, arm.mix.synthesizer)
    assert given.pool is not None
    rows, labels = given.pool.rows, given.pool.teacher
    is_own = arm.mix.label_rule == "joint" or labels is None
    classes = schema.encode_target(rows) if is_own or labels is None else labels.argmax(axis=1)
    chosen = raise_rare(
        cells_of(given.real, given.real, column, schema, schema.encode_target(given.real)),
        cells_of(rows, given.real, column, schema, classes),
        min(round(arm.mix.synthetic_ratio * len(given.real)), int(SHARE_OF_POOL * len(rows))),
    )
    return mixed(coded(given, schema), arm.mix, schema, chosen=chosen)


def cells_of(
    rows: pd.DataFrame, real: pd.DataFrame, column: str, schema: Schema, classes: np.ndarray
) -> np.ndarray:
    """Return ``group * n_classes + class`` of each row, -1 for a level that the real rows lack."""
    found = groupings(rows[[column]], reference=real[[column]], crossed=False)
    group = found[0].codes if found else np.zeros(len(rows), dtype=int)
    cells: np.ndarray = np.where(group >= 0, group * len(schema.classes) + classes, -1)
    return cells
