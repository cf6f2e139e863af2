"""Choose the mix for one estimator: folds, arms and comparison of a study, without race and holdout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from realmix.tasks.core.contracts.specs import NULL_MODEL
from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.training_set import TrainingSet
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.folds import make_folds, training_rows
from realmix.tasks.estimators.recipe import LEARNER, Recipe
from realmix.tasks.estimators.soft_fit import fit_weighted, predicted
from realmix.tasks.estimators.table import ALL_ROWS, DIGEST, FeatureTable
from realmix.tasks.fits.arms import fit_arm, training_set
from realmix.tasks.fits.pools import draw_rows, synthesize
from realmix.tasks.fits.scope import Scope, write_scope
from realmix.tasks.fits.teacher import fit_teacher
from realmix.tasks.metrics import METRICS


@dataclass(frozen=True)
class Workplace:
    """A folder with the rows of a table, in which fits leave their results.

    Attributes
    ----------
    table : FeatureTable
    work : Path
    groups : ndarray of shape (n_rows,)
        Rows with an equal number stay in one fold.
    """

    table: FeatureTable
    work: Path
    groups: np.ndarray

    def scope(self, name: str) -> Scope:
        """Return a scope by its name."""
        return Scope(self.work / name)

    def draw(self, scope: Scope, synthesizer: str, max_ratio: float, recipe: Recipe) -> str | None:
        """Draw the pool of a synthesizer, labelled where there is a teacher, or return why there is none."""
        make_pool = synthesize if recipe.has_teacher else draw_rows
        try:
            make_pool(str(scope.folder), synthesizer, max_ratio, list(recipe.balances), None)
        except RealmixError as err:
            return str(err)
        return None

    def fit(self, estimator: Any, scope: Scope, training: TrainingSet, labels: Any) -> Any:
        """Fit a copy of the user's estimator on a training set of a scope."""
        from sklearn.base import clone

        X = self.table.features_of(training, scope)
        seed = scope.seed("learner", LEARNER)
        return fit_weighted(clone(estimator), X, training.y_proba, training.sample_weight, labels, seed=seed)


@contextmanager
def workplace(table: FeatureTable, seed: int) -> Iterator[Workplace]:
    """Open a temporary folder with the rows; sums are made in one thread, so that equal rows give equal bits."""
    with TemporaryDirectory(prefix="realmix-") as place, threadpool_limits(limits=1):
        yield Workplace(table, Path(place), table.write(Path(place), seed))


def compare_mixes(place: Workplace, estimator: Any, recipe: Recipe, labels: Any) -> Comparison:
    """Fit the estimator on every mix in every fold, and compare the mixes with real rows alone.

    Parameters
    ----------
    place : Workplace
    estimator : estimator
    recipe : Recipe
    labels : ndarray of shape (n_classes,) or None

    Returns
    -------
    Comparison

    Raises
    ------
    Exception
        That of the estimator, if it cannot be fitted on real rows.
    """
    metric = METRICS[_metric_of(estimator, labels)]
    plan = recipe.plan(place.table, metric.name)
    folds = make_folds(
        place.table.y,
        place.groups,
        plan.task,
        n_folds=plan.n_folds,
        n_repeats=1,
        seed=derive_seed(DIGEST, plan.seed, "folds"),
    )
    oof = _out_of_fold(place, estimator, recipe, plan, folds, labels)
    return compare(
        oof,
        metric,
        seed=derive_seed(DIGEST, plan.seed, "bootstrap"),
        n_bootstrap=plan.n_bootstrap,
        null_models=frozenset({NULL_MODEL}),
    )


def _metric_of(estimator: Any, labels: Any) -> str:
    if labels is None:
        return "rmse"
    return "log_loss" if hasattr(estimator, "predict_proba") else "accuracy"


def _out_of_fold(
    place: Workplace, estimator: Any, recipe: Recipe, plan: Plan, folds: np.ndarray, labels: Any
) -> OutOfFold:
    mixes = [mix for mix in plan.mixes() if recipe.has_teacher or mix.label_rule == "joint"]
    arms = [Arm(Mix(), NULL_MODEL), *(Arm(mix, LEARNER) for mix in mixes)]
    shape = (len(arms), *folds.shape, *(() if labels is None else (len(labels),)))
    predictions, failed, n_train = np.full(shape, np.nan), dict[str, str](), []
    for fold in np.unique(folds[0]):
        train, validated = training_rows(folds, 0, fold, forward=False), np.flatnonzero(folds[0] == fold)
        n_train.append(len(train))
        scope = write_scope(place.work / f"fold-0-{fold}", train, validated)
        if recipe.has_teacher:
            fit_teacher(str(scope.folder), list(plan.teacher), 1)
        refused = {
            name: place.draw(scope, name, plan.max_ratio, recipe)
            for name in dict.fromkeys(arm.mix.synthesizer for arm in arms)
            if name
        }
        for number, arm in enumerate(arms):
            why = refused.get(arm.mix.synthesizer) if arm.mix.synthesizer else None
            found = why or _predict_fold(place, estimator, scope, arm, validated, labels)
            if isinstance(found, str):
                failed.setdefault(arm.mix.name, f"{found} (in {scope.name})")
            else:
                predictions[number, 0, validated] = found
    kept = [number for number, arm in enumerate(arms) if arm.mix.name not in failed]
    return OutOfFold(
        arms=tuple(arms[number] for number in kept),
        y=place.table.y,
        folds=folds,
        predictions=predictions[kept],
        n_train=float(np.mean(n_train)),
        groups=place.groups if len(np.unique(place.groups)) < len(place.groups) else None,
        disqualified=failed,
    )


def _predict_fold(
    place: Workplace, estimator: Any, scope: Scope, arm: Arm, validated: np.ndarray, labels: Any
) -> np.ndarray | str:
    """Predict the validation rows of a fold, or return why a mix cannot be used there."""
    training = training_set(scope, arm.mix)
    if arm.model == NULL_MODEL:
        return fit_arm(scope, arm, training, 1).predict(scope.validation[place.table.schema.feature_names])
    try:
        fitted = place.fit(estimator, scope, training, labels)
        return predicted(fitted, place.table.take(validated), labels)
    except Exception as err:
        if arm.mix == Mix():
            raise
        # Only the type: messages of other libraries may quote cells.
        return f"the estimator raised {type(err).__name__}"


def fit_shipped(place: Workplace, estimator: Any, arm: Arm, recipe: Recipe, labels: Any) -> Any:
    """Fit the estimator on all rows, mixed as was decided.

    Raises
    ------
    RealmixError
        If the synthesizer, which worked in every fold, fails on all rows.
    """
    scope = place.scope(ALL_ROWS)
    return place.fit(estimator, scope, _shipped(place, scope, arm, recipe), labels)


def shipped_rows(place: Workplace, arm: Arm, recipe: Recipe) -> tuple[Any, np.ndarray]:
    """Return the features and class probabilities of all rows, mixed as was decided.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_training, n_features)
    y_proba : ndarray of shape (n_training, n_classes)

    Raises
    ------
    RealmixError
        As of :func:`fit_shipped`.
    """
    scope = place.scope(ALL_ROWS)
    training = _shipped(place, scope, arm, recipe)
    return place.table.features_of(training, scope), training.y_proba


def _shipped(place: Workplace, scope: Scope, arm: Arm, recipe: Recipe) -> TrainingSet:
    if arm.needs_teacher and recipe.has_teacher:
        fit_teacher(str(scope.folder), list(recipe.teacher), 1)
    if arm.mix.synthesizer and (
        why := place.draw(scope, arm.mix.synthesizer, arm.mix.synthetic_ratio, recipe)
    ):
        raise RealmixError(why)
    return training_set(scope, arm.mix)
