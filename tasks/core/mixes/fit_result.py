"""Result of a final fit, as the cache stores it, by ``schemas/fit-1.json``."""

from __future__ import annotations

from typing import Any, ClassVar

from realmix.tasks.core.documents import Document, Number


class FitResult(Document):
    """Hyper-parameters of a final fit, the rows of its training table by origin, and seconds."""

    what: ClassVar[str] = "result of a fit"

    params: dict[str, Any]
    n_real: int
    n_synthetic: int
    seconds: Number
