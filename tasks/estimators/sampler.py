"""A sampler in the style of imbalanced-learn: the rows of the mix that a comparison decided for."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.base import BaseSampler
from imblearn.utils import check_target_type
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import validate_data

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.decision.verdict import decide
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.table.schema import Task
from realmix.tasks.estimators.augmented import seed_of
from realmix.tasks.estimators.choose_mix import compare_mixes, shipped_rows, workplace
from realmix.tasks.estimators.recipe import HasRecipe, Recipe, check_parameters
from realmix.tasks.estimators.table import FeatureTable


class RealmixSampler(HasRecipe, BaseSampler):
    """Add synthetic rows where they make a classifier better, and none where they do not.

    `fit_resample` compares, on folds of the rows it is given, the classifier trained on real rows alone with the
    classifier trained on mixes of real and synthetic rows, and returns the rows of the mix that the comparison decides
    for. Beside mixes with the class shares of the real rows it tries some that raise the rare classes. Synthetic rows
    have the labels that they were generated with, because a sampler passes on neither weights nor soft labels: those
    are the matter of :class:`AugmentedClassifier`. Fewer than 60 rows are returned as they are; `reason_` says so.

    Parameters
    ----------
    estimator : classifier, optional
        The one that the rows are for, as it follows in the pipeline; ``LogisticRegression(max_iter=1000)`` when None.
    synthesizers : sequence of str
        Generators of synthetic rows to compare.
    ratios : sequence of float
        Synthetic rows per real row to compare, above 0 and at most 100.
    n_folds : int
        At least 2.
    random_state : int, RandomState or None
        The same rows and integer give the same rows.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows of each class.
    verdict_ : {"proven", "expected to help", "keep real only", "not decided"}
    reason_ : str
    mix_ : str
        Mix whose rows were returned, as in a study: "real-only" for real rows alone.

    Examples
    --------
    >>> sampler = RealmixSampler()
    >>> X, y = sampler.fit_resample([[0], [1], [2], [3]], ["no", "no", "yes", "yes"])
    >>> len(X), sampler.verdict_, sampler.sampling_strategy_
    (4, 'not decided', {'no': 0, 'yes': 0})
    """

    _sampling_type = "bypass"
    _parameter_constraints: ClassVar = {
        "estimator": "no_validation",
        "synthesizers": "no_validation",  # `check_parameters` says what to write instead
        "ratios": "no_validation",
        "n_folds": "no_validation",
        "random_state": ["random_state"],
    }
    # What the base class asks for, and its kind "bypass" ignores: the comparison decides on the numbers.
    sampling_strategy = None

    def _inner(self) -> Any:
        return LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[Any, np.ndarray, bool]:
        y, is_one_vs_all = check_target_type(y, indicate_one_vs_all=True)
        check_consistent_length(X, y)
        if not isinstance(X, pd.DataFrame):
            finite: Any = "allow-nan" if get_tags(self).input_tags.allow_nan else True
            return validate_data(self, X=X, reset=True, ensure_all_finite=finite), y, is_one_vs_all
        validate_data(self, X=X, y=y, reset=True, skip_check_array=True)
        is_sparse = [isinstance(dtype, pd.SparseDtype) for dtype in X.dtypes]
        return (X.sparse.to_dense() if all(is_sparse) else X), y, is_one_vs_all

    def _fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        classes, codes = np.unique(y, return_inverse=True)
        task: Task = "binary" if len(classes) == 2 else "multiclass"
        check_parameters(self.synthesizers, self.ratios, self.n_folds, task)
        try:
            table = FeatureTable.of(X, codes, task)
        except BadInput as err:  # nothing can be compared
            self.verdict_, self.reason_, self.mix_ = str(NOT_DECIDED), str(err), Mix().name
            rows, drawn = X, codes
        else:
            rows, drawn = self._mixed(table, classes)
        added = np.bincount(drawn, minlength=len(classes)) - np.bincount(codes)
        self.sampling_strategy_ = dict(zip(classes.tolist(), added.tolist(), strict=True))
        return rows, classes[drawn]

    def _mixed(self, table: FeatureTable, classes: np.ndarray) -> tuple[Any, np.ndarray]:
        """Choose the mix; return its features and the codes of its classes."""
        recipe = Recipe(
            tuple(self.synthesizers),
            tuple(self.ratios),
            self.n_folds,
            seed_of(self.random_state),
            label_rules=("joint",),
            balances=("prior", "balanced"),
        )
        with workplace(table, recipe.seed) as place:
            comparison = compare_mixes(place, self._inner(), recipe, classes)
            verdict = decide(comparison, margin=comparison.margin)
            rows, y_proba = shipped_rows(place, verdict.ships, recipe)
        self.verdict_, self.reason_ = str(verdict.outcome), verdict.reason
        self.mix_ = verdict.ships.mix.name
        return rows, y_proba.argmax(axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self._inner()).input_tags.allow_nan
        tags.input_tags.sparse = False
        return tags
