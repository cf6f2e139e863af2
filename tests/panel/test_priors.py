"""Lines of gains by which other tables speak of a new one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.plan.priors import UNSEEN
from tests.panel.priors import N_SUPPOSED, _gain_line


def lines(*tables):
    return pd.DataFrame(
        [
            {"table": table, "n_rows": n_rows, "explained": explained, "gain": gain}
            for table, explained, gain in tables
            for n_rows in (200, 500)
        ]
    )


def test_one_table_has_nothing_to_be_left_out_of_and_adds_no_deviation():
    line = _gain_line(lines(("a", 0.3, 0.04)))
    assert line.sd_between == pytest.approx(UNSEEN.sd)
    assert line.mean_intercept == pytest.approx(0.04)


def test_the_deviation_is_that_of_tables_that_were_left_out():
    line = _gain_line(lines(("a", 0.3, 0.02), ("b", 0.3, 0.06)))
    squares = [0.04**2, 0.04**2, *[UNSEEN.sd**2] * N_SUPPOSED]
    assert line.sd_between == pytest.approx(np.sqrt(np.mean(squares)))
    assert line.mean_intercept == pytest.approx(0.04)
