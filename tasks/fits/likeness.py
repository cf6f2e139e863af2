"""Compare the synthetic rows of a mix with real ones, column by column, on the rows of a fold."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.scores.column_shares import bin_names, correlated_pairs, level_shares, number_shares
from realmix.tasks.core.table.columns import Column
from realmix.tasks.fits.arms import training_set
from realmix.tasks.fits.scope import Scope

# SDMetrics compares all pairs of columns: more rows hardly change the shares that it compares, and more columns
# would take longer than a report may.
MAX_ROWS, MAX_PAIRED = 5_000, 15


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
    columns = [column for column in scope.context.schema.modelled if real[column.name].nunique() > 1]
    hidden = scope.context.card.sensitive
    scored = [_of_column(column, *tables, is_hidden=column.name in hidden) for column in columns]
    numbers = [c.name for c in columns if not c.is_categorical and c.name not in hidden][:MAX_PAIRED]
    return {
        "synthesizer": recipe.synthesizer,
        "n_real": len(real),
        "n_synthetic": len(synthetic),
        "n_other_real": len(unseen),
        "scores": _means(scored) + _pair_scores(columns, *tables),
        "columns": scored,
        "correlations": [
            {"first": a, "second": b, "real": before, "synthetic": after}
            for a, b, before, after in correlated_pairs(tables[0][numbers], tables[1][numbers])
        ],
    }


def _of_column(
    column: Column, real: pd.DataFrame, synthetic: pd.DataFrame, unseen: pd.DataFrame, *, is_hidden: bool
) -> dict[str, Any]:
    from sdmetrics.single_column import KSComplement, TVComplement

    metric, name = (TVComplement if column.is_categorical else KSComplement), column.name
    bins: list[str] = []
    shares: tuple[list[float], list[float]] = ([], [])
    if column.is_categorical and not is_hidden:
        bins, *shares = level_shares(real[name], synthetic[name])  # type: ignore[assignment]
    elif not is_hidden:
        edges, *shares = number_shares(real[name], synthetic[name])  # type: ignore[assignment]
        bins = bin_names(edges, is_date=column.kind == "datetime")
    return {
        "name": name,
        "kind": column.kind,
        "score_name": metric.__name__,
        "score": float(metric.compute(real[name], synthetic[name])),
        "of_other_real": float(metric.compute(real[name], unseen[name])),
        "bins": bins,
        "real": shares[0],
        "synthetic": shares[1],
    }


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
