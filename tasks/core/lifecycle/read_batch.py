"""Read the text of a batch exactly as its table was read."""

from __future__ import annotations

import pandas as pd

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.core.words import wrong_cells_in_words


def read_batch_rows(table: TextTable | pd.DataFrame, card: DataCard) -> tuple[pd.DataFrame, str | None]:
    """Read a batch by the formats with which its table was registered.

    Parameters
    ----------
    table : TextTable or DataFrame of shape (n_arrived, any)
    card : DataCard
        Of the registered table; `reading` has the format of each of its columns.

    Returns
    -------
    rows : DataFrame of shape (n_arrived, any)
    refusal : str or None
        Why the batch cannot be used, as a sentence without cells.

    Examples
    --------
    >>> card = DataCard(target="y", reading={"price": {"type": "number", "decimal": ",", "unit": "€"}, "zip": {"type": "text"}})
    >>> batch = pd.DataFrame({"price": ["2.962,50 €", "80"], "zip": ["10001", "10002"]})
    >>> read_batch_rows(batch, card)[0].to_dict("list")
    {'price': [2962.5, 80.0], 'zip': ['10001', '10002']}
    >>> print(read_batch_rows(batch.assign(price=["$2,962.50", "80"]), card)[1])
    The columns of the batch are not of the table's types: 'price' holds 1 cell that is no number as in the table. Correct or empty these cells.
    """
    rows, report = read_columns(table, card)
    wrong = [
        f"'{c.name}' holds {wrong_cells_in_words(c.n_unreadable, _expected(c.name, card))}"
        for c in report.columns
        if c.n_unreadable and c.name not in card.ignore
    ]
    if wrong:
        return rows, (
            f"The columns of the batch are not of the table's types: {'; '.join(wrong)}. Correct or empty these cells."
        )
    problems = [c.problem for c in report.columns if c.problem and c.name not in card.ignore]
    return rows, problems[0] if problems else None


def _expected(name: str, card: DataCard) -> str:
    words = {"date": "date", "clock": "time of day", "truth": "truth value"}
    declared = card.reading.get(name)
    word = words.get((declared and declared.type) or "", "number")
    return f"{word} as in the table" if declared else word
