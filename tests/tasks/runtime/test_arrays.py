"""Arrays read by many threads at once."""

from __future__ import annotations

import gc
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from realmix.tasks.runtime.arrays import read_array


@pytest.fixture
def frequent_switches():
    """Garbage is collected often, and each collection lets other threads run."""

    def let_others_run(*_):
        time.sleep(0)

    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(5)
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(let_others_run)


def test_threads_that_read_at_once_all_succeed(tmp_path, frequent_switches):
    path = tmp_path / "array.npy"
    np.save(path, np.arange(3))
    with ThreadPoolExecutor(4) as threads:
        read = list(threads.map(read_array, [path] * 4000))
    assert all(values.tolist() == [0, 1, 2] for values in read)


def test_an_array_of_objects_is_refused(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_array(path)
