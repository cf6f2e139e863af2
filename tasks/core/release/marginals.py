"""Marginals of a table: their counts, what noise on these costs one row, and rows drawn from noisy ones.

A row adds one to each marginal: to the target's, to each feature's, and to each feature's with the target. Everything
after the noise is post-processing, which spends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.release.domain import Domain
from realmix.tasks.core.table.sharing import DifferentialPrivacy

# No class is drawn with a smaller share than that of one row.
LEAST_ROWS = 1.0


@dataclass(frozen=True)
class Marginals:
    """All one-way marginals of declared columns, and all two-way marginals with the target.

    Attributes
    ----------
    domains : mapping of feature to Domain
    target : str
    target_domain : Domain
    """

    domains: Mapping[str, Domain]
    target: str
    target_domain: Domain

    @classmethod
    def declared(cls, terms: DifferentialPrivacy, target: str) -> Marginals:
        """Take the columns from the card.

        Raises
        ------
        BadInput
            If the target is not among them.
        """
        if target not in terms.columns:
            raise BadInput(
                f"The card's dp.columns lack the target '{target}': add its `values`, or its `edges` if it is a number."
            )
        domains = {name: Domain(bins) for name, bins in terms.columns.items()}
        return cls({name: domains[name] for name in domains if name != target}, target, domains[target])

    @property
    def n_marginals(self) -> int:
        """How many marginals each row is counted in."""
        return 1 + 2 * len(self.domains)

    def sensitivity(self, rows: str) -> float:
        """Return how far one row moves all counts, as Euclidean distance.

        Parameters
        ----------
        rows : {"charged", "public"}
            Where the number of rows is secret a neighbouring table has one row more; where it is public, one row
            is another, which takes one count away and adds another to each marginal.

        Returns
        -------
        float
            Rounded up.

        Examples
        --------
        >>> from realmix.tasks.core.table.sharing import Bins
        >>> yes_no = Domain(Bins(values=("no", "yes")))
        >>> tables = Marginals({"a": yes_no, "b": yes_no}, "y", yes_no)
        >>> round(tables.sensitivity("charged") ** 2, 6), round(tables.sensitivity("public") ** 2, 6)
        (5.0, 10.0)
        """
        moved = self.n_marginals * (1 if rows == "charged" else 2)
        return math.nextafter(math.sqrt(moved), math.inf)

    @property
    def n_counts(self) -> int:
        """How many counts there are in all."""
        classes = self.target_domain.n_codes
        return classes + sum(domain.n_codes * (1 + classes) for domain in self.domains.values())

    def count(self, rows: pd.DataFrame) -> np.ndarray:
        """Count rows in every cell of every marginal.

        Parameters
        ----------
        rows : DataFrame of shape (n_rows, n_declared)
            As :func:`~realmix.tasks.core.release.domain.read_declared` returns them, or canonical.

        Returns
        -------
        ndarray of int, shape (n_counts,)
        """
        classes = self.target_domain.n_codes
        y = self.target_domain.encode(rows[self.target])
        parts = [np.bincount(y, minlength=classes)]
        for name, domain in self.domains.items():
            codes = domain.encode(rows[name])
            parts.append(np.bincount(codes, minlength=domain.n_codes))
            parts.append(np.bincount(codes * classes + y, minlength=domain.n_codes * classes))
        return np.concatenate(parts)

    def estimate(self, noisy: np.ndarray, n_rows: int | None) -> Estimate:
        """Make noisy counts agree with each other, and none negative.

        Parameters
        ----------
        noisy : ndarray of shape (n_counts,)
            Counts, each with noise of the same spread.
        n_rows : int or None
            Number of rows where it is public.

        Returns
        -------
        Estimate
        """
        classes = self.target_domain.n_codes
        sizes = [classes, *(n for d in self.domains.values() for n in (d.n_codes, d.n_codes * classes))]
        target, *parts = np.split(np.asarray(noisy, dtype=float), np.cumsum(sizes)[:-1])
        alone = dict(zip(self.domains, parts[::2], strict=True))
        both = {name: part.reshape(-1, classes) for name, part in zip(self.domains, parts[1::2], strict=True)}
        # The sum of a table's rows has the noise of as many counts: it weighs so much less.
        weights = [1.0, *(1.0 / len(table) for table in both.values())]
        of_class = np.average(
            [target, *(table.sum(axis=0) for table in both.values())], axis=0, weights=weights
        )
        of_class = self._known_classes(of_class, n_rows)
        return Estimate(
            self, of_class, {name: _agree(alone[name], both[name], of_class) for name in self.domains}
        )

    def _known_classes(self, of_class: np.ndarray, n_rows: int | None) -> np.ndarray:
        """Give the rows of unknown class, which are not drawn, to the others in proportion."""
        known = np.maximum(of_class[:-1], LEAST_ROWS)
        total = float(max(of_class.sum(), LEAST_ROWS)) if n_rows is None else float(n_rows)
        return np.append(known * total / known.sum(), 0.0)


@dataclass(frozen=True)
class Estimate:
    """Expected counts made of noisy ones, and rows drawn from them.

    Attributes
    ----------
    marginals : Marginals
    of_class : ndarray of shape (n_classes + 1,)
        Rows of each code of the target; none of the last, which is unknown.
    shares : mapping of feature to ndarray of shape (n_codes, n_classes + 1)
        Share of each code among the rows of a class.
    """

    marginals: Marginals
    of_class: np.ndarray
    shares: Mapping[str, np.ndarray]

    @property
    def n_rows(self) -> int:
        """Number of rows, with its noise."""
        return max(1, round(float(self.of_class.sum())))

    @cached_property
    def class_shares(self) -> np.ndarray:
        """Share of each class, shape (n_classes + 1,)."""
        return np.asarray(self.of_class / self.of_class.sum())

    def draw(self, n_rows: int, label: str | None, rng: np.random.Generator) -> pd.DataFrame:
        """Draw rows: a class, then each feature given the class alone.

        Parameters
        ----------
        n_rows : int
        label : str or None
            Level of the target of all rows; None draws it.
        rng : Generator

        Returns
        -------
        DataFrame of shape (n_rows, n_declared)
            Text, and float64.
        """
        tables = self.marginals
        if label is None:
            y = rng.choice(len(self.of_class), size=n_rows, p=self.class_shares)
        else:
            y = np.repeat(tables.target_domain.encode(pd.Series([label], dtype=object)), n_rows)
        data = {}
        for name, domain in tables.domains.items():
            codes = np.empty(n_rows, dtype=int)
            for of in np.unique(y):
                rows = np.flatnonzero(y == of)
                codes[rows] = rng.choice(domain.n_codes, size=len(rows), p=self.shares[name][:, of])
            data[name] = domain.decode(codes, rng)
        return pd.DataFrame({**data, tables.target: tables.target_domain.decode(y, rng)})

    def without_undeclared_missing(self) -> Estimate:
        """Return these shares without missing cells where the card declares none."""
        domains = self.marginals.domains
        return Estimate(
            self.marginals,
            self.of_class,
            {
                name: share if domains[name].bins.missing else _without_last(share)
                for name, share in self.shares.items()
            },
        )


def _agree(alone: np.ndarray, both: np.ndarray, of_class: np.ndarray) -> np.ndarray:
    """Return the share of each code in each class, from a feature's counts alone and with the target.

    Least squares: each table is moved evenly until its sums are the best estimate of both. Then each class is projected
    on what can be counts: none negative, and their sum that of the class.
    """
    n_codes, n_classes = both.shape
    sums = both.sum(axis=1)
    best = (sums / n_classes + alone) / (1.0 / n_classes + 1.0)
    both = both + ((best - sums) / n_classes)[:, None]
    both = both + (of_class - both.sum(axis=0)) / n_codes
    columns = [_project(both[:, of], max(of_class[of], LEAST_ROWS)) for of in range(n_classes)]
    counts = np.column_stack(columns)
    return np.asarray(counts / counts.sum(axis=0))


def _project(values: np.ndarray, total: float) -> np.ndarray:
    """Return the nearest counts of at least 0 with a sum (Duchi et al. 2008, doi:10.1145/1390156.1390191).

    Examples
    --------
    >>> _project(np.array([5.0, 3.0, -2.0]), 6.0).tolist()
    [4.0, 2.0, 0.0]
    """
    falling = np.sort(values)[::-1]
    over = (np.cumsum(falling) - total) / np.arange(1, len(values) + 1)
    return np.maximum(values - over[np.flatnonzero(falling > over)[-1]], 0.0)


def _without_last(share: np.ndarray) -> np.ndarray:
    """Give the share of missing cells to the declared codes; to all evenly where nothing else was counted."""
    kept = share[:-1].copy()
    kept[:, kept.sum(axis=0) <= 0] = 1.0
    return np.vstack([kept / kept.sum(axis=0), np.zeros(share.shape[1])])
