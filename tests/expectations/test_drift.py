"""The suite of new rows: a table that passes, and one that fails per expectation."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from realmix.expectations import drift
from tests.expectations.tables import Spoil, failures, set_column


def drift_table() -> pd.DataFrame:
    """Numbers of bins, as full as those of the reference rows, and how new the rows look."""
    return pd.DataFrame({"age": [1, 2, 3, 4] * 15, "_realmix_domain_rank": [0.4, 0.6] * 29 + [None] * 2})


def drift_suite(**more: Any) -> Any:
    age = {"name": "age", "reference": {"0": 0, "1": 25, "2": 25, "3": 25, "4": 25}, "maximum": 0.1}
    domain = {"maximum": 0.55, "p_value": 0.5}
    return drift.suite({"columns": [{**age, "p_value": 0.5}], "prior": 0.5, "domain": domain, **more})


def test_new_rows_like_the_earlier_ones_pass() -> None:
    assert failures(drift_table(), drift_suite()) == {}
    assert failures(drift_table().drop(columns="_realmix_domain_rank"), drift_suite(domain=None)) == {}


@pytest.mark.parametrize(
    ("spoil", "expectation"),
    [
        (set_column("age", [1, 1, 1, 4] * 15), "column_psi_to_be_at_most:age"),
        (set_column("age", [0, 2, 3, 4] * 15), "column_psi_to_be_at_most:age"),
        (set_column("_realmix_domain_rank", 0.6), "domain_auc_to_be_at_most:_realmix_domain_rank"),
    ],
)
def test_drifted_rows_are_a_warning(spoil: Spoil, expectation: str) -> None:
    failed = failures(spoil(drift_table()), drift_suite())
    assert list(failed) == [expectation]
    assert failed[expectation].severity == "warning" and not failed[expectation].exception
