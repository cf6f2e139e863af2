"""How often the fairness veto refuses a mix, by what the mix does: ``python -m tests.nulls.fairness``."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.fairness.gaps import MeasuredGap, measure_gaps
from realmix.tasks.core.fairness.groups import groupings
from realmix.tasks.core.fairness.rates import rates_of
from tests.tasks.core.fairness.made import LOG_LOSS, MIX, REAL_ONLY, decided, people

LIMIT = 0.05
SHARES = {"sex": [0.5, 0.5], "region": [0.4, 0.3, 0.2, 0.1]}
ONE_PAIR = {"sex": [0.5, 0.5]}
N_STUDIES = 200
# Columns, rows, limit, and by how much the mix widens the gap of one group of each pair.
CASES = (
    (SHARES, 500, 0.0, 0.0), (SHARES, 500, LIMIT, LIMIT), (SHARES, 500, LIMIT, 0.15), (SHARES, 500, LIMIT, 0.25),
    (SHARES, 1500, 0.0, 0.0), (SHARES, 1500, LIMIT, LIMIT), (SHARES, 1500, LIMIT, 0.1), (SHARES, 1500, LIMIT, 0.15),
    (ONE_PAIR, 1500, 0.0, 0.0), (ONE_PAIR, 1500, LIMIT, LIMIT),
)  # fmt: skip


def gaps_of(
    seed: int,
    n_rows: int = 1000,
    *,
    limit: float = LIMIT,
    shares: dict[str, list[float]] | None = None,
    **changes,
) -> list[MeasuredGap]:
    """Measure all rates in a made study with two sensitive columns, of two and four levels, and both together."""
    sensitive = people(np.random.default_rng(1000 + seed), n_rows, **(shares or SHARES))
    oof = decided(seed, sensitive, **changes)
    return measure_gaps(
        rates_of(oof, (REAL_ONLY, MIX), LOG_LOSS, ("no", "yes")),
        groupings(sensitive),
        weight=np.ones(n_rows),
        units=np.arange(n_rows),
        limit=limit,
        widening=1.0,
        seed=seed,
    )


def refuses(found: list[MeasuredGap]) -> bool:
    """Tell whether any gap forbids the mix."""
    return any(each.widening is not None and each.widening.vetoes for each in found)


def main() -> None:
    """Print the share of refused mixes for each case."""
    for shares, n_rows, limit, widening in CASES:
        refused = sum(
            refuses(gaps_of(seed, n_rows, limit=limit, gap=0.1, widening=widening))
            for seed in range(N_STUDIES)
        )
        print(
            f"{', '.join(shares)}, {n_rows:5,} rows, limit {limit:.2f}, widening {widening:.2f}: {refused / N_STUDIES:.1%} refused",
            flush=True,
        )


if __name__ == "__main__":
    main()
