from __future__ import annotations

import numpy as np
import pytest

from tests.tasks.core.table.hints.tables import hints_of, honest, quantity, strong

SHARES = (0.5, 0.2, 0.08)


def planted(how: str, share: float, seed: int):
    rng, table = np.random.default_rng(seed + 99), honest(seed, share=share)
    yes, n = (table["left"] == "yes").to_numpy(), len(table)
    wrong = yes ^ (rng.random(n) < 0.01)
    columns = {
        "missing": np.where(yes, rng.normal(size=n), np.nan),
        "codes": np.char.add("C", np.where(yes, rng.integers(0, 6, n), rng.integers(6, 12, n)).astype(str)),
        "whole codes": 2 * rng.integers(0, 6, n) + yes,
        "threshold": np.where(yes, rng.uniform(50, 90, n), rng.uniform(0, 50, n)),
        "noisy copy": np.where(wrong, "closed", "open"),
    }
    return table.assign(found=columns[how])


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("how", ["missing", "codes", "whole codes", "threshold"])
def test_a_feature_that_gives_the_class_away_is_named(how, share):
    assert strong(planted(how, share, seed=1)) == [("leak", ("found",))]


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_copy_with_one_wrong_cell_in_a_hundred_is_named(share):
    assert strong(planted("noisy copy", share, seed=1)) == [("leak", ("found",))]


def test_the_sentence_counts_rows_and_offers_two_card_lines():
    (hint,) = hints_of(planted("codes", 0.5, seed=2))
    assert "'found' alone tells the target 'left' in 100.0% of the rows" in hint.sentence
    assert hint.answers == ("ignore: [found]", "allow_leaks: [found]")
    assert "C1" not in hint.advice


@pytest.mark.parametrize(
    "make",
    [
        lambda y, rng: np.round(np.log(y), 3),
        lambda y, rng: -(y**2),
        lambda y, rng: np.where(rng.random(len(y)) < 0.01, rng.permutation(y), y),
        lambda y, rng: np.digitize(y, np.quantile(y, [0.2, 0.4, 0.6, 0.8])),
        lambda y, rng: np.where(
            y > np.quantile(y, 0.9), "dear", np.where(y > np.quantile(y, 0.3), "usual", "low")
        ),
        lambda y, rng: np.where(rng.random(len(y)) < 0.01, "C", np.where(y > np.median(y), "A", "B")),
    ],
    ids=[
        "its logarithm",
        "falling with it",
        "a copy with a hundredth of wrong cells",
        "its fifths",
        "words for its ranges",
        "its halves, with a hundredth of wrong cells",
    ],
)
def test_a_quantity_is_given_away_by_what_orders_rows_as_it_does(make):
    table = quantity()
    table["found"] = make(table["left"].to_numpy(), np.random.default_rng(3))
    assert strong(table) == [("leak", ("found",))]


def test_two_parts_of_a_sum_and_two_factors_are_named_together():
    table, rng = quantity(), np.random.default_rng(4)
    part = table["left"] * rng.uniform(0.1, 0.9, len(table))
    assert ("leak", ("part", "rest")) in strong(table.assign(part=part, rest=table["left"] - part))
    pieces = rng.uniform(1, 9, len(table))
    assert ("leak", ("pieces", "price")) in strong(table.assign(pieces=pieces, price=table["left"] / pieces))


def test_two_categories_that_only_together_tell_the_class_are_named():
    table, rng = honest(share=0.5), np.random.default_rng(5)
    door = rng.choice(["in", "out"], len(table))
    other = np.where((table["left"] == "yes") ^ (door == "in"), "a", "b")
    assert strong(table.assign(door=door, other=other)) == [("leak", ("door", "other"))]


def test_features_that_tell_much_but_not_all_are_no_leak():
    table = honest(n_rows=1000)
    near = (table["left"] == "yes") + np.random.default_rng(6).normal(scale=0.35, size=len(table))
    assert strong(table.assign(near=near)) == []
