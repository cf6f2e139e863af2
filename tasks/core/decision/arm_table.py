"""The table of arms: one line for each mix and learner, with the best trial and why it won or lost."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from realmix.tasks.core.contracts.specs import DUPLICATES, MetricSpec
from realmix.tasks.core.decision.ranking import ScoredArms, control_test, is_control
from realmix.tasks.core.mixes.in_words import arm_in_words
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_scores
from realmix.tasks.core.scores.significance import CorrectedT, corrected_resampled_t
from realmix.tasks.core.words import gain_in_words

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArmRow:
    """One line of the table of arms: the best trial of a mix and a learner.

    Gains are against the incumbent, positive = better; intervals hold 90 % and are corrected
    for overlapping training sets. `score` is what the rule used, `std` its deviation over folds.
    """

    name: str
    mix: str
    role: str
    synthesizer: str | None
    synthetic_ratio: float
    weight: float
    label_rule: str
    balance: str
    real_labels: str
    model: str
    trial: int
    score: float
    std: float
    interval: tuple[float, float]
    gain: float
    gain_interval: tuple[float, float]
    p_corrected: float
    share_of_folds_won: float
    extra_metrics: Mapping[str, float]
    why: str


def table_of_arms(case: ScoredArms, margin: float, extra: Mapping[str, MetricSpec]) -> tuple[ArmRow, ...]:
    """List the best trial of every mix and learner, best first; of those that decide, the trial that does.

    Parameters
    ----------
    case : ScoredArms
    margin : float
        Smallest gain that matters.
    extra : mapping of name to MetricSpec
        Shown beside the deciding metric: the mean over the folds where one is defined, NaN where
        it is defined in none or fails. A failing side metric does not end a study.
    """
    best: dict[tuple[str, str], int] = {}
    # A mix may lead clearly with one trial, and with a better one that varies more not clearly enough.
    deciding = [arm for arm in (case.winner, case.incumbent, case.best_mix) if arm is not None]
    for arm in (*deciding, *(int(i) for i in np.lexsort((-case.utility, case.is_beaten)))):
        best.setdefault((case.oof.arms[arm].mix.name, case.oof.arms[arm].model), arm)
    # Real only wins ties, in the table too; arms beaten in the race, scored on few blocks, come last.
    leading = (case.winner, case.incumbent)
    shown = sorted(
        best.values(), key=lambda arm: (case.is_beaten[arm], -case.utility[arm], arm not in leading)
    )
    means = {name: _side_scores(case.oof, spec, shown) for name, spec in extra.items()}
    return tuple(
        _arm_row(case, arm, margin, {name: float(mean[i]) for name, mean in means.items()})
        for i, arm in enumerate(shown)
    )


def _side_scores(oof: OutOfFold, metric: MetricSpec, arms: Sequence[int]) -> np.ndarray:
    """Average the folds where the metric is defined, shape (n_arms,); NaN where it is in none."""
    try:
        folds = fold_scores(oof, metric, arms)
    except Exception as error:
        logger.warning("The side metric %s could not be computed: %s", metric.name, type(error).__name__)
        return np.full(len(arms), np.nan)
    count = np.isfinite(folds).sum(axis=1)
    total = np.where(np.isfinite(folds), folds, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(arms), np.nan), where=count > 0)


def _arm_row(case: ScoredArms, index: int, margin: float, extra: dict[str, float]) -> ArmRow:
    arm, score = case.oof.arms[index], float(case.scores[index])
    sizes = {"n_validation": case.oof.n_validation, "n_train": case.oof.n_train}
    folds = case.folds[index][np.isfinite(case.folds[index])]
    spread = corrected_resampled_t(folds, **sizes)
    test, gain = case.t_test(index, case.incumbent), case.shown_gain(index)
    return ArmRow(
        name=arm.name,
        mix=arm.mix.name,
        role=arm.mix.role,
        synthesizer=arm.mix.synthesizer,
        synthetic_ratio=arm.mix.synthetic_ratio,
        weight=arm.mix.weight,
        label_rule=arm.mix.label_rule,
        balance=arm.mix.balance,
        real_labels=arm.mix.real_labels,
        model=arm.model,
        trial=arm.trial,
        score=score,
        std=float(np.std(folds, ddof=1)),
        interval=_interval_around(score, spread),
        gain=gain,
        gain_interval=_interval_around(gain, test),
        p_corrected=test.p_value,
        share_of_folds_won=float((case.fold_gains(index, case.incumbent) > 0).mean()),
        extra_metrics=extra,
        why=_why(case, index, test, margin),
    )


def _interval_around(centre: float, test: CorrectedT) -> tuple[float, float]:
    """Move the test's interval to the score or gain that the rule used."""
    return test.interval[0] + centre - test.mean, test.interval[1] + centre - test.mean


def _why(case: ScoredArms, index: int, test: CorrectedT, margin: float) -> str:
    """Describe why the arm won or lost, and where it left the race."""
    left = case.oof.exits.get(case.oof.arms[index].name)
    if left is None:
        return _why_won_or_lost(case, index, test, margin)
    return left.reason if left.is_beaten else f"{_why_won_or_lost(case, index, test, margin)}; {left.reason}"


def _why_won_or_lost(case: ScoredArms, index: int, test: CorrectedT, margin: float) -> str:
    arm, gain = case.oof.arms[index], case.shown_gain(index)
    size = gain_in_words(abs(gain), case.metric.margin_is_relative)
    if index == case.incumbent:
        ahead = [
            other for other, arm in enumerate(case.oof.arms)
            if arm.mix.role == "real_only" and case.shown_gain(other) > 0 and not case.is_beaten[other]
        ]  # fmt: skip
        if ahead:
            return "the usual model on real rows alone: what scored better leads by less than two standard errors"
        return "best model on real rows alone"
    if index == case.winner:
        return f"best of all candidates: {size} better than real only"
    if arm.mix.role == "real_only" and gain > 0:
        incumbent = case.oof.arms[case.incumbent]
        named = arm_in_words(incumbent.mix, incumbent.model)
        return f"real rows alone, {size} better than {named}: a lead within two standard errors"
    if arm.mix.role == "real_only":
        return f"real rows alone, {size} worse than the best such model"
    if arm.mix.role == "control":
        return f"control, never ships: {size} {'better' if gain > 0 else 'worse'} than real only"
    if not case.is_candidate[index]:
        return "the learner knows no feature, so synthetic rows cannot matter"
    return _why_candidate_lost(case, index, test, margin, size)


def _why_candidate_lost(case: ScoredArms, index: int, test: CorrectedT, margin: float, size: str) -> str:
    gain, mix = case.shown_gain(index), case.oof.arms[index].mix
    relative = case.metric.margin_is_relative
    if gain <= 0:
        return f"{size} worse than real only" if gain < 0 else "no better than real only, which wins ties"
    if gain < margin:
        return f"{size} better than real only, below the margin of {gain_in_words(margin, relative)}"
    duplicates = control_test(case, index, is_control(DUPLICATES, mix))
    if duplicates is not None and duplicates.gain <= 0:
        return f"{size} better than real only, but not better than duplicates of real rows"
    chance = "" if test.p_value <= 0.05 else f", and chance alone could do that (p = {test.p_value:.2g})"
    distance = float(case.gains[case.winner]) - gain
    if distance < 0:
        return f"{size} better than real only{chance}; not by enough, as a recipe fixed before the study goes first"
    return f"{size} better than real only{chance}; {gain_in_words(distance, relative)} behind the best"
