"""What synthetic rows disclose beyond membership: singling out, linking and guessing, each against a control.

The three risks of the Article 29 Working Party's opinion 05/2014. Each attack uses the synthetic rows only; the
control is the same attack on rows that were not learned. A guess that succeeds on both sides uses what is
true of everybody, which no table of persons can hide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.privacy.attacks import place_group
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.columns import Column

# Descriptions that are tried, in each trial, and the columns in each.
N_DESCRIPTIONS = 500
COLUMNS_DESCRIBED = 4
# A number is guessed if it is off by at most this share of a standard deviation.
NUMBER_TOLERANCE = 0.1


@dataclass(frozen=True)
class Attempts:
    """How often an attack succeeded on members, and on rows that were not learned."""

    name: str
    n_attacks: int
    n_hits: int
    n_controls: int
    n_control_hits: int

    def __add__(self, other: Attempts) -> Attempts:
        return Attempts(
            self.name,
            self.n_attacks + other.n_attacks,
            self.n_hits + other.n_hits,
            self.n_controls + other.n_controls,
            self.n_control_hits + other.n_control_hits,
        )

    @property
    def p_value(self) -> float:
        """Chance of so many more hits on members where nothing leaks (Fisher, one-sided)."""
        from scipy import stats

        table = [
            [self.n_hits, self.n_attacks - self.n_hits],
            [self.n_control_hits, self.n_controls - self.n_control_hits],
        ]
        return float(stats.fisher_exact(table, alternative="greater").pvalue)


def disclose(trial: Trial, secrets: tuple[str, ...]) -> list[Attempts]:
    """Run the three attacks in a trial; `secrets` are the columns whose cells are guessed."""
    linked = link_halves(trial)
    return [
        single_out(trial),
        *([linked] if linked else []),
        *(guess_column(trial, trial.schema[name]) for name in secrets),
    ]


def single_out(trial: Trial) -> Attempts:
    """Describe a synthetic row by some columns, and look whether exactly one real row fits the description.

    Numbers are described as at least or at most the synthetic value, on the side of it with fewer rows; only
    descriptions that fit one synthetic row are tried (Giomi et al. 2022, arXiv:2211.10459).
    """
    columns = trial.schema.modelled
    rng = np.random.default_rng(derive_seed(trial.seed, "single out"))
    members, *unseen = trial.sides
    # A description fits one row by chance the more easily, the fewer rows there are: equally many of both.
    n = min(len(members), sum(map(len, unseen)))
    numbers = comparable(pd.concat([trial.real, trial.searched], ignore_index=True), columns)
    synthetic = numbers[len(trial.real) :]
    sides = synthetic, numbers[members[:n]], numbers[np.concatenate(unseen)[:n]]
    middle = np.nanmedian(numbers, axis=0)
    n_attacks = n_hits = n_control_hits = 0
    for row in rng.integers(len(synthetic), size=N_DESCRIPTIONS):
        chosen = rng.permutation(len(columns))[:COLUMNS_DESCRIBED]
        described = [(place, columns[place].is_categorical, synthetic[row, place]) for place in chosen]
        fits = [_n_fitting(side, described, middle) for side in sides]
        if fits[0] == 1:
            n_attacks += 1
            n_hits += fits[1] == 1
            n_control_hits += fits[2] == 1
    return Attempts("singling out", n_attacks, n_hits, n_attacks, n_control_hits)


def comparable(rows: pd.DataFrame, columns: tuple[Column, ...]) -> np.ndarray:
    """Return rows as numbers: codes of categories, -1 for a missing one; shape (n_rows, n_columns)."""
    return np.column_stack(
        [
            pd.factorize(rows[column.name])[0].astype(float)
            if column.is_categorical
            else rows[column.name].to_numpy(dtype=float)
            for column in columns
        ]
    )


def _n_fitting(side: np.ndarray, described: list[tuple[int, bool, float]], middle: np.ndarray) -> int:
    fits = np.ones(len(side), dtype=bool)
    for place, is_category, value in described:
        cells = side[:, place]
        if np.isnan(value):
            fits &= np.isnan(cells)
        elif is_category:
            fits &= cells == value
        else:
            fits &= cells >= value if value > middle[place] else cells <= value
    return int(fits.sum())


def link_halves(trial: Trial) -> Attempts | None:
    """Look whether both halves of a real row's columns lead to the same synthetic row; None in a narrow table.

    So somebody who has two tables with different columns of the same persons joins them by the synthetic rows.
    """
    halves = [group.to_synthetic.positions[:, 0] for group in trial.groups if group.name.startswith("half")]
    if not halves:
        return None
    return _attempts(trial, "linking", halves[0] == halves[1])


def guess_column(trial: Trial, secret: Column) -> Attempts:
    """Guess a cell of each real row from the synthetic row that is nearest in all other columns."""
    known = [column for column in trial.schema.modelled if column.name != secret.name]
    nearest = place_group("known", trial.real, trial.searched, known).to_synthetic.positions[:, 0]
    truth = trial.real[secret.name].reset_index(drop=True)
    guess = trial.searched[secret.name].iloc[nearest].reset_index(drop=True)
    both_missing = truth.isna() & guess.isna()
    if secret.is_categorical:
        is_right = truth == guess
    else:
        is_right = (truth - guess).abs() <= NUMBER_TOLERANCE * float(truth.std(ddof=0))
    return _attempts(trial, f"guessing {secret.name}", (is_right | both_missing).to_numpy(dtype=bool))


def _attempts(trial: Trial, name: str, succeeded: np.ndarray) -> Attempts:
    members, *unseen = trial.sides
    on_members, on_others = succeeded[members], succeeded[np.concatenate(unseen)]
    return Attempts(name, len(on_members), int(on_members.sum()), len(on_others), int(on_others.sum()))
