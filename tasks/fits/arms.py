"""Train a batch of arms (each a recipe for training rows with a model) and predict validation rows."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import ENSEMBLE, Model
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.training_set import Pool, TrainingSet, mix_training_set
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.fits.pools import load_pool
from realmix.tasks.fits.scope import Scope
from realmix.tasks.fits.teacher import ENSEMBLE_FILE, TEACHER_LABELS
from realmix.tasks.models import MODELS


def train_arms(folder: str, batch: str, arms: list[dict[str, Any]], n_jobs: int) -> dict[str, Any]:
    """Fit every arm of a batch and store its predictions of the validation rows.

    Parameters
    ----------
    folder : str
        Of the scope.
    batch : str
        Name of the result: ``<batch>.npy``, which :meth:`Scope.read_predictions` reads in shape (n_arms, n_validation[,
        n_classes]), and ``<batch>.json`` with the names of the arms.
    arms : list of dict
        :meth:`Arm.to_dict`, arms of one mix side by side.
    n_jobs : int
        Threads per fit.

    Returns
    -------
    dict
        Seconds, and the reason of each failed arm by its name. Predictions of a failed
        arm are NaN.
    """
    started = time.perf_counter()
    scope = Scope(Path(folder))
    schema = scope.context.schema
    X = scope.validation[schema.feature_names]
    shape = (len(X), len(schema.classes)) if schema.is_classification else (len(X),)
    parsed = [Arm.from_dict(arm) for arm in arms]
    predictions: list[np.ndarray] = []
    failures: dict[str, str] = {}
    read = functools.lru_cache(maxsize=1)(lambda synthesizer: coded(ingredients(scope, synthesizer), schema))
    X = code_texts([X])[0]
    for mix, of_mix in groupby(parsed, key=lambda arm: arm.mix):
        training = training_set_or_reason(scope, mix, read)
        for arm in of_mix:
            predicted = predicted_or_reason(scope, arm, training, X, n_jobs)
            if isinstance(predicted, str):
                failures[arm.name] = predicted
                predicted = np.full(shape, np.nan)
            predictions.append(predicted)
    scope.write_predictions(f"{batch}.npy", np.array(predictions))
    names = json.dumps([arm.name for arm in parsed])
    (scope.folder / f"{batch}.json").write_text(names, encoding="utf-8")
    return {"seconds": time.perf_counter() - started, "failures": failures}


def training_set_or_reason(
    scope: Scope, mix: Mix, read: Callable[[str | None], Ingredients]
) -> TrainingSet | str:
    """Build the training set of a mix, or say why it cannot be built: its arms fail, the study continues."""
    try:
        return mixed(read(mix.synthesizer), mix, scope.context.schema)
    except RealmixError as err:
        return str(err)
    except Exception as err:
        # Only the type: a library's message may quote cells.
        return f"its training set could not be made ({type(err).__name__})"


def predicted_or_reason(
    scope: Scope, arm: Arm, training: TrainingSet | str, X: pd.DataFrame, n_jobs: int
) -> np.ndarray | str:
    """Predict by an arm, or return why it failed: that becomes a row of the report, the study continues."""
    if isinstance(training, str):
        return training
    try:
        return fit_arm(scope, arm, training, n_jobs).predict(X)
    except Exception as err:
        # Only the type, as above.
        return f"the learner raised {type(err).__name__}"


@dataclass(frozen=True)
class Ingredients:
    """The inputs of all mixes with one synthesizer.

    Attributes
    ----------
    real : DataFrame of shape (n_real, n_modelled)
    base_weight : ndarray of shape (n_real,)
    pool : Pool or None
        None for real rows alone.
    real_teacher : ndarray of shape (n_real, n_classes) or (n_real,), or None
        The teacher's labels; None where no teacher was fitted.
    """

    real: pd.DataFrame
    base_weight: np.ndarray
    pool: Pool | None
    real_teacher: np.ndarray | None


def ingredients(scope: Scope, synthesizer: str | None) -> Ingredients:
    """Read the inputs of the mixes with a synthesizer, or of those without any, from the scope."""
    pool = load_pool(scope, synthesizer) if synthesizer else None
    labels = scope.folder / TEACHER_LABELS
    teacher = scope.read_array(TEACHER_LABELS) if labels.exists() else None
    return Ingredients(scope.training, scope.base_weight, pool, teacher)


def coded(given: Ingredients, schema: Schema) -> Ingredients:
    """Replace texts by the numbers of their levels, once for all mixes and models."""
    if given.pool is None:
        return dataclasses.replace(given, real=code_texts([given.real], schema.feature_names)[0])
    real, rows = code_texts([given.real, given.pool.rows], schema.feature_names)
    return dataclasses.replace(given, real=real, pool=dataclasses.replace(given.pool, rows=rows))


def mixed(given: Ingredients, mix: Mix, schema: Schema, *, chosen: np.ndarray | None = None) -> TrainingSet:
    """Build the training set of a mix, with its own choice of synthetic rows unless some are `chosen`."""
    return mix_training_set(
        given.real,
        given.pool,
        mix,
        schema=schema,
        base_weight=given.base_weight,
        real_teacher=given.real_teacher,
        chosen=chosen,
    )


def training_set(scope: Scope, mix: Mix) -> TrainingSet:
    """Build the training set of a mix from the files of the scope."""
    return mixed(ingredients(scope, mix.synthesizer), mix, scope.context.schema)


def params_of(scope: Scope, arm: Arm, *, final: bool = False) -> dict[str, Any]:
    """Return the hyper-parameters of an arm in a scope.

    Those of the ensemble are what the scope's teacher was tuned to. A final fit is the mean of several
    seeds where the learner can be.
    """
    spec = MODELS[arm.model]
    params = spec.search_space(arm.trial, scope.context.schema)
    if arm.model == ENSEMBLE:
        params = json.loads((scope.folder / ENSEMBLE_FILE).read_text(encoding="utf-8"))
    return params | ({"n_seeds": spec.final_seeds} if final and spec.final_seeds > 1 else {})


def fit_arm(scope: Scope, arm: Arm, training: TrainingSet, n_jobs: int, *, final: bool = False) -> Model:
    """Fit the model of an arm on a training set."""
    spec, schema, params = MODELS[arm.model], scope.context.schema, params_of(scope, arm, final=final)
    model = scope.context.placed(arm.model, spec.build(schema, params, arm_seed(scope, arm), n_jobs))
    fitted: Model = model.fit(training.rows[schema.feature_names], training.y_proba, training.sample_weight)
    return fitted


def arm_seed(scope: Scope, arm: Arm) -> int:
    """Derive the seed of an arm's model: equal for all mixes, so that a pair differs in its rows only."""
    return scope.seed("learner", arm.model, arm.trial)
