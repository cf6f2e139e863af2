"""One run of the panel: a study on a cell's rows, its arms scored on rows that it never saw."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.mixes.arms import Arm, Exit
from realmix.tasks.core.plan.make_plan import REAL_TRIALS, TEACHER_TRIALS
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.models import MODELS
from realmix.tasks.study.out_of_fold import null_models
from tests.panel.arms import arms_to_score
from tests.panel.baselines import (
    N_REFERENCES,
    REFERENCE,
    Draw,
    make_baselines,
    read_baselines,
)
from tests.panel.outside import Outside, change, metric_of
from tests.panel.study import Recipe, predict_arms, predict_teacher, race_rows, teacher_loss
from tests.panel.tables import SIZES, Cell, draw_rows

CHEAP: dict[str, int | None] = {"sequential-trees": None, "neighbour-swap": None}
# Bounded steps; the fits of a VAE double a run's time and those of a GAN double it again, so they
# stand in two draws and in one draw of their cells.
DEEP_OF_SEED: tuple[dict[str, int | None], ...] = ({"tvae": 300, "ctgan": 300}, {"tvae": 300}, {})
TEACHER = "teacher"
TEACHERS = tuple(name for name, spec in MODELS.items() if spec.is_teacher)


@dataclass(frozen=True)
class Record:
    """What a run leaves behind; everything the panel reports is arithmetic on it.

    Attributes
    ----------
    cell, seed
    oof : OutOfFold
        All arms on the study's own folds.
    teacher_loss : float
        Of the ensemble on the same folds.
    outside : Outside
        Arms, the teacher, tuned learners and rivals on the rows that judge.
    curves : mapping of learner to mapping of rows to score
        Real only on fewer and more real rows, scored outside.
    seconds : mapping
        By kind of work.
    """

    cell: Cell
    seed: int
    oof: OutOfFold
    teacher_loss: float
    outside: Outside
    curves: Mapping[str, Mapping[int, float]]
    seconds: Mapping[str, float]

    @property
    def metric(self) -> MetricSpec:
        """What the study decides by."""
        return metric_of(self.oof.is_classification)

    def reference_of(self, learner: str) -> str:
        """The learner whose tunings a learner is held against: its own, or XGBoost where it has none."""
        return learner if f"{learner}/tuned-0" in self.outside.names else REFERENCE

    @cached_property
    def _references(self) -> dict[str, np.ndarray]:
        tuned = {name.split("/")[0] for name in self.outside.names if "/tuned-" in name}
        return {
            learner: np.mean(
                [self.outside.losses(f"{learner}/tuned-{i}") for i in range(N_REFERENCES)], axis=0
            )
            for learner in tuned
        }

    def reference(self, learner: str) -> np.ndarray:
        """Mean of the row losses of a learner's first tunings on real rows, of shape (n_test,)."""
        return self._references[self.reference_of(learner)]

    def has(self, name: str) -> bool:
        """Whether a model was scored outside."""
        return name in self.outside.names

    def score(self, name: str) -> float:
        """Score outside, lower = better; NaN where the model was not scored."""
        return self._score(self.outside.losses(name)) if self.has(name) else float("nan")

    def reference_score(self, learner: str) -> float:
        """Score of a learner's reference outside."""
        return self._score(self.reference(learner))

    def _score(self, losses: np.ndarray) -> float:
        return float(self.metric.from_mean_loss(losses.mean()))

    def change(self, name: str, reference: np.ndarray) -> tuple[float, float]:
        """Relative change of a model's loss against row losses, and its standard error; NaN if not scored."""
        if not self.has(name):
            return float("nan"), float("nan")
        return change(self.outside.losses(name), reference, is_root=not self.oof.is_classification)


def recipe(draw: Draw) -> Recipe:
    """What the study of a draw tries."""
    deep = DEEP_OF_SEED[draw.seed] if draw.cell.has_deep else {}
    return Recipe(
        synthesizers=CHEAP | deep,
        ratios=(1.0, 5.0),
        models=(*draw.learners, *sorted(null_models())),
        real_labels=("own", "half"),
        teacher=tuple((name, trial) for trial in range(TEACHER_TRIALS) for name in TEACHERS),
        n_trials=2,
        n_real_trials=REAL_TRIALS,
        n_repeats=2,
        full_grid=has_full_grid(draw.cell, draw.seed),
    )


def path_of(store: Path, cell: Cell, seed: int) -> Path:
    """Where a run is kept, without the suffixes of its two files."""
    return store / "studies" / f"{cell.name}-{seed}"


def is_done(store: Path, cell: Cell, seed: int) -> bool:
    """Whether a run is there as a whole."""
    return path_of(store, cell, seed).with_suffix(".json").exists()


def has_full_grid(cell: Cell, seed: int) -> bool:
    """Whether nobody leaves the race, so that its winner can be held against the full grid's."""
    return seed == 0 and cell.n_rows == min(SIZES)


def run(cell: Cell, seed: int, store: Path, *, confirm: bool = False) -> None:
    """Run one study and what it is held against, and keep the record.

    Parameters
    ----------
    cell : Cell
    seed : int
    store : Path
        Folder of records: what is there is not run again.
    confirm : bool
        Opens the fresh tables.
    """
    if is_done(store, cell, seed):
        return
    draw = Draw.of(cell, seed, draw_rows(cell, seed, confirm=confirm))
    make_baselines(draw, store)
    run_study(draw, recipe(draw), path_of(store, cell, seed))


def timed(cell: Cell, seed: int, store: Path, confirm: bool) -> float:
    """Do one run; the seconds that it took."""
    started = time.perf_counter()
    run(cell, seed, store, confirm=confirm)
    return time.perf_counter() - started


def run_study(draw: Draw, tried: Recipe, target: Path) -> None:
    """Run the study of a draw, and keep its record: arrays first, so that a record that is there is whole."""
    started = time.perf_counter()
    cell, seed, rows = draw.cell, draw.seed, draw.rows
    with tempfile.TemporaryDirectory(prefix="realmix-panel-") as folder:
        raced = race_rows(rows.training, rows.card, tried, folder=Path(folder), seed=seed, digest=cell.name)
        oof, in_folds = raced.out_of_fold, teacher_loss(raced)
        predictions = predict_arms(raced, arms_to_score(oof), draw.judge.X)
        predictions[TEACHER] = predict_teacher(raced, draw.judge.X)
    groups = np.arange(len(oof.y)) if oof.groups is None else oof.groups
    target.parent.mkdir(parents=True, exist_ok=True)
    draw.judge.score(predictions).write(
        target.with_suffix(".npz"), y=oof.y, folds=oof.folds, groups=groups,
        predictions=oof.predictions.astype(np.float32),
    )  # fmt: skip
    record = {
        "cell": [cell.table, cell.n_rows],
        "seed": seed,
        "n_train": oof.n_train,
        "arms": [arm.to_dict() for arm in oof.arms],
        "disqualified": dict(oof.disqualified),
        "exits": {name: dataclasses.asdict(left) for name, left in oof.exits.items()},
        "teacher_loss": in_folds,
        "seconds": {**raced.seconds, "all": time.perf_counter() - started},
    }
    target.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")


def read(store: Path, cell: Cell, seed: int) -> Record:
    """Read a record that :func:`run` left, and what it is held against."""
    path = path_of(store, cell, seed)
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    outside, kept = Outside.read(path.with_suffix(".npz"))
    groups = kept["groups"]
    oof = OutOfFold(
        arms=tuple(Arm.from_dict(arm) for arm in record["arms"]),
        y=kept["y"],
        folds=kept["folds"],
        predictions=kept["predictions"].astype(float),
        n_train=record["n_train"],
        groups=groups if len(np.unique(groups)) < len(groups) else None,
        disqualified=record["disqualified"],
        exits={name: Exit(**left) for name, left in record["exits"].items()},
    )
    baselines = read_baselines(store, cell, seed)
    return Record(
        cell, seed, oof, record["teacher_loss"], outside + baselines.outside, baselines.curves,
        record["seconds"],
    )  # fmt: skip
