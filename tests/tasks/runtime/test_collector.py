"""The collector of unreachable objects runs less often in our processes, and still runs."""

from __future__ import annotations

import gc

from realmix.tasks.runtime.collector import collect_seldom


def test_it_runs_less_often_than_pythons_default_and_is_not_off():
    before = gc.get_threshold()
    try:
        collect_seldom()
        assert gc.get_threshold()[0] > 700 and gc.isenabled()
    finally:
        gc.set_threshold(*before)
