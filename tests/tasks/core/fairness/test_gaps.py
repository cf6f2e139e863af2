"""The test of widened gaps: how often it refuses a mix that widens none, and one that does."""

from __future__ import annotations

import numpy as np
import pytest

from realmix.tasks.core.fairness.gaps import measure_gaps
from realmix.tasks.core.fairness.groups import groupings
from realmix.tasks.core.fairness.rates import rates_of
from tests.nulls.fairness import LIMIT, gaps_of, refuses
from tests.tasks.core.fairness.made import LOG_LOSS, MIX, REAL_ONLY, decided, people


def test_a_mix_that_widens_a_gap_far_beyond_the_limit_is_refused():
    found = gaps_of(0, gap=0.1, widening=0.3)
    (widest,) = [each for each in found if each.grouping.name == "sex" and each.rate.name == "selection rate"]
    assert widest.widening.vetoes
    assert widest.widening.widening == pytest.approx(0.3, abs=0.08)
    assert widest.widening.interval[0] > LIMIT
    assert widest.widening.p_value < 0.01


def test_a_mix_that_narrows_a_gap_is_not_refused():
    assert not refuses(gaps_of(0, gap=0.3, widening=-0.25))


def test_a_mix_that_turns_a_gap_around_is_not_said_to_widen_it():
    """From 20 points in favour of one group to 20 points in favour of the other."""
    assert not refuses(gaps_of(0, gap=0.2, widening=-0.4, base=0.4))


def test_a_widening_within_the_limit_is_allowed_and_the_same_one_refused_by_a_stricter_card():
    more = {"n_rows": 4000, "gap": 0.1, "widening": 0.08, "agreement": 0.99}
    studies = [{"seed": seed, **more} for seed in range(3)]
    assert not any(refuses(gaps_of(**study, limit=0.1)) for study in studies)
    assert all(refuses(gaps_of(**study, limit=0.0)) for study in studies)


def test_equal_mixes_are_refused_in_at_most_one_study_of_twenty():
    """Simulate 40 studies of 600 rows without any change, with no widening allowed at all: the hardest case."""
    refused = sum(refuses(gaps_of(seed, 600, limit=0.0, gap=0.1)) for seed in range(40))
    assert refused <= 5, "with a rate of 5 % more than five refusals have a probability of 1 %"


def test_growth_of_exactly_the_limit_is_refused_in_at_most_one_study_of_twenty():
    refused = sum(refuses(gaps_of(seed, 600, gap=0.1, widening=LIMIT)) for seed in range(40))
    assert refused <= 5


def test_three_times_the_limit_is_found_in_most_studies_of_a_thousand_rows():
    refused = sum(refuses(gaps_of(seed, gap=0.1, widening=3 * LIMIT)) for seed in range(20))
    assert refused >= 14


def test_the_stated_power_is_the_power():
    """A widening as large as what four of five studies should find is found in about so many."""
    first = next(each for each in gaps_of(0, gap=0.1, widening=0.1) if each.rate.name == "selection rate")
    stated = first.widening.caught_from
    found = [gaps_of(seed, gap=0.1, widening=stated) for seed in range(30)]
    share = np.mean([each[0].widening.vetoes for each in found])
    assert 0.5 <= share <= 1.0


def test_groups_that_no_row_tells_apart_exactly_are_not_judged_by_luck():
    """Both arms select every one of few people: their rate is not known exactly."""
    found = gaps_of(0, 400, base=0.99, limit=0.0)
    assert not refuses(found)
    selection = next(
        each for each in found if each.grouping.name == "region" and each.rate.name == "selection rate"
    )
    assert (selection.intervals[:, 1] - selection.intervals[:, 0] > 0).all()


def test_the_same_seed_gives_the_same_numbers():
    first, second = (gaps_of(3, 400, widening=0.1) for _ in range(2))
    assert [each.widening for each in first] == [each.widening for each in second]


def test_rows_of_one_person_count_once():
    """Every row five times: intervals are those of the people, not of the rows."""
    sensitive = people(np.random.default_rng(0), 200, sex=[0.5, 0.5])
    oof = decided(0, sensitive, widening=0.1)
    rates = rates_of(oof, (REAL_ONLY, MIX), LOG_LOSS, ("no", "yes"))[:1]
    (once,) = measure_gaps(
        rates,
        groupings(sensitive),
        weight=np.ones(200),
        units=np.arange(200),
        limit=0.05,
        widening=1.0,
        seed=0,
    )
    many = sensitive.iloc[np.repeat(np.arange(200), 5)].reset_index(drop=True)
    repeated = [
        type(r)(r.name, np.repeat(r.values, 5, axis=0), np.repeat(r.is_counted, 5), "") for r in rates
    ]
    (copied,) = measure_gaps(
        repeated, groupings(many), weight=np.ones(1000), units=np.repeat(np.arange(200), 5), limit=0.05,
        widening=1.0, seed=0,
    )  # fmt: skip
    np.testing.assert_allclose(copied.intervals, once.intervals, rtol=1e-6)
    assert copied.widening.interval == pytest.approx(once.widening.interval)
