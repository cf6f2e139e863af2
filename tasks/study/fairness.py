"""Fairness of the best mix: rates per group out of fold, its synthetic rows, and what repairs would cost."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.errors import RealmixError, StudyInterrupted
from realmix.tasks.core.fairness.assessment import Fairness, Repair, assess_fairness
from realmix.tasks.core.fairness.groups import groupings
from realmix.tasks.core.fairness.rates import group_means, rates_of
from realmix.tasks.core.fairness.repairs import RAISED, REWEIGHED
from realmix.tasks.core.fairness.synthetic_groups import describe_synthetic_groups
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Block, Layout
from realmix.tasks.core.scores.draws import draw_units
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_gains, fold_scores
from realmix.tasks.core.scores.significance import corrected_resampled_t, widening_factor
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.fits.arms import training_set
from realmix.tasks.fits.cached import cached_repairs
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.shared_storage import at_hand, bring, key_of
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import current_workers
from realmix.tasks.study.development import Development
from realmix.tasks.study.synthesize import steps_before

log = logging.getLogger("realmix")
FAIRNESS = "work/fairness.json"
REPAIR_STEP = "repairs"
IN_WORDS = {
    REWEIGHED: "real rows alone, weighed so that class and group are independent (Kamiran and Calders)",
    RAISED: "{ratio:.2g} {synthesizer} rows per real row, the rarest groups and classes first",
}


def assess(
    layout: Layout, development: Development, oof: OutOfFold, comparison: Comparison
) -> Fairness | None:
    """Compare the best mix with its incumbent in every group; None where the card names no sensitive column."""
    context = development.context
    if not context.card.sensitive:
        return None
    return assess_fairness(
        oof,
        context.metric(comparison.metric),
        real_only=comparison.incumbent,
        mix=comparison.best_mix,
        sensitive=development.declared[list(context.card.sensitive)],
        classes=context.schema.classes,
        limit=context.card.fairness.max_widening,
        widening=widening_factor(
            comparison.n_folds,
            n_validation=oof.n_validation,
            n_train=oof.n_train,
            n_rows=comparison.n_rows,
        ),
        seed=derive_seed(context.snapshot, layout.plan.seed, "fairness"),
    )


@task(task_run_name="repair-fairness", cache_policy=NO_CACHE)
def repair_fairness(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold, comparison: Comparison
) -> None:
    """Add to ``fairness.json`` the groups of the synthetic rows, and what two repairs would bring and cost.

    The repairs are fitted on the folds of the first repeat; they decide nothing and never ship. A failure
    here loses only these parts.
    """
    found = folder.read_json(FAIRNESS)
    if found is None or comparison.best_mix is None:
        return
    try:
        found |= _repaired(folder, layout, development, oof, comparison, Fairness.of(found))
    except StudyInterrupted:
        raise
    except RealmixError as err:
        log.warning("repairs of unequal groups could not be measured: %s", err)
        found |= {"repairs_reason": str(err).rstrip(".")}
    folder.write_json(FAIRNESS, Fairness.of(found).to_dict())


def _repaired(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    oof: OutOfFold,
    comparison: Comparison,
    found: Fairness,
) -> dict[str, Any]:
    """Describe the synthetic rows and the repairs, as fields of the document."""
    context, mix = development.context, comparison.best_mix
    assert mix is not None
    features = [name for name in context.card.sensitive if name in context.schema.feature_names]
    if not features:
        return {"repairs_reason": "no sensitive column is a feature, so that no synthetic row has a group"}
    blocks = [block for block in layout.blocks if block.repeat == 0]
    data = synthetic_groups(Scope(folder.scope(blocks[0].scope)), mix, features, found.limit)
    described: dict[str, Any] = {"data": data.to_dict()}
    if not context.schema.is_classification:
        return described | {"repairs_reason": "repairs are for classes"}
    column = widest_column(found, features)

    def fit(block: Block) -> float:
        needs = steps_before(comparison.incumbent, mix)
        with at_hand(folder, block.scope, *needs, gives=REPAIR_STEP) as here:
            made = cached_repairs(here, block.scope, comparison.incumbent, mix, column, layout.plan)
        return float(made["ratio"])

    ratio = float(np.mean(current_workers().spread(fit, blocks)))
    bring(folder, [key_of(block.scope, REPAIR_STEP) for block in blocks])
    repaired = repaired_oof(folder, development, oof, comparison.incumbent, blocks)
    repairs = compare_repairs(repaired, development, comparison, column, ratio)
    return described | {"repairs": [repair.to_dict() for repair in repairs]}


def synthetic_groups(scope: Scope, mix: Arm, features: list[str], limit: float) -> Any:
    """Compare the groups of the synthetic rows of a mix with those of the real training rows of a fold."""
    schema = scope.context.schema
    training = training_set(scope, mix.mix)
    is_real = training.origin == "real"
    soft = training.y_proba
    labels = soft[:, -1] if schema.is_classification else soft / (float(np.std(soft[is_real])) or 1.0)
    return describe_synthetic_groups(
        training.rows.loc[is_real, features],
        training.rows.loc[~is_real, features],
        real_labels=labels[is_real],
        synthetic_labels=labels[~is_real],
        weight=training.sample_weight[is_real],
        unknown=[name for name in scope.context.card.sensitive if name not in features],
        limit=limit,
        mix=mix.mix.name,
    )


def widest_column(found: Fairness, features: list[str]) -> str:
    """Return the sensitive feature with the largest gap of real only, the first one where none was judged."""
    gaps = {name: [g.real_only or 0.0 for g in found.gaps if g.grouping == name] for name in features}
    return max(features, key=lambda name: max(gaps[name], default=0.0))


def repaired_oof(
    folder: StudyFolder, development: Development, oof: OutOfFold, real_only: Arm, blocks: list[Block]
) -> OutOfFold:
    """Set the predictions of both repairs beside those of real only, on the first repeat."""
    folds = development.folds[:1]
    first = oof.predictions[oof.arms.index(real_only), :1]
    predictions = np.full((3, *first.shape), np.nan)
    predictions[0] = first
    for block in blocks:
        scope = Scope(folder.scope(block.scope))
        for place, name in enumerate((REWEIGHED, RAISED), start=1):
            predictions[place, 0, folds[0] == block.fold] = scope.read_predictions(f"{name}.npy")
    return OutOfFold(
        arms=(real_only, Arm(Mix(), REWEIGHED), Arm(Mix(), RAISED)),
        y=oof.y,
        folds=folds,
        predictions=predictions,
        n_train=oof.n_train,
        groups=oof.groups,
        sample_weight=oof.sample_weight,
        costs=oof.costs,
    )


def compare_repairs(
    oof: OutOfFold, development: Development, comparison: Comparison, column: str, ratio: float
) -> list[Repair]:
    """Score each repair against real only, and compare the largest gap of each rate."""
    context = development.context
    metric = context.metric(comparison.metric)
    scores = fold_scores(oof, metric)
    scores = scores[:, np.isfinite(scores).all(axis=0)]
    (grouping,) = groupings(development.declared[[column]].iloc[oof.rows].reset_index(drop=True))
    weight, units = oof.row_weight[oof.rows], draw_units(oof)
    means = {
        rate.name: group_means(rate, grouping, weight, units)
        for rate in rates_of(oof, oof.arms, metric, context.schema.classes)
    }
    gaps = {name: np.ptp(m.means[m.is_judged], axis=0) for name, m in means.items() if m.is_judged.sum() > 1}
    synthesizer = comparison.best_mix and comparison.best_mix.mix.synthesizer
    repairs = []
    for place, name in enumerate((REWEIGHED, RAISED), start=1):
        test = corrected_resampled_t(
            fold_gains(metric, scores[place], scores[0]), n_validation=oof.n_validation, n_train=oof.n_train
        )
        repair = {
            "name": name,
            "column": column,
            "in_words": IN_WORDS[name].format(ratio=ratio, synthesizer=synthesizer),
            "score": float(scores[place].mean()),
            "gain": test.mean,
            "interval": test.interval,
            "gaps": {rate: (float(gap[0]), float(gap[place])) for rate, gap in gaps.items()},
        }
        repairs.append(Repair.of(repair))
    return repairs
