"""Champion against challenger: known differences lead to known outcomes."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import binom

from realmix.tasks.core.lifecycle.challenge import Compared, fairness_gate, judge_challenger, rows_needed
from realmix.tasks.core.lifecycle.entries import Judgement
from realmix.tasks.core.scores.slices import PairedLosses, Slice
from realmix.tasks.metrics import METRICS


def compared(n_rows: int = 2000, *, noise: float = 1.0, seed: int = 0, **changes) -> Compared:
    """Build a champion that errs by 1 on the log-odds, and a challenger that errs by `noise`."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, n_rows)
    y = (rng.random(n_rows) < 1 / (1 + np.exp(-odds))).astype(int)
    champion, challenger = (chances(odds + scale * rng.normal(size=n_rows)) for scale in (1.0, noise))
    found = Compared(y, champion, challenger, np.arange(n_rows), np.ones(n_rows))
    return dataclasses.replace(found, **changes)


def chances(odds: np.ndarray) -> np.ndarray:
    positive = np.clip(1 / (1 + np.exp(-odds)), 1e-6, 1 - 1e-6)
    return np.column_stack([1 - positive, positive])


def sharpened(predicted: np.ndarray, factor: float) -> np.ndarray:
    """Sharpen probabilities: the same ranking, overconfident."""
    return chances(factor * np.log(predicted[:, 1] / predicted[:, 0]))


def judged(rows: Compared, metric: str = "log_loss", **changes) -> Judgement:
    settings = {"tolerance": 0.02, "max_slowdown": 1.5, "seed": 0, **changes}
    by_rows = METRICS[metric] if METRICS[metric].row_loss else METRICS["log_loss"]
    return judge_challenger(rows, METRICS[metric], by_rows=by_rows, calibration=METRICS["brier"], **settings)


def halves(rows: Compared, column: str) -> dict:
    first = np.arange(rows.n_rows) < rows.n_rows // 2
    return {
        column: [
            Slice(f"{column}: group 1 of 2", first, True),
            Slice(f"{column}: group 2 of 2", ~first, True),
        ]
    }


def gate(judgement: Judgement, name: str):
    return next(gate for gate in judgement.gates if gate.name == name)


def test_a_better_challenger_is_promoted_and_reported_as_better():
    found = judged(compared(noise=0.3))
    assert found.word == "promote"
    assert found.interval[0] > 0 and found.challenger_score < found.champion_score
    assert "better" in found.reason and "2,000 rows" in found.reason


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_a_worse_challenger_leaves_the_champion_in_place(metric):
    found = judged(compared(noise=2.5), metric)
    assert found.word == "keep champion"
    assert found.interval[1] < 0


def test_fewer_than_fifty_rows_or_ten_of_a_class_decide_nothing():
    few = judged(compared(49, noise=0.0))
    assert (few.word, few.gain, few.n_rows) == ("not yet decidable", None, 49)
    one_sided = compared(400, noise=0.0)
    one_sided = dataclasses.replace(one_sided, y=np.where(np.arange(400) < 9, 1, 0))
    rare = judged(one_sided)
    assert rare.word == "not yet decidable" and "9 are of the rarest class" in rare.reason


def test_equal_models_on_few_rows_are_not_yet_decidable_and_the_rows_needed_are_named():
    found = judged(compared(120, noise=1.0))
    assert found.word == "not yet decidable"
    assert found.rows_needed > 120
    assert f"{found.rows_needed:,} rows are needed" in found.reason
    assert not found.waits_for_approval


def test_critical_drift_asks_for_approval_where_nothing_can_be_proven():
    found = judged(compared(120, noise=1.0), drift_is_critical=True)
    assert (found.word, found.waits_for_approval) == ("not yet decidable", True)
    assert "waits for approval" in found.reason
    assert not judged(compared(noise=0.3), drift_is_critical=True).waits_for_approval


def test_an_equal_model_may_take_over_once_enough_rows_say_so():
    rows = compared()
    found = judged(dataclasses.replace(rows, challenger=rows.champion))
    assert (found.word, found.gain) == ("promote", 0.0)
    assert "not worse" in found.reason


def test_a_declared_group_that_loses_forbids_what_the_average_allows():
    rows = compared(4000, noise=0.0)
    groups = halves(rows, "plan")
    loses = groups["plan"][1].rows & (np.arange(4000) >= 3600)
    groups["plan"] = [Slice("plan: basic", ~loses, True), Slice("plan: plus", loses, True)]
    challenger = np.where(loses[:, None], 0.5, rows.challenger)
    found = judged(dataclasses.replace(rows, challenger=challenger, groups=groups))
    assert gate(found, "overall").passed
    assert found.word == "keep champion"
    assert "'plan: plus'" in found.reason and "'plan: basic'" not in found.reason


def test_an_equal_challenger_is_seldom_refused_for_one_of_twenty_groups():
    refused = 0
    for seed in range(30):
        rows = compared(2000, seed=seed)
        parts = np.array_split(np.arange(2000), 20)
        groups = {
            "town": [Slice(f"town: {i}", np.isin(np.arange(2000), p), True) for i, p in enumerate(parts)]
        }
        found = judged(dataclasses.replace(rows, groups=groups, sensitive=["town"]))
        refused += not (gate(found, "slices").passed and gate(found, "fairness").passed)
    # Two tests at 5 %, of 30 studies.
    assert refused <= binom.ppf(0.95, 30, 0.1)


def test_a_ranking_that_stays_the_same_does_not_excuse_worse_calibration():
    rows = compared()
    found = judged(dataclasses.replace(rows, challenger=sharpened(rows.champion, 3.0)), "roc_auc")
    assert gate(found, "overall").passed and abs(found.gain) < 1e-4
    assert (found.word, gate(found, "calibration").passed) == ("keep champion", False)


def test_a_gap_between_sensitive_groups_must_not_grow():
    # With a third of the rows it is not clear which group had the larger loss before.
    rows = compared(12_000, noise=0.0, seed=1)
    groups = halves(rows, "sex")
    first = groups["sex"][0].rows
    challenger = np.where(first[:, None], rows.challenger, rows.champion)
    rows = dataclasses.replace(rows, challenger=challenger, groups=groups)
    assert judged(rows).word == "promote"
    found = judged(dataclasses.replace(rows, sensitive=("sex",)))
    assert (found.word, gate(found, "fairness").passed) == ("keep champion", False)
    grown = gate(found, "fairness").numbers["gaps"]["sex"]
    assert grown["growth"] > grown["interval"][0] > 0 and grown["pair"][0] == "sex: group 2 of 2"
    assert (
        "'sex: group 2 of 2' and 'sex: group 1 of 2' grows by" in found.reason
        and "0.5 % is allowed" in found.reason
    )


def in_towns(seed: int, n_towns: int, n_rows: int, *, harder: float = 0.0, worse: float = 0.0) -> Compared:
    """Two versions in towns of equal size: the first is harder for both, and the challenger is worse there."""
    rng = np.random.default_rng(seed)
    odds, town = rng.normal(0, 2, n_rows), np.arange(n_rows) % n_towns
    y = (rng.random(n_rows) < 1 / (1 + np.exp(-odds))).astype(int)
    noise = 1 + harder * (town == 0)
    champion, challenger = (
        chances(odds + scale * rng.normal(size=n_rows)) for scale in (noise, noise + worse * (town == 0))
    )
    groups = {"town": [Slice(f"town: {number}", town == number, True) for number in range(n_towns)]}
    found = Compared(y, champion, challenger, np.arange(n_rows), np.ones(n_rows))
    return dataclasses.replace(found, groups=groups, sensitive=["town"])


def is_refused(rows: Compared, seed: int) -> bool:
    return not fairness_gate(rows.losses(METRICS["log_loss"]), rows, seed).passed


@pytest.mark.parametrize("harder", [0.0, 1.0])
def test_an_equally_fair_challenger_is_seldom_refused_for_one_of_eight_groups(harder):
    refused = sum(is_refused(in_towns(seed, 8, 480, harder=harder), seed) for seed in range(60))
    # 5 % are meant: more would come up in one of a hundred such tests.
    assert refused <= binom.ppf(0.99, 60, 0.05)


def test_an_equally_fair_challenger_whose_losses_vary_more_is_seldom_refused():
    """Its largest gap is larger by chance alone: the difference of the largest gaps would refuse one in five."""
    town, refused = np.arange(480) % 8, 0
    groups = {"town": [Slice(f"town: {number}", town == number, True) for number in range(8)]}
    rows = dataclasses.replace(compared(480), groups=groups, sensitive=["town"])
    for seed in range(100):
        rng = np.random.default_rng(seed)
        champion = rng.gamma(4, 1 / 4, 480)
        losses = np.column_stack([champion, (champion + rng.gamma(0.4, 1 / 0.4, 480)) / 2])
        paired = PairedLosses(METRICS["log_loss"], np.arange(480), losses, rows.units, rows.weight)
        refused += not fairness_gate(paired, rows, seed).passed
    assert refused <= binom.ppf(0.99, 100, 0.05)


def test_a_challenger_that_fails_one_group_is_found():
    assert sum(is_refused(in_towns(seed, 8, 2_400, worse=3.0), seed) for seed in range(10)) >= 8


def test_losses_of_any_size_are_judged_alike():
    """A rate's least error is that of one row decided otherwise; losses have units of their own."""
    rng = np.random.default_rng(0)
    first, y = np.arange(600) < 300, rng.normal(size=600)
    groups = {"sex": [Slice("sex: 1", first, True), Slice("sex: 2", ~first, True)]}
    champion, challenger = y + rng.normal(size=600), y + rng.normal(size=600) * np.where(first, 2.5, 1.0)
    found = []
    for unit in (1e-4, 1.0, 1e4):
        rows = Compared(unit * y, unit * champion, unit * challenger, np.arange(600), np.ones(600))
        rows = dataclasses.replace(rows, groups=groups, sensitive=["sex"])
        rmse = METRICS["rmse"]
        judgement = judge_challenger(
            rows, rmse, by_rows=rmse, calibration=None, tolerance=0.02, max_slowdown=1.5, seed=0
        )
        found.append(gate(judgement, "fairness"))
    assert not any(each.passed for each in found)
    growths = [each.numbers["gaps"]["sex"]["growth"] for each in found]
    assert growths == pytest.approx([growths[0]] * 3)


def test_groups_of_few_rows_are_not_judged():
    rows = in_towns(0, 8, 200, worse=5.0)
    found = gate(judged(rows), "fairness")
    assert found.passed and found.numbers["gaps"] == {} and "0 sensitive columns" in found.sentence


def test_a_slow_challenger_is_not_promoted_and_microseconds_decide_nothing():
    rows = compared(noise=0.3)
    slow = dataclasses.replace(rows, champion_seconds=0.1, challenger_seconds=0.2)
    assert gate(judged(slow), "serving").passed is False and judged(slow).word == "keep champion"
    assert judged(slow, max_slowdown=2.5).word == "promote"
    noise = dataclasses.replace(rows, champion_seconds=0.0001, challenger_seconds=0.001)
    assert judged(noise).word == "promote"


def test_rows_of_one_unit_count_as_one():
    rows = compared(300, noise=0.8)
    thrice = {name: np.repeat(getattr(rows, name), 3, axis=0) for name in ("y", "champion", "challenger")}
    tripled = dataclasses.replace(rows, **thrice, units=np.repeat(rows.units, 3), weight=np.ones(900))
    alone, together = judged(rows), judged(tripled)
    assert together.gain == pytest.approx(alone.gain)
    assert np.diff(together.interval) == pytest.approx(np.diff(alone.interval), rel=0.15)


def test_the_judgement_is_strict_json_and_the_same_every_time():
    rows = compared()
    rows = dataclasses.replace(rows, groups=halves(rows, "sex"), sensitive=("sex",))
    first, second = (json.dumps(judged(rows).to_dict(), allow_nan=False) for _ in range(2))
    assert first == second
    names = [each["name"] for each in json.loads(first)["gates"]]
    assert names == ["overall", "slices", "calibration", "fairness", "serving"]


def test_regression_is_judged_without_calibration():
    rng = np.random.default_rng(0)
    y = rng.normal(100, 10, 500)
    rows = Compared(y, y + rng.normal(0, 5, 500), y + rng.normal(0, 2, 500), np.arange(500), np.ones(500))
    rmse = METRICS["rmse"]
    found = judge_challenger(
        rows, rmse, by_rows=rmse, calibration=None, tolerance=0.02, max_slowdown=1.5, seed=0
    )
    assert found.word == "promote"
    assert "calibration" not in [each.name for each in found.gates]


def test_twice_the_precision_takes_four_times_the_rows():
    assert rows_needed(0.02, 1000, 0.01) == pytest.approx(4 * rows_needed(0.02, 1000, 0.02), rel=1e-3)
    assert rows_needed(0.0, 1000, 0.02) == 50


def test_equal_challengers_are_seldom_called_better_and_real_losses_seldom_pass():
    """Two error rates of 5 % each: more than 6 of 50 would come up in 1 of 100 such tests."""
    better = promoted = 0
    for seed in range(50):
        better += gate(judged(compared(300, seed=seed)), "overall").numbers["finding"] == "better"
        # Worse by about three times the tolerance.
        promoted += judged(compared(300, noise=1.25, seed=seed)).word == "promote"
    assert better <= 6
    assert promoted <= 6


@pytest.mark.parametrize("metric", ["f1", "cost"])
def test_versions_are_compared_by_the_labels_that_each_serves(metric):
    """The champion's probabilities are a quarter of the challenger's, and so is its threshold."""
    rows = compared(noise=1.0)
    positive = rows.challenger[:, 1] / 4
    costs = np.where(np.arange(2) == rows.y[:, None], 0.0, 5.0)
    same = dataclasses.replace(
        rows, champion=np.column_stack([1 - positive, positive]), costs=costs, challenger_threshold=0.4
    )
    served = judged(dataclasses.replace(same, champion_threshold=0.1), metric)
    assert served.gain == 0 and served.champion_score == served.challenger_score
    at_a_half = judged(same, metric)
    assert at_a_half.gain > 0.2
