"""Fit the library's priors on runs of the panel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.decision.learners import arms_of
from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.plan.priors import UNSEEN, DeviationLine, GainLine, Priors
from realmix.tasks.study.out_of_fold import null_models
from tests.panel.decisions import gain_outside
from tests.panel.runs import Record
from tests.panel.tables import SIZES

COMMAND = "make panel"
# Rows of standardised features that the ridge counts for: of few tables slopes are mostly chance.
RIDGE = 5.0
# Tables that are supposed beside those seen, with the deviation of what was never seen: a few tables that happen to
# be alike do not say that gains hardly differ.
N_SUPPOSED = 3


def fit_priors(records: Iterable[Record], tables: Sequence[str]) -> Priors:
    """Fit the gains of learners and the deviation of fold gains on some tables.

    The gain of a learner in a run is what its default recipe gained over its best real-only arm on rows outside;
    the trials of both are chosen by the study's own folds. Every table counts alike at each size. The deviation is that
    of a new table from lines that never saw it.

    Parameters
    ----------
    records : iterable of Record
    tables : sequence of str
        Names of those to fit on: leave the table out that is to be judged.
    """
    used = [record for record in records if record.cell.table in tables]
    seen = pd.DataFrame([line for record in used for line in _gains(record)]).dropna()
    learners = {learner: _gain_line(lines) for learner, lines in seen.groupby("learner")}
    kinds = {kind: _deviation_line(used, kind) for kind in ("classification", "regression")}
    return Priors(learners, kinds, (min(SIZES), max(SIZES)), tuple(sorted(tables)), COMMAND)


def _gains(record: Record) -> Iterator[dict[str, Any]]:
    """Gains outside of each learner's default recipe, beside what a study knows of them before it."""
    null = null_models()
    for learner in sorted({arm.model for arm in record.oof.arms} - null):
        case = ScoredArms(arms_of(record.oof, {learner, *null}), record.metric, null)
        recipe = case.best(case.is_default & case.is_eligible)
        if recipe is not None and case.oof.arms[case.incumbent].model == learner:
            names = [case.oof.arms[place].name for place in (recipe, case.incumbent)]
            yield {
                "learner": learner,
                "table": record.cell.table,
                "n_rows": record.cell.n_rows,
                "explained": min(max(case.explained, 0.0), 1.0),
                "gain": gain_outside(record, *names),
            }


def _gain_line(lines: pd.DataFrame) -> GainLine:
    """Fit a learner's line, by ridge regression; its deviation from tables that were left out."""
    cells = lines.groupby(["table", "n_rows"], as_index=False)[["explained", "gain"]].mean()
    squares = []
    if cells["table"].nunique() > 1:
        for _, of_table in cells.groupby("table"):
            others = _ridge(cells.drop(of_table.index))
            squares.append(float(np.mean((of_table["gain"] - _predicted(others, of_table)) ** 2)))
    supposed = [UNSEEN.sd**2] * N_SUPPOSED
    return GainLine(*_ridge(cells), float(np.sqrt(np.mean([*squares, *supposed]))))


def _ridge(cells: pd.DataFrame) -> tuple[float, float, float]:
    """Intercept, slope in log rows and slope in the share explained; the slopes are held near 0 by `RIDGE`."""
    features = np.column_stack([np.log(cells["n_rows"]), cells["explained"]])
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    scaled, gain = (features - centre) / spread, cells["gain"].to_numpy()
    slopes = np.linalg.solve(
        scaled.T @ scaled + RIDGE * np.eye(2), scaled.T @ (gain - gain.mean())
    ) / np.where(spread > 1e-9, spread, np.inf)
    return float(gain.mean() - centre @ slopes), *slopes.tolist()


def _predicted(line: tuple[float, float, float], cells: pd.DataFrame) -> pd.Series:
    return line[0] + line[1] * np.log(cells["n_rows"]) + line[2] * cells["explained"]


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
