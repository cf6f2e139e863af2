"""What realmix decides on a run, and how that did on rows nobody saw: the lines of ``panel.csv``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.learners import decide_by_learner
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.decision.verdict import Verdict, decide
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.priors import Priors
from realmix.tasks.core.scores.out_of_fold import OutOfFold, gains
from realmix.tasks.core.scores.rows_saved import equivalent_rows, monotone
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.study.out_of_fold import null_models
from tests.panel.arms import arm_lines, race_again, scored
from tests.panel.baselines import N_REFERENCES, REFERENCE
from tests.panel.outside import SIDE
from tests.panel.rivals import RIVALS
from tests.panel.runs import TEACHER, Record

N_BOOTSTRAP = 1000
# The line of the whole study, whatever learner it ships.
ALL = "all"
# Standard error of a change of loss, from the test rows, up to which a run is counted.
MAX_SE = 0.005

Line = dict[str, Any]


def decide_run(record: Record, priors: Priors | None) -> tuple[list[Line], list[Line], list[Line]]:
    """Decide a run.

    Parameters
    ----------
    record : Record
    priors : Priors or None
        Fitted without this table; the committed ones when None.

    Returns
    -------
    panel, arms, rivals : list of dict
        Lines for ``panel.csv`` (the study and each learner), ``arms.csv`` and ``rivals.csv``.
    """
    seed = derive_seed("panel", record.cell.name, record.seed)
    metric, oof = record.metric, race_again(record.oof, record.metric)
    null = null_models()
    comparison = compare(oof, metric, seed=seed, n_bootstrap=N_BOOTSTRAP, null_models=null)
    verdict = decide(comparison, margin=metric.margin, priors=priors)
    of_learners = decide_by_learner(
        oof, metric, seed=seed, n_bootstrap=N_BOOTSTRAP, margin=metric.margin, null_models=null, priors=priors
    )
    case = scored(record.oof, metric)
    panel = [line_of(record, case, ALL, comparison, verdict) | describe_race(record, oof, comparison)]
    panel += [line_of(record, case, each.model, each.comparison, each.verdict) for each in of_learners]
    arms = [run_of(record) | line for line in arm_lines(record)]
    return panel, arms, rival_lines(record, case, {line["learner"]: line["ships"] for line in panel})


def run_of(record: Record) -> Line:
    """Name a run."""
    return {
        "table": record.cell.table,
        "half": record.cell.half,
        "n_rows": record.cell.n_rows,
        "seed": record.seed,
    }


def line_of(record: Record, case: ScoredArms, learner: str, found: Comparison, verdict: Verdict) -> Line:
    """The verdict on a learner, or on the study as a whole, beside what came of it.

    Changes of loss are negative where better, gains positive. ``change`` is against the learner's own
    tunings on real rows, ``change_xgb`` against those of XGBoost.
    """
    ships, reference = verdict.ships.name, record.reference(learner)
    moved, error = record.change(ships, reference)
    return {
        **run_of(record),
        "learner": learner,
        "counted": run_error(record, case) <= MAX_SE,
        "run_se": run_error(record, case),
        "metric": record.metric.name,
        "word": verdict.outcome,
        "ships": ships,
        "real_only": found.incumbent.name,
        "best_mix": found.best_mix.name if found.best_mix else "",
        "is_mix_shipped": verdict.is_mix_shipped,
        "promised": verdict.promised_gain,
        "low": verdict.promised_interval[0],
        "high": verdict.promised_interval[1],
        "naive": found.naive_gain,
        "realised": gain_outside(record, ships, found.incumbent.name),
        "best_mix_gain": gain_outside(record, found.best_mix.name, found.incumbent.name)
        if found.best_mix
        else float("nan"),
        "margin": record.metric.margin,
        "smallest_provable": found.smallest_provable_gain,
        "p_value": found.p_value,
        "loss": record.score(ships),
        "loss_reference": record.reference_score(learner),
        "change": moved,
        "se": error,
        "change_floor": record.change(floor_of(record, learner), reference)[0],
        "change_xgb": record.change(ships, record.reference(REFERENCE))[0],
        "change_distillation": change_of_distillation(record, case, learner, ships),
        **{f"{name}_gain": value for name, value in side_gains(record, ships, learner).items()},
        "multiplier": multiplier(record, ships, learner),
        "multiplier_real_only": multiplier(record, best_plain(case, learner), learner),
    }


def floor_of(record: Record, learner: str) -> str:
    """The tuning that is no part of the reference."""
    return f"{record.reference_of(learner)}/tuned-{N_REFERENCES}"


def run_error(record: Record, case: ScoredArms) -> float:
    """How exactly the test rows of a run tell a change: the standard error of distilled XGBoost's.

    The same arm in every run, whatever ships, and one number for all learners: no result decides
    whether it is counted.
    """
    return record.change(best_distilled(case, REFERENCE), record.reference(REFERENCE))[1]


def best_arm(case: ScoredArms, is_wanted: Callable[[Arm], bool]) -> str:
    """The best of the wanted arms by cross-validation."""
    place = case.best(case.where(is_wanted))
    return "" if place is None else case.oof.arms[place].name


def best_plain(case: ScoredArms, learner: str) -> str:
    """The best arm on real rows alone."""
    return best_arm(case, lambda arm: arm.mix == Mix() and learner in (arm.model, ALL))


def best_distilled(case: ScoredArms, learner: str) -> str:
    """The best arm on real rows with the teacher's labels."""
    return best_arm(case, lambda arm: arm.mix.name == "distillation" and learner in (arm.model, ALL))


def change_of_distillation(record: Record, case: ScoredArms, learner: str, ships: str) -> float:
    """Change of what ships against distillation without synthetic rows."""
    distilled = best_distilled(case, learner)
    if not record.has(distilled):
        return float("nan")
    return record.change(ships, record.outside.losses(distilled))[0]


def side_gains(record: Record, name: str, learner: str) -> dict[str, float]:
    """Change of AUC, average precision and cost against the mean of the reference's tunings.

    AUC and average precision in points, positive = better; cost as a share, negative = better.
    """
    if not record.has(name):
        return dict.fromkeys(SIDE, float("nan"))
    own, reference = record.outside.side_of(name), record.reference_of(learner)
    tuned = [record.outside.side_of(f"{reference}/tuned-{number}") for number in range(N_REFERENCES)]
    means = {side: float(np.mean([scores[side] for scores in tuned])) for side in SIDE}
    return {side: own[side] / means[side] - 1 if side == "cost" else own[side] - means[side] for side in SIDE}


def rival_lines(record: Record, case: ScoredArms, ships: dict[str, str]) -> list[Line]:
    """Everything side by side, against tuned XGBoost; each chosen by what its own method could see."""
    named = {
        "shipped": ships[ALL],
        "xgb": ships[REFERENCE],
        "plain_xgb": best_plain(case, REFERENCE),
        "plain": best_plain(case, ALL),
        "distillation": best_distilled(case, ALL),
        "raw_cv": best_arm(case, lambda arm: arm.mix.role != "control" and arm.name not in record.oof.exits),
        "floor": floor_of(record, REFERENCE),
        TEACHER: TEACHER,
        **{name: name for name in RIVALS},
    }
    return [line for role, name in named.items() for line in rival_line(record, role, name)]


def rival_line(record: Record, role: str, name: str) -> Iterator[Line]:
    """One line, or none where the rival was not run."""
    if record.has(name):
        moved, error = record.change(name, record.reference(REFERENCE))
        beside = {f"{side}_gain": gain for side, gain in side_gains(record, name, REFERENCE).items()}
        yield run_of(record) | {"rival": role, "model": name, "change": moved, "se": error, **beside}


def describe_race(record: Record, oof: OutOfFold, comparison: Comparison) -> Line:
    """What the race saved, and what its winner lost against the full grid's, on the full grid's rows.

    Known only of runs in which nobody left.
    """
    if record.oof.exits:
        return dict.fromkeys(("race_lag", "race_spent", "race_grid"), float("nan"))
    metric = record.metric
    full = scored(record.oof, metric)
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
    """Gain of an arm over another on the test rows; NaN where one was not scored there."""
    return float(gains(record.metric, record.score(arm), record.score(reference)))


def multiplier(record: Record, arm: str, learner: str) -> float:
    """Real rows of which a learner needs to score as well, per row the study had; for all, the best plain one.

    NaN where there is no curve, or the table has too few rows for it to say; at either end it is the bound.
    """
    curves = [curve for name, curve in record.curves.items() if learner in (name, ALL)]
    if not curves or not record.has(arm) or max(curves[0]) < 2 * record.cell.n_rows:
        return float("nan")
    sizes = np.array(sorted(curves[0]), dtype=float)
    scores = np.array([min(curve[int(size)] for curve in curves) for size in sizes])
    best = monotone(scores, greater_is_better=False)
    found = equivalent_rows(sizes, best, record.score(arm), greater_is_better=False)
    return found.n_rows / record.cell.n_rows
