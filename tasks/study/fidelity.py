"""How like real rows synthetic ones are, and how well a model learns from them, each beside real rows."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import REFERENCE_MODEL, MetricSpec
from realmix.tasks.core.release.document import Score
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import MODELS

# SDMetrics compares all pairs of columns: more rows hardly change the shares that it compares.
MAX_ROWS = 5_000


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
    of_synthetic, of_unseen = (_similarity(real, rows, schema) for rows in (synthetic, unseen))
    return [
        Score(name=name, synthetic=score, real=of_unseen[name], without_noise=None)
        for name, score in of_synthetic.items()
        if name in of_unseen
    ]


def _similarity(real: pd.DataFrame, rows: pd.DataFrame, schema: Schema) -> dict[str, float]:
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
    from sdmetrics.single_column import KSComplement, TVComplement

    categories = [c.name for c in schema.modelled if c.is_categorical and real[c.name].nunique() > 1]
    numbers = [c.name for c in schema.modelled if not c.is_categorical and real[c.name].nunique() > 1]
    real, rows = real.iloc[:MAX_ROWS], rows.iloc[:MAX_ROWS]
    compared = (
        (KSComplement, numbers),
        (TVComplement, categories),
        (CorrelationSimilarity, _pairs(numbers, rows)),
        (ContingencySimilarity, _pairs(categories, rows)),
    )
    with warnings.catch_warnings():
        # Of a p-value that nobody reads: the score is the statistic.
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation", RuntimeWarning)
        found = {
            metric.__name__: [metric.compute(real[names], rows[names]) for names in of]
            for metric, of in compared
        }
    return {name: float(np.nanmean(scores)) for name, scores in found.items() if len(scores)}


def _pairs(names: Sequence[str], rows: pd.DataFrame) -> list[list[str]]:
    """List pairs of columns that vary: without variance there is no correlation."""
    return [list(pair) for pair in itertools.combinations(names, 2) if (rows[list(pair)].nunique() > 1).all()]


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
