import dataclasses
import json

import pytest

from realmix.tasks.core.contracts.specs import CONTROLS
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.plan.plan import Block, Layout, Plan
from realmix.tasks.core.splits.holdout import HoldoutRule

PLAN = Plan(
    seed=0,
    task="binary",
    metric="log_loss",
    holdout=HoldoutRule(7, 0.2, ("age", "job"), None),
    n_development=800,
    n_folds=5,
    n_repeats=3,
    forward=False,
    models=("linear", "xgboost", "class-prior"),
    n_trials=2,
    synthesizers={"smote": None, "ctgan": 300},
    ratios=(0.5, 2.0),
    weights=(1.0, 0.3),
    label_rules=("joint", "teacher"),
    balances=("prior",),
    teacher=(("linear", 0), ("xgboost", 1)),
    n_workers=2,
    threads_per_fit=1,
    n_real_trials=4,
    timeout_seconds={"smote": 30.0},
)


def test_a_plan_survives_json_with_its_types():
    assert Plan.from_dict(json.loads(json.dumps(PLAN.to_dict()))) == PLAN


def test_a_written_plan_names_its_mixes_for_people():
    assert PLAN.to_dict()["mixes"] == [mix.name for mix in PLAN.mixes()]


def test_every_mix_comes_once_the_real_rows_first_then_controls_then_candidates():
    mixes = list(PLAN.mixes())
    assert len(mixes) == len(set(mixes)) == 3 + 4 * 2 * 2 * 2
    assert [mix.name for mix in mixes[:3]] == ["real-only", "distillation", "class-weights"]
    is_control = [mix.synthesizer in CONTROLS for mix in mixes[3:]]
    assert is_control == sorted(is_control, reverse=True) and is_control.count(True) == 16


def test_softened_labels_come_with_the_largest_ratio_and_the_weight_of_its_rows():
    plan = dataclasses.replace(PLAN, models=("linear", "decision-tree"), real_labels=("own", "half"))
    added = [mix for mix in plan.mixes_of("smote") if mix.real_labels == "half"]
    assert [mix.name for mix in added] == [
        "smote/2/teacher/half-labels",
        "smote/2/teacher/weight-2/half-labels",
    ]
    assert set(plan.mixes_of("smote")) - set(added) == set(PLAN.mixes_of("smote"))


def test_rows_that_outweigh_the_real_ones_are_for_learners_outside_of_the_teacher():
    models = ("linear", "decision-tree", "class-prior")
    plan = dataclasses.replace(PLAN, models=models, real_labels=("own", "half"))
    light, heavy = (mix for mix in plan.mixes_of("smote") if mix.real_labels == "half")
    assert [arm.model for arm in plan.arms_of(light, ["class-prior"])] == ["linear"] * 2 + [
        "decision-tree"
    ] * 2
    assert {arm.model for arm in plan.arms_of(heavy, ["class-prior"])} == {"decision-tree"}
    without = dataclasses.replace(PLAN, real_labels=("own", "half"))
    assert not any(mix.weight > 1 for mix in without.mixes())


def test_a_plan_without_softened_labels_is_written_as_it_was_before_they_were_a_setting():
    assert "real_labels" not in PLAN.to_dict()


def test_numbers_have_no_classes_to_weigh():
    regression = dataclasses.replace(PLAN, task="regression")
    assert Mix(balance="balanced") not in set(regression.mixes())
    assert regression.class_balances == ("prior",)


def test_real_rows_may_try_more_trials_than_a_mix():
    def trials(mix: Mix) -> list[int]:
        return [arm.trial for arm in PLAN.arms_of(mix) if arm.model == "linear"]

    assert trials(Mix()) == trials(Mix(label_rule="teacher")) == [0, 1, 2, 3]
    assert trials(Mix("smote", 0.5)) == trials(Mix(balance="balanced")) == [0, 1]


def test_mixes_try_the_trials_that_they_are_given_and_real_rows_try_all_of_theirs():
    best = {("linear", "joint"): [1, 3], ("linear", "teacher"): [0, 2]}

    def trials(mix: Mix, model: str = "linear") -> list[int]:
        return [arm.trial for arm in PLAN.arms_of(mix, best=best) if arm.model == model]

    assert trials(Mix("smote", 0.5)) == trials(Mix(balance="balanced")) == [1, 3]
    assert trials(Mix("smote", 0.5, label_rule="teacher")) == [0, 2]
    assert trials(Mix()) == trials(Mix(label_rule="teacher")) == [0, 1, 2, 3]
    assert trials(Mix("smote", 0.5), "xgboost") == [0, 1]


def test_a_model_that_knows_no_feature_runs_once_beside_real_only():
    named = [arm.name for mix in PLAN.mixes() for arm in PLAN.arms_of(mix, ["class-prior"])]
    assert [name for name in named if "class-prior" in name] == ["real-only/class-prior"]
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("bounds", "n_teacher", "n_synthetic"),
    [
        ({}, 1000, 2000),
        ({"max_teacher_rows": 300, "max_synthetic_rows": 500}, 300, 500),
        ({"max_teacher_rows": 5000, "max_synthetic_rows": 5000}, 1000, 2000),
    ],
)
def test_a_final_fit_takes_no_more_rows_than_the_plan_allows(bounds, n_teacher, n_synthetic):
    plan = dataclasses.replace(PLAN, **bounds)
    assert (plan.n_teacher(1000), plan.n_synthetic(1000)) == (n_teacher, n_synthetic)


def test_the_first_blocks_are_those_of_the_first_repeat():
    blocks = tuple(Block(repeat, fold, f"fold-{repeat}-{fold}") for repeat in (0, 1) for fold in range(3))
    assert Layout(PLAN, blocks[:-1]).n_first == 3


WRONG = {
    "n_bootstrap": 10**9,
    "models": ["../x"],
    "n_folds": 0,
    "n_repeats": True,
    "ratios": [float("nan")],
    "weights": [],
    "seed": -1,
    "n_workers": 1e6,
    "teacher": [["linear"]],
    "label_rules": ["guess"],
    "balances": "prior",
    "synthesizers": {"smote": "many"},
    "timeout_seconds": {"smote": -1},
    "holdout": {"salt": 1, "fraction": 2, "columns": [], "cutoff": None},
    "task": "clustering",
    "forward": "no",
    "machine_speed": 0,
    "unknown": 1,
}


@pytest.mark.parametrize("field", WRONG)
def test_a_plan_with_a_wrong_field_is_refused_by_its_name(field):
    with pytest.raises(BadInput, match=f"`{field}"):
        Plan.from_dict(json.loads(json.dumps(PLAN.to_dict())) | {field: WRONG[field]})


@pytest.mark.parametrize("data", [None, [], "plan", {}])
def test_what_is_no_plan_is_one_sentence(data):
    with pytest.raises(BadInput, match="The plan"):
        Plan.from_dict(data)


def test_the_published_schema_knows_every_field_that_is_written():
    schema = json.loads(Plan.schema_text())
    written = dataclasses.replace(
        PLAN, corrections={"race": 1.2}, real_labels=("own", "half"), pretrained={"tabicl": "a"}
    ).to_dict()
    assert set(schema["properties"]) == set(written)
    assert set(schema["required"]) < set(PLAN.to_dict())


def test_the_ensemble_runs_once_and_with_real_only_alone():
    plan = dataclasses.replace(
        PLAN, models=("linear", "ensemble", "class-prior"), real_labels=("own", "half")
    )
    arms = [arm for mix in plan.mixes() for arm in plan.arms_of(mix, ["class-prior"])]
    assert [arm.name for arm in arms if arm.model == "ensemble"] == ["real-only/ensemble"]
    assert not any(mix.weight > 1 for mix in plan.mixes())


def test_a_teacher_of_several_trials_has_each_model_once():
    plan = dataclasses.replace(PLAN, teacher=(("linear", 0), ("xgboost", 0), ("linear", 1), ("xgboost", 1)))
    assert plan.teacher_models == ("linear", "xgboost")
