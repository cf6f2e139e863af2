"""Compare the best mix with real only beyond the average: on slices of the rows and under shift."""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.plan.plan import Layout
from realmix.tasks.core.scores.generalisation import describe_generalisation
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.scores.shift import (
    describe_ends,
    describe_stretches,
    end_slices,
    main_direction,
    stretch_slices,
)
from realmix.tasks.core.scores.significance import widening_factor
from realmix.tasks.core.scores.slices import (
    PairedLosses,
    Slice,
    class_slices,
    declared_slices,
    hardest_slice,
    rare_category_slice,
    slice_gains,
    slice_vetoes,
)
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.metrics import METRICS
from realmix.tasks.models._preprocessing import learn_dense
from realmix.tasks.models._serving import encode_dense
from realmix.tasks.study.development import Development


def generalise(
    layout: Layout,
    development: Development,
    oof: OutOfFold,
    comparison: Comparison,
) -> tuple[dict[str, Any], list[str]]:
    """Compare the best mix with real only on slices, and towards the ends of the data or of time.

    Parameters
    ----------
    layout : Layout
    development : Development
    oof : OutOfFold
    comparison : Comparison
        Its best mix is compared with its incumbent, the best arm on real rows only.

    Returns
    -------
    document : dict
        From :func:`realmix.tasks.core.scores.generalisation.describe_generalisation`.
    vetoes : list of str
        A sentence for each declared slice on which the mix is too bad to ship.
    """
    context = development.context
    by_rows = row_metric(context.metric(comparison.metric), context.schema)
    if comparison.best_mix is None:
        return describe_generalisation(by_rows, (), None), []
    paired = PairedLosses.of(oof, by_rows, real_only=comparison.incumbent, mix=comparison.best_mix)
    measure = functools.partial(
        slice_gains,
        paired,
        # The same for every slice: the folds are those of the study.
        widening=widening_factor(
            comparison.n_folds,
            n_validation=oof.n_validation,
            n_train=oof.n_train,
            n_rows=comparison.n_rows,
        ),
        seed=derive_seed(context.snapshot, layout.plan.seed, "slices"),
    )
    rows = development.rows
    slices = measure(all_slices(context, rows, development.declared, paired))
    if layout.plan.forward:
        shift = describe_stretches(measure(stretch_slices(oof.folds[0])), by_rows)
    else:
        features = rows[context.schema.feature_names]
        positions = main_direction(encode_dense(features, learn_dense(features)))
        shift = describe_ends(measure(end_slices(positions)), by_rows)
    return describe_generalisation(by_rows, slices, shift), slice_vetoes(slices, by_rows)


def row_metric(deciding: MetricSpec, schema: Schema) -> MetricSpec:
    """Return the deciding metric if it is a mean over rows, else log-loss or RMSE.

    A ranking or R squared of a few rows, or of one class, means little or nothing.
    """
    if deciding.row_loss is not None:
        return deciding
    return METRICS["log_loss" if schema.is_classification else "rmse"]


def all_slices(
    context: StudyContext, rows: pd.DataFrame, declared: pd.DataFrame, paired: PairedLosses
) -> list[Slice]:
    """Collect the slices: declared groups, classes, rare categories and the hardest rows."""
    schema = context.schema
    categories = [column.name for column in schema.features if column.is_categorical]
    return [
        *declared_slices(declared, hidden=context.card.sensitive),
        *class_slices(schema.encode_target(rows), schema.classes),
        *rare_category_slice(rows[categories]),
        hardest_slice(paired, len(rows)),
    ]
