"""Differential privacy: rows drawn from noisy marginals, with bins and levels from the card alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.release.domain import fold
from realmix.tasks.core.release.marginals import Estimate, Marginals
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.sharing import Bins, DifferentialPrivacy
from realmix.tasks.synthesizers._noise import noise_scale, repeatable_noise, secret_noise, spent
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

NAME = "dp"


@dataclass(frozen=True)
class Measured:
    """Noisy counts of a table, and what they spent.

    Attributes
    ----------
    estimate : Estimate
    epsilon, delta : float
        Spent, at most the card's.
    scale : float
        Deviation of the noise on each count.
    n_counts : int
    """

    estimate: Estimate
    epsilon: float
    delta: float
    scale: float
    n_counts: int


def terms_of(card: DataCard) -> DifferentialPrivacy:
    """Return what the card declares for this synthesizer.

    Raises
    ------
    BadInput
        If it declares nothing, or that a person may have several rows.
    """
    if card.dp is None:
        raise BadInput(f"Synthesizer '{NAME}' needs `dp` in the card, with epsilon and the columns' bins.")
    if card.group is not None:
        raise BadInput(
            f"Synthesizer '{NAME}' protects one row, and the card's `group` says that rows of '{card.group}' belong "
            "together: make a table with one row of each, or choose another synthesizer."
        )
    return card.dp


def measure(rows: pd.DataFrame, card: DataCard, *, seed: int | None) -> Measured:
    """Count rows within the budget of the card.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_declared)
        As :meth:`Marginals.count` takes them.
    card : DataCard
    seed : int or None
        Of repeatable noise, which protects nobody who knows it; None draws secret noise.

    Returns
    -------
    Measured
    """
    terms = terms_of(card)
    marginals = Marginals.declared(terms, card.target)
    sensitivity = marginals.sensitivity(terms.rows)
    scale = noise_scale(terms.epsilon, terms.delta, sensitivity)
    counts = marginals.count(rows)
    noisy = secret_noise(counts, scale) if seed is None else repeatable_noise(counts, scale, seed=seed)
    estimate = marginals.estimate(noisy, len(rows) if terms.rows == "public" else None)
    return Measured(
        estimate.without_undeclared_missing(),
        spent(scale, terms.delta, sensitivity),
        terms.delta,
        scale,
        len(counts),
    )


class NoisyMarginals(QuotaSynthesizer):
    """A class from the noisy counts of the target, then each feature from its noisy counts in that class.

    Within a study noise follows from the seed, so that the study can be repeated, and rows are kept to the levels and
    the range of the training rows like those of every synthesizer: what a study shows is outside epsilon.

    Parameters
    ----------
    card : DataCard
    is_secret : bool
        Whether noise is drawn so that nobody can repeat it.
    """

    name = NAME

    def __init__(self, card: DataCard, *, is_secret: bool = False) -> None:
        super().__init__(card.rules)
        self.card, self.is_secret = card, is_secret
        terms_of(card)

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        columns = self._declared_columns()
        card = self.card.model_copy(
            update={"dp": terms_of(self.card).model_copy(update={"columns": columns})}
        )
        self.measured_ = measure(self.real_, card, seed=None if self.is_secret else random_state)
        self.levels_ = {
            name: {fold(level): level for level in self.real_[name].dropna().unique()}
            for name, bins in columns.items()
            if bins.values
        }

    def _declared_columns(self) -> dict[str, Bins]:
        """Return the bins of the modelled columns, once it is sure that the card fits them."""
        declared, modelled = terms_of(self.card).columns, self.schema_.modelled
        if lost := [column.name for column in modelled if column.name not in declared]:
            raise BadInput(
                f"The card's dp.columns lack {lost}: declare `values` or `edges` of each, or name it under `ignore`."
            )
        if odd := [c.name for c in modelled if c.is_categorical != bool(declared[c.name].values)]:
            raise BadInput(
                f"The card's dp.columns give edges to categories, or values to numbers: {odd}. Correct them, or the "
                "kinds under `columns`."
            )
        known = {fold(level) for level in declared[self.schema_.target].values}
        if lost := [label for label in self.schema_.classes if fold(label) not in known]:
            raise BadInput(
                f"The card's dp.columns lack the classes {lost} of '{self.schema_.target}': add them."
            )
        return {column.name: declared[column.name] for column in modelled}

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        """Draw rows, without those that have a level or a gap of which the training rows have none."""
        rows = self.measured_.estimate.draw(n_rows, label, np.random.default_rng(random_state))
        is_known = pd.Series(True, index=rows.index)
        for name, levels in self.levels_.items():
            folded = rows[name].map(fold, na_action="ignore")
            is_known &= folded.isin(levels) | folded.isna()
            rows[name] = folded.map(levels)
        is_odd_gap = rows.isna() & ~self.real_.isna().any()
        return rows[is_known & ~is_odd_gap.any(axis=1)]


SPEC = SynthesizerSpec(
    name=NAME,
    build=NoisyMarginals,
    family="differential privacy",
    reference="McKenna, Miklau, Sheldon 2021, doi:10.29012/jpc.778; OpenDP, https://docs.opendp.org",
    fit_cost=lambda n_rows, n_columns, steps: 0.05 + 1e-3 * n_columns + 1e-6 * n_rows * n_columns,
    sample_cost=lambda n_rows, n_columns: 0.01 + 1e-3 * n_columns + 2e-6 * n_rows * n_columns,
    needs="dp",
)
