"""Logs of pools keep their keys and values."""

from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.mixes.pools import PoolLog

PLACE = {"scope": "fold-0-0", "synthesizer": "smote"}
DRAWN = dataclasses.asdict(PoolLog(100, 90, 80, {"a": 60, "b": 40}, 2, 1.5, 0.25, 300, "no rows"))
FAILED = {"failure": "it ran too long", "timed_out": True}


@pytest.mark.parametrize("made", [DRAWN, FAILED, DRAWN | {"of_a_later_release": 1}])
def test_a_log_is_written_as_it_was_made(made):
    written = PoolResult.build(PLACE | made).to_dict()
    assert list(written.items()) == list((PLACE | made).items())


def test_a_log_that_does_not_tell_whether_it_failed_is_refused():
    with pytest.raises(BadInput, match="log of a pool's `failure`"):
        PoolResult.build(PLACE)
