"""Tell what more real rows would bring, as they come and of each declared slice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.holdout_gain import served_predictions
from realmix.tasks.core.errors import RealmixError, StudyInterrupted
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Block, Layout, Plan
from realmix.tasks.core.scores.collecting import Scored, ScoredSlice, describe_collecting
from realmix.tasks.core.scores.out_of_fold import OutOfFold, served_threshold
from realmix.tasks.core.scores.rows_saved import LearningCurve
from realmix.tasks.core.scores.slices import MIN_ROWS, Slice, declared_slices
from realmix.tasks.core.splits.nested_subsets import MAX_SLICES, SLICE_SHARES
from realmix.tasks.fits.cached import cached_arms
from realmix.tasks.fits.scope import TRAINING, Scope
from realmix.tasks.fits.subsets import thin_slice, thinned_name
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.shared_storage import at_hand, bring, key_of, share
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.development import Development
from realmix.tasks.study.generalise import row_metric

log = logging.getLogger("realmix")
THINNED = "curve-slice"
# A slice that is in fewer folds has no error that could be estimated.
MIN_FOLDS = 3
# What a metric scores of predictions.
Decide = Callable[[np.ndarray], np.ndarray]


def collecting(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    oof: OutOfFold,
    curve: LearningCurve,
    arm: Arm,
    plain: Arm | None,
) -> dict[str, Any] | None:
    """Continue the learning curve of real only, and measure those of the declared slices.

    Parameters
    ----------
    folder, layout, development, oof
    curve : LearningCurve
        Of all rows.
    arm : Arm
        The best on all of them.
    plain : Arm or None
        The best on the real rows as they are, without a teacher's labels: what is fitted on thinned slices.

    Returns
    -------
    dict or None
        From :func:`realmix.tasks.core.scores.collecting.describe_collecting`; None where the curve has no law.
    """
    metric, overlap = METRICS[layout.plan.metric], oof.n_validation / oof.n_train
    n_all = len(Scope(folder.scope("shipped")).read_array(TRAINING))
    scored = Scored(curve.n_rows, curve.scores, metric, oof.n_train, overlap)
    card = development.context.card
    try:
        slices = measure_slices(folder, layout, development, oof, plain, n_all) if plain else []
        described: dict[str, Any] = describe_collecting(scored, slices, card, arm=arm.name, n_all=n_all)
    except StudyInterrupted:
        raise
    except RealmixError as err:
        log.warning("what more real rows would bring is not known: %s", err)
        return None
    found: dict[str, Any] = to_jsonable(described)
    return found


def measure_slices(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold, arm: Arm, n_all: int
) -> list[ScoredSlice]:
    """Fit an arm where the largest declared slices are thinned, and score it on their validation rows.

    Returns
    -------
    list of ScoredSlice
        Without slices in fewer than `MIN_FOLDS` folds, or on which the arm failed.
    """
    blocks = tuple(block for block in layout.blocks if block.repeat < layout.plan.curve_repeats)
    thinned = Thinned(folder, layout.plan, development, oof, arm, blocks)
    slices = large_slices(development, oof)
    sizes = thinned.fit(slices)
    scored = [thinned.score(number, found, sizes[number]) for number, found in enumerate(slices)]
    share_of_all = n_all / len(development.y)
    return [
        ScoredSlice(found.name, round(found.rows.sum() * share_of_all), *each)
        for found, each in zip(slices, scored, strict=True)
        if each
    ]


def large_slices(development: Development, oof: OutOfFold) -> list[Slice]:
    """Return the largest declared slices with enough validated rows, at most `MAX_SLICES`."""
    card = development.context.card
    if not card.protected:
        return []
    validated = oof.is_validated.any(axis=0) & (development.weight > 0)
    declared = declared_slices(development.declared, hidden=card.sensitive)
    large = [found for found in declared if (found.rows & validated).sum() >= MIN_ROWS]
    return sorted(large, key=lambda found: -int(found.rows.sum()))[:MAX_SLICES]


@dataclass(frozen=True)
class Thinned:
    """One real-only arm, fitted on folds in which all but a share of a slice's training rows are left out.

    Attributes
    ----------
    folder, plan, development, oof, arm
    blocks : tuple of Block
        The folds.
    """

    folder: StudyFolder
    plan: Plan
    development: Development
    oof: OutOfFold
    arm: Arm
    blocks: tuple[Block, ...]

    def fit(self, slices: Sequence[Slice]) -> list[dict[Block, list[int]]]:
        """Cut and fit all thinned folds in parallel.

        Returns
        -------
        list of dict of Block to list of int
            Of each slice, its training rows at every share, in the folds where it has some and the arm did not fail.
        """
        sizes = [{block: self._cut(number, found, block) for block in self.blocks}
                 for number, found in enumerate(slices)]  # fmt: skip
        scopes = {
            (number, block): self._scopes(number, block)
            for number, of_slice in enumerate(sizes)
            for block, n_rows in of_slice.items()
            if n_rows[-1]
        }
        jobs = [scope for each in scopes.values() for scope in each]
        share(self.folder, *jobs)
        # Not a method: a cluster would send all predictions with each job.
        fit = partial(fit_thinned, self.folder, self.plan, self.arm)
        fitted = dict(zip(jobs, current_workers().spread(fit, jobs), strict=True))
        bring(self.folder, [key_of(scope, THINNED) for scope in jobs])
        usable = {place for place, each in scopes.items() if all(fitted[scope] for scope in each)}
        return [
            {block: n_rows for block, n_rows in of_slice.items() if (number, block) in usable}
            for number, of_slice in enumerate(sizes)
        ]

    def score(
        self, number: int, found: Slice, sizes: Mapping[Block, list[int]]
    ) -> tuple[Scored, float] | None:
        """Score a slice at every share of its training rows.

        Returns
        -------
        scored : Scored
        weight : float
            Gain over all rows per gain on the slice.
        """
        context = self.development.context
        metric = row_metric(context.metric(self.plan.metric), context.schema)
        is_used = found.rows & (self.development.weight > 0)
        rows = {block: is_used & (self.development.folds[block.repeat] == block.fold) for block in sizes}
        used = [block for block in sizes if rows[block].any()]
        if len(used) < MIN_FOLDS:
            return None
        # The threshold that is served decides at every share: some rows of a slice tune none of their own.
        decide = partial(served_predictions, metric, threshold=served_threshold(self.oof, metric, self.arm))
        scores = np.array([self._scores(number, block, rows[block], metric, decide) for block in used])
        n_rows = np.mean([sizes[block] for block in used], axis=0)
        n_train, overlap = self.oof.n_train, self.oof.n_validation / self.oof.n_train
        return Scored(n_rows, scores.T, metric, n_train, overlap), self._weight(found, metric, decide)

    def _cut(self, number: int, found: Slice, block: Block) -> list[int]:
        """Write the scopes of a slice in a fold, and return their numbers of rows of the slice."""
        return thin_slice(self.folder.scope(block.scope), number, self.development.sampled[found.rows])

    def _scopes(self, number: int, block: Block) -> list[str]:
        return [thinned_name(block.scope, number, part) for part in SLICE_SHARES[:-1]]

    def _scores(
        self, number: int, block: Block, rows: np.ndarray, metric: MetricSpec, decide: Decide
    ) -> list[float]:
        """Score rows that a fold validates, at every share."""
        in_fold = self.development.folds[block.repeat] == block.fold
        predicted = [
            Scope(self.folder.scope(scope)).read_predictions(f"{THINNED}.npy")[0][rows[in_fold]]
            for scope in self._scopes(number, block)
        ]
        predicted.append(self._whole[block.repeat, rows])
        truth, weight = self.oof.truth(metric)[rows], self.development.weight[rows]
        return [float(metric.compute(truth, decide(each), weight)) for each in predicted]

    def _weight(self, found: Slice, metric: MetricSpec, decide: Decide) -> float:
        """Return the slice's share of the loss, or of the rows where gains are no shares."""
        assert metric.row_loss is not None
        rows = self.development.folds[0] >= 0
        parts = self.development.weight[rows]
        if metric.margin_is_relative:
            parts = parts * metric.row_loss(self.oof.truth(metric)[rows], decide(self._whole[0, rows]))
        return float(parts[found.rows[rows]].sum() / parts.sum())

    @property
    def _whole(self) -> np.ndarray:
        """Predictions of the arm on whole folds, from the race: shape (n_repeats, n_rows[, n_classes])."""
        return self.oof.predictions[self.oof.arms.index(self.arm)]


def fit_thinned(folder: StudyFolder, plan: Plan, arm: Arm, scope: str) -> bool:
    """Fit an arm on a thinned fold, and return whether it did not fail."""
    with at_hand(folder, scope, gives=THINNED) as here:
        return not cached_arms(here, scope, THINNED, [arm], plan)["failures"]
