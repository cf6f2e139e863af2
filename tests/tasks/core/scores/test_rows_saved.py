"""Curves with a known answer: f(n) = a + b/n, whose inverse is b / (s - a)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.scores.rows_saved import (
    LearningCurve,
    best_per_size,
    describe_rows_saved,
    equivalent_rows,
    measure_rows_saved,
)
from realmix.tasks.core.table.card import DataCard

N_ROWS = 1600 * np.array([0.25, 2**-1.5, 0.5, 2**-0.5, 1])
N0 = 800.0


def loss(n):
    return 0.3 + 40 / np.asarray(n)


def curve(worth: float, *, n_folds: int = 10, noise: float = 0.0, seed: int = 0, sign: int = 1):
    """Simulate a mix worth `worth` real rows; noise is shared within a fold, a tenth of it is not."""
    rng = np.random.default_rng(seed)
    shared = noise * rng.normal(size=n_folds)
    own = noise / 10 * rng.normal(size=(len(N_ROWS) + 1, n_folds))
    mean = np.append(loss(N_ROWS), loss(worth))[:, None]
    scores = sign * (mean + shared + own)
    return LearningCurve(N_ROWS, scores[:-1], scores[-1], N0, greater_is_better=sign < 0)


@pytest.mark.parametrize("sign", [1, -1], ids=["lower is better", "higher is better"])
@pytest.mark.parametrize("worth", [450, 640, 800, 1150, 1590])
def test_a_known_curve_gives_the_known_number_of_rows(worth, sign):
    """Linear in log n between points of 1/n errs by less than 2 % on a grid of sqrt(2)."""
    saved = measure_rows_saved(curve(worth, sign=sign), seed=0)
    assert saved.n_eq.censored is None
    assert saved.n_eq.n_rows == pytest.approx(worth, rel=0.02)
    assert saved.multiplier == pytest.approx(worth / N0, rel=0.02)


def test_what_lies_beyond_the_curve_is_a_bound():
    above, below = (measure_rows_saved(curve(worth), seed=0) for worth in (5000, 100))
    assert (above.n_eq.censored, above.n_eq.n_rows, above.multiplier) == ("above", 1600, 2)
    assert (below.n_eq.censored, below.n_eq.n_rows, below.multiplier) == ("below", 400, 0.5)
    assert [bound.censored for bound in above.interval] == ["above"] * 2
    assert [bound.censored for bound in below.interval] == ["below"] * 2


def test_a_harmful_mix_has_a_multiplier_below_one():
    case = curve(600)
    described = describe(case, DataCard(target="y", price_per_row=2))
    assert described["multiplier"] == pytest.approx(0.75, rel=0.02)
    assert described["rows_saved"] < 0 and described["money"] == 2 * described["rows_saved"]
    assert "rows lost, about" in described["sentence"]


def test_a_mix_equal_to_its_real_rows_is_worth_them():
    rng = np.random.default_rng(0)
    scores = loss(N_ROWS)[:, None] + 0.002 * rng.normal(size=(5, 10))
    saved = measure_rows_saved(LearningCurve(N_ROWS, scores, scores[2], N0, False), seed=0)
    assert saved.multiplier == pytest.approx(1, abs=0.02)
    low, high = saved.interval
    assert low.n_rows <= N0 * 1.001 and high.n_rows >= N0 * 0.999


def test_a_curve_that_wavers_is_read_as_one_that_never_worsens():
    wavering = np.array([0.50, 0.44, 0.45, 0.41, 0.40])
    scores = np.repeat(wavering[:, None], 4, axis=1)
    saved = measure_rows_saved(LearningCurve(N_ROWS, scores, np.full(4, 0.445), N0, False), seed=0)
    np.testing.assert_allclose(saved.curve, [0.50, 0.445, 0.445, 0.41, 0.40])
    assert saved.n_eq.n_rows == pytest.approx(N_ROWS[1]), "the fewest rows that reach the score"


def test_a_flat_curve_still_gives_an_answer():
    flat = np.full(5, 0.4)
    for score, expected in ((0.4, None), (0.5, "below"), (0.3, "above")):
        assert equivalent_rows(N_ROWS, flat, score, greater_is_better=False).censored == expected


@pytest.mark.parametrize("n_folds", [5, 10])
@pytest.mark.parametrize("worth", [600, 1100])
def test_the_interval_holds_the_truth_at_about_its_level(n_folds, worth):
    """Nominal 90 %; 200 simulated studies have a standard error of 2 points."""
    hits = 0
    for seed in range(200):
        case = curve(worth, n_folds=n_folds, noise=0.05, seed=seed)
        low, high = measure_rows_saved(case, seed=seed, n_draws=200).interval
        hits += low.n_rows <= worth <= high.n_rows
    assert 0.84 <= hits / 200 <= 0.97


def test_noise_that_curve_and_mix_share_cancels():
    """The folds differ by 0.05, curve and mix on one fold by a tenth of that."""
    shared = curve(1100, noise=0.05)
    mixed_up = LearningCurve(N_ROWS, shared.scores, shared.mix[::-1], N0, False)
    widths = []
    for case in (shared, mixed_up):
        low, high = measure_rows_saved(case, seed=0).interval
        widths.append(math.log(high.n_rows / low.n_rows))
    assert widths[0] < widths[1] / 2


def test_the_same_seed_gives_the_same_interval():
    case = curve(1100, noise=0.05)
    assert measure_rows_saved(case, seed=3).interval == measure_rows_saved(case, seed=3).interval


def test_the_best_arm_of_each_size_makes_the_curve():
    scores = np.array([[[0.5, 0.5], [0.2, 0.2]], [[0.4, 0.5], [0.3, 0.3]], [[np.nan, np.nan], [0.1, 0.1]]])
    assert best_per_size(scores, greater_is_better=False).tolist() == [1, 2]
    assert best_per_size(scores, greater_is_better=True).tolist() == [0, 1]
    with pytest.raises(RealmixError, match="smallest subsets"):
        best_per_size(scores[2:], greater_is_better=True)


def test_one_fold_is_no_curve():
    with pytest.raises(BadInput, match="2 or more folds"):
        LearningCurve(N_ROWS, loss(N_ROWS)[:, None], np.array([0.4]), N0, False)


def describe(case, card):
    saved = measure_rows_saved(case, seed=0)
    return describe_rows_saved(saved, case, card, arm="smote/1/teacher/linear", curve_arms=["a"] * 5)


def test_money_and_days_follow_from_the_card():
    card = DataCard(target="y", price_per_row=3, days_per_row=0.1, currency="USD")
    described = describe(curve(1150), card)
    assert described["rows_saved"] == described["n_eq"] - 800
    assert described["money"] == 3 * described["rows_saved"] and described["currency"] == "USD"
    assert described["days"] == pytest.approx(described["rows_saved"] / 10)
    n_saved = described["rows_saved"]
    assert described["sentence"].startswith(
        f"At 800 rows the best mix is worth about {described['n_eq']:,} real rows (90 % interval "
    )
    assert (
        f": {n_saved} rows saved, about {3 * n_saved:,} USD and {n_saved / 10:.0f} days."
        in (described["sentence"])
    )


@pytest.mark.parametrize(
    "days_per_row, text", [(0.1, "35 days"), (1 / 350, "1 day."), (0.01, "3.5 days"), (20, "7,0")]
)
def test_days_have_one_or_two_digits_and_the_right_plural(days_per_row, text):
    described = describe(curve(1150), DataCard(target="y", days_per_row=days_per_row))
    assert described["rows_saved"] == pytest.approx(350, abs=5)
    assert f"about {text}" in described["sentence"]


def test_without_a_price_no_money_is_named():
    described = describe(curve(1150), DataCard(target="y"))
    assert described["money"] is described["days"] is described["currency"] is None
    assert "rows saved. Measured with half" in described["sentence"]


def test_a_bound_is_reported_as_one():
    described = describe(curve(5000), DataCard(target="y"))
    assert described["censored"] == "above" and described["interval_censored"] == ["above", "above"]
    assert (
        "worth at least 1,600 real rows (90 % interval ≥ 1,600): at least 800 rows saved"
        in (described["sentence"])
    )
    assert "at most 400 real rows" in describe(curve(100), DataCard(target="y"))["sentence"]


def test_the_description_holds_the_curve_for_the_figure():
    described = describe(curve(1150, noise=0.02), DataCard(target="y"))
    assert [point["n_rows"] for point in described["curve"]] == [400, 566, 800, 1131, 1600]
    assert all(point["low"] <= point["score"] <= point["high"] for point in described["curve"])
    assert described["mix"]["n_rows"] == 800 and described["n_folds"] == 10
