"""Which conditions define a value."""

from __future__ import annotations

import pytest

from realmix.tasks.core.table.rule_expressions import equated


@pytest.mark.parametrize(
    ("then", "found"),
    [
        ("income == 0", [("income", "0")]),
        ("income == -1 and `job title` == 'none'", [("income", "-1"), ("job title", "'none'")]),
        ("`net pay` == `gross pay`", [("net pay", "`gross pay`")]),
        ("income <= 0", []),
        ("income == 0 or age == 1", []),
        ("income == 0 and age > 1", []),
        ("0 == income", []),
        ("income == age + 1", []),
        ("0 < income == 1", []),
        ("income ==", []),
    ],
)
def test_only_equalities_that_hold_together_define_a_value(then, found):
    assert equated(then) == found
