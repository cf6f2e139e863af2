"""Rows in, predictions out: the code that training, evaluation and a shipped model share.

A shipped model consists of copies of this file and of those that read raw rows, the model's own `serve`
and `load_state`, and data files (`spec.json` and, for some models, `model.json`). So this file imports
public libraries only, nothing is unpickled, and the code that was evaluated is the code that serves.
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
# Standardised numbers are clipped at this many deviations: linear models extrapolate.
MAX_DEVIATIONS = 8.0
# Rows predicted at once: one-hot columns of a million rows take a gigabyte.
PREDICTED_ROWS = 50_000

Spec = Mapping[str, Any]
State = Mapping[str, Any]
Serve = Callable[[pd.DataFrame, Spec, State], np.ndarray]
Read = Callable[[pd.DataFrame, list[dict[str, Any]]], pd.DataFrame]


def encode_codes(frame: pd.DataFrame, spec: Spec) -> np.ndarray:
    """Encode categories as level codes, numbers as they are; NaN for missing and for unseen levels.

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
    """Return XGBoost's types of the columns of ``encode_codes``: "c" for categories, "q" for numbers."""
    return ["c" if "levels" in f else "q" for f in spec["features"]]


def encode_dense(frame: pd.DataFrame, spec: Spec) -> np.ndarray:
    """Encode numbers standardised and imputed, and categories one-hot.

    Missing numbers take the training median; an indicator column marks them where training rows
    had missing ones too. Infrequent and unseen levels share one column, and missing categories
    have one, where training rows had such; otherwise all columns of the category are 0.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, >= n_features)
        Canonical features.
    spec : mapping
        ``features``: list of dicts, as learned from the training rows.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_encoded)
    """
    blocks = [
        _one_hot(frame[f["name"]], f) if "levels" in f else _standardise(frame[f["name"]], f)
        for f in spec["features"]
    ]
    return np.hstack([np.empty((len(frame), 0)), *blocks])


def finite_numbers(values: pd.Series) -> np.ndarray:
    """Return numbers that fit into float32; anything else, infinity too, becomes NaN."""
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


def _standardise(values: pd.Series, feature: Spec) -> np.ndarray:
    numbers = finite_numbers(values)
    missing = np.isnan(numbers)
    numbers = transform_numbers(np.where(missing, feature["median"], numbers), is_log=feature["is_log"])
    scaled = np.clip((numbers - feature["mean"]) / feature["scale"], -MAX_DEVIATIONS, MAX_DEVIATIONS)
    return np.column_stack([scaled, missing]) if feature["has_missing"] else scaled[:, None]


def transform_numbers(numbers: np.ndarray, *, is_log: bool) -> np.ndarray:
    """Shrink long tails on both sides of 0 if `is_log`; else return the numbers as they are."""
    return np.sign(numbers) * np.log1p(np.abs(numbers)) if is_log else numbers


def as_probabilities(positive_or_all: np.ndarray) -> np.ndarray:
    """Return probabilities of shape (n_rows, n_classes) that are never 0 or 1 and sum to 1."""
    proba = np.asarray(positive_or_all, dtype=float)
    if proba.ndim == 1:
        proba = np.column_stack([1 - proba, proba])
    proba = np.clip(proba, MIN_PROBA, 1 - MIN_PROBA)
    return proba / proba.sum(axis=1, keepdims=True)


def booster_predictions(frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Predict canonical features with XGBoost, on the scale that it was trained on."""
    import xgboost

    rows = xgboost.DMatrix(
        encode_codes(frame, spec), feature_types=feature_types(spec), enable_categorical=True
    )
    predicted: np.ndarray = state["booster"].predict(rows)
    # Without rows XGBoost returns no columns either.
    return predicted.reshape(len(frame), spec["n_classes"]) if spec["n_classes"] > 2 else predicted


def load_booster(folder: Path, spec: Spec) -> State:
    """Read the trees from XGBoost's own file."""
    import xgboost

    return {"booster": xgboost.Booster(model_file=str(folder / "model.json"))}


def load_nothing(folder: Path, spec: Spec) -> State:
    """Return an empty state, for models whose spec holds everything."""
    return {}


def predict(serve: Serve, frame: pd.DataFrame, spec: Spec, state: State) -> np.ndarray:
    """Predict canonical features in chunks of rows.

    Parameters
    ----------
    serve : callable
        The model's own ``serve(frame, spec, state)``.
    frame : DataFrame of shape (n_rows, >= n_features)
    spec : mapping
        What the model's ``export`` returned.
    state : mapping
        What `load_state` returned: what JSON cannot hold, for example ``booster``.

    Returns
    -------
    ndarray of shape (n_rows, n_classes) or (n_rows,)
        Class probabilities, or numbers.
    """
    starts = range(0, max(len(frame), 1), PREDICTED_ROWS)
    return np.concatenate([serve(frame.iloc[i : i + PREDICTED_ROWS], spec, state) for i in starts])


class Served:
    """A model loaded from its folder: raw rows in, a DataFrame of predictions out.

    Parameters
    ----------
    folder : Path
        Contains ``spec.json`` (keys ``columns``, ``target``, ``classes``, ``model`` and, where the label is no
        more the most probable class, ``threshold``) and the model's data files.
    serve, load_state : callable
        The model's own functions.
    read : callable
        ``canonical_features``: raw rows as numbers and labels.
    """

    def __init__(
        self, folder: Path, serve: Serve, load_state: Callable[[Path, Spec], State], read: Read
    ) -> None:
        self.spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
        self.serve, self.read = serve, read
        self.state = load_state(folder, self.spec["model"])

    def predict(self, raw: pd.DataFrame, threshold: float | None = None) -> pd.DataFrame:
        """Predict raw rows; `threshold` replaces the model's own.

        Returns
        -------
        DataFrame of shape (n_rows, 1 + n_classes)
            ``prediction`` (a class in the target's own type, or the number) and ``proba_<class>``; same
            index as `raw`. Of two classes it is the positive one where its probability reaches the threshold;
            without a threshold it is the most probable one.
        """
        frame = self.read(raw, self.spec["columns"])
        predicted = predict(self.serve, frame, self.spec["model"], self.state)
        classes = self.spec["classes"]
        if not classes:
            return pd.DataFrame({"prediction": predicted}, index=raw.index)
        threshold = self.spec.get("threshold") if threshold is None else threshold
        codes = predicted.argmax(axis=1) if threshold is None else (predicted[:, 1] >= threshold).astype(int)
        labels = _typed_labels(classes, self.spec["target"]["raw_type"])[codes]
        probabilities = {f"proba_{label}": predicted[:, code] for code, label in enumerate(classes)}
        return pd.DataFrame({"prediction": labels} | probabilities, index=raw.index)


def _typed_labels(classes: list[str], raw_type: str) -> np.ndarray:
    """Return the class labels in the type of the target column of the raw rows."""
    if raw_type == "integer":
        return np.array([int(float(label)) for label in classes])
    if raw_type == "float":
        return np.array([float(label) for label in classes])
    if raw_type == "boolean":
        return np.array([label == "True" for label in classes])
    return np.array(classes, dtype=object)
