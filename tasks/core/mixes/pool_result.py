"""Result of a synthesizer on one fold: an entry of ``work/pools.json``, by ``schemas/pool-1.json``."""

from __future__ import annotations

from typing import ClassVar

from realmix.tasks.core.documents import Document, Number


class PoolResult(Document):
    """Log of a pool, see :class:`realmix.tasks.core.mixes.pools.PoolLog`.

    Where no pool was drawn, only `failure`, the reason, and `timed_out` are given.
    """

    what: ClassVar[str] = "log of a pool"

    scope: str
    synthesizer: str
    asked: int = 0
    made: int = 0
    kept: int = 0
    asked_by_class: dict[str, int] | None = None
    copies_of_real: int = 0
    seconds_fit: Number | None = None
    seconds_sample: Number | None = None
    steps: int | None = None
    failure: str | None
    repaired: int = 0
    dropped: int = 0
    timed_out: bool = False
