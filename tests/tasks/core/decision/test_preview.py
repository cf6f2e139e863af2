"""The first answer: the plan that fits, the chance of proof, and what cheap arms are taken to say."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from realmix.tasks.core.decision.preview import (
    ROW_STEPS,
    STUDY_ROWS,
    WORK_SECONDS,
    PreviewArms,
    chance_of_proof,
    judge,
    preview_plan,
    sizes_of,
    study_sizes,
    work_seconds,
)
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.deploy import competing
from realmix.tasks.core.plan.plan import Asked, TableShape
from realmix.tasks.core.plan.priors import (
    DeviationLine,
    FoldSizes,
    GainLine,
    Prior,
    Priors,
    expected_provable_gain,
)
from realmix.tasks.core.report.preview_text import preview_lines
from realmix.tasks.core.scores.out_of_fold import OutOfFold, explained_share
from realmix.tasks.core.scores.significance import smallest_provable_gain
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card_parts import Deploy
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

COSTS = Costs(SYNTHESIZERS, MODELS)
RULE = HoldoutRule(0, 0.2, ("age",))


def tried_on(table: TableShape, **limits) -> PreviewArms:
    competitors, _ = competing(MODELS, table, Asked(**limits))
    return PreviewArms.of(SYNTHESIZERS, MODELS, table.task, competitors)


TRIED = PreviewArms.of(SYNTHESIZERS, MODELS, "regression", tuple(MODELS))
PRIORS = Priors(
    learners={},
    fold_deviation={"regression": DeviationLine(0.0, -0.5), "classification": DeviationLine(0.0, -0.5)},
    n_rows_range=(200, 1000),
    fitted_on=(),
    command="",
)
USED, STUDY = FoldSizes(600, 3, 2), FoldSizes(600, 5, 3)


def test_a_table_of_many_columns_leaves_out_the_dearest_generators_and_the_second_repeat():
    narrow, wide = (plan_of(shape(n_columns=n)) for n in (10, 1_000))
    assert len(narrow.synthesizers) > 1 and narrow.n_repeats == 2
    assert len(wide.synthesizers) == 1 and wide.n_repeats == 1
    table = shape(n_columns=1_000)
    assert work_seconds(wide, table, COSTS, tried_on(table)) < 2 * WORK_SECONDS


def shape(**changes) -> TableShape:
    usual = TableShape(
        n_all=30_000, n_development=24_000, n_columns=14, n_classes=2, task="binary", rarest_share=0.24
    )
    return dataclasses.replace(usual, **changes)


def plan_of(table: TableShape):
    return preview_plan(table, COSTS, tried_on(table), metric="log_loss", holdout=RULE, seed=0)


@pytest.mark.parametrize("n_columns", [5, 15, 40, 120])
@pytest.mark.parametrize(("task", "n_classes"), [("binary", 2), ("multiclass", 6), ("regression", 1)])
def test_the_rows_shrink_until_the_work_fits(n_columns, task, n_classes):
    table = shape(n_columns=n_columns, task=task, n_classes=n_classes)
    plan = plan_of(table)
    assert plan.n_development in ROW_STEPS
    assert (
        work_seconds(plan, table, COSTS, tried_on(table)) <= WORK_SECONDS
        or plan.n_development == ROW_STEPS[-1]
    )
    assert plan.n_development <= plan_of(dataclasses.replace(table, n_columns=3)).n_development


def test_a_small_table_is_used_whole_and_a_large_one_never_beyond_what_a_study_compares():
    assert plan_of(shape(n_development=240)).n_development == 240
    assert plan_of(shape(n_columns=1)).n_development == STUDY_ROWS


def test_a_table_in_time_is_looked_at_forward():
    plan = plan_of(shape(has_time=True))
    assert (plan.forward, plan.n_folds, plan.n_repeats) == (True, 5, 1)
    assert study_sizes(24_000, forward=True) == FoldSizes(STUDY_ROWS, 5, 1, forward=True)


def test_chance_is_one_half_where_the_expected_gain_is_just_what_is_needed():
    # The critical value is 2.4; se = 0.02 sqrt(1/15 + 1/4) = 0.011255.
    needed = 2.4 * 0.02 * math.sqrt(1 / 15 + 1 / 4)
    expected = Prior(needed, 0.03)
    assert chance_of_proof(expected, 0.02, STUDY, margin=0.005) == pytest.approx(0.5, abs=1e-6)


def test_chance_is_the_power_of_the_test_where_the_gain_is_certain():
    # At the smallest provable gain the power is 80 %.
    provable = smallest_provable_gain(0.02 * math.sqrt(1 / 15 + 1 / 4), margin=0.0)
    assert chance_of_proof(Prior(provable, 0.0), 0.02, STUDY, margin=0.0) == pytest.approx(0.8, abs=1e-4)


def test_chance_agrees_with_a_simulation():
    rng = np.random.default_rng(0)
    error = 0.02 * math.sqrt(1 / 15 + 1 / 4)
    measured = rng.normal(rng.normal(0.01, 0.02, 200_000), error)
    simulated = (measured > 2.4 * error).mean()
    assert chance_of_proof(Prior(0.01, 0.02), 0.02, STUDY, margin=0.005) == pytest.approx(
        simulated, abs=0.005
    )


def test_a_gain_below_the_margin_is_not_proven_however_quiet_the_folds():
    assert chance_of_proof(Prior(0.004, 0.0), 1e-9, STUDY, margin=0.005) < 1e-6
    assert chance_of_proof(Prior(0.006, 0.0), 0.0, STUDY, margin=0.005) == 1.0


@pytest.mark.parametrize(
    ("metric", "score", "class_prior", "share"),
    [("log_loss", 0.3, 0.6, 0.5), ("rmse", 4.0, 4.0, 0.0), ("roc_auc", 0.8, 0.5, 0.6), ("r2", 0.7, 0.0, 0.7)],
)
def test_explained_is_the_share_of_the_way_to_a_perfect_score(metric, score, class_prior, share):
    assert explained_share(METRICS[metric], score, class_prior) == pytest.approx(share)


def simulated(gains: dict[str, float], *, noise: float = 0.05, n_rows: int = 600) -> OutOfFold:
    """Arms whose squared losses differ by `gains` (mix name to relative gain) and by noise."""
    rng = np.random.default_rng(0)
    arms = tuple(TRIED.arms())
    losses = rng.gamma(2.0, 0.5, n_rows) * np.exp(noise * rng.normal(size=(len(arms), 2, n_rows)))
    for place, arm in enumerate(arms):
        losses[place] *= 4.0 if arm.model in TRIED.null_models else 1 - gains.get(arm.mix.name, 0.0)
    folds = np.array([rng.permutation(np.arange(n_rows) % 3) for _ in range(2)])
    return OutOfFold(arms, np.zeros(n_rows), folds, np.sqrt(losses), n_rows * 2 / 3)


def judged(oof: OutOfFold, squared_error, *, study: FoldSizes = STUDY, priors: Priors = PRIORS):
    return judge(oof, squared_error, task="regression", used=USED, study=study, tried=TRIED, priors=priors)


def test_a_mix_that_is_clearly_better_makes_a_study_worth_it(squared_error):
    preview = judged(simulated({TRIED.mixes[0].name: 0.1}), squared_error)
    assert preview.chance > 0.9
    assert preview_lines(preview)[-1].startswith("Worth a study:")
    assert preview.cheap[0].gain == pytest.approx(0.1, abs=0.02)
    assert preview.explained == pytest.approx(0.75, abs=0.01)


def test_mixes_that_gain_nothing_do_not(squared_error):
    preview = judged(simulated({}), squared_error)
    assert preview.chance < 0.1
    assert preview_lines(preview)[-1].startswith("Hardly:")


def test_more_rows_in_the_study_make_less_noise_and_prove_less(squared_error):
    oof = simulated({})
    here = judged(oof, squared_error, study=FoldSizes(600, 5, 3))
    larger = judged(oof, squared_error, study=FoldSizes(2400, 5, 3))
    assert larger.fold_std == pytest.approx(here.fold_std / 2)
    assert larger.smallest_provable_gain == pytest.approx(here.smallest_provable_gain / 2)


def test_preview_and_plan_expect_one_and_the_same_smallest_provable_gain(squared_error):
    """What the cheap arms measured is another number, of another name."""
    quiet, noisy = (judged(simulated({}, noise=noise), squared_error) for noise in (0.02, 0.2))
    planned = expected_provable_gain(
        "regression", STUDY, is_relative=True, margin=squared_error.margin, priors=PRIORS
    )
    assert quiet.smallest_provable_gain == noisy.smallest_provable_gain == planned
    assert quiet.fold_std < noisy.fold_std


def test_a_gain_of_few_rows_is_carried_along_the_line_of_the_priors(squared_error):
    line = GainLine(0.10, -0.02, 0.0, 0.02)
    falling = dataclasses.replace(PRIORS, learners=dict.fromkeys(MODELS, line))
    oof = simulated({TRIED.mixes[0].name: 0.1}, noise=0.01)
    here = judged(oof, squared_error, priors=falling)
    larger = judged(oof, squared_error, priors=falling, study=FoldSizes(1000, 5, 3))
    assert here.expected_gain - larger.expected_gain == pytest.approx(0.02 * math.log(1000 / 600), rel=0.02)


def test_a_tree_is_compared_with_itself_and_changes_nothing_that_is_said_of_the_best_learner(squared_error):
    plain = simulated({})
    for_tree = {
        arm: arm.model == "decision-tree" and arm.mix == TRIED.mixes_of_others[1] for arm in plain.arms
    }
    factor = np.array([math.sqrt(0.9) if gains else 1.0 for gains in for_tree.values()])[:, None, None]
    better = dataclasses.replace(plain, predictions=plain.predictions * factor)
    before, after = (judged(oof, squared_error) for oof in (plain, better))
    tree = next(each for each in after.others if each.model == "decision-tree")
    assert tree.best.mix == TRIED.mixes_of_others[1] and tree.best.gain == pytest.approx(0.1, abs=0.02)
    assert any(line.startswith("decision-tree: squared_error ") and "compared with itself" in line
               for line in preview_lines(after))  # fmt: skip
    assert dataclasses.replace(after, others=before.others) == before


def test_a_mix_that_failed_is_named_and_leaves_its_family_to_the_prior(squared_error):
    oof = simulated({})
    kept = [i for i, arm in enumerate(oof.arms) if not arm.mix.synthesizer]
    failed = {mix.name: "it broke" for mix in TRIED.mixes}
    oof = dataclasses.replace(
        oof, arms=tuple(oof.arms[i] for i in kept), predictions=oof.predictions[kept], disqualified=failed
    )
    preview = judged(oof, squared_error)
    assert preview.cheap == ()
    assert preview.fold_std == preview.expected_fold_std
    assert preview.expected_gain == 0.0
    assert all(f"left out: {name}: it broke" in preview_lines(preview) for name in failed)


def test_arms_of_one_mix_stand_side_by_side_and_are_all_different():
    arms = TRIED.arms()
    mixes = [arm.mix for arm in arms]
    assert [mix for i, mix in enumerate(mixes) if i == 0 or mix != mixes[i - 1]] == list(dict.fromkeys(mixes))
    assert len(set(arms)) == len(arms)
    assert {(arm.mix.synthesizer, arm.mix.synthetic_ratio) for arm in arms if arm.mix in TRIED.mixes} == {
        ("neighbour-swap", 5.0),
        ("sequential-trees", 1.0),
    }
    assert all(isinstance(arm, Arm) for arm in arms)


def test_the_preview_runs_the_folds_that_its_plan_says():
    plan = plan_of(shape())
    assert sizes_of(plan) == FoldSizes(plan.n_development, 3, 2)


def test_where_only_readable_learners_compete_they_are_tried_and_the_teacher_stays():
    usual, readable = tried_on(shape()), tried_on(shape(), deploy=Deploy(readable=True))
    assert usual.learners == usual.teacher and usual.others == ("decision-tree",)
    assert readable.others == ()
    assert readable.teacher == usual.teacher
    assert set(readable.learners) == set(readable.students) == {"decision-tree", "scorecard"}
    small = tried_on(shape(), deploy=Deploy(max_megabytes=0.1))
    assert small.learners == ("linear",)
