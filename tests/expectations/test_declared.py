"""One expectation per rule of the card, over the column that says which rows break it."""

from __future__ import annotations

import pandas as pd

from realmix.expectations.declared import RULE_COLUMN, declared_rules
from tests.expectations.tables import failures


def test_each_rule_has_its_column_and_fails_alone() -> None:
    from realmix.expectations.custom import QUARANTINE, gx

    suite = gx.ExpectationSuite("rules", expectations=list(declared_rules([0, 2], QUARANTINE)))
    frame = pd.DataFrame({RULE_COLUMN.format(0): [False, False], RULE_COLUMN.format(2): [False, True]})
    failed = failures(frame, suite)
    assert list(failed) == ["declared_rule_to_hold:_realmix_rule_2"]
    (outcome,) = failed.values()
    assert outcome.unexpected_count == 1 and outcome.is_critical_failure and outcome.sets_rows_aside


def test_a_broken_rule_stops_where_it_is_said_to() -> None:
    from realmix.expectations.custom import STOP, gx

    suite = gx.ExpectationSuite("rules", expectations=list(declared_rules([1], STOP)))
    (outcome,) = failures(pd.DataFrame({RULE_COLUMN.format(1): [True]}), suite).values()
    assert outcome.is_critical_failure and not outcome.sets_rows_aside


def test_without_rules_nothing_is_expected() -> None:
    assert list(declared_rules([], {})) == []
