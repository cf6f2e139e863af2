"""What realmix is held against and what its method does not touch: tuned learners, rivals, learning curves.

Made once for each draw of rows and kept: after a change of the method only the studies run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.folds import make_folds
from realmix.tasks.core.table.checks import check_study_input
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.models import MODELS
from tests.panel.outside import Judge, Outside, known_labels, metric_of
from tests.panel.rivals import ONCE_PER_CELL, RIVALS
from tests.panel.study import known_learners
from tests.panel.tables import Cell, Rows

REFERENCE = "xgboost"
# Learners of the panel's studies, those of them that this version has.
LEARNERS = known_learners("xgboost", "decision-tree", "scorecard", "linear", "mlp", "ensemble")
# It takes longer than all others together: it stands in one draw of each table.
SLOW, SLOW_ROWS = ("mlp",), 500
# The mean of five tunings is the reference; the sixth says what tuning again changes by itself.
N_REFERENCES = 5
N_TUNINGS = N_REFERENCES + 1
N_TRIALS = 8
N_FOLDS = 5
# Sizes of the true learning curves, in multiples of the study's rows.
CURVE = (0.5, 2**-0.5, 1.0, 2**0.5, 2.0, 2**1.5, 4.0)
CURVE_LEARNERS = known_learners("xgboost", "decision-tree", "scorecard", "linear")


@dataclass(frozen=True)
class Draw:
    """One draw of a cell's rows, as its schema reads them.

    Attributes
    ----------
    cell, seed
    rows : Rows
    real : DataFrame of shape (n_rows, n_modelled)
        Canonical training rows.
    judge : Judge
    """

    cell: Cell
    seed: int
    rows: Rows
    schema: Schema
    real: pd.DataFrame
    judge: Judge

    @property
    def learners(self) -> tuple[str, ...]:
        """Learners in the study of this draw."""
        able = [name for name in LEARNERS if self.schema.task in MODELS[name].tasks]
        has_slow = (self.cell.n_rows, self.seed) == (SLOW_ROWS, 0)
        return tuple(name for name in able if has_slow or name not in SLOW)

    @property
    def tuned_learners(self) -> tuple[str, ...]:
        """Those that are tuned by themselves; an ensemble must be worth more than XGBoost, against which it is held."""
        return tuple(name for name in self.learners if name != "ensemble")

    @classmethod
    def of(cls, cell: Cell, seed: int, rows: Rows) -> Draw:
        """Read a draw as a study of it does."""
        schema = check_study_input(rows.training, rows.card)
        return cls(cell, seed, rows, schema, schema.apply(rows.training), Judge.of(rows, schema))

    def fit(self, real: pd.DataFrame, learner: str, trial: int, *key: object) -> Any:
        """A learner on plain rows; `key` makes its seed another one."""
        spec, schema = MODELS[learner], self.schema
        seed = derive_seed("panel", self.cell.name, self.seed, *key)
        built = spec.build(schema, spec.search_space(trial, schema), seed, 1)
        return built.fit(real[schema.feature_names], schema.one_hot_target(real), np.ones(len(real)))


@dataclass(frozen=True)
class Baselines:
    """Everything that was kept of a draw.

    Attributes
    ----------
    outside : Outside
        ``<learner>/tuned-<number>`` for each tuning, and the rivals.
    curves : mapping of learner to mapping of rows to score
        Of the best of a few settings, which the test rows chose: better than anybody could have known.
    """

    outside: Outside
    curves: Mapping[str, Mapping[int, float]]


def make_baselines(draw: Draw, store: Path) -> None:
    """Make and keep what is not there yet."""
    for path, make in parts(draw, store):
        if not path.exists():
            started = time.perf_counter()
            outside, beside = make()
            path.parent.mkdir(parents=True, exist_ok=True)
            written = path.with_name(f"{path.stem}.part.npz")
            outside.write(written, seconds=np.array(time.perf_counter() - started), **beside)
            written.rename(path)


def parts(
    draw: Draw, store: Path
) -> Iterator[tuple[Path, Callable[[], tuple[Outside, dict[str, np.ndarray]]]]]:
    """Each file of a draw, and what makes it."""
    for learner in draw.tuned_learners:
        yield path_of(store, draw.cell, draw.seed, learner), lambda learner=learner: tuned(draw, learner)
    yield path_of(store, draw.cell, draw.seed, "rivals"), lambda: (rivals(draw), {})


def path_of(store: Path, cell: Cell, seed: int, part: str) -> Path:
    """File of a learner's tunings, or of the rivals."""
    return store / "baselines" / f"{cell.name}-{seed}-{part}.npz"


def read_baselines(store: Path, cell: Cell, seed: int) -> Baselines:
    """Read what :func:`make_baselines` kept."""
    paths = {part: path_of(store, cell, seed, part) for part in (*LEARNERS, "rivals")}
    found = {part: Outside.read(path) for part, path in paths.items() if path.exists()}
    outside = [kept for kept, _ in found.values()]
    curves = {
        part: dict(zip(map(int, beside["sizes"]), map(float, beside["scores"]), strict=True))
        for part, (_, beside) in found.items()
        if "sizes" in beside
    }
    return Baselines(sum(outside[1:], outside[0]), curves)


def tuned(draw: Draw, learner: str) -> tuple[Outside, dict[str, np.ndarray]]:
    """Tune a learner several times, each time with other folds and seeds, and its learning curve."""
    trials = [best_trial(draw, learner, number) for number in range(N_TUNINGS)]
    predictions = {
        f"{learner}/tuned-{number}": draw.fit(draw.real, learner, trial, "tuned", number).predict(
            draw.judge.X
        )
        for number, trial in enumerate(trials)
    }
    beside = {"trials": np.array(trials)}
    if learner in CURVE_LEARNERS:
        curve = true_curve(draw, learner, sorted({0, 1, trials[0]}))
        beside |= {"sizes": np.array(list(curve)), "scores": np.array(list(curve.values()))}
    return draw.judge.score(predictions), beside


def best_trial(draw: Draw, learner: str, number: int) -> int:
    """Tune as people do: the best of eight settings by plain five-fold cross-validation."""
    schema, metric = draw.schema, metric_of(draw.schema.is_classification)
    assert metric.row_loss is not None
    y, real = schema.encode_target(draw.real), code_texts([draw.real], schema.feature_names)[0]
    seed = derive_seed("panel", draw.cell.name, draw.seed, "tuning", number)
    folds = make_folds(y, np.arange(len(y)), schema.task, n_folds=N_FOLDS, n_repeats=1, seed=seed)[0]
    losses = np.zeros(N_TRIALS)
    for fold in np.unique(folds):
        held = folds == fold
        X = real.loc[held, schema.feature_names]
        for trial in range(N_TRIALS):
            model = draw.fit(real[~held], learner, trial, "tuning", number, int(fold))
            losses[trial] += metric.row_loss(y[held], model.predict(X)).sum()
    return int(np.argmin(losses))


def true_curve(draw: Draw, learner: str, trials: list[int]) -> dict[int, float]:
    """A learner on fewer and on more real rows: what a study cannot know."""
    n_rows, schema = draw.cell.n_rows, draw.schema
    more = [draw.rows.training, draw.rows.spare.iloc[: 4 * n_rows]]
    everything = schema.apply(known_labels(pd.concat(more, ignore_index=True), schema))
    sizes = [round(share * n_rows) for share in CURVE]
    return {
        size: min(
            draw.judge.mean_loss(draw.fit(everything.iloc[:size], learner, trial, "curve"))
            for trial in trials
        )
        for size in sizes
        if size <= len(everything)
    }


def rivals(draw: Draw) -> Outside:
    """Tuned XGBoost on real rows and those of each rival; the slow ones once for each cell of the two halves."""
    trial = best_trial(draw, REFERENCE, 0)
    predictions = {}
    for name, make in RIVALS.items():
        if name not in ONCE_PER_CELL or (draw.seed == 0 and draw.cell.half != "fresh"):
            added = make(draw.real, draw.schema, derive_seed("rival", name, draw.cell.name, draw.seed))
            rows = pd.concat([draw.real, added], ignore_index=True)
            predictions[name] = draw.fit(rows, REFERENCE, trial, "tuned", 0).predict(draw.judge.X)
    return draw.judge.score(predictions)
