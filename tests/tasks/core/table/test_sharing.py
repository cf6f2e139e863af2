"""Bins mean the same however they are written, and a card without them is the card that it was."""

from __future__ import annotations

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard, parse_card
from realmix.tasks.core.table.sharing import MAX_BINS, Bins, Sharing

COLUMNS = {"age": {"edges": [18, 65, 100]}, "y": {"values": ["no", "yes"]}}


def test_levels_are_texts_and_days_are_moments():
    assert Bins(values=[1, True]).values == ("1", "True")
    days = parse_card(
        {
            "target": "y",
            "dp": {"epsilon": 1, "columns": {**COLUMNS, "d": {"edges": ["1970-01-01", "1970-01-03"]}}},
        }
    ).dp.columns["d"]
    assert days.is_date and days.numbers == (0.0, 172_800.0)
    assert not Bins(edges=(0, 1)).is_date


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({}, "either `values`"),
        ({"values": ["a", "a"]}, "stands twice"),
        ({"edges": [1]}, "at least two"),
        ({"edges": [3, 2]}, "each above the one before"),
        ({"values": [str(n) for n in range(MAX_BINS + 1)]}, "at most 1,000"),
    ],
)
def test_bins_that_mean_nothing_get_one_sentence_that_names_their_place(bad, words):
    card = {"target": "y", "dp": {"epsilon": 1, "columns": {**COLUMNS, "age": bad}}}
    with pytest.raises(BadInput, match=r"`dp\.columns\.age") as caught:
        parse_card(card)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        ({"epsilon": 0}, "`dp.epsilon`"),
        ({"epsilon": 101}, "`dp.epsilon`"),
        ({"delta": 0.1}, "`dp.delta`"),
        ({"rows": "secret"}, "`dp.rows`"),
        ({"columns": {"y": COLUMNS["y"]}}, "`dp.columns`"),
    ],
)
def test_a_budget_that_protects_nobody_gets_one_sentence(terms, where):
    with pytest.raises(BadInput, match=where):
        parse_card({"target": "y", "dp": {"epsilon": 1, "columns": COLUMNS} | terms})


@pytest.mark.parametrize("min_rows", [1, 1_001])
def test_what_is_rare_has_bounds(min_rows):
    with pytest.raises(BadInput, match=r"`sharing\.min_rows`"):
        parse_card({"target": "y", "sharing": {"min_rows": min_rows}})


def test_a_card_that_declares_neither_is_studied_as_before():
    assert not {"dp", "sharing"} & DataCard(target="y").studied.keys()
    declared = DataCard(target="y", sharing=Sharing(min_rows=10)).studied
    assert declared["sharing"]["min_rows"] == 10
