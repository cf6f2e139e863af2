"""The three words, the gates, the holdout."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.holdout_gain import prediction_interval
from realmix.tasks.core.decision.verdict import decide, describe_holdout, score_holdout, shrink
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.priors import Priors

MARGIN = 0.005
# Nothing is expected of any family: mean 0 and deviation 0.02.
NEUTRAL = Priors({}, {}, (200, 1000), (), "")


@pytest.fixture(scope="module")
def planted(simulate_study, squared_error) -> Comparison:
    """A candidate better by 10 %, controls worse by 2 %."""
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1})
    return compare(oof, squared_error, seed=0, n_bootstrap=300)


def weakened(comparison: Comparison, **changes) -> Comparison:
    return dataclasses.replace(comparison, **changes)


def test_a_planted_good_arm_is_proven(planted):
    verdict = decide(planted, margin=MARGIN)
    assert verdict.outcome == "proven"
    assert verdict.is_mix_shipped
    assert verdict.ships == planted.winner
    assert all(gate.passed for gate in verdict.gates)
    assert verdict.sentence.startswith("Proven: train xgboost on your real rows plus 1 synthesizer-0")


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"p_value": 0.051}, "significance"),
        ({"share_of_folds_won": 0.74}, "folds won"),
        ({"calibration_change": 0.011}, "calibration"),
    ],
)
def test_one_failed_proof_gate_leaves_chosen_not_proven(planted, changes, gate):
    verdict = decide(weakened(planted, **changes), margin=MARGIN)
    assert verdict.outcome == "chosen, not proven"
    assert [g.name for g in verdict.gates if not g.passed] == [gate]
    assert verdict.reason.startswith("Not proven:")


def test_an_interval_that_touches_zero_is_no_proof(planted):
    promise = dataclasses.replace(planted.promise, interval=(0.0, 0.2))
    assert decide(weakened(planted, promise=promise), margin=MARGIN).outcome != "proven"


def test_a_promise_below_the_margin_is_kept_real(planted):
    verdict = decide(planted, margin=0.5)
    assert verdict.outcome == "keep real only"
    assert "worth having" in verdict.reason


def test_a_mix_that_does_not_beat_duplicates_never_ships(planted):
    tied = dataclasses.replace(planted.beats_duplicates, beats=False)
    for beats_duplicates in (tied, None):
        verdict = decide(weakened(planted, beats_duplicates=beats_duplicates), margin=MARGIN)
        assert verdict.outcome == "keep real only"
        assert verdict.ships == planted.incumbent
        assert "duplicates" in verdict.reason


def test_a_teacher_mix_must_also_beat_distillation_and_shuffled_marginals(simulate_study, squared_error):
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 5: -0.1, 6: -0.1}, label_rule="teacher")
    verdict = decide(compare(oof, squared_error, seed=0, n_bootstrap=300), margin=MARGIN)
    assert verdict.outcome == "chosen, not proven"
    assert [gate.name for gate in verdict.gates if not gate.passed] == ["beats shuffled marginals"]


@pytest.mark.parametrize("balance", ["prior", "balanced"])
def test_a_balanced_mix_must_also_beat_class_weights(planted, balance):
    mix = dataclasses.replace(planted.best_mix.mix, balance=balance)
    arm = dataclasses.replace(planted.best_mix, mix=mix)
    tied = dataclasses.replace(planted.beats_duplicates, control="class-weights/xgboost", beats=False)
    beaten = dataclasses.replace(tied, beats=True)
    for control, word in ((beaten, "proven"), (tied, "chosen, not proven"), (None, "chosen, not proven")):
        changes = {"winner": arm, "best_mix": arm, "beats_class_weights": control}
        verdict = decide(weakened(planted, **changes), margin=MARGIN)
        if balance == "prior":
            assert verdict.outcome == "proven"
        else:
            assert verdict.outcome == word
            assert ("class weights" in verdict.reason) == (word != "proven")


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
    assert "smallest gain that these 200 rows could have proven" in verdict.reason


def test_shrinking_trusts_precise_gains_more(planted):
    precise, vague = (shrink(weakened(planted, standard_error=se), MARGIN, NEUTRAL) for se in (0.001, 0.1))
    assert precise[0] == pytest.approx(planted.promised_gain, rel=0.01)
    assert 0 < vague[0] < planted.promised_gain / 10
    assert precise[1] < 1e-6 < vague[1]


def test_shrinking_is_the_normal_posterior_worked_out_by_hand(planted):
    # Prior sd 0.02 and standard error 0.02: half the gain; posterior sd 0.02 / sqrt(2).
    promise = dataclasses.replace(planted.promise, gain=0.03)
    mean, loss = shrink(weakened(planted, standard_error=0.02, promise=promise), MARGIN, NEUTRAL)
    assert mean == pytest.approx(0.015)
    # Phi(-0.02 / 0.014142) = Phi(-1.41421)
    assert loss == pytest.approx(0.078650, abs=1e-5)


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


def test_the_holdout_scores_both_models_on_the_same_rows(squared_error):
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    real_only = y + rng.normal(size=400)
    mix = y + 0.9 * (real_only - y)
    scored = score_holdout(y, mix, real_only, squared_error, seed=0)
    assert scored["gain"] == pytest.approx(1 - 0.81)
    assert scored["interval"] == pytest.approx([0.19, 0.19])
    low, high = scored["real_only"]["interval"]
    assert low < scored["real_only"]["score"] < high


def test_a_ranking_metric_is_scored_on_the_holdout(roc_auc):
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.3).astype(int)
    weak, strong = (1 / (1 + np.exp(-(s * (2 * y - 1) + rng.normal(size=300)))) for s in (0.5, 1.5))
    scored = score_holdout(
        y, np.column_stack([1 - strong, strong]), np.column_stack([1 - weak, weak]), roc_auc, seed=0
    )
    assert scored["gain"] == pytest.approx(scored["mix"]["score"] - scored["real_only"]["score"])
    assert scored["interval"][0] > 0


def test_groups_of_the_holdout_are_drawn_together(squared_error):
    rng = np.random.default_rng(0)
    y, real_only = np.zeros(400), rng.normal(size=20).repeat(20)
    mix = real_only * rng.uniform(0.8, 1.0, size=20).repeat(20)
    alone = score_holdout(y, mix, real_only, squared_error, seed=0)
    grouped = score_holdout(y, mix, real_only, squared_error, 0, np.arange(20).repeat(20))
    assert grouped["standard_error"] > 2 * alone["standard_error"]


def test_a_realised_gain_is_held_against_an_interval_for_its_own_sample(planted):
    near = {"n_rows": 200, "gain": planted.promised_gain, "interval": [0, 0.2], "standard_error": 0.02}
    near["decisions_served"] = [1, 1]
    described = describe_holdout(planted, near)
    low, high = described["prediction_interval"]
    assert low < planted.promised_interval[0] < planted.promised_interval[1] < high
    assert described["inside_interval"]
    far = describe_holdout(planted, {**near, "gain": -0.5})
    assert not far["inside_interval"]
    assert "OUTSIDE" in far["sentence"]
    assert "decisions" not in far["sentence"]
    used = describe_holdout(planted, {**near, "decisions_served": [2, 5]})
    assert used["sentence"].endswith(
        "have now served 2 to 5 decisions: the more often, the less a good score says."
    )


def test_a_huge_holdout_adds_nothing_to_the_promised_interval():
    assert prediction_interval(0.02, (0.01, 0.04), 0.0) == pytest.approx((0.01, 0.04))
