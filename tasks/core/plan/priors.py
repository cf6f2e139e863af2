"""Priors from other tables: gains to expect, and how much the gains of folds differ.

The numbers are in ``priors.json`` beside this file, with the tables they were fitted on and the
command that makes them. Gains are shares of the best real-only score; where a metric's margin is
absolute they are scaled by `ABSOLUTE_SCALE`.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.scores.significance import smallest_provable_gain, variance_factor
from realmix.tasks.core.table.schema import Task

PRIORS_FILE = Path(__file__).with_name("priors.json")
# Margins are 0.5 % where relative and 0.3 points where absolute; the prior shrinks alike.
ABSOLUTE_SCALE = 0.6
# The deviation of fold gains is tabulated for validation on a fifth of the rows.
TABULATED_FOLDS = 5


@dataclass(frozen=True)
class Prior:
    """Gain to expect of a mix before seeing this table: Normal(mean, sd)."""

    mean: float
    sd: float

    def posterior(self, gain: float, standard_error: float) -> Prior:
        """Return the normal posterior once a gain was measured.

        Examples
        --------
        >>> Prior(0.0, 0.02).posterior(0.03, 0.02).mean
        0.015
        """
        trust = self.sd**2 / (self.sd**2 + standard_error**2)
        mean = self.mean * (1 - trust) + gain * trust
        return Prior(mean, math.sqrt(trust) * standard_error)

    def chance_below(self, gain: float) -> float:
        """Return the chance that the true gain is below a value.

        Examples
        --------
        >>> round(Prior(0.01, 0.02).chance_below(-0.01), 3)
        0.159
        """
        from scipy import stats

        return float(stats.norm.cdf((gain - self.mean) / self.sd)) if self.sd else float(self.mean < gain)

    def scaled(self, is_relative: bool) -> Prior:
        """Return the prior in the metric's own units where gains are not relative."""
        scale = 1.0 if is_relative else ABSOLUTE_SCALE
        return Prior(self.mean * scale, self.sd * scale)


# Of what no table was seen with: nothing is expected, gains beyond 4 % are rare.
UNSEEN = Prior(0.0, 0.02)


@dataclass(frozen=True)
class GainLine:
    """Gain of a learner's default recipe over its best real-only arm, and how much it differs between tables.

    The mean is a line in the log of the real rows and in the share of the target that the features explain.
    """

    mean_intercept: float
    mean_slope: float
    explained_slope: float
    sd_between: float


@dataclass(frozen=True)
class DeviationLine:
    """Deviation of paired fold gains, ``exp(a + b * log(n_rows))``, relative, with five folds."""

    a: float
    b: float


@dataclass(frozen=True)
class FoldSizes:
    """The folds of a study.

    Attributes
    ----------
    n_rows : int
        Development rows in the folds.
    n_folds, n_repeats : int
    forward : bool
        Folds go forward in time: one more stretch of rows, which is never validated.
    """

    n_rows: int
    n_folds: int
    n_repeats: int
    forward: bool = False

    @property
    def n_blocks(self) -> int:
        """Folds of all repeats."""
        return self.n_folds * self.n_repeats

    @property
    def n_validation(self) -> float:
        """Mean rows validated per fold."""
        return self.n_rows / (self.n_folds + self.forward)

    @property
    def n_train(self) -> float:
        """Mean rows trained on per fold; half of all where each fold learns from the past alone."""
        return self.n_rows / 2 if self.forward else self.n_rows - self.n_validation


@dataclass(frozen=True)
class Priors:
    """Priors of gains and of their deviation over folds.

    Attributes
    ----------
    learners : mapping of learner to GainLine
    fold_deviation : mapping of "classification" and "regression" to DeviationLine
    n_rows_range : tuple of int
        Sizes seen; outside them the nearest size counts, no line is extrapolated.
    fitted_on : tuple of str
        Names of the tables.
    command : str
        What makes the file.
    """

    learners: Mapping[str, GainLine]
    fold_deviation: Mapping[str, DeviationLine]
    n_rows_range: tuple[int, int]
    fitted_on: tuple[str, ...]
    command: str

    def gain_of(self, learner: str, n_rows: float, explained: float) -> Prior:
        """Return the relative gain to expect of a learner's default recipe; mean 0 for a learner that was not seen.

        Parameters
        ----------
        learner : str
        n_rows : float
            Real rows.
        explained : float
            Share of the target that it explains on real rows, see
            :func:`realmix.tasks.core.scores.out_of_fold.explained_share`; counted within 0 and 1.

        Examples
        --------
        >>> line = GainLine(0.10, -0.01, 0.05, 0.02)
        >>> priors = Priors({"linear": line}, {}, (200, 1000), ("a_table",), "a command")
        >>> round(priors.gain_of("linear", 500, 0.2).mean, 4), priors.gain_of("another", 500, 0.2)
        (0.0479, Prior(mean=0.0, sd=0.02))
        """
        line = self.learners.get(learner)
        if line is None:
            return UNSEEN
        low, high = self.n_rows_range
        of_rows = line.mean_slope * math.log(min(max(n_rows, low), high))
        of_share = line.explained_slope * min(max(explained, 0.0), 1.0)
        return Prior(line.mean_intercept + of_rows + of_share, line.sd_between)

    def fold_std(self, task: Task, sizes: FoldSizes, *, is_relative: bool = True) -> float:
        """Return the deviation of paired fold gains to expect.

        Rows beyond those seen follow the line, because noise keeps falling with them. With other
        folds than five the deviation scales with one over the square root of the rows validated.
        """
        line = self.fold_deviation["regression" if task == "regression" else "classification"]
        tabulated = math.exp(line.a + line.b * math.log(sizes.n_rows))
        of_folds = math.sqrt(sizes.n_rows / TABULATED_FOLDS / sizes.n_validation)
        return tabulated * of_folds * (1.0 if is_relative else ABSOLUTE_SCALE)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``priors.json`` holds."""
        plain: dict[str, Any] = to_jsonable(self)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Priors:
        """Rebuild priors from :meth:`to_dict`."""
        low, high = data["n_rows_range"]
        return cls(
            learners={name: GainLine(**line) for name, line in data["learners"].items()},
            fold_deviation={name: DeviationLine(**line) for name, line in data["fold_deviation"].items()},
            n_rows_range=(low, high),
            fitted_on=tuple(data["fitted_on"]),
            command=data["command"],
        )


@functools.cache
def committed_priors() -> Priors:
    """Return the priors that this version is shipped with."""
    return Priors.from_dict(json.loads(PRIORS_FILE.read_text(encoding="utf-8")))


def write_priors(priors: Priors, path: Path = PRIORS_FILE) -> None:
    """Write priors to the file that :func:`committed_priors` of the next process reads."""
    path.write_text(json.dumps(priors.to_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def expected_provable_gain(
    task: Task, sizes: FoldSizes, *, is_relative: bool, margin: float, priors: Priors | None = None
) -> float:
    """Return the smallest gain that folds of these sizes can be expected to prove.

    Parameters
    ----------
    task : Task
    sizes : FoldSizes
    is_relative : bool
        Whether gains are shares of the real-only score.
    margin : float
        Smallest gain that matters.
    priors : Priors, optional
        The committed ones when None.

    Returns
    -------
    float
        In the units of the metric's gains, see
        :func:`realmix.tasks.core.scores.significance.smallest_provable_gain`.

    Examples
    --------
    >>> noise = Priors({}, {"classification": DeviationLine(math.log(0.2), -0.5)}, (200, 1000), (), "")
    >>> few, many = (
    ...     expected_provable_gain("binary", FoldSizes(n, 5, 3), is_relative=True, margin=0.005, priors=noise)
    ...     for n in (250, 1000)
    ... )
    >>> round(few, 4), round(many, 4)
    (0.0231, 0.0115)
    """
    fold_std = (priors or committed_priors()).fold_std(task, sizes, is_relative=is_relative)
    factor = variance_factor(sizes.n_blocks, n_validation=sizes.n_validation, n_train=sizes.n_train)
    return smallest_provable_gain(fold_std * math.sqrt(factor), margin=margin)
