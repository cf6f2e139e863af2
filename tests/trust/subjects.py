"""The three tables: the bundled one, and two of the developers' tables where they are there, otherwise two made ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.mixes.pools import draw_pool
from realmix.tasks.core.release import document
from realmix.tasks.core.table.card import DataCard, parse_card, read_card
from realmix.tasks.core.table.infer_schema import schema_of
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.runtime.snapshots import describe_snapshot
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.sources import open_source
from realmix.tasks.study.release import Real, deal_rows
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.panel.tables import DATA, index
from tests.tasks.core.privacy.tables import persons
from tests.tasks.core.release.declared import declare

N_ROWS, SEED = 2_000, 0
BANK = Path(document.__file__).parent / "bank_marketing.yaml"
# Cells that break a rule of the card, one set for each rule, in their order.
Broken = tuple[dict[str, Any], ...]
CARDS: dict[str, tuple[dict[str, Any], Broken]] = {
    "adult_census": (
        {
            "target": "income",
            "positive": ">50K",
            "sensitive": ["sex", "race"],
            "ignore": ["fnlwgt"],
            "rules": [
                {"kind": "range", "column": "age", "minimum": 17, "maximum": 100},
                {"kind": "determines", "columns": ["education"], "column": "education_num"},
                {"kind": "dependency", "when": "capital_gain > 0", "then": "capital_loss == 0"},
            ],
        },
        (
            {"age": 7},
            {"education": "HS-grad", "education_num": 16},
            {"capital_gain": 900, "capital_loss": 900},
        ),
    ),
    "compas_recidivism": (
        {
            "target": "two_year_recid",
            "positive": "1",
            "sensitive": ["race", "sex"],
            "ignore": ["c_charge_desc"],
            "rules": [
                {"kind": "range", "column": "priors_count", "minimum": 0, "maximum": 100},
                {"kind": "dependency", "when": "age < 25", "then": "age_cat == 'Less than 25'"},
                {"kind": "dependency", "when": "age > 45", "then": "age_cat == 'Greater than 45'"},
            ],
        },
        (
            {"priors_count": -1},
            {"age": 20, "age_cat": "Greater than 45"},
            {"age": 60, "age_cat": "Less than 25"},
        ),
    ),
}
BANK_RULES = [
    {"kind": "range", "column": "age", "minimum": 18, "maximum": 100},
    {"kind": "dependency", "when": "pdays == -1", "then": "previous == 0"},
]
BANK_BROKEN: Broken = ({"age": 7}, {"pdays": -1, "previous": 5})
MADE = {
    "target": "ill",
    "positive": "yes",
    "sensitive": ["region"],
    "rules": [
        {"kind": "range", "column": "children", "minimum": 0},
        {"kind": "dependency", "when": "debt > 0", "then": "debt <= income"},
    ],
}
MADE_BROKEN: Broken = ({"children": -1}, {"debt": 9.0, "income": 1.0})


@dataclass(frozen=True)
class Subject:
    """A table that is put on trial.

    Attributes
    ----------
    name : str
    raw : DataFrame of shape (n_rows, n_columns)
    card : DataCard
    broken : tuple of dict
        For each rule of the card cells that break it.
    bins : str
        Where the bins of `dp` come from.
    """

    name: str
    raw: pd.DataFrame
    card: DataCard
    broken: Broken
    bins: str

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.raw, self.card)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Canonical rows."""
        return self.schema.apply(self.raw)

    @cached_property
    def real(self) -> Real:
        """Rows dealt as a release deals them: learned, unseen, and the attacker's."""
        snapshot = describe_snapshot(self.raw, Path("none"), source={})
        return deal_rows(Table(self.name, snapshot, {}, self.card, self.schema), SEED)

    @cached_property
    def pools(self) -> dict[str, pd.DataFrame]:
        """Synthetic rows that were drawn, by synthesizer."""
        return {}

    def pool(self, synthesizer: str) -> pd.DataFrame:
        """As many synthetic rows as were learned, drawn once."""
        if synthesizer not in self.pools:
            self.pools[synthesizer], _ = draw_pool(
                SYNTHESIZERS[synthesizer],
                self.card,
                self.real.learned,
                schema=self.schema,
                n_rows_by_class=None,
                n_rows=len(self.real.learned),
                seed_key=("trust", SEED, synthesizer),
                max_steps=None,
            )
        return self.pools[synthesizer]


def subjects() -> dict[str, Callable[[], Subject]]:
    """The three tables by name; a table is read when its function is called."""
    others = dict.fromkeys(CARDS, developers_table) if (DATA / "index.json").exists() else {
        "made, 2,000 rows": made_table, "made, 600 rows": made_table,
    }  # fmt: skip
    return {
        "bank_marketing": bank,
        **{name: (lambda name=name, read=read: read(name)) for name, read in others.items()},
    }


def bank() -> Subject:
    """The bundled table, with the card of the release's README."""
    card = read_card(BANK)
    with_rules = parse_card(card.model_dump() | {"rules": BANK_RULES})
    raw = open_source(str(card.source)).load()
    return Subject(
        "bank_marketing", raw, with_rules, BANK_BROKEN, "from the published description of the table"
    )


def developers_table(name: str) -> Subject:
    """2,000 rows of a table that development may use; tables kept for a last confirmation are not in `index()`."""
    raw = open_source(str(DATA / str(index()[name]["file"]))).load()
    card, broken = CARDS[name]
    return _with_bins(name, raw.sample(N_ROWS, random_state=SEED).reset_index(drop=True), card, broken)


def made_table(name: str) -> Subject:
    """Persons who are nobody."""
    n_rows = int(name.split()[1].replace(",", ""))
    rows = persons(n_rows, SEED)
    debt = np.minimum(rows["debt"], rows["income"])
    return _with_bins(name, rows.assign(debt=debt), MADE, MADE_BROKEN)


def _with_bins(name: str, raw: pd.DataFrame, card: dict[str, Any], broken: Broken) -> Subject:
    """Declare bins that were read off the rows: good enough for a trial, and no bins for a promise."""
    schema = schema_of(raw, parse_card(card))
    declared = parse_card(card | {"dp": declare(raw, schema, epsilon=3.0)})
    return Subject(
        name, raw, declared, broken, "read off the rows, which no promise survives: for this trial alone"
    )
