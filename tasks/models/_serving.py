"""Rows in, predictions out: the code that training, evaluation and a shipped model share.

A shipped model is a copy of this file over data files (`spec.json` and, by model,
`model.json`). So it imports nothing of ours, unpickles nothing, and what was
evaluated is what serves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# Probabilities stay this far from 0 and 1, so that a log-loss is always finite.
MIN_PROBA = 1e-6
# Standardised numbers beyond this many deviations are pulled in: linear models extrapolate.
MAX_DEVIATIONS = 8.0
# Rows predicted at once: one-hot columns of a million rows take a gigabyte.
PREDICTED_ROWS = 50_000
# The same two values as Python, numpy, a count and a text file write them.
BOOLEAN_TEXTS: dict[Any, str] = {True: "True", False: "False"} | {
    text: word for word in ("True", "False") for text in (word, word.lower(), word.upper())
}

Spec = Mapping[str, Any]
State = Mapping[str, Any]


def canonical_features(raw: pd.DataFrame, columns: list[dict[str, str]]) -> pd.DataFrame:
    """Turn rows of the file into numbers (NaN for missing) and texts (None for missing).

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        Any dtypes, any order; columns the model does not know are left out.
    columns : list of dict
        ``name``, ``kind`` and ``raw_type`` of each feature, as in the training schema.

    Returns
    -------
    DataFrame of shape (n_rows, n_features)

    Raises
    ------
    ValueError
        If a feature is missing or a number column holds text.
    """
    lost = [c["name"] for c in columns if c["name"] not in raw.columns]
    if lost:
        expected = [c["name"] for c in columns]
        raise ValueError(f"Columns {lost} are missing: the model expects {expected}. Add them to the rows.")
    return pd.DataFrame({c["name"]: _canonical(raw[c["name"]], c) for c in columns}, index=raw.index)


def _canonical(values: pd.Series, column: dict[str, str]) -> pd.Series:
    if column["kind"] == "datetime":
        parsed = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)
        return ((parsed - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).astype(float)
    if column["kind"] == "categorical":
        return _as_strings(values, column["raw_type"])
    try:
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        return pd.Series(numbers, index=values.index, name=values.name)
    except (TypeError, ValueError) as err:
        raise ValueError(
            f"Column '{column['name']}' holds text where the model expects numbers. Correct the cells."
        ) from err


def _as_strings(values: pd.Series, raw_type: str) -> pd.Series:
    """Categories as text: 3 and 3.0 are both "3"."""
    present = values.notna()
    out = pd.Series([None] * len(values), index=values.index, dtype=object)
    kept = values[present]
    if raw_type == "boolean":
        texts = kept.astype(object).map(BOOLEAN_TEXTS)
        out[present] = texts.where(texts.notna(), None).to_numpy(dtype=object)
        return out
    if raw_type == "integer" and pd.api.types.is_numeric_dtype(kept):
        kept = kept.astype(float).astype("int64")
    elif raw_type == "integer":
        kept = kept.map(_without_point)
    out[present] = kept.astype(str).to_numpy(dtype=object)
    return out


def _without_point(value: Any) -> Any:
    is_whole = isinstance(value, float | np.floating) and value.is_integer()
    return int(value) if is_whole else value


def encode_codes(frame: pd.DataFrame, spec: Spec) -> np.ndarray:
    """Numbers as they are and categories as level codes; NaN for missing and for unseen levels.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, >= n_features)
        Canonical features.
    spec : mapping
        ``features``: list of dicts with ``name`` and, for categories, ``levels``.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_features)
    """
    encoded = np.empty((len(frame), len(spec["features"])), dtype=np.float32)
    for place, feature in enumerate(spec["features"]):
        values = frame[feature["name"]]
        is_coded = "levels" in feature
        encoded[:, place] = _codes(values, feature["levels"]) if is_coded else finite_numbers(values)
    return encoded


def feature_types(spec: Spec) -> list[str]:
    """Say which columns of ``encode_codes`` are categories ("c") and which quantities ("q")."""
    return ["c" if "levels" in f else "q" for f in spec["features"]]


def encode_dense(frame: pd.DataFrame, spec: Spec) -> np.ndarray:
    """Numbers standardised and imputed, categories one-hot.

    Missing numbers take the training median and, where training rows had missing ones, set an
    indicator. Infrequent and unseen levels share one column where training had infrequent
    ones; missing categories likewise; otherwise all columns of the category are 0.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, >= n_features)
        Canonical features.
    spec : mapping
        ``features``, as ``realmix.tasks.models._preprocessing.learn_dense`` makes it.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_encoded)
    """
    blocks = [
        _one_hot(frame[f["name"]], f) if "levels" in f else _standardised(frame[f["name"]], f)
        for f in spec["features"]
    ]
    return np.hstack([np.empty((len(frame), 0)), *blocks])


def finite_numbers(values: pd.Series) -> np.ndarray:
    """Numbers that fit into float32; anything else, infinity too, is missing."""
    numbers = values.to_numpy(dtype=float, copy=True)
    numbers[~(np.abs(numbers) < np.finfo(np.float32).max)] = np.nan
    return numbers


def _codes(values: pd.Series, levels: list[str]) -> np.ndarray:
    known, array = pd.Index(levels, dtype=object), values.array
    if isinstance(array, pd.Categorical):
        codes = np.append(known.get_indexer(array.categories), -1)[array.codes]
    else:
        codes = known.get_indexer(pd.Index(values, dtype=object))
    return np.where(codes >= 0, codes, np.nan)


def _one_hot(values: pd.Series, feature: Spec) -> np.ndarray:
    codes = _codes(values, feature["levels"])
    columns = [codes == code for code in range(len(feature["levels"]))]
    missing = values.isna().to_numpy()
    if feature["has_infrequent"]:
        columns.append(np.isnan(codes) & ~missing)
    if feature["has_missing"]:
        columns.append(missing)
    return np.column_stack(columns).astype(float) if columns else np.empty((len(values), 0))


def _standardised(values: pd.Series, feature: Spec) -> np.ndarray:
    numbers = finite_numbers(values)
    missing = np.isnan(numbers)
    numbers = transform_numbers(np.where(missing, feature["median"], numbers), is_log=feature["is_log"])
    scaled = np.clip((numbers - feature["mean"]) / feature["scale"], -MAX_DEVIATIONS, MAX_DEVIATIONS)
    return np.column_stack([scaled, missing]) if feature["has_missing"] else scaled[:, None]


def transform_numbers(numbers: np.ndarray, *, is_log: bool) -> np.ndarray:
    """Shrink long tails to both sides of 0 where `is_log`; else leave the numbers alone."""
    return np.sign(numbers) * np.log1p(np.abs(numbers)) if is_log else numbers


def as_probabilities(positive_or_all: np.ndarray) -> np.ndarray:
    """Give (n_rows, n_classes) probabilities that are never 0 or 1 and sum to 1."""
    proba = np.asarray(positive_or_all, dtype=float)
    if proba.ndim == 1:
        proba = np.column_stack([1 - proba, proba])
    proba = np.clip(proba, MIN_PROBA, 1 - MIN_PROBA)
    return proba / proba.sum(axis=1, keepdims=True)


def _predict_class_prior(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    if spec["n_classes"]:
        return as_probabilities(np.tile(spec["constant"], (len(frame), 1)))
    return np.full(len(frame), spec["constant"], dtype=float)


def _predict_linear(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    encoded = encode_dense(frame, spec)
    scores = encoded @ np.asarray(spec["coefficients"], dtype=float).T + np.asarray(spec["intercepts"])
    if not spec["n_classes"]:
        return scores[:, 0] * spec["target_scale"] + spec["target_mean"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba = np.zeros((len(frame), spec["n_classes"]))
    proba[:, spec["seen_classes"]] = scores / scores.sum(axis=1, keepdims=True)
    return as_probabilities(proba)


def _predict_xgboost(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    predicted = _booster_predictions(frame, spec, state)
    if spec["n_classes"]:
        return as_probabilities(predicted)
    return predicted.astype(float) * spec["target_scale"] + spec["target_mean"]


def _booster_predictions(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    import xgboost

    rows = xgboost.DMatrix(
        encode_codes(frame, spec), feature_types=feature_types(spec), enable_categorical=True
    )
    predicted: np.ndarray = state["booster"].predict(rows)
    return predicted


def _predict_random_forest(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    predicted = _booster_predictions(frame, spec, state).astype(float)
    if not spec["n_classes"]:
        return predicted * spec["target_scale"] + spec["target_mean"]
    return as_probabilities(predicted[:, 0] if predicted.ndim == 2 and spec["n_classes"] == 2 else predicted)


PREDICTORS: dict[str, Callable[[pd.DataFrame, Spec, State], np.ndarray]] = {
    "class-prior": _predict_class_prior,
    "linear": _predict_linear,
    "random-forest": _predict_random_forest,
    "xgboost": _predict_xgboost,
}


def predict(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Predict canonical features.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, >= n_features)
    spec : mapping
        ``kind`` names the predictor; the rest is what the model's ``export`` returned.
    state : mapping
        What does not go into JSON: ``booster``.

    Returns
    -------
    ndarray of shape (n_rows, n_classes) or (n_rows,)
        Class probabilities, or numbers.
    """
    starts = range(0, max(len(frame), 1), PREDICTED_ROWS)
    of_rows = PREDICTORS[spec["kind"]]
    return np.concatenate([of_rows(frame.iloc[i : i + PREDICTED_ROWS], spec, state) for i in starts])


def load_state(folder: Path, spec: Spec) -> State:
    """Read a model's data files; nothing is unpickled."""
    if spec["kind"] in ("xgboost", "random-forest"):
        import xgboost

        return {"booster": xgboost.Booster(model_file=str(folder / "model.json"))}
    return {}


class Served:
    """A model read from its folder: raw rows in, a DataFrame out.

    Parameters
    ----------
    folder : Path
        Holds ``spec.json`` (keys ``columns``, ``target``, ``classes``, ``model``) and the
        model's data files.
    """

    def __init__(self, folder: Path) -> None:
        self.spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
        self.state = load_state(folder, self.spec["model"])

    def predict(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Predict rows of the file.

        Returns
        -------
        DataFrame of shape (n_rows, 1 + n_classes)
            ``prediction`` (most probable class in the target's own type, or the number) and
            ``proba_<class>``; same index as `raw`.
        """
        frame = canonical_features(raw, self.spec["columns"])
        predicted = predict(frame, self.spec["model"], self.state)
        classes = self.spec["classes"]
        if not classes:
            return pd.DataFrame({"prediction": predicted}, index=raw.index)
        labels = _typed_labels(classes, self.spec["target"]["raw_type"])[predicted.argmax(axis=1)]
        probabilities = {f"proba_{label}": predicted[:, code] for code, label in enumerate(classes)}
        return pd.DataFrame({"prediction": labels} | probabilities, index=raw.index)


def _typed_labels(classes: list[str], raw_type: str) -> np.ndarray:
    """Class labels in the type of the file's target column."""
    if raw_type == "integer":
        return np.array([int(float(label)) for label in classes])
    if raw_type == "float":
        return np.array([float(label) for label in classes])
    if raw_type == "boolean":
        return np.array([label == "True" for label in classes])
    return np.array(classes, dtype=object)
