"""Compare all arms by their out-of-fold predictions: which mix is best, and by how much.

No model is trained here. The rule: the candidate arm (mix, learner, trial) with the best
out-of-fold score, if it is better than every real-only arm, which win ties. Real only leaves the
default learner for another one only for a lead of more than two standard errors. After a
race on folds the candidates are the arms that ran to its end; `ScoredArms.eligible` repeats the race
in a bootstrap draw. Arms that left it still have a row in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import (
    CONTROLS,
    DUPLICATES,
    NULL_MODEL,
    SHUFFLED_MARGINALS,
    MetricSpec,
)
from realmix.tasks.core.decision.arm_table import ArmRow, table_of_arms
from realmix.tasks.core.decision.credit import Credit, Steps, credit
from realmix.tasks.core.decision.default_recipe import SHARE_OF_DEFAULT
from realmix.tasks.core.decision.promised_gain import NO_PROMISE, Draws, Promise, bootstrap, promise
from realmix.tasks.core.decision.ranking import ControlTest, ScoredArms, control_test, is_control
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import MAX_FINALISTS
from realmix.tasks.core.scores.draws import draw_strata, draw_units
from realmix.tasks.core.scores.out_of_fold import FoldScores, OutOfFold, Scores, gains, served_threshold
from realmix.tasks.core.scores.significance import (
    SIGNIFICANCE_LEVEL,
    critical_value,
    holm,
    max_deviations,
    max_statistic_p,
    smallest_provable_gain,
)

# Metrics that are no mean over rows are bootstrapped on fewer draws, because each ranks every
# fold again. Never on fewer arms: a shortlist chosen on all rows depends on the rows not drawn.
N_FOLD_DRAWS = 200


@dataclass(frozen=True)
class Comparison:
    """Everything that the verdict depends on.

    Attributes
    ----------
    metric, greater_is_better, margin, margin_is_relative
        Gains are shares of the incumbent's score where the margin is relative, otherwise in
        the metric's own units; positive = better.
    winner : Arm
        Chosen by the rule; equal to `incumbent` where no candidate is better.
    incumbent : Arm
        What ships where no mix does: the best real-only arm, or the default learner's best where
        another one leads it by at most two standard errors.
    best_mix : Arm or None
        Best candidate, whether or not it won; the tests below are about it.
    arms : tuple of ArmRow
        Best first.
    naive_gain, promise
        Gain of the winner on the rows that chose it, and the corrected promise.
    challenger_gain, standard_error : float
        Gain of the best mix and its Nadeau-Bengio standard error.
    p_corrected, p_holm, p_max, p_value : float
        Corrected t-test, the same Holm-adjusted over the finalists, and the max-statistic bootstrap,
        which counts: `p_value` is `p_max`.
    share_of_folds_won : float
    beats_duplicates, beats_shuffled, beats_distillation, beats_class_weights : ControlTest or None
        Controls, the first two with the best mix's own recipe; None where one was not run, or is the best mix
        itself.
    beats_constant : ControlTest or None
        Of the incumbent against a model that knows no feature; None if it is one.
    calibration_change : float or None
        Relative change of the Brier score, positive = worse; None for regression.
    smallest_provable_gain : float
        Of the test that gives `p_value`: with its critical value, and the best mix's measured error.
    n_rows, n_folds, n_validation, n_train
    finalists : mapping of arm name to Holm-adjusted p-value
    disqualified : mapping of mix name to reason
    explained : float
        Share of the target that the incumbent explains.
    is_recipe : bool
        Whether the best mix is the default recipe of the incumbent's learner.
    thresholds : mapping of arm name to float
        Probability from which on the incumbent and the best mix label a row positive, on the holdout and where
        they are served; empty where the most probable class is the label.
    credit : Credit or None
        Parts of the gain; None where several learners are compared.
    """

    metric: str
    greater_is_better: bool
    margin: float
    margin_is_relative: bool
    winner: Arm
    incumbent: Arm
    best_mix: Arm | None
    arms: tuple[ArmRow, ...]
    naive_gain: float
    promise: Promise
    challenger_gain: float
    standard_error: float
    p_corrected: float
    p_holm: float
    p_max: float
    p_value: float
    share_of_folds_won: float
    beats_duplicates: ControlTest | None
    beats_shuffled: ControlTest | None
    beats_distillation: ControlTest | None
    beats_class_weights: ControlTest | None
    beats_constant: ControlTest | None
    calibration_change: float | None
    smallest_provable_gain: float
    n_rows: int
    n_folds: int
    n_validation: float
    n_train: float
    explained: float = 0.0
    is_recipe: bool = False
    finalists: Mapping[str, float] = field(default_factory=dict)
    disqualified: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    credit: Credit | None = None

    @property
    def promised_gain(self) -> float:
        """Mean gain of the choice on rows that took no part in it."""
        return self.promise.gain

    @property
    def promised_interval(self) -> tuple[float, float]:
        """90 % interval of the promised gain, widened for the variance of training sets."""
        return self.promise.interval

    @property
    def optimism(self) -> float:
        """Naive gain minus promised gain."""
        return self.promise.optimism

    @property
    def has_candidates(self) -> bool:
        """True where an arm of a generator's mix was scored, whether or not it ran to the end."""
        return any(row.role == "candidate" and row.synthesizer not in CONTROLS for row in self.arms)

    @property
    def failed_candidates(self) -> dict[str, str]:
        """Reason for each mix or arm of a generator that was disqualified; controls are none."""
        others = (*CONTROLS, "real-only", "distillation", "class-weights")
        return {name: why for name, why in self.disqualified.items() if name.split("/")[0] not in others}

    def row(self, arm: Arm) -> ArmRow:
        """Return the table line of an arm."""
        return next(row for row in self.arms if row.name == arm.name)


def compare(
    oof: OutOfFold,
    metric: MetricSpec,
    *,
    seed: int,
    n_bootstrap: int = 1000,
    margin: float | None = None,
    null_models: frozenset[str] = frozenset({NULL_MODEL}),
    extra_metrics: Sequence[MetricSpec] = (),
) -> Comparison:
    """Compare all arms by one metric and choose a winner by the rule.

    Parameters
    ----------
    oof : OutOfFold
    metric : MetricSpec
        Decides. Where it is a mean over rows, there are `n_bootstrap` draws. Otherwise it is
        computed per fold and averaged, draws are stratified within folds, and there are at most
        `N_FOLD_DRAWS`. All arms take part in every draw.
    seed : int
        Of the bootstrap.
    n_bootstrap : int
    margin : float, optional
        Smallest gain that matters; the metric's own when None.
    null_models : frozenset of str
        Learners that know no feature: they may be the real-only incumbent, never a candidate.
    extra_metrics : sequence of MetricSpec
        Shown in the table; they decide nothing.

    Returns
    -------
    Comparison

    Raises
    ------
    RealmixError
        If no arm is real only, or no fold can be scored by `metric`.
    """
    case = ScoredArms(oof, metric, null_models)
    steps = Steps.of(case)
    draws = _bootstrap(case, steps, n_bootstrap, seed)
    extra = {spec.name: spec for spec in extra_metrics if spec.name != metric.name}
    margin = metric.margin if margin is None else margin
    return Comparison(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        margin=margin,
        margin_is_relative=metric.margin_is_relative,
        winner=oof.arms[case.winner],
        incumbent=oof.arms[case.incumbent],
        best_mix=None if case.best_mix is None else oof.arms[case.best_mix],
        arms=table_of_arms(case, margin, extra),
        naive_gain=float(case.gains[case.winner]),
        promise=_promise(case, draws),
        beats_constant=_beats_constant(case, null_models),
        **_best_mix_statistics(case, draws, margin),
        n_rows=len(oof.rows),
        n_folds=case.folds.shape[1],
        n_validation=oof.n_validation,
        n_train=oof.n_train,
        explained=case.explained,
        is_recipe=_is_recipe(case),
        disqualified=dict(oof.disqualified),
        thresholds=_thresholds(case),
        credit=credit(case, steps, draws),
    )


def _is_recipe(case: ScoredArms) -> bool:
    if case.best_mix is None or not case.is_default[case.best_mix]:
        return False
    return case.oof.arms[case.best_mix].model == case.oof.arms[case.incumbent].model


def _thresholds(case: ScoredArms) -> dict[str, float]:
    """Tune the thresholds of the two arms that may ship."""
    shippable = [case.oof.arms[arm] for arm in (case.incumbent, case.best_mix) if arm is not None]
    tuned = {arm.name: served_threshold(case.oof, case.metric, arm) for arm in shippable}
    return {name: threshold for name, threshold in tuned.items() if threshold is not None}


def _bootstrap(case: ScoredArms, steps: Steps, n_bootstrap: int, seed: int) -> Draws:
    """Draw bootstrap samples and repeat the choice among all arms on each."""
    units = draw_units(case.oof)
    scores: Scores
    if case.row_scores is not None:
        strata, scores = None, case.row_scores
    else:
        strata, scores = (
            draw_strata(case.oof, units),
            FoldScores(case.oof, case.metric, range(len(case.oof.arms))),
        )
        n_bootstrap = min(n_bootstrap, N_FOLD_DRAWS)
    return bootstrap(
        scores,
        case.metric,
        rule=case.rule,
        eligible=case.eligible,
        climb=steps.climb,
        units=units,
        strata=strata,
        n_draws=n_bootstrap,
        seed=seed,
    )


def _promise(case: ScoredArms, draws: Draws) -> Promise:
    """Promise what the winner is worth; nothing where real only won."""
    if not case.is_candidate[case.winner]:
        return NO_PROMISE
    mix = case.oof.arms[case.winner].mix
    return promise(
        draws,
        case.metric,
        is_family=case.where(lambda arm: arm.mix.family == mix.family),
        naive_gain=float(case.gains[case.winner]),
        widening=case.widening,
    )


def _beats_constant(case: ScoredArms, null_models: frozenset[str]) -> ControlTest | None:
    """Test the incumbent against the best model that knows no feature."""
    if case.oof.arms[case.incumbent].model in null_models:
        return None
    return control_test(case, case.incumbent, lambda arm: arm.model in null_models)


def _best_mix_statistics(case: ScoredArms, draws: Draws, margin: float) -> dict[str, Any]:
    """Test the best candidate against the incumbent and the controls."""
    arm = case.best_mix
    if arm is None:
        return _without_best_mix()
    test = case.t_test(arm, case.incumbent)
    finalists = _finalists(case)
    p_holm = finalists[case.oof.arms[arm].name]
    p_max, provable = _tested_among_all(case, draws, margin)
    mix = case.oof.arms[arm].mix
    shuffled = None
    if mix.synthesizer != SHUFFLED_MARGINALS:
        shuffled = control_test(case, arm, is_control(SHUFFLED_MARGINALS, mix))
    return {
        "challenger_gain": float(case.gains[arm]),
        "standard_error": test.standard_error,
        "p_corrected": test.p_value,
        "p_holm": p_holm,
        "p_max": p_max,
        "p_value": p_max,
        "share_of_folds_won": float((case.fold_gains(arm, case.incumbent) > 0).mean()),
        "beats_duplicates": control_test(case, arm, is_control(DUPLICATES, mix)),
        "beats_shuffled": shuffled,
        "beats_distillation": control_test(case, arm, lambda a: a.mix.name == "distillation"),
        "beats_class_weights": control_test(case, arm, lambda a: a.mix.name == "class-weights"),
        "calibration_change": _calibration_change(case.oof, arm, case.incumbent),
        "smallest_provable_gain": provable,
        "finalists": finalists,
    }


def _without_best_mix() -> dict[str, Any]:
    unknown = dict.fromkeys(("challenger_gain", "standard_error", "smallest_provable_gain"), float("nan"))
    tests = dict.fromkeys(("p_corrected", "p_holm", "p_max", "p_value"), 1.0)
    names = ("beats_duplicates", "beats_shuffled", "beats_distillation", "beats_class_weights")
    controls = dict.fromkeys(names, None)
    return {**unknown, **tests, **controls, "share_of_folds_won": 0.0, "calibration_change": None}


def _finalists(case: ScoredArms) -> dict[str, float]:
    """Return Holm-adjusted p-values of the best arms of the best candidate mixes, best first."""
    order = [int(i) for i in np.argsort(-case.utility, kind="stable") if case.is_eligible[i]]
    first_of_mix: dict[str, int] = {}
    for arm in ([] if case.best_mix is None else [case.best_mix]) + order:
        first_of_mix.setdefault(case.oof.arms[arm].mix.name, arm)
    finalists = list(first_of_mix.values())[:MAX_FINALISTS]
    adjusted = holm([case.t_test(arm, case.incumbent).p_value for arm in finalists])
    return {case.oof.arms[arm].name: p for arm, p in zip(finalists, adjusted, strict=True)}


def _tested_among_all(case: ScoredArms, draws: Draws, margin: float) -> tuple[float, float]:
    """Return the p-value of the best mix, for all candidates, and the smallest gain that could be proven.

    A default recipe is tested among the default recipes alone, any other mix among all the others; each side has
    its share of the chance of a false proof.
    """
    is_default = bool(case.is_default[case.best_mix])
    candidates = np.flatnonzero(case.is_candidate & (case.is_default == is_default))
    share = 1.0
    if case.is_default.any():
        share = SHARE_OF_DEFAULT if is_default else 1 - SHARE_OF_DEFAULT
    drawn = gains(case.metric, draws.in_bag[:, candidates], draws.in_bag[:, [case.incumbent]])
    tested = candidates == case.best_mix
    error = float(drawn[:, tested].std(ddof=1)) * case.widening
    deviations = max_deviations(drawn, case.gains[candidates])
    critical = critical_value(deviations, level=share * SIGNIFICANCE_LEVEL)
    p = max_statistic_p(deviations, float(case.gains[candidates][tested][0]), error)
    return min(1.0, p / share), smallest_provable_gain(error, margin=margin, critical=critical)


def _calibration_change(oof: OutOfFold, arm: int, incumbent: int) -> float | None:
    """Return the relative change of the Brier score, positive = worse."""
    if not oof.is_classification:
        return None
    new, old = (_brier(oof, a) for a in (arm, incumbent))
    return new / old - 1 if old > 0 else float(new > 0)


def _brier(oof: OutOfFold, arm: int) -> float:
    validated = oof.is_validated
    truth = np.eye(oof.predictions.shape[-1])[oof.y.astype(int)]
    squares = ((oof.predictions[arm] - truth) ** 2).sum(axis=-1)
    weight = np.broadcast_to(oof.row_weight, validated.shape)
    return float(np.average(squares[validated], weights=weight[validated]))
