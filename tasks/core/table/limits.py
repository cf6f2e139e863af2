"""Smallest numbers of rows, times and groups that a study needs, and the most columns."""

from __future__ import annotations

# Wider tables are lists of measurements (genes, pixels), which a model should see after a selection.
MAX_COLUMNS = 2_000
MIN_HOLDOUT_ROWS = 100
MIN_HOLDOUT_CLASS_ROWS = 20
# One time to learn from, two to validate on, one for the holdout.
MIN_TIMES = 4
MIN_GROUPS = 3
