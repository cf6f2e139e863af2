import math

import pytest

from realmix.tasks.core.words import gain_in_words, interval_in_words


@pytest.mark.parametrize(
    ("gain", "is_relative", "words"),
    [
        (0.123456, True, "12.3 %"),
        (-0.00251, False, "-0.251 points"),
        (1e-9, True, "0 %"),
        (-1e-9, False, "0 points"),
        (None, True, "unknown"),
        (math.nan, True, "unknown"),
        (math.inf, False, "unknown"),
    ],
)
def test_gains_have_three_digits_and_a_unit(gain, is_relative, words):
    assert gain_in_words(gain, is_relative) == words


def test_an_interval_names_both_bounds_also_where_one_is_unknown():
    assert interval_in_words([-0.05, 0.1], is_relative=False) == "-5 points to 10 points"
    assert interval_in_words((math.nan, 0.1), is_relative=True) == "unknown to 10 %"
    assert interval_in_words(None, is_relative=True) == "unknown"
