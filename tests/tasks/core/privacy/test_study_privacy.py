"""What a leak forbids: sharing always, shipping a model only beyond the limit that the card sets."""

from __future__ import annotations

import pytest

from realmix.tasks.core.privacy.assessment import PrivacyAssessment, assess_trials
from realmix.tasks.core.privacy.controls import N_REPEATS, ControlPool
from realmix.tasks.core.privacy.study_privacy import judge_pool, training_table_exposes
from tests.tasks.core.privacy.tables import trial


def assessed(copied: float, n_caught: int = 20) -> PrivacyAssessment:
    controls = tuple(
        ControlPool(copied_share=share, n_caught=n_caught if share else 0, n_repeats=20, n_members=100)
        for share in N_REPEATS
    )
    return assess_trials([trial(100, 9, copied=copied)], controls, seed=0, n_persons=100)


@pytest.fixture(scope="module")
def honest() -> PrivacyAssessment:
    return assessed(0.0)


@pytest.fixture(scope="module")
def leaky() -> PrivacyAssessment:
    return assessed(0.4)


def test_a_pool_without_a_leak_may_be_shared(honest):
    found = judge_pool("ctgan", honest, releasable=True, max_tpr=0.0)
    assert found.may_be_shared
    assert found.veto is None
    assert "does not make them anonymous" in found.sharing


def test_a_leak_forbids_sharing_and_nothing_else_unless_the_card_sets_a_limit(leaky):
    found = judge_pool("ctgan", leaky, releasable=True, max_tpr=None)
    assert not found.may_be_shared
    assert found.veto is None
    limited = judge_pool("ctgan", leaky, releasable=True, max_tpr=0.05)
    assert limited.veto.startswith("The rows of 'ctgan' let an attack recognize ")
    assert limited.veto.endswith("the card allows 5 %.")
    assert judge_pool("ctgan", leaky, releasable=True, max_tpr=0.95).veto is None


def test_rows_that_blend_real_rows_are_never_shared_whatever_attacks_find(honest):
    found = judge_pool("smote", honest, releasable=False, max_tpr=None)
    assert not found.may_be_shared
    assert found.sharing.startswith("Never to be shared")
    assert found.veto is None


def test_an_assessment_that_finds_no_planted_leak_is_no_leave_to_share():
    found = judge_pool("ctgan", assessed(0.0, n_caught=10), releasable=True, max_tpr=0.0)
    assert not found.may_be_shared
    assert found.veto is None
    assert "so few rows" in found.sharing


def test_the_training_table_is_said_to_hold_real_rows():
    assert "is not anonymous" in training_table_exposes(900, 100)
    assert "900 real rows" in training_table_exposes(900, 0)
