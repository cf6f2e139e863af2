"""Python's collector of unreachable objects."""

from __future__ import annotations

import gc

# Seven times Python's own; more than this brings nothing.
THRESHOLD = 5_000


def collect_seldom() -> None:
    """Let this process and its forks look for unreachable objects less often.

    Importing libraries makes a million objects, which all stay: a fifth of the time of an import goes into
    looking among them for what could be freed.
    """
    gc.set_threshold(THRESHOLD)
