"""Expectations for the data card's rules, each with a column that says which rows break it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

RULE_COLUMN = "_realmix_rule_{}"


def declared_rules(indices: Iterable[int], on_failure: Mapping[str, str]) -> Iterator[Expectation]:
    """Yield the expectation that no row breaks it, for each of these rules.

    Parameters
    ----------
    indices : iterable of int
        Places of rules in the card, from 0; each has a column ``_realmix_rule_<i>``.
    on_failure : mapping
        ``QUARANTINE`` or ``STOP`` of :mod:`realmix.expectations.custom`.
    """
    from realmix.expectations.custom import CRITICAL, ExpectDeclaredRuleToHold

    for i in indices:
        yield ExpectDeclaredRuleToHold(
            column=RULE_COLUMN.format(i), value_set=[False], severity=CRITICAL, meta={**on_failure, "rule": i}
        )
