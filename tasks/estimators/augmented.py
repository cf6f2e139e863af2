"""Estimators of scikit-learn that decide for another estimator whether synthetic training rows help it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_array,
    check_is_fitted,
    validate_data,
)

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.decision.verdict import decide
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.table.schema import Task
from realmix.tasks.estimators.choose_mix import compare_mixes, fit_shipped, workplace
from realmix.tasks.estimators.recipe import HasRecipe, Recipe, check_parameters
from realmix.tasks.estimators.table import FeatureTable


def seed_of(random_state: Any) -> int:
    """Return the seed that a random state stands for: an integer is one."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def labels_gain(comparison: Comparison) -> float:
    """Return what labels softened by the ensemble bring on real rows alone; 0 where these keep their own labels."""
    credit = comparison.credit
    if credit is None or credit.labels is None or not comparison.incumbent.mix.softens_real_labels:
        return 0.0
    return float(credit.labels.gain)


class _Augmented(HasRecipe, MetaEstimatorMixin, BaseEstimator):
    """Shared by both estimators."""

    def _inner(self) -> Any:
        raise NotImplementedError

    def _validated(self, X: Any, *, reset: bool) -> Any:
        """Check features as scikit-learn does; frames stay frames, because estimators may need their columns."""
        allows_missing = self.__sklearn_tags__().input_tags.allow_nan
        if hasattr(X, "columns") and hasattr(X, "iloc"):
            _check_feature_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
            if all(kind.kind in "biuf" for kind in X.dtypes if hasattr(kind, "kind")):
                check_array(X, dtype=None, ensure_all_finite="allow-nan" if allows_missing else True)
            return X
        finite: Any = "allow-nan" if allows_missing else True
        return validate_data(self, X, reset=reset, ensure_all_finite=finite)

    def _fit(self, X: Any, y: np.ndarray, task: Task, labels: Any) -> None:
        """Choose the mix, and fit the estimator on it."""
        check_parameters(self.synthesizers, self.ratios, self.n_folds, task)
        estimator = self._inner()
        recipe = Recipe(
            tuple(self.synthesizers), tuple(self.ratios), self.n_folds, seed_of(self.random_state)
        )
        try:
            table = FeatureTable.of(X, y, task)
        except BadInput as err:  # nothing can be compared: the rows are trained on as they are
            self.verdict_, self.reason_, self.mix_ = str(NOT_DECIDED), str(err), Mix().name
            self.promised_gain_ = self.labels_gain_ = 0.0
            self.estimator_ = clone(estimator).fit(X, y if labels is None else labels[y])
            return
        with workplace(table, recipe.seed) as place:
            comparison = compare_mixes(place, estimator, recipe, labels)
            verdict = decide(comparison, margin=comparison.margin)
            self.estimator_ = fit_shipped(place, estimator, verdict.ships, recipe, labels)
        self.verdict_, self.reason_ = str(verdict.outcome), verdict.reason
        self.mix_, self.promised_gain_ = verdict.ships.mix.name, float(verdict.promised_gain)
        self.labels_gain_ = labels_gain(comparison)

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the fitted estimator.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        result: np.ndarray = self.estimator_.predict(self._validated(X, reset=False))
        return result

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner())
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.sparse = False
        return tags


def _has_probabilities(augmented: _Augmented) -> bool:
    return hasattr(getattr(augmented, "estimator_", None) or augmented._inner(), "predict_proba")


class AugmentedClassifier(ClassifierMixin, _Augmented):
    """Classifier on real rows, or on real and synthetic rows where these make it better.

    `fit` compares, on folds of the rows it is given, the estimator trained on real rows alone with the estimator
    trained on mixes of real and synthetic rows, by log-loss (accuracy for an estimator without probabilities), and
    decides as a study does; then it fits the estimator on all rows, mixed as decided.

    Real rows alone come with their own labels, and with labels softened by an ensemble of models: half the row's own
    label, half what the ensemble predicts for it. That is "distillation" (`mix_`); it adds no row, so its verdict is
    "keep real only", and what it gains over the estimator on its own labels is `labels_gain_`, not `promised_gain_`.

    There is no holdout and no race:
    judge the result on rows of your own, for example by ``cross_val_score``. Rows that a study would refuse, such as
    fewer than 60, are trained on as they are, and `reason_` says why.

    Parameters
    ----------
    estimator : classifier, optional
        Any of scikit-learn's kind, also a pipeline; ``LogisticRegression(max_iter=1000)`` when None. Soft labels reach
        it as weighted rows, or as rows drawn by weight if its `fit` takes no weights.
    synthesizers : sequence of str
        Generators of synthetic rows to compare.
    ratios : sequence of float
        Synthetic rows per real row to compare, above 0 and at most 100.
    n_folds : int
        At least 2.
    random_state : int, RandomState or None
        The same rows and integer give the same verdict.

    Attributes
    ----------
    estimator_ : classifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
    verdict_ : {"proven", "expected to help", "keep real only", "not decided"}
    reason_ : str
    mix_ : str
        Mix that `estimator_` was trained on, as in a study: "real-only" for real rows with their own labels,
        "distillation" for real rows with labels softened by the ensemble.
    promised_gain_ : float
        Gain of synthetic rows to expect on new rows, over the better of "real-only" and "distillation"; 0 where real
        only stays. Gains are positive where the score gets better: shares of the log-loss or the root mean squared
        error, points of the accuracy.
    labels_gain_ : float
        Gain of "distillation" over "real-only" to expect on new rows; 0 where the rows' own labels are as good.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> few = AugmentedClassifier(DecisionTreeClassifier()).fit([[0], [1], [2], [3]], ["no", "no", "yes", "yes"])
    >>> few.predict([[3]]).tolist(), few.verdict_, few.mix_
    (['yes'], 'not decided', 'real-only')
    >>> few.reason_
    'The table has 4 rows; expected at least 60: with fewer, folds are too small to compare anything. ...
    """

    def _inner(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000)

    def fit(self, X: Any, y: Any) -> AugmentedClassifier:
        """Choose the mix and fit the estimator on it.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (n_rows, n_features)
        y : array of shape (n_rows,)

        Returns
        -------
        AugmentedClassifier

        Raises
        ------
        ValueError
            As scikit-learn's estimators, for rows that cannot be used; and for parameters that cannot.
        """
        X, y = _rows_and_target(self, X, y, numeric=False)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        task: Task = "binary" if len(self.classes_) == 2 else "multiclass"
        self._fit(X, codes, task, self.classes_)
        return self

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities of shape (n_rows, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        result: np.ndarray = self.estimator_.predict_proba(self._validated(X, reset=False))
        return result


class AugmentedRegressor(RegressorMixin, _Augmented):
    """Regressor on real rows, or on real and synthetic rows where these make it better.

    As :class:`AugmentedClassifier`, by the root mean squared error; ``Ridge()`` where no estimator is given.

    Parameters
    ----------
    estimator : regressor, optional
    synthesizers, ratios, n_folds, random_state
        As of :class:`AugmentedClassifier`.

    Attributes
    ----------
    estimator_ : regressor
        Fitted.
    verdict_, reason_, mix_, promised_gain_, labels_gain_
        As of :class:`AugmentedClassifier`.

    Examples
    --------
    >>> few = AugmentedRegressor().fit([[0], [1], [2], [3]], [0.0, 1.0, 2.0, 3.0])
    >>> few.mix_, few.verdict_
    ('real-only', 'not decided')
    """

    def _inner(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        from sklearn.linear_model import Ridge

        return Ridge()

    def fit(self, X: Any, y: Any) -> AugmentedRegressor:
        """Choose the mix and fit the estimator on it.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (n_rows, n_features)
        y : array of numbers, shape (n_rows,)

        Returns
        -------
        AugmentedRegressor

        Raises
        ------
        ValueError
            As scikit-learn's estimators, for rows that cannot be used; and for parameters that cannot.
        """
        X, y = _rows_and_target(self, X, y, numeric=True)
        self._fit(X, y, "regression", None)
        return self


def _rows_and_target(augmented: _Augmented, X: Any, y: Any, *, numeric: bool) -> tuple[Any, np.ndarray]:
    """Check rows and target as scikit-learn does."""
    from sklearn.utils import check_consistent_length
    from sklearn.utils.validation import _check_y

    if y is None:
        raise ValueError(
            f"{type(augmented).__name__} requires y to be passed, but the target y is None: pass the labels of the rows."
        )
    X = augmented._validated(X, reset=True)
    y = _check_y(y, y_numeric=numeric)
    y = y.astype(float) if numeric else y
    check_consistent_length(X, y)
    return X, y
