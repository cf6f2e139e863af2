"""The part of the verdict document that says who left the race."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from realmix.tasks.core.mixes.pool_result import PoolResult


def describe_race(
    exits: Mapping[str, Mapping[str, Any]], pools: Iterable[PoolResult], n_blocks: int
) -> dict[str, Any]:
    """Describe which arms left the race, and how much fitting that saved.

    Parameters
    ----------
    exits : mapping of arm name to the fields of its Exit
    pools : iterable of PoolResult
        Of all pools; where the fit ended they have `seconds_fit`.
    n_blocks : int
        Blocks of the whole study.

    Returns
    -------
    dict
        `blocks`; `dropped`, a list of `arm`, `after_block`, `reason`; `generator_seconds` spent
        on fits, and `full_grid_generator_seconds`: the mean fit of each synthesizer on every block.
    """
    seconds: dict[str, list[float]] = {}
    for pool in pools:
        if pool.seconds_fit is not None:
            seconds.setdefault(pool.synthesizer, []).append(pool.seconds_fit)
    return {
        "blocks": n_blocks,
        "dropped": [
            {"arm": name, "after_block": left["after_block"], "reason": left["reason"]}
            for name, left in sorted(exits.items(), key=lambda item: (item[1]["after_block"], item[0]))
        ],
        "generator_seconds": round(sum(map(sum, seconds.values())), 2),
        "full_grid_generator_seconds": round(
            sum(sum(fits) / len(fits) * n_blocks for fits in seconds.values()), 2
        ),
    }
