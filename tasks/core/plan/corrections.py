"""Correct estimates by how long earlier studies of this machine really took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

# Stages as they are measured, and the parts of an estimate that each of them takes.
PARTS = {
    "race": ("teacher", "synthesize", "gate", "train"),
    "compare": ("compare", "gap", "fairness"),
    "rows saved": ("rows saved", "privacy"),
    "refit": ("refit",),
    "report": ("report",),
    "track": ("track",),
}
# So many studies back; their median is not moved by one that ran on a busy machine.
N_REMEMBERED = 9
# Below a second, what is measured is mostly noise.
MIN_SECONDS = 1.0
LOWEST, HIGHEST = 0.25, 4.0


def observed(
    estimate: Mapping[str, float], corrections: Mapping[str, float], seconds: Mapping[str, float]
) -> dict[str, float]:
    """Return what the uncorrected estimate of each stage would have had to be multiplied by.

    Parameters
    ----------
    estimate : mapping of part to seconds
        Of a plan, corrected.
    corrections : mapping of stage to float
        Those the estimate was made with.
    seconds : mapping of stage to float
        Measured.

    Examples
    --------
    >>> observed({"teacher": 4.0, "train": 16.0, "track": 0.2}, {"race": 2.0}, {"race": 10.0, "track": 1.0})
    {'race': 1.0}
    """
    expected = {
        stage: sum(estimate.get(part, 0.0) for part in parts) / corrections.get(stage, 1.0)
        for stage, parts in PARTS.items()
    }
    return {
        stage: round(seconds[stage] / expected[stage], 3)
        for stage in PARTS
        if stage in seconds and expected[stage] >= MIN_SECONDS
    }


def corrections_from(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the factor of each stage: the median of what was observed lately, within reason.

    Parameters
    ----------
    history : sequence of mapping
        Of :func:`observed`, oldest first.

    Examples
    --------
    >>> corrections_from([{"race": 0.5}, {"race": 0.7, "track": 90.0}, {"race": 9.0}])
    {'race': 0.7, 'track': 4.0}
    """
    recent = history[-N_REMEMBERED:]
    seen = {stage: [entry[stage] for entry in recent if stage in entry] for stage in PARTS}
    return {stage: min(max(median(each), LOWEST), HIGHEST) for stage, each in seen.items() if each}
