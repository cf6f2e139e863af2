from __future__ import annotations

import dataclasses

from realmix.tasks.core.mixes.arms import Exit
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.report.describe_race import describe_race


def test_the_race_tells_who_left_and_what_it_saved():
    exits = {"b": Exit(5, "left", False), "a": Exit(3, "dropped", True)}
    pools = [
        PoolResult(scope="fold-0-0", synthesizer="tvae", seconds_fit=4.0, failure=None),
        PoolResult(scope="fold-0-1", synthesizer="tvae", seconds_fit=6.0, failure=None),
        PoolResult(scope="fold-0-0", synthesizer="smote", seconds_fit=1.0, failure=None),
        PoolResult(scope="fold-0-1", synthesizer="smote", failure="ran longer than its limit"),
    ]
    told = describe_race({name: dataclasses.asdict(left) for name, left in exits.items()}, pools, 10)
    assert [row["arm"] for row in told["dropped"]] == ["a", "b"]
    assert (told["generator_seconds"], told["full_grid_generator_seconds"]) == (11.0, 60.0)
