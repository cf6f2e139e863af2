from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.errors import SynthesizerFailed
from realmix.tasks.core.table.card import ConditionRule, DerivedRule, Rule
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.rules import violations
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer, apportion
from tests.cpu_time import cpu_seconds

RAW = pd.DataFrame(
    {"price": np.linspace(0.1, 9.9, 60).round(1), "count": range(60), "y": ["no"] * 54 + ["yes"] * 6}
)
SCHEMA = infer_schema(RAW, "y", kinds={"count": "numeric"})


class Rarely(QuotaSynthesizer):
    """Draws the class "yes" with a given chance, whatever is wished for."""

    name = "rarely"

    def __init__(self, chance: float) -> None:
        self.chance = chance
        self.drawn = 0

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        pass

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        self.drawn += n_rows
        is_yes = rng.random(n_rows) < self.chance
        return pd.DataFrame(
            {
                "price": rng.normal(5, 9, n_rows),
                "count": rng.normal(30, 20, n_rows),
                "y": np.where(is_yes, "yes", "no"),
            }
        )


def fitted(chance: float) -> Rarely:
    return Rarely(chance).fit(SCHEMA.apply(RAW), schema=SCHEMA, random_state=0, max_steps=None)


def test_a_rare_class_is_drawn_until_it_is_full() -> None:
    synthesizer = fitted(0.02)
    rows = synthesizer.sample(100, class_counts={"no": 50, "yes": 50}, random_state=1)
    assert rows["y"].value_counts().to_dict() == {"no": 50, "yes": 50}
    assert synthesizer.drawn < 10_000


def test_a_class_that_never_comes_ends_with_a_sentence() -> None:
    def draw() -> None:
        with pytest.raises(
            SynthesizerFailed, match=r"too few rows of class 'yes' .*made 'no' 9 of 9, 'yes' 0 of 9"
        ):
            fitted(0.0).sample(18, class_counts={"no": 9, "yes": 9}, random_state=1)

    assert cpu_seconds(draw) < 5


def test_rows_lie_on_the_grid_of_the_real_ones() -> None:
    rows = fitted(0.5).sample(200, random_state=1)
    assert set(rows["price"].round(1)) == set(rows["price"])
    assert rows["price"].between(0.1, 9.9).all()
    assert (rows["count"] % 1 == 0).all()


LAWS: tuple[Rule, ...] = (
    DerivedRule(kind="derived", column="price", expression="count / 10"),
    ConditionRule(kind="dependency", when="y == 'yes'", then="count >= 20"),
)


class Lawful(Rarely):
    """The same under the rules of a card."""

    rules = LAWS


def test_derived_cells_are_computed_and_rows_that_break_a_rule_are_drawn_again() -> None:
    raw = RAW.assign(price=RAW["count"] / 10)
    schema = infer_schema(raw, "y", kinds={"count": "numeric"})
    synthesizer = Lawful(0.3).fit(schema.apply(raw), schema=schema, random_state=0, max_steps=None)
    rows = schema.restore(synthesizer.sample(300, class_counts={"no": 100, "yes": 200}, random_state=1))
    assert not violations(rows, LAWS).to_numpy().any()
    assert rows["y"].value_counts().to_dict() == {"no": 100, "yes": 200}


def test_rules_that_no_row_can_keep_end_with_a_sentence() -> None:
    synthesizer = Lawful(0.3)
    synthesizer.rules = (ConditionRule(kind="dependency", when="count >= 0", then="count < 0"),)
    synthesizer.fit(SCHEMA.apply(RAW), schema=SCHEMA, random_state=0, max_steps=None)
    with pytest.raises(SynthesizerFailed, match="check that the card's rules can hold"):
        synthesizer.sample(9, random_state=1)


def test_every_prefix_of_a_sample_keeps_the_class_mix() -> None:
    rows = fitted(0.5).sample(100, class_counts={"no": 80, "yes": 20}, random_state=1)
    assert (rows["y"] == "yes").rolling(25).sum().dropna().between(4, 6).all()


@given(st.integers(0, 500), st.dictionaries(st.sampled_from("abcd"), st.integers(1, 99), min_size=1))
def test_apportioned_rows_sum_up_and_miss_no_share_by_a_row(n_rows: int, shares: dict[str, float]) -> None:
    counts = apportion(n_rows, shares)
    assert sum(counts.values()) == n_rows
    for label, share in shares.items():
        assert abs(counts[label] - n_rows * share / sum(shares.values())) < 1
