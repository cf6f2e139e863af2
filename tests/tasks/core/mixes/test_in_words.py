from __future__ import annotations

import pytest

from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.mixes.in_words import arm_in_words, mix_in_words


@pytest.mark.parametrize(
    ("mix", "named", "unnamed"),
    [
        (Mix("smote", 0.5), ["SMOTE rows, one per two real rows"], ["ensemble", "weighing", "rare"]),
        (Mix("smote", 1.0, 1.0, "teacher"), ["one per real row", "ensemble"], ["weighing", "rare"]),
        (Mix("smote", 1.0, 0.3), ["weighing 0.3 of"], ["ensemble", "rare"]),
        (Mix("smote", 5.0, 5.0), ["weighing 5 times the real rows"], ["ensemble", "rare"]),
        (Mix("smote", 1.0, real_labels="half"), ["real labels half the ensemble's"], ["weighing", "rare"]),
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


def test_a_synthesizer_of_a_user_keeps_its_name_and_an_odd_amount_is_a_number():
    assert mix_in_words(Mix("my-own", 1.5)) == "my own rows, 1.5 per real row"
    assert arm_in_words(Mix("smote", 5.0), "xgboost") == "SMOTE rows, five per real row; XGBoost"
