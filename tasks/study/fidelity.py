"""How like real rows synthetic ones are, and how well a model learns from them, each beside real rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import REFERENCE_MODEL, MetricSpec
from realmix.tasks.core.release.document import Score
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.likeness import MAX_ROWS, mean_scores, score_columns, varying_columns
from realmix.tasks.models import MODELS


def fidelity(
    synthetic: pd.DataFrame, real: pd.DataFrame, unseen: pd.DataFrame, schema: Schema
) -> list[Score]:
    """Score synthetic rows by SDMetrics' single scores, 0 to 1; other real rows are the reference.

    Parameters
    ----------
    synthetic, real, unseen : DataFrame of shape (n_rows, n_modelled)
        Canonical; `real` was learned, `unseen` was not.
    schema : Schema

    Returns
    -------
    list of Score
        Means over columns of *KSComplement* (numbers) and *TVComplement* (categories), and over pairs of columns of
        *CorrelationSimilarity* (numbers) and *ContingencySimilarity* (categories); those that the table has columns for.

    References
    ----------
    https://docs.sdv.dev/sdmetrics/data-metrics
    """
    columns = varying_columns(schema, real)
    tables = [rows.iloc[:MAX_ROWS].reset_index(drop=True) for rows in (real, synthetic, unseen)]
    return [
        Score(name=each["name"], synthetic=each["score"], real=each["of_other_real"], without_noise=None)
        for each in mean_scores(score_columns(columns, *tables), columns, *tables)
    ]


def utility(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    unseen: pd.DataFrame,
    schema: Schema,
    metrics: Sequence[MetricSpec],
    *,
    without_noise: pd.DataFrame | None = None,
    seed: int,
) -> list[Score]:
    """Train the reference model on synthetic and on real rows, and score both on real rows that neither saw.

    Parameters
    ----------
    synthetic, real, unseen : DataFrame of shape (n_rows, n_modelled)
        Canonical.
    schema : Schema
    metrics : sequence of MetricSpec
    without_noise : DataFrame, optional
        Further rows to train on.
    seed : int

    Returns
    -------
    list of Score
    """
    of_synthetic, of_real = (_scores(rows, unseen, schema, metrics, seed) for rows in (synthetic, real))
    noiseless: list[float | None] = [None] * len(metrics)
    if without_noise is not None:
        noiseless = [*_scores(without_noise, unseen, schema, metrics, seed)]
    return [
        Score(name=metric.name, synthetic=one, real=other, without_noise=third)
        for metric, one, other, third in zip(metrics, of_synthetic, of_real, noiseless, strict=True)
    ]


def _scores(
    training: pd.DataFrame, unseen: pd.DataFrame, schema: Schema, metrics: Sequence[MetricSpec], seed: int
) -> list[float]:
    spec = MODELS[REFERENCE_MODEL]
    model = spec.build(schema, spec.search_space(0, schema), seed, 1)
    weight = np.ones(len(training))
    model.fit(training[schema.feature_names], schema.one_hot_target(training), weight)
    predicted = model.predict(unseen[schema.feature_names])
    return [float(metric.compute(schema.encode_target(unseen), predicted, None)) for metric in metrics]
