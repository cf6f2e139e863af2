"""What a decision on a row costs, as the card's `costs` say it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Schema


def decision_costs(raw: pd.DataFrame, y: np.ndarray, schema: Schema, card: DataCard) -> np.ndarray | None:
    """Return the cost of each decision on each row.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        Rows whose costs :func:`check_costs` accepts.
    y : ndarray of int, shape (n_rows,)
        Codes of their classes.
    schema : Schema
    card : DataCard

    Returns
    -------
    ndarray of shape (n_rows, n_classes), or None
        In the card's unit, >= 0; None where the card gives no costs.
    """
    if not card.costs:
        return None
    costs = np.zeros((len(raw), len(schema.classes)))
    for true, decided in card.costs.items():
        rows = y == schema.classes.index(true)
        for label, cost in decided.items():
            amounts = raw.loc[rows, cost].to_numpy(dtype=float) if isinstance(cost, str) else cost
            costs[rows, schema.classes.index(label)] = amounts
    return costs


def check_costs(raw: pd.DataFrame, schema: Schema, card: DataCard) -> None:
    """Check that the card prices every wrong decision, and that amounts are numbers where they are used.

    Raises
    ------
    BadInput
        If the target is a quantity, a class is unknown, a wrong decision has no cost, or a column of amounts
        holds anything but numbers of at least 0 in the rows of its class.
    """
    if not card.costs:
        return
    if not schema.is_classification:
        raise BadInput(
            f"The card gives `costs` of decisions but the target '{schema.target}' is a quantity, on which nothing is "
            "decided. Drop `costs`."
        )
    for label in (*card.costs, *(label for decided in card.costs.values() for label in decided)):
        if label not in schema.classes:
            raise BadInput(f"The card's `costs`: {unknown_name('class', label, schema.classes)}")
    for true in schema.classes:
        for decided in schema.classes:
            if decided != true and decided not in card.costs.get(true, {}):
                raise BadInput(
                    f"The card's `costs` do not say what it costs to decide '{decided}' where '{true}' is true. "
                    f"Add `{true}: {{{decided}: ...}}`; 0 if it costs nothing."
                )
            _check_amounts(raw, true, card.costs.get(true, {}).get(decided), schema)


def _check_amounts(raw: pd.DataFrame, true: str, cost: float | str | None, schema: Schema) -> None:
    if not isinstance(cost, str):
        return
    amounts = raw[cost]
    is_number = pd.api.types.is_numeric_dtype(amounts) and not pd.api.types.is_bool_dtype(amounts)
    of_class = schema.encode_target(schema.apply(raw)) == schema.classes.index(true)
    bad = of_class if not is_number else of_class & ~_is_amount(amounts)
    if bad.any():
        raise BadInput(
            f"The column '{cost}' gives the costs of class '{true}' but holds no number of at least 0 in {bad.sum():,} of "
            f"its {of_class.sum():,} rows. Correct these cells, or give one cost for all rows."
        )


def _is_amount(amounts: pd.Series) -> np.ndarray:
    values = amounts.to_numpy(dtype=float, na_value=np.nan)
    is_amount: np.ndarray = (values >= 0) & np.isfinite(values)
    return is_amount
