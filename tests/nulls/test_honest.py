"""Honest generators on easy, repetitive and unevenly cut tables are never refused as leaking."""

from __future__ import annotations

import pytest

from tests.nulls.honest import CHEAP, evidence_of
from tests.nulls.run import BUNDLED, table_rows


@pytest.mark.parametrize("seed", [0, 1])
def test_no_honest_generator_is_refused(seed):
    raw, target = table_rows(BUNDLED, seed, 300)
    found = list(evidence_of(raw, target, CHEAP, seed))
    assert len(found) > 40
    assert not [(case, one) for case, one in found if one.reason]
