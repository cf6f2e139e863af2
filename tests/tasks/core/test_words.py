import math

import pytest

from realmix.tasks.core.words import (
    gain_and_interval,
    gain_in_words,
    in_digits,
    interval_in_words,
    score_in_words,
)


@pytest.mark.parametrize(
    ("gain", "is_relative", "words"),
    [
        (0.123456, True, "12 %"),
        (-0.00251, False, "−0.25 points"),
        (1e-9, True, "0 %"),
        (-1e-9, False, "0 points"),
        (None, True, "unknown"),
        (math.nan, True, "unknown"),
        (math.inf, False, "unknown"),
    ],
)
def test_gains_have_two_digits_a_true_minus_and_a_unit(gain, is_relative, words):
    assert gain_in_words(gain, is_relative) == words


def test_an_interval_names_both_bounds_also_where_one_is_unknown():
    assert interval_in_words([-0.05, 0.1], is_relative=False) == "−5 points to 10 points"
    assert interval_in_words((math.nan, 0.1), is_relative=True) == "unknown to 10 %"
    assert interval_in_words((None, 0.1), is_relative=True) == "unknown to 10 %"
    assert interval_in_words(None, is_relative=True) == "unknown"


def test_a_number_has_the_digits_of_its_interval():
    assert (
        gain_and_interval(0.01234, (0.0011, 0.0234), is_relative=True)
        == "1.2 % (90 % interval 0.1 % to 2.3 %)"
    )
    assert gain_and_interval(0.01234, None, is_relative=False) == "1.2 points"
    assert score_in_words(0.273931, (0.2531, 0.2947)) == "0.274"
    assert score_in_words(123456.0) == "123,456"
    assert in_digits(0.0, 0.0) == "0"
