"""Labels and codes stay as they are written."""

from __future__ import annotations

import pytest

from realmix.tasks.core.table.card import DataCard
from tests.tasks.core.table.columns_of_text import CARD, read


@pytest.mark.parametrize(
    "codes",
    [
        ["02139", "10001", "08540"],
        ["01", "02", "12"],
        ["0123", "00123"],
        ["1E5", "2E3", "7E1"],
        ["9007199254740993", "9007199254740995", None],
        ["A12", "V45", "250"],
        ["555-1234", "1.2.3", "10-20"],
        ["B", "2", "1"],
        ["12A", "13B", "7F"],
    ],
)
def test_codes_stay_text_exactly(codes):
    assert read(codes)[0].dropna().tolist() == [code for code in codes if code]


@pytest.mark.parametrize("levels", [["NA", "DE", "FR"], ["None", "a"], ["null", "nan"], ["-", "a", "."]])
def test_words_for_missing_are_levels_among_texts_and_blank_is_not(levels):
    values, _ = read([*levels, "", "  ", None])
    assert values.tolist()[:-3] == levels and values.isna().sum() == 3


def test_spellings_of_one_label_are_merged_for_a_feature_unless_the_card_forbids_it():
    cells = ["Male"] * 5 + ["male ", "MALE", "other", "other"]
    values, reading = read(cells, CARD)
    assert set(values) == {"Male", "other"} and reading.n_folded == 2
    card = DataCard(target="y", reading={"x": {"fold": False}})
    assert read(cells, card)[0].nunique() == 4
    assert read(cells, DataCard(target="x"))[0].nunique() == 4
