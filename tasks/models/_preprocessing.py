"""What encodings learn from training rows, as JSON-able values for :mod:`realmix.tasks.models._serving`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.models._serving import Spec, finite_numbers, transform_numbers

# Levels with fewer rows share one column: a coefficient of their own would be noise.
MIN_LEVEL_ROWS = 5
MAX_LEVELS = 50
# Beyond this skewness (an exponential has 2) the logarithm is the better scale.
MAX_SKEWNESS = 2.0
# Deviations this small, as a share of the mean, are rounding and not information.
ROUNDING = 1e-12


def learn_codes(X: pd.DataFrame) -> dict[str, Any]:
    """List the levels of each category for ``encode_codes``.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Canonical training features.

    Examples
    --------
    >>> learn_codes(pd.DataFrame({"age": [30.0, 41.0], "job": ["nurse", None]}))
    {'features': [{'name': 'age'}, {'name': 'job', 'levels': ['nurse']}]}
    """
    return {
        "features": [
            {"name": name, "levels": sorted(_counts(X[name]))} if _is_text(X[name]) else {"name": name}
            for name in X.columns
        ]
    }


def monotone_constraints(signs: list[int]) -> dict[str, Any]:
    """Return XGBoost's parameter for the directions of features; none where all are free.

    Parameters
    ----------
    signs : list of int
        From :meth:`realmix.tasks.core.table.schema.Schema.signs`, in the order of the features.

    Examples
    --------
    >>> monotone_constraints([1, 0]), monotone_constraints([0, 0])
    ({'monotone_constraints': '(1,0)'}, {})
    """
    return {"monotone_constraints": f"({','.join(map(str, signs))})"} if any(signs) else {}


def learn_dense(X: pd.DataFrame) -> dict[str, Any]:
    """Learn frequent levels, medians and scales for ``encode_dense``.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Canonical training features.
    """
    return {"features": [_learn_levels(X[c]) if _is_text(X[c]) else _learn_scale(X[c]) for c in X.columns]}


def dense_signs(signs: list[int], spec: Spec) -> list[int]:
    """Return the sign that the coefficient of each column of ``encode_dense`` must have, 0 for any.

    Parameters
    ----------
    signs : list of int
        As of :func:`monotone_constraints`.
    spec : mapping
        From :func:`learn_dense`.
    """
    dense: list[int] = []
    for feature, sign in zip(spec["features"], signs, strict=True):
        n_others = (
            len(feature.get("levels", ())) + feature.get("has_infrequent", False) + feature["has_missing"]
        )
        dense += [*([] if "levels" in feature else [sign]), *[0] * n_others]
    return dense


def _is_text(values: pd.Series) -> bool:
    return values.dtype == object or isinstance(values.dtype, pd.CategoricalDtype)


def _counts(values: pd.Series) -> dict[str, int]:
    """Count the rows of each level that occurs."""
    array = values.array
    if not isinstance(array, pd.Categorical):
        return values.value_counts().to_dict()
    counts = np.bincount(array.codes + 1, minlength=len(array.categories) + 1)[1:]
    return {level: int(n) for level, n in zip(array.categories, counts, strict=True) if n}


def _learn_levels(values: pd.Series) -> dict[str, Any]:
    counts = _counts(values)
    ranked = sorted(counts, key=lambda level: (-counts[level], level))[:MAX_LEVELS]
    levels = sorted(level for level in ranked if counts[level] >= MIN_LEVEL_ROWS)
    return {
        "name": values.name,
        "levels": levels,
        "has_infrequent": len(levels) < len(counts),
        "has_missing": bool(values.isna().any()),
    }


def _learn_scale(values: pd.Series) -> dict[str, Any]:
    numbers = finite_numbers(values)
    present = numbers[~np.isnan(numbers)]
    median = float(np.median(present)) if len(present) else 0.0
    deviation = _deviation(present)
    skewness = float(np.mean(((present - present.mean()) / deviation) ** 3)) if deviation else 0.0
    is_log = skewness > MAX_SKEWNESS
    scaled = transform_numbers(present, is_log=is_log)
    return {
        "name": values.name,
        "median": median,
        "is_log": is_log,
        "mean": float(scaled.mean()) if len(present) else 0.0,
        "scale": _deviation(scaled) or 1.0,
        "has_missing": len(present) < len(values),
    }


def _deviation(numbers: np.ndarray) -> float:
    """Return the standard deviation; 0 where the numbers differ by no more than rounding."""
    if len(numbers) == 0:
        return 0.0
    deviation = float(numbers.std())
    is_noise = deviation <= ROUNDING * abs(float(numbers.mean())) + float(np.finfo(np.float32).tiny)
    return 0.0 if is_noise else deviation
