"""Fairness as a part of the verdict: what is listed, what is said, and what forbids a mix."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.fairness.assessment import SHARE, _power, assess_fairness, fairness_vetoes
from tests.tasks.core.fairness.made import LOG_LOSS, MIX, REAL_ONLY, decided, people


def assessed(sensitive, oof, *, mix=MIX, **changes):
    fields = {"limit": 0.05, "widening": 1.0, "seed": 0, "classes": ("no", "yes"), **changes}
    return assess_fairness(oof, LOG_LOSS, real_only=REAL_ONLY, mix=mix, sensitive=sensitive, **fields)


def test_a_widened_gap_is_a_veto_that_names_groups_rate_and_limit_but_no_value():
    sensitive = people(np.random.default_rng(0), 1000, faith=[0.5, 0.5])
    found = assessed(sensitive, decided(0, sensitive, gap=0.1, widening=0.3))
    vetoes = fairness_vetoes(found)
    assert any(
        "selection rate between 'faith: group" in veto and "allows 5.0 points" in veto for veto in vetoes
    )
    assert "faith-" not in str(found.to_dict())
    assert "widens a gap beyond the card's limit" in found.sentence


def test_a_mix_that_changes_nothing_has_no_veto_and_its_power_is_said():
    sensitive = people(np.random.default_rng(0), 600, faith=[0.5, 0.5])
    found = assessed(sensitive, decided(0, sensitive, gap=0.3))
    assert fairness_vetoes(found) == []
    assert "would have been found in four of five such studies" in found.sentence


def test_a_widening_beyond_all_of_a_share_is_none_that_could_be_found():
    sensitive = people(np.random.default_rng(0), 600, faith=[0.5, 0.5])
    (first, *others) = assessed(sensitive, decided(0, sensitive, gap=0.3)).gaps
    tested = [each for each in others if each.caught_from is not None]
    said = _power([first.model_copy(update={"caught_from": 1.053}), *tested], SHARE)
    assert said.endswith(f"Of {first.rate} by faith none would: too few rows.") and "105" not in said


def test_a_small_group_is_listed_as_not_judged_and_moves_no_gap():
    sensitive = people(np.random.default_rng(0), 600, faith=[0.5, 0.5])
    sensitive.iloc[:7] = "few"
    oof = decided(0, sensitive)
    oof.predictions[:, :, :7] = [0.0, 1.0]
    found = assessed(sensitive, oof)
    selection = found.gaps[0]
    assert [(g.n, g.note) for g in selection.groups][-1] == (7, "not judged (n = 7)")
    assert selection.groups[-1].real_only is None and selection.n_judged == 2
    assert selection.mix < 0.2, "seven people who are all selected do not make the gap"
    assert "too small for some rate" in found.sentence


def test_no_group_is_lost_from_the_list():
    rng = np.random.default_rng(0)
    sensitive = pd.DataFrame(
        {"village": rng.integers(0, 200, 600).astype(str), "sex": rng.choice(["f", "m"], 600)}
    )
    found = assessed(sensitive, decided(0, sensitive))
    for gap in found.gaps:
        if gap.rate == "selection rate":
            n_groups = {"village": 50, "sex": 2}.get(gap.grouping)
            assert n_groups is None or len(gap.groups) + gap.n_unlisted == n_groups
            assert gap.n_unlisted or sum(group.n for group in gap.groups) == 600


def test_without_a_mix_the_rates_of_real_only_stand_alone():
    sensitive = people(np.random.default_rng(0), 300, faith=[0.5, 0.5])
    found = assessed(sensitive, decided(0, sensitive), mix=None)
    assert found.gaps[0].real_only is not None and found.gaps[0].mix is None
    assert fairness_vetoes(found) == [] and "No mix could be compared" in found.sentence


def test_a_document_without_the_part_has_no_veto():
    assert fairness_vetoes(None) == []
