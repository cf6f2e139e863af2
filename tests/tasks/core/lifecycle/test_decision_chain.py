"""A record of decisions that was changed, shortened at its start or reordered is noticed."""

from __future__ import annotations

import pytest

from realmix.tasks.core.lifecycle.decision_chain import chain_digest, find_broken_link


def record(n_entries: int) -> list[dict]:
    rows, previous = [], ""
    for number in range(1, n_entries + 1):
        entry = {"table_name": "bank", "made_at": "2026-01-01", "kind": "x", "document": str(number)}
        row = entry | {"id": number, "previous": previous, "digest": chain_digest(previous, *entry.values())}
        rows.append(row)
        previous = row["digest"]
    return rows


def test_a_record_as_it_was_written_has_no_broken_link():
    assert find_broken_link([]) is None and find_broken_link(record(3)) is None


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda rows: rows[1:], 2),
        (lambda rows: [rows[0], rows[2]], 3),
        (lambda rows: [rows[1], rows[0], rows[2]], 2),
        (lambda rows: [rows[0], rows[1] | {"table_name": "shop"}, rows[2]], 2),
    ],
)
def test_the_first_entry_that_does_not_follow_is_named(damage, found):
    assert find_broken_link(damage(record(3))) == found
