import resource
import sys

import psutil
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.memory_estimate import WORKER_BYTES
from realmix.tasks.runtime import memory
from realmix.tasks.runtime.memory import (
    check_table_fits,
    most_workers,
    n_workers,
    return_freed,
    usable_bytes,
    within_memory,
)


def test_there_are_no_more_workers_than_memory_holds(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (str(limit),))
    for n_bytes, most in ((8 * WORKER_BYTES, 4), (WORKER_BYTES, 1)):
        limit.write_text(f"{n_bytes}\n")
        assert most_workers() == most
    assert n_workers() == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators give memory back in their own way")
def test_freed_memory_goes_back_to_the_system():
    process, rows = psutil.Process(), [bytes(2_000) for _ in range(100_000)]
    held = process.memory_info().rss
    kept = rows[::100]  # scattered, so that the allocator gives nothing back by itself
    del rows
    return_freed()
    assert process.memory_info().rss < held - 100_000_000
    assert len(kept) == 1_000


def test_a_table_that_cannot_be_held_is_refused_before_it_is_read():
    check_table_fits(1_000_000, 20, "table.csv")
    with pytest.raises(BadInput, match=r"table\.csv has 200,000,000 rows and 20 columns.*sample of the rows"):
        check_table_fits(200_000_000, 20, "table.csv")


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    limit.write_text("1000000000\n")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (str(limit), str(tmp_path / "none")))
    assert usable_bytes() <= 800_000_000
    limit.write_text("max\n")
    assert 800_000_000 < usable_bytes() <= memory.MAX_STUDY_BYTES


def test_what_takes_more_memory_than_a_study_may_use_is_refused_and_the_limit_ends_with_the_reading(
    monkeypatch,
):
    monkeypatch.setattr(memory, "usable_bytes", lambda: 2**27)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with (
        pytest.raises(BadInput, match=r"t\.csv takes more than 0\.1 GiB of memory to read"),
        within_memory("t.csv"),
    ):
        bytearray(2**28)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with within_memory("t.csv"):
        assert len(bytearray(2**20)) == 2**20
