"""The panel's cells: which tables, how many real rows, which seeds, and which rows judge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.sources import open_source

DATA = Path(__file__).parents[3] / "shared" / "data"
SIZES = (200, 500, 1000)
SEEDS = (0, 1, 2)
# Rows that judge, at most: beyond them the scores of tables hardly move, and time does.
MAX_TEST_ROWS = 6000
MIN_TEST_ROWS = 100
# Larger tables keep rows for the true learning curve, beside those that judge.
MIN_ROWS_TO_SPARE = 3000
# Fewer rows of a class are refused by a study.
MIN_CLASS_ROWS = 10
# A class with a smaller share is rare: average precision and costs are scored too.
RARE_SHARE = 0.2
# The method (arms, defaults, priors, gates) was fixed on the first half and confirmed on the other. That half has
# been read more than once since: what confirms now are the fresh tables, which no other command opens.
METHOD_HALF = (
    "adult_census",
    "california_housing",
    "car_insurance_fraud",
    "compas_recidivism",
    "pima_diabetes",
    "student_dropout",
)
CONFIRMATION_HALF = (
    "beijing_pm25",
    "cardiotocography",
    "crash_fatality_nass",
    "credit_default_taiwan",
    "online_shoppers",
    "student_performance",
)
FRESH = "fresh confirmation"


@dataclass(frozen=True, order=True)
class Cell:
    """A table at one number of real training rows."""

    table: str
    n_rows: int

    @property
    def name(self) -> str:
        return f"{self.table}-{self.n_rows}"

    @property
    def half(self) -> str:
        """ "method", "confirmation" or "fresh"."""
        if self.table in METHOD_HALF:
            return "method"
        return "confirmation" if self.table in CONFIRMATION_HALF else "fresh"

    @property
    def has_deep(self) -> bool:
        """Whether GANs and VAEs take part in the study: each table of the two halves at one of its sizes."""
        tables = sorted((*METHOD_HALF, *CONFIRMATION_HALF))
        return self.half != "fresh" and SIZES.index(self.n_rows) == tables.index(self.table) % 2


@dataclass(frozen=True)
class Rows:
    """One draw from a table.

    Attributes
    ----------
    training : DataFrame of shape (n_rows, n_columns)
        What the study is given.
    test : DataFrame
        What judges: the study never sees it.
    spare : DataFrame
        Further real rows, for the true learning curve; disjoint from both.
    rare : str or None
        Label of the rare one of two classes.
    """

    card: DataCard
    training: pd.DataFrame
    test: pd.DataFrame
    spare: pd.DataFrame
    rare: str | None


def index(*, fresh: bool = False) -> dict[str, dict[str, object]]:
    """Facts of the tables of both halves, by name, or of the fresh ones that are kept for a last confirmation."""
    facts = json.loads((DATA / "index.json").read_text(encoding="utf-8"))["datasets"]
    return {table["name"]: table for table in facts if (table.get("half") == FRESH) == fresh}


def cells(*, confirm: bool = False) -> list[Cell]:
    """All 34 cells of both halves, or those of the fresh tables; small tables stop at 500 rows."""
    return [
        Cell(name, size)
        for name, facts in sorted(index(fresh=confirm).items())
        for size in SIZES
        if int(str(facts["rows"])) >= size + MIN_TEST_ROWS
    ]


def draw_rows(cell: Cell, seed: int, *, confirm: bool = False) -> Rows:
    """Draw a training set and the rows that judge it.

    Parameters
    ----------
    cell : Cell
    seed : int
        Of the draw: another seed gives other training rows.
    confirm : bool
        Opens the fresh tables, and no others.

    Raises
    ------
    KeyError
        If the cell's table is fresh and `confirm` is not given, or the other way round.
    """
    facts = index(fresh=confirm)[cell.table]
    raw = open_source(str(DATA / str(facts["file"]))).load()
    order = np.random.default_rng(derive_seed("panel", cell.table, seed)).permutation(len(raw))
    shuffled = raw.iloc[order].reset_index(drop=True)
    n_rest = len(raw) - cell.n_rows
    n_test = min(MAX_TEST_ROWS, n_rest // 2 if len(raw) > MIN_ROWS_TO_SPARE else n_rest)
    test, rest = shuffled.iloc[len(raw) - n_test :], shuffled.iloc[: len(raw) - n_test]
    taken = first_rows(rest[str(facts["target"])], cell.n_rows, facts["task"] != "regression")
    return Rows(
        DataCard(target=str(facts["target"])),
        rest.iloc[taken].reset_index(drop=True),
        test.reset_index(drop=True),
        rest.drop(index=rest.index[taken]).reset_index(drop=True),
        rare_class(raw[str(facts["target"])]) if facts["task"] == "binary" else None,
    )


def rare_class(target: pd.Series) -> str | None:
    """Label of the rarer of two classes, where it is rare."""
    shares = target.value_counts(normalize=True)
    return str(shares.index[-1]) if shares.iloc[-1] < RARE_SHARE else None


def first_rows(target: pd.Series, n_rows: int, is_classification: bool) -> np.ndarray:
    """Positions of the first rows, of each class its share but at least `MIN_CLASS_ROWS`.

    Plain draws of 200 rows hold too few of a class of 4 % to be studied at all.
    """
    if not is_classification:
        return np.arange(n_rows)
    shares = target.value_counts(normalize=True).sort_values()
    taken: list[int] = []
    for label, share in shares.items():
        is_last = label == shares.index[-1]
        wanted = n_rows - len(taken) if is_last else max(round(float(share) * n_rows), MIN_CLASS_ROWS)
        taken += np.flatnonzero(target == label)[:wanted].tolist()
    return np.sort(np.array(taken))


# Both halves, all tasks, all sizes: what `make panel-quick` runs.
QUICK = (
    Cell("california_housing", 200),
    Cell("cardiotocography", 500),
    Cell("compas_recidivism", 500),
    Cell("credit_default_taiwan", 200),
    Cell("online_shoppers", 1000),
    Cell("pima_diabetes", 500),
    Cell("student_performance", 500),
)


def jobs(*, quick: bool = False, confirm: bool = False) -> list[tuple[Cell, int]]:
    """Runs in the order in which they are taken: small and large ones side by side."""
    if quick:
        return [(cell, 0) for cell in QUICK]
    ordered = sorted(cells(confirm=confirm), key=lambda cell: (cell.n_rows, cell.table))
    return [(cell, seed) for seed in SEEDS for cell in ordered]
