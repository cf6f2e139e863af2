"""The words and the gates."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.decision.promised_gain import NO_PROMISE
from realmix.tasks.core.decision.ranking import ControlTest
from realmix.tasks.core.decision.verdict import decide, shrink
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.priors import GainLine, Priors

MARGIN = 0.005
# Nothing is expected of any learner: mean 0 and deviation 0.02.
NEUTRAL = Priors({}, {}, (200, 1000), (), "")
# Default recipes have mostly helped by 8 %.
HELPFUL = Priors(
    dict.fromkeys(("xgboost", "linear"), GainLine(0.08, 0.0, 0.0, 0.02)), {}, (200, 1000), (), ""
)


# Features that tell the target.
KNOWS = ControlTest("real-only/class-prior", 0.3, (0.2, 0.4), True)


def weakened(comparison: Comparison, **changes) -> Comparison:
    return dataclasses.replace(comparison, **changes)


def test_a_planted_good_arm_is_proven(planted):
    verdict = decide(planted, margin=MARGIN)
    assert verdict.outcome == "proven"
    assert verdict.is_mix_shipped
    assert verdict.ships == planted.winner
    assert all(gate.passed for gate in verdict.gates if "proven" in gate.needed_for)
    # No other table says what a mix brings that is no default recipe: what it promises is measured in these folds.
    low, high = verdict.promised_interval
    assert 0 < low < verdict.promised_gain < high
    assert (verdict.promised_gain, (low, high)) == (planted.promised_gain, planted.promised_interval)
    assert verdict.sentence.startswith(
        "Proven: train XGBoost on your real rows plus synthesizer 0 rows, one per real row"
    )


def test_a_proven_default_recipe_promises_what_it_and_other_tables_let_expect(planted):
    verdict = decide(weakened(planted, is_recipe=True), margin=MARGIN, priors=HELPFUL)
    assert verdict.outcome == "proven"
    assert verdict.promised_gain == verdict.shrunken_gain != planted.promised_gain
    assert verdict.promised_interval[0] > 0 and "the one model" not in verdict.reason


def test_a_proven_recipe_whose_one_model_may_lose_says_so(planted):
    verdict = decide(weakened(planted, is_recipe=True, standard_error=0.2), margin=MARGIN, priors=HELPFUL)
    assert verdict.outcome == "proven" and verdict.promised_interval[0] < 0
    assert "the interval is that of the one model trained in the end, which may lose" in verdict.reason


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"p_value": 0.051}, "significance"),
        ({"calibration_change": 0.011}, "calibration"),
    ],
)
def test_one_failed_gate_of_proof_leaves_a_default_recipe_expected_to_help(planted, changes, gate):
    verdict = decide(
        weakened(planted, is_recipe=True, beats_constant=KNOWS, **changes), margin=MARGIN, priors=HELPFUL
    )
    assert verdict.outcome == "expected to help" and verdict.is_mix_shipped
    assert [g.name for g in verdict.gates if not g.passed] == [gate]
    assert verdict.reason.startswith("Not proven:")
    assert verdict.promised_gain == verdict.shrunken_gain
    low, high = verdict.promised_interval
    assert low < verdict.promised_gain < high
    other = decide(weakened(planted, **changes), margin=MARGIN, priors=HELPFUL)
    assert other.outcome == "keep real only"
    assert "they say nothing of this one" in other.reason
    assert (other.promised_gain, other.promised_interval) == (0, (0, 0))


def lost(planted, **changes) -> Comparison:
    """A default recipe that scored a little worse than real only, on few rows."""
    plain = Arm(Mix(), "xgboost")
    measured = {"winner": plain, "incumbent": plain, "promise": NO_PROMISE, "challenger_gain": -0.005}
    measured |= {"standard_error": 0.02, "is_recipe": True, "beats_constant": KNOWS}
    return weakened(planted, **measured | changes)


def test_the_folds_are_the_veto_of_what_other_tables_expect(planted):
    verdict = decide(lost(planted), margin=MARGIN, priors=HELPFUL)
    # Equal precisions: half of 8 %, half of -0.5 %.
    assert verdict.outcome == "expected to help" and verdict.ships == planted.best_mix
    assert verdict.promised_gain == pytest.approx((0.08 - 0.005) / 2)
    clearly = dataclasses.replace(lost(planted), challenger_gain=-0.06, standard_error=0.02)
    assert decide(clearly, margin=MARGIN, priors=HELPFUL).outcome == "keep real only"
    assert decide(lost(planted), margin=MARGIN, priors=NEUTRAL).outcome == "keep real only"


def test_other_tables_say_nothing_of_features_that_do_not_beat_a_constant(planted):
    for constant in (dataclasses.replace(KNOWS, beats=False), None):
        verdict = decide(lost(planted, beats_constant=constant), margin=MARGIN, priors=HELPFUL)
        assert verdict.outcome == "keep real only"
        assert "not clearly better than a constant" in verdict.reason


def test_a_veto_stops_what_is_expected_to_help(planted):
    verdict = decide(lost(planted), margin=MARGIN, priors=HELPFUL, vetoes=["It harms a group."])
    assert verdict.outcome == "keep real only" and "It harms a group." in verdict.reason


def test_an_interval_that_touches_zero_is_no_proof(planted):
    promise = dataclasses.replace(planted.promise, interval=(0.0, 0.2))
    assert decide(weakened(planted, promise=promise), margin=MARGIN).outcome != "proven"


def test_a_promise_below_the_margin_is_kept_real(planted):
    verdict = decide(planted, margin=0.5)
    assert verdict.outcome == "keep real only"
    assert "worth having" in " ".join(gate.sentence for gate in verdict.gates if not gate.passed)


def test_a_mix_with_its_own_labels_that_does_not_beat_duplicates_is_not_proven(planted):
    tied = dataclasses.replace(planted.beats_duplicates, beats=False)
    for beats_duplicates in (tied, None):
        verdict = decide(weakened(planted, beats_duplicates=beats_duplicates), margin=MARGIN)
        assert verdict.outcome == "keep real only"
        assert verdict.ships == planted.incumbent
        assert [g.name for g in verdict.gates if not g.passed and "proven" in g.needed_for] == [
            "beats duplicates"
        ]


@pytest.fixture
def labelled(simulate_study, squared_error):
    """A teacher mix that beats everything."""
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 6: -0.13}, label_rule="teacher")
    return compare(oof, squared_error, seed=0, n_bootstrap=300)


def test_a_teacher_mix_must_also_beat_distillation(labelled):
    assert decide(labelled, margin=MARGIN).outcome == "proven"
    tied = dataclasses.replace(labelled.beats_distillation, beats=False)
    verdict = decide(weakened(labelled, beats_distillation=tied), margin=MARGIN)
    assert verdict.outcome == "keep real only"
    failed = [gate.name for gate in verdict.gates if not gate.passed and "proven" in gate.needed_for]
    assert failed == ["beats distillation"]


@pytest.mark.parametrize(("beats", "words"), [(False, "are not clearly"), (True, "are clearly")])
def test_duplicates_with_the_teachers_labels_decide_only_what_is_said_of_new_rows(labelled, beats, words):
    duplicates = dataclasses.replace(labelled.beats_duplicates, beats=beats)
    verdict = decide(weakened(labelled, beats_duplicates=duplicates), margin=MARGIN)
    assert verdict.outcome == "proven"
    assert f"The rows of synthesizer 0 {words} better than your real rows repeated" in verdict.reason


@pytest.mark.parametrize(("beats", "words"), [(False, "was not shown to matter"), (True, "matters")])
def test_shuffled_marginals_decide_only_what_is_said_of_realism(labelled, beats, words):
    shuffled = dataclasses.replace(labelled.beats_shuffled, beats=beats)
    verdict = decide(weakened(labelled, beats_shuffled=shuffled), margin=MARGIN)
    assert verdict.outcome == "proven"
    assert f"Their realism {words}" in verdict.reason


def test_shuffled_marginals_with_the_teachers_labels_may_ship_and_are_not_held_against_themselves(
    simulate_study, squared_error
):
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 5: -0.15}, label_rule="teacher")
    comparison = compare(oof, squared_error, seed=0, n_bootstrap=300)
    verdict = decide(comparison, margin=MARGIN)
    assert (verdict.outcome, verdict.ships.mix.synthesizer) == ("proven", "shuffled-marginals")
    assert comparison.beats_shuffled is None
    assert "realism" not in verdict.reason


@pytest.mark.parametrize("balance", ["prior", "balanced"])
def test_a_balanced_mix_must_also_beat_class_weights(planted, balance):
    mix = dataclasses.replace(planted.best_mix.mix, balance=balance)
    arm = dataclasses.replace(planted.best_mix, mix=mix)
    tied = dataclasses.replace(planted.beats_duplicates, control="class-weights/xgboost", beats=False)
    beaten = dataclasses.replace(tied, beats=True)
    for control, word in ((beaten, "proven"), (tied, "keep real only"), (None, "keep real only")):
        changes = {"winner": arm, "best_mix": arm, "beats_class_weights": control}
        verdict = decide(weakened(planted, **changes), margin=MARGIN)
        if balance == "prior":
            assert verdict.outcome == "proven"
        else:
            assert verdict.outcome == word
            failed = [gate.name for gate in verdict.gates if not gate.passed and "proven" in gate.needed_for]
            assert failed == ([] if word == "proven" else ["beats class weights"])


def test_a_veto_keeps_real_only(planted):
    verdict = decide(planted, margin=MARGIN, vetoes=["Its rows lie too close to real ones."])
    assert verdict.outcome == "keep real only"
    assert "too close to real ones" in verdict.reason


def test_a_control_never_ships(planted):
    control = Arm(Mix("duplicates", 1.0), "xgboost")
    assert decide(weakened(planted, winner=control), margin=MARGIN).outcome == "keep real only"


def test_a_tie_keeps_real_only_and_says_what_could_have_been_proven(simulate_study, squared_error):
    comparison = compare(simulate_study(0, offsets={0: -0.5}), squared_error, seed=0, n_bootstrap=100)
    verdict = decide(comparison, margin=MARGIN)
    assert verdict.outcome == "keep real only"
    assert verdict.ships == comparison.incumbent
    assert "smallest provable gain, measured on these 200 rows" in verdict.reason


def test_shrinking_trusts_precise_gains_more(planted):
    precise, vague = (shrink(weakened(planted, standard_error=se), NEUTRAL) for se in (0.001, 0.1))
    assert precise.mean == pytest.approx(planted.promised_gain, rel=0.01)
    assert 0 < vague.mean < planted.promised_gain / 10
    assert precise.chance_below(-MARGIN) < 1e-6 < vague.chance_below(-MARGIN)


def test_shrinking_is_the_normal_posterior_worked_out_by_hand(planted):
    # Prior sd 0.02 and standard error 0.02: half the gain; posterior sd 0.02 / sqrt(2).
    promise = dataclasses.replace(planted.promise, gain=0.03)
    posterior = shrink(weakened(planted, standard_error=0.02, promise=promise), NEUTRAL)
    assert posterior.mean == pytest.approx(0.015)
    # Half of the error's variance is due to one set of training rows.
    assert posterior.sd == pytest.approx(np.sqrt(0.0002 + 0.5 * 0.0004))


def test_the_verdict_is_strict_json(planted):
    json.dumps(to_jsonable(decide(planted, margin=MARGIN)), allow_nan=False)


def test_copies_of_real_rows_do_not_ship(simulate_study, squared_error):
    """Candidates that are exactly as good as duplicates, both better than real only."""
    shifts = dict.fromkeys((4, *range(6, 20)), -0.05)
    shipped = [
        decide(
            compare(simulate_study(seed, noise=0.05, offsets=shifts), squared_error, seed=0, n_bootstrap=100),
            margin=MARGIN,
        ).is_mix_shipped
        for seed in range(100)
    ]
    assert np.mean(shipped) <= 0.05 + 1.645 * np.sqrt(0.05 * 0.95 / 100)


def test_a_candidate_equal_to_the_duplicates_never_ships(simulate_study, squared_error):
    oof = simulate_study(0, noise=0.05, n_candidates=1, offsets={4: -0.2})
    copied = oof.predictions.copy()
    copied[6] = copied[4]
    comparison = compare(dataclasses.replace(oof, predictions=copied), squared_error, seed=0, n_bootstrap=100)
    assert comparison.winner == oof.arms[6]
    assert decide(comparison, margin=MARGIN).outcome == "keep real only"


def without_candidates(oof, disqualified):
    kept = [i for i, arm in enumerate(oof.arms) if arm.mix.role != "candidate"]
    return dataclasses.replace(
        oof,
        arms=tuple(oof.arms[i] for i in kept),
        predictions=oof.predictions[kept],
        disqualified=disqualified,
    )


def test_a_study_whose_generators_all_failed_is_not_decided_and_says_the_reason(
    simulate_study, squared_error
):
    failed = {"duplicates/1/joint": "a control", "smote/1/joint": "it gave no rows (in fold-0)."}
    oof = without_candidates(simulate_study(0), failed)
    verdict = decide(compare(oof, squared_error, seed=0, n_bootstrap=100), margin=MARGIN)
    assert verdict.outcome == NOT_DECIDED and not verdict.is_mix_shipped
    assert verdict.sentence.startswith(
        "Not decided. Every mix failed or was refused (1 mix or model); the first, smote/1/joint"
    )
    assert "it gave no rows (in fold-0)" in verdict.sentence


def test_a_study_without_generators_or_with_a_failed_control_keeps_real_only(simulate_study, squared_error):
    for failed in ({}, {"duplicates/1/joint": "a control", "distillation/xgboost": "no fit"}):
        oof = without_candidates(simulate_study(0), failed)
        verdict = decide(compare(oof, squared_error, seed=0, n_bootstrap=100), margin=MARGIN)
        assert verdict.outcome == "keep real only"


def test_one_generator_that_worked_is_enough_to_decide(simulate_study, squared_error):
    oof = dataclasses.replace(simulate_study(0, offsets={0: -0.5}), disqualified={"smote/1/joint": "no rows"})
    verdict = decide(compare(oof, squared_error, seed=0, n_bootstrap=100), margin=MARGIN)
    assert verdict.outcome == "keep real only"


def test_a_constant_that_is_better_than_every_model_ships_with_a_warning(simulate_study, squared_error):
    others = {i: 0.02 for i in range(20) if i != 2}
    oof = simulate_study(0, noise=0.4, offsets=others)
    comparison = compare(oof, squared_error, seed=0, n_bootstrap=100)
    scores = {row.name: row.score for row in comparison.arms}
    if min(scores, key=scores.__getitem__) != "real-only/class-prior":
        pytest.fail("the constant should lead by less than a standard error here")
    verdict = decide(comparison, margin=MARGIN)
    assert verdict.ships.model == "class-prior"
    assert "Warning: no model was better than a constant" in verdict.sentence


@pytest.mark.parametrize(("constant_is_worse_by", "warns"), [(0.01, True), (0.5, False)])
def test_a_model_that_is_not_clearly_better_than_a_constant_keeps_its_word_and_gets_a_warning(
    simulate_study, squared_error, constant_is_worse_by, warns
):
    worse = dict.fromkeys(range(4, 20), 0.3)
    oof = simulate_study(0, noise=0.3, offsets={**worse, 1: -0.02, 2: constant_is_worse_by})
    comparison = compare(oof, squared_error, seed=0, n_bootstrap=100)
    verdict = decide(comparison, margin=MARGIN)
    assert verdict.outcome == "keep real only" and verdict.ships.model != "class-prior"
    assert comparison.beats_constant.beats is not warns
    assert ("Warning: " in verdict.sentence) is warns
    assert ("is not clearly better than a constant" in verdict.sentence) is warns
