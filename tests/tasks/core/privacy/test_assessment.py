"""An assessment says what was found, how surely a leak would have been found, and keeps its three blocks apart."""

from __future__ import annotations

import json

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.privacy.assessment import (
    PrivacyAssessment,
    assess_privacy,
    assess_trials,
    share_interval,
)
from realmix.tasks.core.privacy.exposure import Declared
from tests.tasks.core.privacy.tables import SCHEMA, trial


def assess(found, **options) -> PrivacyAssessment:
    sides = (found.synthetic, found.members, found.non_members, found.reference)
    return assess_privacy(*sides, SCHEMA, seed=1, **options)


@pytest.fixture(scope="module")
def leaky() -> PrivacyAssessment:
    return assess(trial(200, 5, copied=0.3), secrets=("region",), declared=Declared(prior=0.1, harm=100))


@pytest.fixture(scope="module")
def honest() -> PrivacyAssessment:
    return assess(trial(200, 6), declared=Declared(prior=0.1))


def test_a_leaky_pool_is_named_with_the_share_that_is_recognized(leaky):
    measured = leaky.measured
    assert leaky.is_leaking
    assert measured.copied_members == 60
    assert measured.copied_non_members == 0
    assert measured.tpr >= 0.29
    assert measured.tpr_interval[0] < measured.tpr < measured.tpr_interval[1]
    assert measured.advantage == pytest.approx(measured.tpr - 0.01)
    assert measured.n_attacked == measured.n_members == 200
    assert measured.members_flagged == round(measured.tpr * 200)
    assert measured.p_corrected < 0.001
    assert leaky.sentence.startswith(f"Leak found: the attack '{measured.worst_attack}' recognizes ")
    assert leaky.sentence.endswith("The rows of this pool must not be shared.")


def test_the_riskiest_rows_are_members_by_their_labels_alone(leaky):
    members = set(trial(200, 5, copied=0.3).members.index)
    copied = set(trial(200, 5, copied=0.3).members.index[:60])
    assert len(leaky.measured.riskiest) == 10
    assert set(leaky.measured.riskiest) <= members
    assert len(copied & set(leaky.measured.riskiest)) >= 9
    assert "south" not in json.dumps(leaky.to_dict())


def test_an_honest_pool_is_said_to_be_one_with_the_power_beside(honest):
    assert not honest.is_leaking
    assert honest.finds_copies
    assert honest.measured.riskiest == ()
    assert honest.sentence.startswith("No leak found in 200 learned rows: ")
    assert "5 % copied ones would have been caught 20 of 20 times" in honest.sentence


def test_attacks_on_members_stand_beside_the_same_attacks_on_others(leaky, honest):
    assert [each.name for each in leaky.measured.disclosures] == [
        "singling out",
        "linking",
        "guessing region",
    ]
    assert [each.name for each in honest.measured.disclosures][-1] == "guessing ill"
    linking = leaky.measured.disclosures[1]
    assert linking.exceeds_control
    assert linking.control_interval[0] <= linking.control_rate <= linking.control_interval[1]
    assert not any(each.exceeds_control for each in honest.measured.disclosures)


def test_what_is_declared_and_what_follows_stand_in_blocks_of_their_own(leaky, honest):
    assert leaky.declared.prior == 0.1
    assert leaky.combined.persons_exposed == pytest.approx(200 * leaky.measured.tpr)
    assert leaky.combined.posterior > 0.7
    # Without a leak the best of many attacks is no more than chance.
    assert honest.combined.persons_exposed == honest.combined.by_chance == 2
    assert honest.combined.persons_interval[0] == 0
    silent = assess_trials([trial(60, 8)], leaky.controls, seed=0, n_persons=60)
    assert silent.declared is None
    assert silent.combined is None


def test_a_limit_is_exceeded_by_a_leak_beyond_it_only(leaky, honest):
    assert leaky.exceeds(0.1)
    assert not leaky.exceeds(0.9)
    assert not honest.exceeds(0.0)


def test_an_assessment_is_read_as_it_was_written(leaky):
    assert PrivacyAssessment.model_validate_json(json.dumps(leaky.to_dict())) == leaky


def test_too_few_rows_are_refused_with_a_sentence():
    with pytest.raises(BadInput, match="39 rows of the kind synthetic; expected at least 40 of each"):
        assess_trials([trial(39, 0)], (), seed=0, n_persons=39)


def test_the_interval_of_a_share_is_exact_or_wilsons():
    assert share_interval(3, 300, 0.95) == pytest.approx((0.0021, 0.0289), abs=2e-4)
    assert share_interval(3, 300, 0.95, "wilson") == pytest.approx((0.0034, 0.0290), abs=2e-4)
