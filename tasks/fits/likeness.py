"""Compare the synthetic rows of a mix with real ones, column by column, on the rows of a fold."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.scores.column_shares import bin_names, correlated_pairs, level_shares, number_shares
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.arms import training_set
from realmix.tasks.fits.scope import Scope

# SDMetrics compares all pairs of columns: more rows hardly change the shares that it compares, and more columns
# would take longer than a report may.
MAX_ROWS, MAX_PAIRED = 5_000, 15
# Of columns by whose values somebody may know a person.
NOT_DRAWN: dict[str, Any] = {"bins": [], "real": [], "synthetic": []}


def compare_columns(folder: str, mix: dict[str, Any]) -> dict[str, Any]:
    """Compare the synthetic rows of a mix with the real training rows of a scope.

    Rows of the scope that no synthesizer saw are the reference: no synthetic rows are more alike than real ones.

    Parameters
    ----------
    folder : str
        Of a fold, with the pools of the race in it.
    mix : dict
        :meth:`Mix.to_dict`.

    Returns
    -------
    dict
        Fields of :class:`realmix.tasks.core.report.model_evidence.Likeness`.

    References
    ----------
    https://docs.sdv.dev/sdmetrics/data-metrics
    """
    scope, recipe = Scope(Path(folder)), Mix(**mix)
    real, unseen = scope.training, scope.validation
    synthetic = training_set(scope, recipe).rows.iloc[len(real) :]
    tables = [rows.iloc[:MAX_ROWS].reset_index(drop=True) for rows in (real, synthetic, unseen)]
    columns, card = varying_columns(scope.context.schema, real), scope.context.card
    hidden = {*card.sensitive, *card.sharing.identifying}
    scored = score_columns(columns, *tables)
    drawn = [_shares(column, *tables[:2]) if column.name not in hidden else NOT_DRAWN for column in columns]
    numbers = [c.name for c in columns if not c.is_categorical and c.name not in hidden][:MAX_PAIRED]
    return {
        "synthesizer": recipe.synthesizer,
        "n_real": len(real),
        "n_synthetic": len(synthetic),
        "n_other_real": len(unseen),
        "scores": mean_scores(scored, columns, *tables),
        "columns": [one | shares for one, shares in zip(scored, drawn, strict=True)],
        "correlations": [
            {"first": a, "second": b, "real": before, "synthetic": after}
            for a, b, before, after in correlated_pairs(tables[0][numbers], tables[1][numbers])
        ],
    }


def varying_columns(schema: Schema, real: pd.DataFrame) -> list[Column]:
    """List the modelled columns that hold more than one value among real rows."""
    return [column for column in schema.modelled if real[column.name].nunique() > 1]


def score_columns(
    columns: list[Column], real: pd.DataFrame, synthetic: pd.DataFrame, unseen: pd.DataFrame
) -> list[dict[str, Any]]:
    """Score each column of synthetic rows, and of real rows that were not learned, by SDMetrics, 0 to 1.

    Parameters
    ----------
    columns : list of Column
    real, synthetic, unseen : DataFrame of shape (n_rows, n_modelled)
        Canonical; `real` was learned, `unseen` was not.

    Returns
    -------
    list of dict
        *KSComplement* of numbers and *TVComplement* of categories.
    """
    from sdmetrics.single_column import KSComplement, TVComplement

    scored = []
    with warnings.catch_warnings():
        # Of a p-value that nobody reads: the score is the statistic.
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation", RuntimeWarning)
        for column in columns:
            metric, name = (TVComplement if column.is_categorical else KSComplement), column.name
            scored.append(
                {
                    "name": name,
                    "kind": column.kind,
                    "score_name": metric.__name__,
                    "score": float(metric.compute(real[name], synthetic[name])),
                    "of_other_real": float(metric.compute(real[name], unseen[name])),
                }
            )
    return scored


def mean_scores(
    scored: list[dict[str, Any]],
    columns: list[Column],
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    unseen: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Average the scores of columns, see :func:`score_columns`, and those of pairs of columns.

    Returns
    -------
    list of dict
        With `name`, `score` and `of_other_real`; of pairs *ContingencySimilarity* (categories) and
        *CorrelationSimilarity* (numbers), where the table has them.
    """
    return _means(scored) + _pair_scores(columns, real, synthetic, unseen)


def _shares(column: Column, real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, Any]:
    name = column.name
    if column.is_categorical:
        bins, of_real, of_synthetic = level_shares(real[name], synthetic[name])
    else:
        edges, of_real, of_synthetic = number_shares(real[name], synthetic[name])
        bins = bin_names(edges, is_date=column.kind == "datetime")
    return {"bins": bins, "real": of_real, "synthetic": of_synthetic}


def _means(scored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average the scores of columns by their name."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for column in scored:
        by_name.setdefault(column["score_name"], []).append(column)
    return [
        {"name": name, **{key: float(np.nanmean([c[key] for c in of])) for key in ("score", "of_other_real")}}
        for name, of in sorted(by_name.items())
    ]


def _pair_scores(
    columns: list[Column], real: pd.DataFrame, synthetic: pd.DataFrame, unseen: pd.DataFrame
) -> list[dict[str, Any]]:
    """Average the scores of pairs of number columns and of pairs of categories."""
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity

    found = []
    for metric, is_wanted in ((ContingencySimilarity, True), (CorrelationSimilarity, False)):
        names = [c.name for c in columns if c.is_categorical == is_wanted][:MAX_PAIRED]
        varying = [n for n in names if min(t[n].nunique() for t in (real, synthetic, unseen)) > 1]
        pairs = [list(pair) for pair in itertools.combinations(varying, 2)]
        if pairs:
            score, other = (
                float(np.nanmean([metric.compute(real[p], rows[p]) for p in pairs]))
                for rows in (synthetic, unseen)
            )
            found.append({"name": metric.__name__, "score": score, "of_other_real": other})
    return found
