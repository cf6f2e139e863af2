"""One malformed input at a time: refused in a sentence, or accepted and right, and never for long."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_SECONDS = 20


class TooLong(BaseException):
    """A case took more than `MAX_SECONDS` of the processor; no handler of the code takes it for an error of its own."""


@contextmanager
def in_time() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong(f"longer than {MAX_SECONDS} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
