"""Measure how fast this machine is, compared with the one on which the cost table was measured."""

from __future__ import annotations

import time

import numpy as np

# Seconds of `probe()` on the reference machine: two cores, both probed at once.
REFERENCE_SECONDS = 0.28


def probe() -> float:
    """Time a fixed amount of work that is typical of a study.

    Returns
    -------
    float
        Shortest of three runs, in seconds, without the time of imports.
    """
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 15))
    y = (X[:, 0] * X[:, 1] + rng.normal(size=3000) > 0).astype(int)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        RandomForestClassifier(40, random_state=0, n_jobs=1).fit(X, y)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
