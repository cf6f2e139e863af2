"""The log of the product, as tests find and leave it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from realmix.flows.terminal.progress import end_progress


@contextmanager
def log_put_back() -> Iterator[logging.Logger]:
    """Progress ends with the context, and the logger's handlers are put back."""
    log = logging.getLogger("realmix")
    before = log.handlers, log.level, log.propagate
    yield log
    end_progress()
    log.handlers, log.level, log.propagate = before
