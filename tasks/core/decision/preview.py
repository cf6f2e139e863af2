"""Preview of a study: estimate from cheap arms, before any GAN is trained, whether it is worth running.

A preview runs a fixed small plan: one trial of each learner, one teacher mix and one joint mix of
generators that fit in a moment. Its rows shrink with the cost table until the work fits; no clock
decides. What it measures is carried over to a study of `STUDY_ROWS` development rows by the
priors' lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec, ModelSpec, SynthesizerSpec
from realmix.tasks.core.decision.learners import arms_of
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.costs import Costs
from realmix.tasks.core.plan.plan import Plan, TableShape
from realmix.tasks.core.plan.priors import (
    UNSEEN,
    FoldSizes,
    Prior,
    Priors,
    committed_priors,
    expected_provable_gain,
)
from realmix.tasks.core.scores.out_of_fold import OutOfFold, explained_share
from realmix.tasks.core.scores.significance import EXPECTED_CRITICAL, variance_factor
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.schema import Task

DISTILLATION = Mix(label_rule="teacher")
# Seconds of work on one thread of the reference machine: with start-up, under 20 s on two cores.
WORK_SECONDS = 12.0
ROW_STEPS = (2_000, 1_500, 1_200, 1_000, 800, 600, 500, 400, 300, 200)
# Development rows that a study of the default budget compares of a large table.
STUDY_ROWS = 2_000
SMALL_STUDY_ROWS = 300
# A study takes minutes: one chance in five is worth them.
WORTH_CHANCE = 0.2


@dataclass(frozen=True)
class PreviewArms:
    """What a preview fits, as the plug-ins declare it.

    Attributes
    ----------
    teacher : tuple of str
        Members of the ensemble that labels rows.
    learners : tuple of str
        Those that are tried on real rows alone: the teacher's members, as far as they compete, else all that do.
    students : tuple of str
        Those that are trained on mixes too.
    others : tuple of str
        Competing learners outside the teacher that are trained on mixes too, each to be compared with itself: a
        model that is limited on purpose gains where the strongest one does not.
    null_models : frozenset of str
        Learners that know no feature.
    mixes : tuple of Mix
        One of each synthesizer that fits in a moment.
    """

    teacher: tuple[str, ...]
    learners: tuple[str, ...]
    students: tuple[str, ...]
    others: tuple[str, ...]
    null_models: frozenset[str]
    mixes: tuple[Mix, ...]

    @classmethod
    def of(
        cls,
        synthesizers: Mapping[str, SynthesizerSpec],
        models: Mapping[str, ModelSpec],
        task: Task,
        competing: Sequence[str],
    ) -> PreviewArms:
        """Choose among the plug-ins that do a task and need nothing from the card, of learners those that compete."""
        teacher = tuple(name for name, spec in models.items() if spec.is_teacher and task in spec.tasks)
        learners = tuple(name for name in teacher if name in competing) or tuple(competing)
        return cls(
            teacher=teacher,
            learners=learners,
            students=tuple(name for name in learners if models[name].is_student),
            others=tuple(name for name in competing if name not in learners and models[name].is_student),
            null_models=frozenset(spec.name for spec in models.values() if spec.is_null),
            mixes=tuple(
                Mix(spec.name, spec.preview_mix[0], label_rule=spec.preview_mix[1])
                for spec in synthesizers.values()
                if spec.preview_mix and task in spec.tasks and not spec.needs
            ),
        )

    def within(self, plan: Plan) -> PreviewArms:
        """Keep the mixes of a plan's generators alone."""
        return replace(self, mixes=tuple(mix for mix in self.mixes if mix.synthesizer in plan.synthesizers))

    def arms(self) -> list[Arm]:
        """List all arms, those of one mix side by side."""
        real = [Arm(Mix(), model) for model in (*self.learners, *self.others, *sorted(self.null_models))]
        distilled = [Arm(DISTILLATION, model) for model in (*self.students, *self.others)]
        mixed = [Arm(mix, model) for mix in self.mixes for model in self.students]
        return [
            *real,
            *distilled,
            *mixed,
            *(Arm(mix, name) for mix in self.mixes_of_others for name in self.others),
        ]

    @property
    def mixes_of_others(self) -> tuple[Mix, ...]:
        """The same pools as learners outside the teacher use them best, see :func:`~realmix.tasks.core.decision.default_recipe.is_default`."""
        return tuple(
            Mix(mix.synthesizer, mix.synthetic_ratio, mix.synthetic_ratio, "teacher", real_labels="half")
            for mix in self.mixes
        )


def preview_plan(
    shape: TableShape, costs: Costs, tried: PreviewArms, *, metric: str, holdout: HoldoutRule, seed: int
) -> Plan:
    """Plan a preview: 3 folds x 2, or 5 folds forward in time, on as many rows as the work allows.

    Parameters
    ----------
    shape : TableShape
    costs : Costs
    tried : PreviewArms
    metric : str
    holdout : HoldoutRule
    seed : int

    Returns
    -------
    Plan
        At least the smallest of `ROW_STEPS` and the cheapest generator, whatever they cost.
    """
    plan = Plan(
        seed=seed,
        task=shape.task,
        metric=metric,
        holdout=holdout,
        n_development=shape.n_development,
        n_folds=5 if shape.has_time else 3,
        n_repeats=1 if shape.has_time else 2,
        forward=shape.has_time,
        models=(*tried.learners, *tried.others),
        n_trials=1,
        synthesizers={str(mix.synthesizer): None for mix in tried.mixes},
        ratios=tuple(mix.synthetic_ratio for mix in tried.mixes),
        weights=(1.0,),
        label_rules=("joint", "teacher"),
        balances=("prior",),
        teacher=tuple((name, 0) for name in tried.teacher),
        n_workers=1,
        threads_per_fit=1,
    )
    for n_rows in ROW_STEPS:
        plan = replace(plan, n_development=min(n_rows, shape.n_development))
        if work_seconds(plan, shape, costs, tried) <= WORK_SECONDS:
            return plan
    return _narrowed(plan, shape, costs, tried)


def _narrowed(plan: Plan, shape: TableShape, costs: Costs, tried: PreviewArms) -> Plan:
    """Leave out the dearest generators, then the second repeat: what a table of many columns has no time for."""
    n_train = round(sizes_of(plan).n_train)
    dearest = sorted(plan.synthesizers, key=lambda name: -costs.pool(plan, shape, name, n_train))
    for name in dearest[:-1]:
        if work_seconds(plan, shape, costs, tried) > WORK_SECONDS:
            plan = replace(plan, synthesizers={s: None for s in plan.synthesizers if s != name})
    if work_seconds(plan, shape, costs, tried) > WORK_SECONDS:
        plan = replace(plan, n_repeats=1)
    return plan


def work_seconds(plan: Plan, shape: TableShape, costs: Costs, tried: PreviewArms) -> float:
    """Estimate all fits of a preview, in seconds of one thread of the reference machine."""
    n_train = round(sizes_of(plan).n_train)
    tried = tried.within(plan)
    of_pools = sum(
        costs.pool(replace(plan, ratios=(mix.synthetic_ratio,)), shape, str(mix.synthesizer), n_train)
        for mix in tried.mixes
    )
    of_arms = sum(
        costs.arm(arm, shape, n_train) for arm in tried.arms() if arm.model not in tried.null_models
    )
    return plan.n_folds * plan.n_repeats * (costs.teacher(plan, shape, n_train) + of_pools + of_arms)


def sizes_of(plan: Plan) -> FoldSizes:
    """Return the folds of a plan."""
    return FoldSizes(plan.n_development, plan.n_folds, plan.n_repeats, plan.forward)


def study_sizes(n_development: int, *, forward: bool) -> FoldSizes:
    """Return the folds of the study that a preview is about."""
    n_rows = min(n_development, STUDY_ROWS)
    repeats = 1 if forward else 4 if n_rows < SMALL_STUDY_ROWS else 3
    return FoldSizes(n_rows, 5, repeats, forward)


@dataclass(frozen=True)
class CheapGain:
    """What a cheap mix gained over a reference in the preview's folds.

    Attributes
    ----------
    mix : Mix
    gain, standard_error : float
        Mean over the folds, and its Nadeau-Bengio error.
    fold_std : float
        Deviation of the paired fold gains.
    """

    mix: Mix
    gain: float
    standard_error: float
    fold_std: float


@dataclass(frozen=True)
class OfLearner:
    """What the cheap mixes are worth to a learner outside the teacher.

    Attributes
    ----------
    model : str
    real_only : float
        Its score on real rows.
    best : CheapGain or None
        The cheap mix with the largest gain over its best real-only arm; None where no mix could be run.
    """

    model: str
    real_only: float
    best: CheapGain | None


@dataclass(frozen=True)
class Preview:
    """What cheap arms predict of a study of a table.

    Attributes
    ----------
    metric, greater_is_better, is_relative, margin
        As of the metric that decides; gains are shares of the real-only score where relative.
    used, study : FoldSizes
        Folds that were run, and folds of the study that is predicted.
    class_prior, real_only : float
        Scores without features and of the best real-only learner.
    learner : str
        Of `real_only`.
    explained : float
        Share of the way from `class_prior` to a perfect score that `real_only` goes; below 0
        where the features only mislead.
    distillation : CheapGain or None
        Against the best learner on the real labels.
    cheap : tuple of CheapGain
        Against the best of these and distillation.
    others : tuple of OfLearner
    left_out : mapping of mix name to reason
    fold_std : float
        Deviation of paired fold gains in the study: of the best cheap mix, carried to the study's
        folds; from the priors where none could be run.
    expected_fold_std, smallest_provable_gain : float
        That deviation, and what a study can prove, expected from the priors alone, as a plan does.
    expected_gain : float
        Posterior mean of the family with the best chance.
    chance : float
        That any mix is proven.
    """

    metric: str
    greater_is_better: bool
    is_relative: bool
    margin: float
    used: FoldSizes
    study: FoldSizes
    class_prior: float
    real_only: float
    learner: str
    explained: float
    distillation: CheapGain | None
    cheap: tuple[CheapGain, ...]
    others: tuple[OfLearner, ...]
    left_out: Mapping[str, str]
    fold_std: float
    expected_fold_std: float
    smallest_provable_gain: float
    expected_gain: float
    chance: float

    @property
    def is_worth_a_study(self) -> bool:
        """True where the chance of a proven mix is at least `WORTH_CHANCE`."""
        return self.chance >= WORTH_CHANCE


def judge(
    oof: OutOfFold,
    metric: MetricSpec,
    *,
    task: Task,
    used: FoldSizes,
    study: FoldSizes,
    tried: PreviewArms,
    priors: Priors | None = None,
) -> Preview:
    """Estimate from the cheap arms' predictions what a study would find.

    Parameters
    ----------
    oof : OutOfFold
        Of the arms of `tried`; mixes that failed are among `disqualified`.
    metric : MetricSpec
    task : Task
    used, study : FoldSizes
    tried : PreviewArms
    priors : Priors, optional
        The committed ones when None.

    Returns
    -------
    Preview

    Raises
    ------
    RealmixError
        If no real-only arm is left, or no fold can be scored by `metric`.
    """
    priors = priors or committed_priors()
    usual = arms_of(oof, {*tried.learners, *tried.null_models})
    case = ScoredArms(usual, metric, tried.null_models)
    cheap = {mix: _cheap_gain(case, mix, case.incumbent) for mix in tried.mixes}
    ran = tuple(each for each in cheap.values() if each is not None)
    real = case.best(case.where(lambda arm: arm.mix == Mix() and arm.model not in tried.null_models))
    null = case.best(case.where(lambda arm: arm.model in tried.null_models))
    real, null = (case.incumbent if arm is None else arm for arm in (real, null))
    learner = usual.arms[real].model
    explained = explained_share(metric, float(case.scores[real]), float(case.scores[null]))
    outlook = _Outlook(priors, task, metric, used, study, learner, explained)
    fold_std = outlook.fold_std(max(ran, key=lambda each: each.gain, default=None))
    chance, expected_gain = max(outlook.chance(mix, each) for mix, each in cheap.items())
    return Preview(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        is_relative=metric.margin_is_relative,
        margin=metric.margin,
        used=used,
        study=study,
        class_prior=float(case.scores[null]),
        real_only=float(case.scores[real]),
        learner=learner,
        explained=explained,
        distillation=_cheap_gain(case, DISTILLATION, real),
        cheap=ran,
        others=tuple(found for name in tried.others if (found := _of_learner(oof, metric, name, tried))),
        left_out=dict(oof.disqualified),
        fold_std=fold_std,
        expected_fold_std=outlook.fold_std(None),
        smallest_provable_gain=expected_provable_gain(
            task, study, is_relative=metric.margin_is_relative, margin=metric.margin, priors=priors
        ),
        expected_gain=expected_gain,
        chance=chance,
    )


def chance_of_proof(expected: Prior, fold_std: float, sizes: FoldSizes, *, margin: float) -> float:
    """Return the chance that a study finds a gain significant, averaged over the prior of the gain.

    An approximation: the measured gain is Normal around the true one, with the Nadeau-Bengio
    standard error, and proven means above both the margin and the critical value of the test over
    all arms. Left aside are what can only lower the chance (the controls, the other gates) and what
    can only raise it (that the best of many mixes is tried, not one).

    Parameters
    ----------
    expected : Prior
        The true gain: Normal(mean, sd).
    fold_std : float
        Deviation of paired fold gains in the study.
    sizes : FoldSizes
        Of the study, of at least 2 blocks.
    margin : float
        Smallest gain worth having.

    Returns
    -------
    float
        ``Phi((mean - needed) / sqrt(se**2 + sd**2))``.

    Examples
    --------
    >>> sizes = FoldSizes(1000, 5, 3)
    >>> round(chance_of_proof(Prior(0.0, 0.02), 0.02, sizes, margin=0.005), 3)
    0.12
    """
    from scipy import stats

    factor = variance_factor(sizes.n_blocks, n_validation=sizes.n_validation, n_train=sizes.n_train)
    error = fold_std * math.sqrt(factor)
    needed = max(EXPECTED_CRITICAL * error, margin)
    spread = math.hypot(error, expected.sd)
    if spread == 0:
        return float(expected.mean >= needed)
    return float(stats.norm.cdf((expected.mean - needed) / spread))


def _cheap_gain(case: ScoredArms, mix: Mix, reference: int) -> CheapGain | None:
    arm = case.best(case.where(lambda arm: arm.mix == mix))
    if arm is None:
        return None
    test = case.t_test(arm, reference)
    fold_std = float(np.std(case.fold_gains(arm, reference), ddof=1))
    return CheapGain(mix, test.mean, test.standard_error, fold_std)


def _of_learner(oof: OutOfFold, metric: MetricSpec, model: str, tried: PreviewArms) -> OfLearner | None:
    case = ScoredArms(arms_of(oof, {model, *tried.null_models}), metric, tried.null_models)
    real = case.best(case.where(lambda arm: arm == Arm(Mix(), model)))
    gains = [_cheap_gain(case, mix, case.incumbent) for mix in tried.mixes_of_others]
    best = max((each for each in gains if each), key=lambda each: each.gain, default=None)
    return None if real is None else OfLearner(model, float(case.scores[real]), best)


@dataclass(frozen=True)
class _Outlook:
    """Measurements of a preview's folds, carried over to the folds of the study."""

    priors: Priors
    task: Task
    metric: MetricSpec
    used: FoldSizes
    study: FoldSizes
    learner: str
    explained: float

    def fold_std(self, cheap: CheapGain | None) -> float:
        """Return the deviation of fold gains in the study: the expected one, or the measured one rescaled."""
        used, study = (
            self.priors.fold_std(self.task, sizes, is_relative=self.metric.margin_is_relative)
            for sizes in (self.used, self.study)
        )
        return study if cheap is None else cheap.fold_std * study / used

    def gain(self, mix: Mix, cheap: CheapGain | None) -> Prior:
        """Return the gain of a mix in the study: the prior, or the posterior shifted likewise.

        Only of labels from the teacher other tables say something.
        """
        used, study = (
            self.priors.gain_of(self.learner, sizes.n_rows, self.explained)
            if mix.label_rule == "teacher"
            else UNSEEN
            for sizes in (self.used, self.study)
        )
        used, study = (prior.scaled(self.metric.margin_is_relative) for prior in (used, study))
        if cheap is None:
            return study
        return study.posterior(cheap.gain + study.mean - used.mean, cheap.standard_error)

    def chance(self, mix: Mix, cheap: CheapGain | None) -> tuple[float, float]:
        """Return the chance that a family is proven, and its expected gain."""
        expected = self.gain(mix, cheap)
        chance = chance_of_proof(expected, self.fold_std(cheap), self.study, margin=self.metric.margin)
        return chance, expected.mean
