import math

import pytest

from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.words import gain_in_words, interval_in_words, mix_in_words


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


@pytest.mark.parametrize(
    ("mix", "named", "unnamed"),
    [
        (Mix("smote", 0.5), ["0.5 smote rows"], ["ensemble", "weighing", "rare"]),
        (Mix("smote", 1.0, 1.0, "teacher"), ["1 smote rows", "ensemble"], ["weighing", "rare"]),
        (Mix("smote", 1.0, 0.3), ["weighing 0.3"], ["ensemble", "rare"]),
        (Mix("smote", 1.0, 1.0, "joint", "balanced"), ["rare class"], ["ensemble", "weighing"]),
        (Mix(label_rule="teacher"), ["real rows alone", "ensemble"], ["class weights"]),
        (Mix(balance="balanced"), ["real rows alone", "class weights"], ["ensemble"]),
        (Mix(), ["real rows alone"], ["ensemble", "class weights"]),
    ],
)
def test_a_recipe_names_what_differs_from_the_plain_one_and_nothing_else(mix, named, unnamed):
    words = mix_in_words(mix)
    assert all(part in words for part in named)
    assert not any(part in words for part in unnamed)
