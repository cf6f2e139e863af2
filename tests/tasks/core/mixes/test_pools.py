from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.mixes.pools import PoolLog, count_copies, draw_pool, spread_classes
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.synthesizers import SYNTHESIZERS

Draw = Callable[[pd.DataFrame, int, Mapping[str, int] | None], pd.DataFrame]

RAW = pd.DataFrame(
    {
        "age": np.arange(20, 60),
        "town": ["north", "south"] * 20,
        "bought": ["yes" if i % 4 == 0 else "no" for i in range(40)],
    }
)
SCHEMA = infer_schema(RAW, "bought", kinds={"age": "numeric"})
REAL = SCHEMA.apply(RAW)
CARD = DataCard(target="bought")
COUNTS = {"no": 30, "yes": 20}


class Generator:
    """A real class with the interface of a synthesizer, whose draw is given."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def fit(
        self, real: pd.DataFrame, *, schema: Schema, random_state: int, max_steps: int | None
    ) -> Generator:
        self.real = real
        return self

    def sample(
        self, n_rows: int, *, class_counts: Mapping[str, int] | None = None, random_state: int
    ) -> pd.DataFrame:
        return self.draw(self.real, n_rows, class_counts)


def spec_of(draw: Draw) -> SynthesizerSpec:
    return SynthesizerSpec(
        name="dead",
        build=lambda card: Generator(draw),
        family="test",
        reference="none",
        fit_cost=lambda n_rows, n_columns, steps: 0.0,
        sample_cost=lambda n_rows, n_columns: 0.0,
    )


def pool_of(
    spec: SynthesizerSpec, counts: Mapping[str, int] | None = COUNTS, n_rows: int = 50
) -> tuple[pd.DataFrame, PoolLog]:
    return draw_pool(
        spec,
        CARD,
        REAL,
        schema=SCHEMA,
        n_rows_by_class=counts,
        n_rows=n_rows,
        seed_key=("snapshot", 0),
        max_steps=None,
    )


def rows_of(real: pd.DataFrame, counts: Mapping[str, int]) -> pd.DataFrame:
    drawn = [
        real[real["bought"] == label].sample(count, replace=True, random_state=0)
        for label, count in counts.items()
    ]
    return pd.concat(drawn, ignore_index=True)


def breaks(real: pd.DataFrame, n_rows: int, counts: Mapping[str, int] | None) -> pd.DataFrame:
    raise RuntimeError("cell 47 holds north")


DEAD: dict[str, tuple[Draw, str]] = {
    "returns nothing": (lambda real, n_rows, counts: real.iloc[:0], "no usable row of 50"),
    "has no columns": (lambda real, n_rows, counts: pd.DataFrame(index=range(n_rows)), "no usable row"),
    "gives one class": (lambda real, n_rows, counts: rows_of(real, {"no": 50}), "30 usable rows of 50"),
    "gives half": (lambda real, n_rows, counts: rows_of(real, {"no": 15, "yes": 10}), "25 usable rows of 50"),
    "loses a rare class": (
        lambda real, n_rows, counts: rows_of(real, {"no": 30, "yes": 16}),
        "16 rows of class 'yes' of 20",
    ),
    "gives missing targets": (
        lambda real, n_rows, counts: rows_of(real, COUNTS).assign(bought=None),
        "no usable row",
    ),
    "gives missing values": (
        lambda real, n_rows, counts: rows_of(real, COUNTS).assign(age=np.nan),
        "nothing but missing values in column 'age'",
    ),
    "repeats one row": (
        lambda real, n_rows, counts: rows_of(real, COUNTS).assign(age=30.0, town="north"),
        "the same row 50 times",
    ),
    "breaks": (breaks, r"broke while sampling \(RuntimeError\)"),
}


@pytest.mark.parametrize("case", list(DEAD))
def test_a_dead_generator_is_named_with_its_reason(case: str) -> None:
    draw, reason = DEAD[case]
    with pytest.raises(SynthesizerFailed, match=f"'dead' .*{reason}") as caught:
        pool_of(spec_of(draw))
    assert "cell 47" not in str(caught.value), "a library's message may quote the table"


def test_one_class_is_noticed_without_class_counts_too() -> None:
    with pytest.raises(SynthesizerFailed, match="class 'no' only"):
        pool_of(spec_of(lambda real, n_rows, counts: rows_of(real, {"no": 50})), counts=None)


def test_a_regression_generator_without_targets_is_dead() -> None:
    raw = RAW.assign(income=np.linspace(0, 1, 40))
    schema = infer_schema(raw, "income", kinds={"age": "numeric"})
    spec = spec_of(lambda real, n_rows, counts: real.assign(income=np.nan))
    with pytest.raises(SynthesizerFailed, match="no usable row"):
        draw_pool(
            spec,
            DataCard(target="income"),
            schema.apply(raw),
            schema=schema,
            n_rows_by_class=None,
            n_rows=40,
            seed_key=(1,),
            max_steps=None,
        )


def test_an_error_in_the_card_is_not_taken_for_a_failed_generator() -> None:
    with pytest.raises(BadInput, match="module:function"):
        pool_of(SYNTHESIZERS["simulation"])


def test_the_log_counts_rows_and_copies() -> None:
    pool, log = pool_of(SYNTHESIZERS["duplicates"])
    assert (log.asked, log.made, log.kept, log.copies_of_real) == (50, 50, 50, 50)
    assert log.failure is None
    assert log.seconds_fit >= 0
    assert pool["bought"].value_counts().to_dict() == COUNTS


def test_rows_beyond_those_asked_for_are_left_out() -> None:
    pool, log = pool_of(spec_of(lambda real, n_rows, counts: rows_of(real, {"no": 80, "yes": 90})))
    assert (log.made, log.kept) == (170, 50)
    assert pool["bought"].value_counts().to_dict() == COUNTS


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_every_prefix_has_the_class_mix_of_the_whole(labels: list[str]) -> None:
    order = spread_classes(labels)
    assert sorted(order) == list(range(len(labels)))
    spread = np.array(labels)[order]
    for label in set(labels):
        expected = np.arange(1, len(labels) + 1) * labels.count(label) / len(labels)
        assert np.abs(np.cumsum(spread == label) - expected).max() <= 1.5
        assert (np.diff(order[spread == label]) > 0).all(), "rows of a class keep their order"


def test_copies_are_found_whatever_their_missing_cells_and_zeros() -> None:
    real = pd.DataFrame({"x": [0.0, np.nan, 2.0], "y": ["a", None, "b"]})
    synthetic = pd.DataFrame({"x": [-0.0, np.nan, 2.0, 2.0], "y": ["a", None, None, "a"]})
    assert count_copies(synthetic, real) == 2
    assert count_copies(real.iloc[:0], real) == 0
