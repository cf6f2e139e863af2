"""The mark says how many rows are synthetic, what they were made from and by, and what it does not say."""

from __future__ import annotations

from realmix.tasks.core.provenance.mark import (
    LIMITS_OF_REAL_ROWS,
    LIMITS_OF_SYNTHETIC_ROWS,
    LIMITS_OF_THE_MARK,
    Mark,
    mark,
)


def test_a_mix_is_not_called_anonymous_and_its_synthetic_rows_can_be_told():
    found = mark(snapshot="0a", synthesizer="smote", seed=3, n_real=1000, n_synthetic=500)
    assert found.limits == (LIMITS_OF_REAL_ROWS, LIMITS_OF_SYNTHETIC_ROWS, LIMITS_OF_THE_MARK)
    assert found.explanation == (
        "500 of 1,500 rows are synthetic: the synthesizer smote, fitted on real rows, drew them with seed 3; "
        "the column _realmix_origin says which."
    )


def test_rows_without_synthetic_ones_name_no_synthesizer():
    found = mark(snapshot="0a", synthesizer="smote", seed=3, n_real=10, n_synthetic=0)
    assert (found.has_synthetic_data, found.synthesizer, found.seed) == (False, None, None)
    assert found.limits == (LIMITS_OF_REAL_ROWS, LIMITS_OF_THE_MARK)


def test_synthetic_rows_alone_are_not_said_to_hold_real_ones():
    found = mark(snapshot="0a", synthesizer="dp", seed=3, n_real=0, n_synthetic=10)
    assert LIMITS_OF_REAL_ROWS not in found.limits and "_realmix_origin" not in found.explanation


def test_a_mark_is_read_back_as_it_was():
    found = mark(snapshot="0a", synthesizer="dp", seed=3, n_real=0, n_synthetic=10)
    assert Mark.read(found.to_dict()) == found
