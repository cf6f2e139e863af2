"""The teacher: an ensemble of tuned, different models that labels synthetic rows, weighted by out-of-fold loss."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import REFERENCE_MODEL, Predictor
from realmix.tasks.core.splits.folds import make_folds
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.fits.scope import Scope, feature_groups
from realmix.tasks.models import MODELS
from realmix.tasks.models.ensemble import half_and_half
from realmix.tasks.teachers import TEACHERS

# The teacher's labels of the training rows, in its scope.
TEACHER_LABELS = "teacher-training.npy"
# Parameters of the ensemble that competes, beside them.
ENSEMBLE_FILE = "ensemble.json"
N_INNER_FOLDS = 3
N_GREEDY_ROUNDS = 25
# Rows at which half of the weights are greedy and half are equal. Against XGBoost, the best of four trials, the
# teacher's loss on outside rows of six tables (two draws each) with 200 / 500 / 1,000 rows was, with greedy
# weights alone, +2.3 / -0.9 / -1.0 % (worst +49 %), with equal ones -2.7 / -0.9 / -0.2 % (worst +3 %), and with
# these -2.6 / -1.0 / -0.8 % (worst +3.5 %); with 500 or 2,000 in place of 1,000 it hardly differed.
HALF_GREEDY_ROWS = 1000


@dataclass(frozen=True)
class Teacher:
    """Weighted average of fitted members.

    Attributes
    ----------
    members : tuple of Predictor
        The best trial of each learner, fitted on all training rows of the scope.
    weights : ndarray of shape (n_members,)
        Above 0; they sum to 1.
    """

    members: tuple[Predictor, ...]
    weights: np.ndarray

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Predict class probabilities (n_rows, n_classes), or means (n_rows,)."""
        X = code_texts([X])[0]
        return self.average([member.predict(X) for member in self.members])

    def average(self, predicted: list[np.ndarray]) -> np.ndarray:
        """Average predictions of the members, in their order."""
        return sum(weight * each for weight, each in zip(self.weights, predicted, strict=True))


def fit_teacher(
    folder: str, members: list[tuple[str, int]], n_jobs: int, max_rows: int | None = None
) -> dict[str, Any]:
    """Fit the teacher of a scope and store it there.

    Parameters
    ----------
    folder : str
        Of the scope; only its training rows are seen.
    members : list of (model, trial)
        Of each model the trial with the smallest out-of-fold loss is a member of the teacher.
    n_jobs : int
        Threads per fit.
    max_rows : int, optional
        Rows to train on, where the scope has more; all of its rows are labelled.

    Returns
    -------
    dict
        Weight of each of `members`, 0 for trials that were not the best, and the seconds of all fits.
    """
    started = time.perf_counter()
    scope = Scope(Path(folder))
    schema, rows = scope.context.schema, scope.training
    everything = code_texts([rows[schema.feature_names]])[0]
    learnt = learnt_rows(scope, max_rows)
    X, y = everything.iloc[learnt], schema.one_hot_target(rows.iloc[learnt])
    sample_weight = scope.base_weight[learnt]
    out_of_fold = {(name, trial): _out_of_fold(scope, name, trial, n_jobs, learnt) for name, trial in members}
    chosen = best_trials(out_of_fold, y, sample_weight)
    weights = soft_weights([out_of_fold[member] for member in chosen], y, sample_weight)
    fitted = tuple(_member(scope, name, trial, n_jobs).fit(X, y, sample_weight) for name, trial in chosen)
    teacher = Teacher(fitted, weights)
    outside = {at: out_of_fold[member] for at, member in enumerate(chosen) if member[0] in TEACHERS}
    scope.write_array(TEACHER_LABELS, label_training(teacher, everything, learnt, outside))
    if scope.has_validation:
        scope.write_array("teacher-validation.npy", teacher.predict(scope.validation[schema.feature_names]))
    # Written and read within one study, never loaded from a foreign source.
    (scope.folder / "teacher.pickle").write_bytes(pickle.dumps(teacher))
    weight_of = dict(zip(chosen, weights.tolist(), strict=True))
    # Of those that can ship.
    served = [member for member in chosen if member[0] in MODELS]
    among = soft_weights([out_of_fold[member] for member in served], y, sample_weight).tolist()
    ensemble = {"members": half_and_half(dict(zip(served, among, strict=True)), REFERENCE_MODEL)}
    (scope.folder / ENSEMBLE_FILE).write_text(json.dumps(ensemble), encoding="utf-8")
    named = {f"{name}/{trial}": weight_of.get((name, trial), 0.0) for name, trial in members}
    return {"weights": named, "seconds": time.perf_counter() - started}


def label_training(
    teacher: Teacher, X: pd.DataFrame, learnt: slice | np.ndarray, outside: Mapping[int, np.ndarray]
) -> np.ndarray:
    """Label the training rows: by the fitted members, but by fits that did not see a row where one may memorise it.

    In-fold labels of a model that memorises are the rows' own, and a mix would be offered them as the teacher's.

    Parameters
    ----------
    teacher : Teacher
    X : DataFrame of shape (n_rows, n_features)
    learnt : slice or ndarray of int
        Positions of the rows that the teacher learnt.
    outside : mapping of int to ndarray of shape (n_learnt, n_classes) or (n_learnt,)
        Out-of-fold predictions of the members from outside, by their place in the teacher.

    Returns
    -------
    ndarray of shape (n_rows, n_classes) or (n_rows,)
    """
    unseen = np.ones(len(X), dtype=bool)
    unseen[learnt] = False

    def labels(place: int, member: Predictor) -> np.ndarray:
        if place not in outside:
            return member.predict(X)
        predicted = np.empty((len(X), *outside[place].shape[1:]))
        predicted[learnt] = outside[place]
        if unseen.any():
            predicted[unseen] = member.predict(X.loc[unseen])
        return predicted

    return teacher.average([labels(place, member) for place, member in enumerate(teacher.members)])


def learnt_rows(scope: Scope, max_rows: int | None) -> slice | np.ndarray:
    """Choose the positions of the training rows that the teacher learns from: all, or a sample."""
    n_rows = len(scope.training)
    if max_rows is None or n_rows <= max_rows:
        return slice(None)
    random = np.random.default_rng(scope.seed("teacher", "rows"))
    return np.sort(random.choice(n_rows, max_rows, replace=False))


def load_teacher(scope: Scope) -> Teacher:
    """Read the teacher that this study fitted for the scope."""
    teacher = pickle.loads((scope.folder / "teacher.pickle").read_bytes())
    assert isinstance(teacher, Teacher)
    return teacher


Member = tuple[str, int]


def best_trials(
    out_of_fold: Mapping[Member, np.ndarray], y: np.ndarray, sample_weight: np.ndarray
) -> list[Member]:
    """Return the trial of each model with the smallest out-of-fold loss, the first of equals.

    Parameters
    ----------
    out_of_fold : mapping of (model, trial) to ndarray of shape (n_rows, n_classes) or (n_rows,)
    y : ndarray of the same shape
        One-hot classes or numbers.
    sample_weight : ndarray of shape (n_rows,)

    Examples
    --------
    >>> y = np.array([0.0, 1.0])
    >>> best_trials({("tree", 0): y + 2, ("linear", 0): y, ("tree", 1): y + 1}, y, np.ones(2))
    [('tree', 1), ('linear', 0)]
    """
    losses = {member: _mean_loss(predicted, y, sample_weight) for member, predicted in out_of_fold.items()}
    models = dict.fromkeys(model for model, _ in losses)
    return [min((m for m in losses if m[0] == model), key=losses.__getitem__) for model in models]


def soft_weights(out_of_fold: list[np.ndarray], y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Weigh members greedily, shrunk to equal weights: the more so, the fewer rows there are.

    Parameters and result as of :func:`greedy_weights`; no weight is 0.

    Examples
    --------
    >>> y = np.zeros(1000)
    >>> soft_weights([y + 5, y], y, np.ones(1000)).tolist()
    [0.25, 0.75]
    """
    greedy_share = len(y) / (len(y) + HALF_GREEDY_ROWS)
    greedy = greedy_weights(out_of_fold, y, sample_weight)
    shrunk: np.ndarray = greedy_share * greedy + (1 - greedy_share) / len(greedy)
    return shrunk


def greedy_weights(out_of_fold: list[np.ndarray], y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Weigh members by greedy selection with replacement on their out-of-fold loss.

    Parameters
    ----------
    out_of_fold : list of ndarray, each of shape (n_rows, n_classes) or (n_rows,)
    y : ndarray of the same shape
        One-hot classes or numbers.
    sample_weight : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_members,)
        Shares of the rounds in which a member was chosen; they sum to 1.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes 2004, doi:10.1145/1015330.1015432.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0])
    >>> greedy_weights([y + 5, y], y, np.ones(3)).tolist()
    [0.0, 1.0]
    """
    counts = np.zeros(len(out_of_fold))
    total = np.zeros_like(out_of_fold[0])
    for chosen in range(1, N_GREEDY_ROUNDS + 1):
        losses = [_mean_loss((total + p) / chosen, y, sample_weight) for p in out_of_fold]
        best = int(np.argmin(losses))
        counts[best] += 1
        total = total + out_of_fold[best]
    return counts / counts.sum()


def _mean_loss(prediction: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> float:
    if y.ndim == 1:
        return float(np.average((prediction - y) ** 2, weights=sample_weight))
    rows = -(y * np.log(np.clip(prediction, 1e-7, 1))).sum(axis=1)
    return float(np.average(rows, weights=sample_weight))


def _member(scope: Scope, name: str, trial: int, n_jobs: int) -> Predictor:
    schema, seed = scope.context.schema, scope.seed("teacher", name, trial)
    if name in TEACHERS:
        built = TEACHERS[name].build(schema, seed, n_jobs)
    else:
        spec = MODELS[name]
        built = spec.build(schema, spec.search_space(trial, schema), seed, n_jobs)
    member: Predictor = scope.context.placed(name, built)
    return member


def _out_of_fold(scope: Scope, name: str, trial: int, n_jobs: int, learnt: slice | np.ndarray) -> np.ndarray:
    """Predict each row that the teacher learns from by members that did not see it."""
    schema, rows, weight = scope.context.schema, scope.training.iloc[learnt], scope.base_weight[learnt]
    folds = inner_folds(scope, learnt)
    X, y = code_texts([rows[schema.feature_names]])[0], schema.one_hot_target(rows)
    predicted = np.empty_like(y, dtype=float)
    for fold in np.unique(folds):
        inside, outside = folds == fold, folds != fold
        member = _member(scope, name, trial, n_jobs).fit(X[outside], y[outside], weight[outside])
        predicted[inside] = member.predict(X[inside])
    return predicted


def inner_folds(scope: Scope, learnt: slice | np.ndarray = slice(None)) -> np.ndarray:
    """Split the training rows of a scope into folds for the out-of-fold labels.

    Rows of one group stay together; where only one declared group is left, rows with equal features
    do. Folds are stratified and grouped also in studies that validate forward in time: all of these
    rows are older than the scope's validation rows.

    Returns
    -------
    ndarray of int, shape (n_learnt,)
    """
    schema, rows, groups = scope.context.schema, scope.training.iloc[learnt], scope.groups[learnt]
    if len(np.unique(groups)) < 2:
        groups = feature_groups(rows, schema)
    y, seed = schema.encode_target(rows), scope.seed("teacher", "folds")
    return make_folds(y, groups, schema.task, n_folds=N_INNER_FOLDS, n_repeats=1, seed=seed)[0]
