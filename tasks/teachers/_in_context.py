"""What teachers have in common that predict in context: a pretrained network reads the learnt rows with the new ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models._preprocessing import learn_codes
from realmix.tasks.models._serving import as_probabilities, encode_codes

# New rows are read in parts of as many rows as were learnt, but not of fewer: memory grows with what is read.
FEWEST_AT_ONCE = 1_000


@dataclass(frozen=True)
class Wanted:
    """The estimator that a teacher asks a library for.

    Attributes
    ----------
    schema : Schema
    categories : tuple of int
        Places of the features that are level codes; the others are numbers.
    random_state, n_jobs : int
    device : {"cpu", "cuda"}
    """

    schema: Schema
    categories: tuple[int, ...]
    random_state: int
    n_jobs: int
    device: str


class InContext:
    """Remember the rows: a pretrained network, never trained here, reads them each time it predicts.

    It stores no weights of the network, so that a fitted one stays as small as its rows. It knows no weights of rows
    but 0.

    Parameters
    ----------
    estimator : callable
        ``estimator(wanted)`` returns a classifier or regressor with scikit-learn's interface.
    schema : Schema
    random_state, n_jobs : int
    """

    def __init__(
        self, estimator: Callable[[Wanted], Any], schema: Schema, *, random_state: int, n_jobs: int
    ) -> None:
        self.estimator, self.schema = estimator, schema
        self.random_state, self.n_jobs, self.device = random_state, n_jobs, "cpu"

    def to(self, device: str) -> InContext:
        """Predict on "cpu" or "cuda"."""
        self.device = device
        return self

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> InContext:
        """Remember the rows whose weight is above 0, each with its most probable class or its number."""
        counts = sample_weight > 0
        self.spec_ = learn_codes(X.loc[counts])
        self.rows_, self.n_classes_ = encode_codes(X.loc[counts], self.spec_), y_proba.shape[1:]
        self.target_ = y_proba[counts] if y_proba.ndim == 1 else y_proba[counts].argmax(axis=1)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities of shape (n_rows, n_classes), or numbers of shape (n_rows,)."""
        predicted, seen = np.zeros((len(X), *self.n_classes_)), np.unique(self.target_)
        if self.schema.is_classification and len(seen) == 1:  # no network takes a table of one class
            predicted[:, seen] = 1.0
        elif len(X):
            fitted, codes = self._fitted(), encode_codes(X, self.spec_)
            read = fitted.predict_proba if self.schema.is_classification else fitted.predict
            at_once = max(len(self.rows_), FEWEST_AT_ONCE)
            parts = [read(codes[start : start + at_once]) for start in range(0, len(codes), at_once)]
            predicted[:, seen if self.schema.is_classification else ...] = np.concatenate(parts)
        return as_probabilities(predicted) if self.schema.is_classification else predicted

    def _fitted(self) -> Any:
        places = [place for place, feature in enumerate(self.spec_["features"]) if "levels" in feature]
        wanted = Wanted(self.schema, tuple(places), self.random_state, self.n_jobs, self.device)
        return self.estimator(wanted).fit(self.rows_, self.target_)


def missing_weights(teacher: str, expected: str) -> BadInput:
    """Say in one sentence that weights are missing; they are never fetched unasked.

    Examples
    --------
    >>> print(missing_weights("tabicl", "tabicl.ckpt in /cache"))
    The teacher tabicl finds no weights: expected tabicl.ckpt in /cache. Fetch them yourself, as tasks/teachers/README.md says: realmix never does.
    """
    return BadInput(
        f"The teacher {teacher} finds no weights: expected {expected}. Fetch them yourself, as "
        "tasks/teachers/README.md says: realmix never does."
    )
