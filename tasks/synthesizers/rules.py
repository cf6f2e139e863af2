"""Rules: rows drawn from the distributions and dependencies that the card declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.rule_kinds import DistributionRule
from realmix.tasks.core.table.rules import check_rules, holds
from realmix.tasks.core.table.with_columns import with_columns
from realmix.tasks.synthesizers._quotas import QuotaSynthesizer

# For regression, features come from real rows whose target lies within this share of the ranks.
TARGET_WINDOW = 0.05

DISTRIBUTIONS: dict[str, tuple[tuple[str, ...], Callable[..., np.ndarray]]] = {
    "normal": (("mean", "std"), lambda rng, n, mean, std: rng.normal(mean, std, n)),
    "uniform": (("low", "high"), lambda rng, n, low, high: rng.uniform(low, high, n)),
    "lognormal": (("mean", "sigma"), lambda rng, n, mean, sigma: rng.lognormal(mean, sigma, n)),
    "poisson": (("lam",), lambda rng, n, lam: rng.poisson(lam, n).astype(float)),
    "exponential": (("scale",), lambda rng, n, scale: rng.exponential(scale, n)),
}


class RuleBased(QuotaSynthesizer):
    """Declared columns from their distributions, other columns from real values given the target.

    A row starts with its target; each feature is drawn independently from real rows of that class
    (for regression: of a close target). Distribution rules then overwrite their columns,
    derived columns are computed, and rows that break a range or a dependency are drawn
    again, as for every synthesizer. Only the rules relate the features to each other.
    """

    name = "rules"

    def _learn(self, random_state: int, max_steps: int | None) -> None:
        restored = self.schema_.restore(self.real_.iloc[:5])
        check_rules(self.rules, restored)
        for rule in self.rules:
            if isinstance(rule, DistributionRule):
                _check_distribution(rule)

    def _draw(self, n_rows: int, label: str | None, random_state: int) -> pd.DataFrame:
        rng = np.random.default_rng(random_state)
        rows = self._by_target(n_rows, label, rng)
        for rule in self.rules:
            if isinstance(rule, DistributionRule):
                rows = self._redraw(rows, rule, rng)
        return rows

    def _by_target(self, n_rows: int, label: str | None, rng: np.random.Generator) -> pd.DataFrame:
        target = self.real_[self.schema_.target].to_numpy()
        by_target = np.argsort(target, kind="stable") if label is None else np.flatnonzero(target == label)
        n, half = len(by_target), len(self.real_)
        if label is None:
            half = max(int(TARGET_WINDOW * n), 5)
        base = rng.integers(n, size=n_rows)
        data = {self.schema_.target: target[by_target[base]]}
        low, high = np.clip(base - half, 0, n - 1), np.clip(base + half, 0, n - 1)
        for name in self.schema_.feature_names:
            donors = by_target[rng.integers(low, high + 1)]
            data[name] = self.real_[name].to_numpy()[donors]
        return pd.DataFrame(data)

    def _redraw(self, rows: pd.DataFrame, rule: DistributionRule, rng: np.random.Generator) -> pd.DataFrame:
        ruled = np.ones(len(rows), dtype=bool)
        if rule.when is not None:
            ruled = holds(self.schema_.restore(rows), rule.when).to_numpy()
        values = rows[rule.column].to_numpy().copy()
        values[ruled] = _draw_values(rule, int(ruled.sum()), rng)
        return with_columns(rows, {rule.column: values})


def _check_distribution(rule: DistributionRule) -> None:
    if rule.values is not None:
        if rule.distribution is None and sum(rule.values.values()) > 0 and min(rule.values.values()) >= 0:
            return
        expected = "`values` with probabilities >= 0 that are not all 0, and no `distribution` beside them"
    elif rule.distribution is not None:
        names, draw = DISTRIBUTIONS[rule.distribution]
        expected = f"`parameters` {', '.join(names)} that make a {rule.distribution} distribution"
        if set(rule.parameters) == set(names) and _is_drawable(draw, rule.parameters):
            return
    else:
        expected = "`values` or `distribution`"
    raise BadInput(
        f"The distribution rule of column '{rule.column}' needs {expected}: correct it in the card."
    )


def _is_drawable(draw: Callable[..., np.ndarray], parameters: Mapping[str, float]) -> bool:
    try:
        return bool(np.isfinite(draw(np.random.default_rng(0), 1, **parameters)).all())
    except ValueError:
        return False


def _draw_values(rule: DistributionRule, n_rows: int, rng: np.random.Generator) -> Any:
    if rule.values is not None:
        shares = np.array(list(rule.values.values()), dtype=float)
        return rng.choice(np.array(list(rule.values), dtype=object), size=n_rows, p=shares / shares.sum())
    assert rule.distribution is not None
    return DISTRIBUTIONS[rule.distribution][1](rng, n_rows, **rule.parameters)


SPEC = SynthesizerSpec(
    name="rules",
    build=lambda card: RuleBased(card.rules),
    family="rules",
    reference="Walonoski et al. 2018 (Synthea), doi:10.1093/jamia/ocx079",
    fit_cost=lambda n_rows, n_columns, steps: 0.01,
    sample_cost=lambda n_rows, n_columns: 0.1 + 5e-6 * n_rows,
    needs="rules",
    drop_order=None,
)
