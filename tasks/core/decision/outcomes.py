"""The outcomes of a study, in words that documents hold."""

from __future__ import annotations

from typing import Literal

# The third was given by earlier versions, whose documents are read.
Outcome = Literal["proven", "expected to help", "chosen, not proven", "keep real only", "not decided"]
PROVEN: Outcome = "proven"
EXPECTED: Outcome = "expected to help"
NOT_DECIDED: Outcome = "not decided"
SHIPPING: tuple[Outcome, ...] = (PROVEN, EXPECTED)
