"""What realmix and its rivals decide on a run, and how that did on rows nobody saw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.race import heats, judge
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.decision.verdict import decide
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.priors import Priors
from realmix.tasks.core.scores.out_of_fold import OutOfFold, gains
from realmix.tasks.core.scores.rows_saved import equivalent_rows, monotone
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.metrics import METRICS
from realmix.tasks.study.out_of_fold import null_models
from tests.panel.rivals import RIVALS
from tests.panel.runs import TEACHER, TUNED, Record
from tests.panel.tables import METHOD_HALF

N_BOOTSTRAP = 1000


def decide_run(record: Record, priors: Priors) -> dict[str, Any]:
    """One line of the panel's table.

    Parameters
    ----------
    record : Record
    priors : Priors
        Fitted without this table.

    Returns
    -------
    dict
        Scores outside are `loss_*` (lower = better) and `auc_*`; gains are shares of the
        reference's loss, positive = better.
    """
    metric, seed = METRICS[record.metric], derive_seed("panel", record.cell.name, record.seed)
    oof = race_again(record.oof, metric)
    comparison = decide_on(oof, metric, seed)
    verdict = decide(comparison, margin=metric.margin, priors=priors)
    ships = verdict.ships.name
    line: dict[str, Any] = {
        "table": record.cell.table,
        "half": "method" if record.cell.table in METHOD_HALF else "confirmation",
        "n_rows": record.cell.n_rows,
        "seed": record.seed,
        "deep": record.cell.has_deep,
        "metric": record.metric,
        "word": verdict.outcome,
        "ships": ships,
        "real_only": comparison.incumbent.name,
        "best_mix": comparison.best_mix.name if comparison.best_mix else "",
        "rule_picks": comparison.winner.name,
        "promised": comparison.promised_gain,
        "low": comparison.promised_interval[0],
        "high": comparison.promised_interval[1],
        "naive": comparison.naive_gain,
        "realised": gain_outside(record, comparison.winner.name, comparison.incumbent.name),
        "smallest_provable": comparison.smallest_provable_gain,
        "shrunken": verdict.shrunken_gain,
    }
    named = {"shipped": ships, "real_only": comparison.incumbent.name, **references(record, oof, metric)}
    for role, arm in named.items():
        line[f"loss_{role}"] = record.score(arm) if arm in record.tested else float("nan")
        line[f"auc_{role}"] = record.auc(arm) if arm in record.tested else float("nan")
    line |= xgboost_alone(record, metric, seed, priors)
    line |= describe_race(record, oof, comparison)
    return line | {
        "multiplier": multiplier(record, ships),
        "multiplier_real_only": multiplier(record, named["plain"]),
    }


def decide_on(oof: OutOfFold, metric: MetricSpec, seed: int) -> Comparison:
    """The product's comparison of a run."""
    return compare(oof, metric, seed=seed, n_bootstrap=N_BOOTSTRAP, null_models=null_models())


def race_again(oof: OutOfFold, metric: MetricSpec) -> OutOfFold:
    """Run the race over a full grid of predictions: what left early is forgotten from there on.

    A run that was raced is as it was.
    """
    if oof.exits:
        return oof
    blocks = oof.fold_rows
    n_first = sum(repeat == 0 for repeat, _ in blocks)
    run, exits = 0, {}
    for heat in heats(range(len(blocks)), n_first=n_first, raced=True)[:-1]:
        run += len(heat)
        folds = np.full_like(oof.folds, -1)
        for repeat, rows in blocks[:run]:
            folds[repeat, rows] = oof.folds[repeat, rows]
        live = [place for place, arm in enumerate(oof.arms) if arm.name not in exits]
        so_far = dataclasses.replace(
            oof, folds=folds, arms=tuple(oof.arms[i] for i in live), predictions=oof.predictions[live]
        )
        exits |= judge(so_far, metric, n_first=n_first, n_blocks=len(blocks))
    return dataclasses.replace(oof, exits=exits)


def references(record: Record, oof: OutOfFold, metric: MetricSpec) -> dict[str, str]:
    """Names of what realmix is held against, each chosen by what its own method could see."""
    every = ScoredArms(record.oof, metric, null_models())
    arms = record.oof.arms

    def best(scores: np.ndarray, is_wanted: Callable[[Arm], bool]) -> str:
        allowed = [place for place, arm in enumerate(arms) if is_wanted(arm)]
        return arms[min(allowed, key=lambda place: scores[place])].name

    first = every.row_scores.first_repeat(np.ones((1, len(oof.rows))))[0]  # type: ignore[union-attr]
    return {
        "tuned": TUNED,
        "plain": best(every.scores, lambda arm: arm.mix.name == "real-only"),
        "plain_xgb": best(every.scores, lambda arm: (arm.mix.name, arm.model) == ("real-only", "xgboost")),
        "distillation": best(every.scores, lambda arm: arm.mix.name == "distillation"),
        "raw_cv": best(first, lambda arm: arm.mix.role != "control"),
        "teacher": TEACHER,
        **{name: name for name in RIVALS},
    }


def xgboost_alone(record: Record, metric: MetricSpec, seed: int, priors: Priors) -> dict[str, Any]:
    """The same decision with XGBoost as the only learner."""
    kept = [place for place, arm in enumerate(record.oof.arms) if arm.model in ("xgboost", "class-prior")]
    narrowed = dataclasses.replace(
        record.oof,
        arms=tuple(record.oof.arms[place] for place in kept),
        predictions=record.oof.predictions[kept],
    )
    verdict = decide(
        decide_on(race_again(narrowed, metric), metric, seed), margin=metric.margin, priors=priors
    )
    ships = verdict.ships.name
    return {
        "xgb_word": verdict.outcome,
        "xgb_ships": ships,
        "loss_xgb": record.score(ships),
        "auc_xgb": record.auc(ships),
    }


def describe_race(record: Record, oof: OutOfFold, comparison: Comparison) -> dict[str, Any]:
    """What the race saved, and what its winner lost against the full grid's, on the full grid's rows.

    Known only of runs in which nobody left.
    """
    if record.oof.exits:
        return dict.fromkeys(("race_lag", "race_spent", "race_grid"), float("nan"))
    metric = METRICS[record.metric]
    full = ScoredArms(record.oof, metric, null_models())
    place = next(i for i, arm in enumerate(full.oof.arms) if arm.name == comparison.winner.name)
    n_blocks, spent, grid = len(oof.fold_rows), 0.0, 0.0
    synthesizers = {arm.mix.synthesizer for arm in oof.arms if arm.mix.role == "candidate"}
    for name in sorted(filter(None, synthesizers)):
        of_synthesizer = [arm.name for arm in oof.arms if arm.mix.synthesizer == name]
        run = max(oof.exits[arm].after_block if arm in oof.exits else n_blocks for arm in of_synthesizer)
        grid += record.seconds[name]
        spent += record.seconds[name] * run / n_blocks
    lag = float(gains(metric, full.scores[full.winner], full.scores[place]))
    return {"race_lag": lag, "race_spent": spent, "race_grid": grid}


def gain_outside(record: Record, arm: str, reference: str) -> float:
    """Gain of an arm over another on the test rows."""
    if arm not in record.tested or reference not in record.tested:
        return float("nan")
    return float(gains(METRICS[record.metric], record.score(arm), record.score(reference)))


def multiplier(record: Record, arm: str) -> float:
    """Real rows of which the best plain learner needs to score as well, per row the study had.

    NaN where the table has too few rows for the curve to say; at either end it is the bound.
    """
    if arm not in record.tested or max(record.curve) < 2 * record.cell.n_rows:
        return float("nan")
    sizes = np.array(sorted(record.curve), dtype=float)
    best = monotone(
        np.array([min(record.curve[int(size)].values()) for size in sizes]), greater_is_better=False
    )
    found = equivalent_rows(sizes, best, record.score(arm), greater_is_better=False)
    return found.n_rows / record.cell.n_rows
