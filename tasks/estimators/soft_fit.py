"""Fit any scikit-learn estimator on soft labels and weights, and predict as realmix compares."""

from __future__ import annotations

from typing import Any

import numpy as np

from realmix.tasks.core.mixes.weighted_rows import resample_by_weight
from realmix.tasks.models._soft_targets import expand_classes


def fit_weighted(
    estimator: Any, X: Any, y: np.ndarray, sample_weight: np.ndarray, labels: Any, *, seed: int
) -> Any:
    """Fit an estimator on a training set.

    A row with a soft label becomes one row of each class, weighted by its probability. An estimator that takes no
    weights is fitted on rows drawn about as often as they weigh; equal weights are no weights.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    X : ndarray or DataFrame of shape (n_rows, n_features)
    y : ndarray of shape (n_rows, n_classes) or (n_rows,)
        Class probabilities, or numbers.
    sample_weight : ndarray of shape (n_rows,)
    labels : ndarray of shape (n_classes,) or None
        None for a regression.
    seed : int

    Returns
    -------
    estimator

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> soft = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> fitted = fit_weighted(DecisionTreeClassifier(), np.eye(2), soft, np.ones(2), np.array(["no", "yes"]), seed=0)
    >>> fitted.predict_proba(np.eye(2)).round(2).tolist()
    [[0.9, 0.1], [0.2, 0.8]]
    """
    rows, weight = np.arange(len(y)), sample_weight
    if labels is not None:
        rows, codes, weight = expand_classes(y, sample_weight)
        y = labels[codes]
    parameter = weight_parameter(estimator)
    given = {}
    if np.ptp(weight) > 0:
        if parameter:
            given = {parameter: weight}
        else:
            drawn = resample_by_weight(weight, None, seed=seed)
            rows, y = rows[drawn], y[drawn]
    return estimator.fit(_rows(X, rows), y, **given)


def weight_parameter(estimator: Any) -> str | None:
    """Return the parameter of `fit` that takes weights, of a pipeline that of its last step; None without any.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> [weight_parameter(each) for each in (Ridge(), KNeighborsRegressor(), make_pipeline(Ridge()))]
    ['sample_weight', None, 'ridge__sample_weight']
    """
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__sample_weight" if has_fit_parameter(last, "sample_weight") else None
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None


def predicted(estimator: Any, X: Any, labels: Any) -> np.ndarray:
    """Predict numbers, or probabilities of all classes: 0 or 1 of an estimator that has none.

    Returns
    -------
    ndarray of shape (n_rows, n_classes) or (n_rows,)
    """
    if labels is None:
        return np.asarray(estimator.predict(X), dtype=float)
    if not hasattr(estimator, "predict_proba"):
        return (estimator.predict(X)[:, None] == labels).astype(float)
    proba = np.zeros((len(X), len(labels)))
    proba[:, np.searchsorted(labels, estimator.classes_)] = estimator.predict_proba(X)
    return proba


def _rows(X: Any, rows: np.ndarray) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]
