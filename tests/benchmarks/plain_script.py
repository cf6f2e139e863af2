"""What people write today: for each fold and ratio fit SDV anew, concatenate, train XGBoost, score.

Run as ``python plain_script.py TABLE.csv TARGET STEPS``; column ``fold`` of the table says where a row is
validated. SDV and XGBoost keep their defaults but for the epochs, which make STEPS optimiser steps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer
from sklearn.metrics import log_loss
from xgboost import XGBClassifier

RATIOS = (0.5, 1.0, 2.0, 5.0)
BATCH = 500  # SDV's default
FOLD, TABLE = "fold", "table"
# CTGAN drops the last, smaller batch of an epoch, TVAE does not.
SYNTHESIZERS: dict[str, Callable[[Any, int, int], Any]] = {
    "gaussian-copula": lambda metadata, n_rows, steps: GaussianCopulaSynthesizer(metadata),
    "ctgan": lambda metadata, n_rows, steps: CTGANSynthesizer(
        metadata, epochs=max(steps // max(n_rows // BATCH, 1), 1)
    ),
    "tvae": lambda metadata, n_rows, steps: TVAESynthesizer(
        metadata, epochs=max(steps // -(-n_rows // BATCH), 1)
    ),
}


def main(path: str, target: str, steps: int) -> None:
    table = pd.read_csv(path)
    levels = {
        name: pd.CategoricalDtype(table[name].dropna().unique())
        for name in table.columns
        if table[name].dtype == object
    }
    for fold in sorted(table[FOLD].unique()):
        training = table[table[FOLD] != fold].drop(columns=FOLD).reset_index(drop=True)
        validation = table[table[FOLD] == fold].drop(columns=FOLD)
        print(f"real-only fold={fold} log_loss={score(training, validation, target, levels):.4f}")
        for name, make in SYNTHESIZERS.items():
            for ratio in RATIOS:
                started = time.perf_counter()
                metadata = Metadata.detect_from_dataframes({TABLE: training})
                synthesizer = make(metadata, len(training), steps)
                synthesizer.fit({TABLE: training})
                fit_seconds = time.perf_counter() - started
                synthetic = synthesizer.sample(round(ratio * len(training)))[TABLE]
                loss = score(pd.concat([training, synthetic]), validation, target, levels)
                print(f"{name} ratio={ratio} fold={fold} log_loss={loss:.4f} fit_seconds={fit_seconds:.3f}")


def score(
    training: pd.DataFrame, validation: pd.DataFrame, target: str, levels: dict[str, pd.CategoricalDtype]
) -> float:
    """Log-loss of a default XGBoost."""
    training, validation = training.astype(levels), validation.astype(levels)
    model = XGBClassifier(enable_categorical=True)
    model.fit(training.drop(columns=target), training[target].cat.codes)
    predicted = model.predict_proba(validation.drop(columns=target))
    return float(log_loss(validation[target].cat.codes, predicted, labels=range(predicted.shape[1])))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
