import dataclasses
import json
import re

import pytest

from realmix.tasks.core.contracts.specs import FIRST_TO_GO
from realmix.tasks.core.mixes.in_words import synthesizer_in_words
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.make_plan import make_plan, more_time
from realmix.tasks.core.plan.plan import Asked, Plan, TableShape
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card_parts import Deploy
from realmix.tasks.core.words import listed
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

BANK = TableShape(2000, 1600, 16, 2, "binary", 0.117)
LARGE = TableShape(48_842, 39_000, 14, 2, "binary", 0.24)
RULE = HoldoutRule(3, 0.2, ("age",))


def plan_for(shape, budget, known=SYNTHESIZERS, learners=MODELS, **asked):
    return make_plan(
        shape,
        Costs(known, learners),
        asked=Asked(**asked),
        available=[n for n, s in known.items() if not s.is_control and s.needs is None],
        metric="rmse" if shape.task == "regression" else "log_loss",
        holdout=RULE,
        budget_seconds=budget,
        seed=0,
        n_workers=2,
    )


@pytest.mark.parametrize("shape", [BANK, LARGE, TableShape(649, 520, 32, 1, "regression", 1.0)])
@pytest.mark.parametrize("budget", [180, 270, 600])
def test_estimate_stays_within_the_budget(shape, budget):
    plan = plan_for(shape, budget)
    assert sum(plan.estimate_seconds.values()) <= budget


def test_the_default_study_of_the_bundled_table_is_no_toy():
    plan = plan_for(BANK, 240)
    families = {SYNTHESIZERS[name].family for name in plan.synthesizers}
    assert len(families) >= 4
    assert families & {"gan", "vae"}
    assert len(plan.ratios) == 4
    assert plan.label_rules == ("joint", "teacher")
    assert len([m for m in plan.models if not MODELS[m].is_null]) >= 2
    assert plan.n_folds >= 4


def test_more_time_never_buys_a_smaller_study():
    small, large = plan_for(BANK, 150), plan_for(BANK, 3600)
    assert len(list(large.mixes())) >= len(list(small.mixes()))
    assert large.n_folds * large.n_repeats >= small.n_folds * small.n_repeats
    assert len(large.left_out) <= len(small.left_out)


def test_what_the_user_names_is_never_left_out():
    plan = plan_for(LARGE, 90, synthesizers=("ctgan",), ratios=(0.25, 3.0), models=("random-forest",))
    assert list(plan.synthesizers) == ["ctgan"]
    assert plan.ratios == (0.25, 3.0)
    assert plan.models[0] == "random-forest"


def test_everything_left_out_is_said():
    plan = plan_for(BANK, 120)
    assert plan.left_out
    assert all(isinstance(sentence, str) for sentence in plan.left_out)


def test_an_impossible_budget_gives_the_smallest_study_and_says_so():
    plan = within(30, start_seconds=60.0)
    assert "nothing more could be left out" in plan.left_out[-1]


def test_a_plan_survives_its_file():
    plan = plan_for(BANK, 240)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_controls_run_at_every_ratio_and_label_rule_of_the_candidates():
    plan = plan_for(BANK, 240)
    names = {mix.name for mix in plan.mixes()}
    for control in ("duplicates", "shuffled-marginals"):
        for ratio in plan.ratios:
            assert f"{control}/{ratio:g}/joint" in names
            assert f"{control}/{ratio:g}/teacher" in names
    assert {"real-only", "distillation", "class-weights"} <= names


def test_real_only_gets_as_many_trials_as_any_mix():
    plan = plan_for(BANK, 600)
    arms = {mix.name: len(list(plan.arms_of(mix, ("class-prior",)))) for mix in plan.mixes()}
    assert arms["real-only"] == max(arms.values())


def test_the_rows_saved_curve_goes_last_and_is_said():
    assert plan_for(BANK, 5400).curve_repeats == 2
    small = plan_for(LARGE, 30)
    assert small.curve_repeats == 0
    assert [said for said in small.left_out if "rows-saved" in said] == ["the rows-saved curve"]
    assert small.estimate_seconds["rows saved"] == 0
    once = next(p for p in (plan_for(BANK, b) for b in range(150, 900, 30)) if p.curve_repeats == 1)
    assert "the rows-saved curve on more than 1 x the folds" in once.left_out


def test_a_plan_from_before_the_rows_saved_curve_is_read_and_measures_none():
    written = plan_for(BANK, 240).to_dict()
    del written["curve_repeats"]
    assert Plan.from_dict(json.loads(json.dumps(written))).curve_repeats == 0


def of_a_minute(name, **changes):
    """A synthesizer from outside, of which the planner knows nothing but what it says."""
    dear = dataclasses.replace(
        SYNTHESIZERS["smote"], name=name, fit_cost=lambda n_rows, n_columns, steps: 60.0
    )
    return dataclasses.replace(dear, drop_order=FIRST_TO_GO, **changes)


@pytest.mark.parametrize("budget", [90, 150, 240, 600])
def test_a_synthesizer_of_a_minute_a_fit_is_left_out_instead_of_everything_else(budget):
    plan = plan_for(BANK, budget, {**SYNTHESIZERS, "slow": of_a_minute("slow")})
    alone = plan_for(BANK, budget)
    assert plan.left_out and "synthesizer slow" in plan.left_out
    assert dataclasses.replace(plan, left_out=()) == dataclasses.replace(alone, left_out=())


def test_the_dearest_of_equals_goes_first():
    two = {"slow": of_a_minute("slow"), "quick": of_a_minute("quick", fit_cost=lambda *sizes: 0.01)}
    plan = plan_for(BANK, 900, {**SYNTHESIZERS, **two})
    assert "quick" in plan.synthesizers and "slow" not in plan.synthesizers


def test_with_time_enough_or_when_asked_for_it_stays():
    all_of_them = {**SYNTHESIZERS, "slow": of_a_minute("slow")}
    assert "slow" in plan_for(BANK, 36_000, all_of_them).synthesizers
    assert "slow" in plan_for(BANK, 240, all_of_them, first="slow").synthesizers


def test_a_learner_from_outside_competes_but_labels_nothing_unless_it_says_so():
    mine = dataclasses.replace(MODELS["linear"], name="mine", is_teacher=False, drop_order=FIRST_TO_GO)
    plan = plan_for(BANK, 3600, learners={**MODELS, "mine": mine})
    assert "mine" in plan.models
    assert plan.teacher == plan_for(BANK, 3600).teacher
    dear = dataclasses.replace(mine, fit_cost=lambda n_rows, n_columns, n_classes: 20.0)
    plan = plan_for(BANK, 240, learners={**MODELS, "mine": dear})
    assert "mine" not in plan.models and "linear" in plan.models and "xgboost" in plan.models


def test_the_cheapest_learner_is_never_left_out():
    for shape in (BANK, LARGE):
        assert "linear" in plan_for(shape, 30).models


def test_what_a_short_budget_cannot_try_is_said_with_one_that_can():
    plan = plan_for(BANK, 30)
    said = re.fullmatch(
        r"at 30 s only (.+) can be tried; (\d+) min would try (\d+) synthesizers", plan.left_out[0]
    )
    assert said and said[1] == listed([synthesizer_in_words(name) for name in plan.synthesizers])
    assert len(plan_for(BANK, 60 * int(said[2])).synthesizers) == int(said[3]) > len(plan.synthesizers)
    assert not any("can be tried" in sentence for sentence in plan_for(BANK, 5400).left_out)
    assert not any("can be tried" in s for s in plan_for(BANK, 90, synthesizers=("smote",)).left_out)


def test_what_more_time_would_try_is_said_as_in_the_plan_and_nothing_without_generators():
    def said(budget, available):
        return more_time(
            BANK, Costs(SYNTHESIZERS, MODELS), asked=Asked(), available=available, metric="log_loss",
            holdout=RULE, budget_seconds=budget, seed=0, n_workers=2,
        )  # fmt: skip

    usable = [n for n, s in SYNTHESIZERS.items() if not s.is_control and s.needs is None]
    assert said(30, usable) == plan_for(BANK, 30).left_out[0]
    assert said(5400, usable) is None and said(30, []) is None


def within(budget, **known):
    return make_plan(
        BANK,
        Costs(SYNTHESIZERS, MODELS, **known),
        asked=Asked(),
        available=[n for n, s in SYNTHESIZERS.items() if not s.is_control and s.needs is None],
        metric="log_loss",
        holdout=RULE,
        budget_seconds=budget,
        seed=0,
        n_workers=2,
    )


def test_a_measured_start_is_taken_off_the_budget():
    quick, slow = within(120, start_seconds=4.0), within(120, start_seconds=60.0)
    assert (quick.estimate_seconds["start"], slow.estimate_seconds["start"]) == (4.0, 60.0)
    assert sum(slow.estimate_seconds.values()) <= 120

    def n_fits(plan):
        return plan.n_folds * plan.n_repeats * sum(1 for mix in plan.mixes() for _ in plan.arms_of(mix))

    assert n_fits(quick) > n_fits(slow)


def test_two_thirds_of_a_short_budget_are_fits():
    estimate = within(90, start_seconds=8.0).estimate_seconds
    fits = ("teacher", "synthesize", "train", "refit", "gap", "rows saved")
    assert sum(estimate[part] for part in fits) >= 2 / 3 * 0.9 * 90


def test_estimates_follow_what_earlier_studies_took():
    plan = within(240, corrections={"race": 0.5, "track": 2.0})
    plain = dataclasses.replace(Costs(SYNTHESIZERS, MODELS)).estimate(plan, BANK)
    assert plan.estimate_seconds["train"] == pytest.approx(plain["train"] / 2, abs=0.2)
    assert plan.estimate_seconds["track"] == pytest.approx(plain["track"] * 2, abs=0.2)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))).corrections == plan.corrections


def test_a_plan_without_corrections_is_written_as_before():
    written = plan_for(BANK, 240).to_dict()
    assert "corrections" not in written and Plan.from_dict(written).to_dict() == written


def test_the_teachers_members_are_tuned_where_there_is_time_and_few_rows():
    def trials(plan):
        return {name: [trial for of, trial in plan.teacher if of == name] for name in plan.teacher_models}

    assert set(map(len, trials(plan_for(BANK, 3600)).values())) == {4}
    assert set(map(len, trials(plan_for(BANK, 60)).values())) == {1}
    large = plan_for(LARGE, 600)
    assert set(map(len, trials(large).values())) == {1} and max(large.ratios) == 5.0
    assert "all but 1 of the trials of each member of the teacher" in large.left_out


def test_a_card_s_limits_leave_learners_out_with_their_reason_but_not_out_of_the_teacher():
    plan = plan_for(BANK, 600, deploy=Deploy(readable=True))
    assert set(plan.models) <= {n for n, spec in MODELS.items() if spec.write_readable or spec.is_null}
    assert "decision-tree" in plan.models
    assert "xgboost as a learner: people cannot follow it by hand" in plan.left_out
    assert "xgboost" in dict(plan.teacher)


@pytest.mark.parametrize("budget", [30, 120])
def test_however_short_the_budget_a_deployable_learner_stays(budget):
    plan = plan_for(LARGE, budget, deploy=Deploy(readable=True))
    assert any(not MODELS[name].is_null for name in plan.models)
