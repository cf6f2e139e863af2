"""Fit the library's priors on runs of the panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.plan.priors import DeviationLine, GainLine, Priors
from realmix.tasks.study.out_of_fold import null_models
from tests.panel.decisions import gain_outside
from tests.panel.runs import Record
from tests.panel.tables import SIZES

COMMAND = "make panel"
# The narrowest prior that is allowed: six tables cannot say that gains never differ by more.
MIN_SD = 0.005


def fit_priors(records: Iterable[Record], tables: Sequence[str]) -> Priors:
    """Fit gains by label rule and the deviation of fold gains on some tables.

    The gain of a label rule in a run is what its best mix (by the study's own folds) gained over
    the best real-only arm on rows outside. A line in log n is fitted to the means of tables, so
    that a table counts once at each size; the deviation between tables is what the line leaves.

    Parameters
    ----------
    records : iterable of Record
    tables : sequence of str
        Names of those to fit on: leave the table out that is to be judged.
    """
    used = [record for record in records if record.cell.table in tables]
    rules = {rule: _gain_line(used, rule) for rule in ("joint", "teacher")}
    kinds = {kind: _deviation_line(used, kind) for kind in ("classification", "regression")}
    return Priors(rules, kinds, (min(SIZES), max(SIZES)), tuple(sorted(tables)), COMMAND)


def _gain_line(records: Sequence[Record], label_rule: str) -> GainLine:
    seen: dict[tuple[str, int], list[float]] = {}
    for record in records:
        gain = _best_gain(record, label_rule)
        if np.isfinite(gain):
            seen.setdefault((record.cell.table, record.cell.n_rows), []).append(gain)
    logs = np.log([n_rows for _, n_rows in seen])
    means = np.array([np.mean(gains) for gains in seen.values()])
    slope, intercept = np.polyfit(logs, means, 1)
    left = means - (intercept + slope * logs)
    return GainLine(float(intercept), float(slope), max(float(np.std(left, ddof=2)), MIN_SD))


def _best_gain(record: Record, label_rule: str) -> float:
    """Gain outside of a rule's best mix over the best real-only arm, both chosen by the study's folds."""
    case = ScoredArms(record.oof, record.metric, null_models())
    wanted = case.where(lambda arm: arm.mix.role == "candidate" and arm.mix.label_rule == label_rule)
    best = case.best(wanted)
    if best is None:
        return float("nan")
    return gain_outside(record, case.oof.arms[best].name, case.oof.arms[case.incumbent].name)


def _deviation_line(records: Sequence[Record], kind: str) -> DeviationLine:
    """Of one kind of task; of all where there is no table of that kind."""
    of_kind = [record for record in records if record.oof.is_classification == (kind == "classification")]
    logs, deviations = [], []
    for record in of_kind or records:
        case = ScoredArms(record.oof, record.metric, null_models())
        if case.best_mix is not None:
            spread = float(np.std(case.fold_gains(case.best_mix, case.incumbent), ddof=1))
            logs.append(np.log(record.cell.n_rows))
            deviations.append(np.log(max(spread, 1e-6)))
    b, a = np.polyfit(logs, deviations, 1)
    return DeviationLine(float(a), float(b))
