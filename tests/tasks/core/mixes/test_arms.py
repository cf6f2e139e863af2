import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realmix.tasks.core.mixes.arms import Arm, Mix

mixes = st.builds(
    Mix,
    st.sampled_from(["ctgan", "smote", "duplicates"]),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([0.3, 1.0, 2.0]),
    st.sampled_from(["joint", "teacher"]),
    st.sampled_from(["prior", "balanced"]),
    st.sampled_from(["own", "half"]),
)
arms = st.builds(Arm, mixes, st.sampled_from(["linear", "xgboost"]), st.integers(0, 3))


@pytest.mark.parametrize(
    ("mix", "name", "role"),
    [
        (Mix(), "real-only", "real_only"),
        (Mix(label_rule="teacher"), "distillation", "real_only"),
        (Mix(balance="balanced"), "class-weights", "control"),
        (Mix("duplicates", 1.0), "duplicates/1/joint", "control"),
        (Mix("shuffled-marginals", 2.0), "shuffled-marginals/2/joint", "control"),
        (Mix("shuffled-marginals", 2.0, 1.0, "teacher"), "shuffled-marginals/2/teacher", "candidate"),
        (Mix("duplicates", 2.0, 1.0, "teacher"), "duplicates/2/teacher", "control"),
        (
            Mix("smote", 0.25, 0.3, "teacher", "balanced"),
            "smote/0.25/teacher/weight-0.3/balanced",
            "candidate",
        ),
        (
            Mix("smote", 5.0, 5.0, "teacher", "prior", "half"),
            "smote/5/teacher/weight-5/half-labels",
            "candidate",
        ),
    ],
)
def test_a_mix_has_the_name_and_the_role_of_its_recipe(mix, name, role):
    assert (mix.name, mix.role) == (name, role)


def test_the_default_trial_has_no_place_in_the_name():
    assert Arm(Mix(), "linear").name == "real-only/linear"
    assert Arm(Mix(), "linear", 2).name == "real-only/linear/trial-2"


@given(st.sets(arms, max_size=30))
def test_two_arms_never_share_a_name(several):
    assert len({arm.name for arm in several}) == len(several)


@given(arms)
def test_an_arm_survives_json(arm):
    assert Arm.from_dict(json.loads(json.dumps(arm.to_dict()))) == arm


def test_shuffled_marginals_never_leave_the_race_for_another_mix_is_held_against_them():
    mixes = [Mix("smote", 1.0), Mix("shuffled-marginals", 1.0, 1.0, "teacher"), Mix("duplicates", 1.0), Mix()]
    assert [mix.is_raced for mix in mixes] == [True, False, False, False]


@pytest.mark.parametrize(
    ("mix", "softens"),
    [
        (Mix(), False),
        (Mix(label_rule="teacher"), True),
        (Mix("smote", 1.0, 1.0, "teacher"), False),
        (Mix("smote", 1.0, 1.0, "teacher", "prior", "half"), True),
    ],
)
def test_real_labels_are_softened_by_distillation_and_where_a_mix_says_so(mix, softens):
    assert mix.softens_real_labels is softens


@pytest.mark.parametrize(
    ("arm", "needs"),
    [
        (Arm(Mix(), "linear"), False),
        (Arm(Mix(balance="balanced"), "linear"), False),
        (Arm(Mix(label_rule="teacher"), "linear"), True),
        (Arm(Mix("smote", 1.0), "linear"), True),
        (Arm(Mix(), "ensemble"), True),
    ],
)
def test_pools_softened_labels_and_the_ensemble_need_a_teacher(arm, needs):
    assert arm.needs_teacher is needs


def test_a_mix_that_was_stored_before_real_labels_were_a_setting_keeps_them():
    stored = Arm(Mix("smote", 1.0), "linear").to_dict()
    del stored["mix"]["real_labels"]
    assert Arm.from_dict(stored) == Arm(Mix("smote", 1.0), "linear")


def test_a_mix_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Mix().weight = 2.0  # type: ignore[misc]
