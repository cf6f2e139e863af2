"""Numbers in any common format are read as the values that people meant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.reading_report import ReadingReport
from tests.tasks.core.table.columns_of_text import read, spread


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["2,962", "1,629", "827"], [2962, 1629, 827]),
        (["445,887", "52,595"], [445887, 52595]),
        (["2.962,17", "826,61"], [2962.17, 826.61]),
        (["2,962.17", "826.61"], [2962.17, 826.61]),
        (["2'962.5", "1’000"], [2962.5, 1000]),
        (["2 962,5", "1\u202f000", "1\u00a0000"], [2962.5, 1000, 1000]),
        (["$2,962.17", "-$5", "($7.50)"], [2962.17, -5, -7.5]),
        (["483.801 €", "1,50 €"], [483801, 1.5]),
        (["(0.680)", "1.336"], [-0.68, 1.336]),
        (["2962.2 kg", "1.5 kg"], [2962.2, 1.5]),
        (["12.5%", "3 %"], [12.5, 3]),
        (["2.96k", "1.2M", "950"], [2960, 1200000, 950]),
        (["\u22125", "7-", "+3"], [-5, -7, 3]),
        (["12,34,567", "1,00,000"], [1234567, 100000]),
        (["1.5e3", "2E-2", "7"], [1500, 0.02, 7]),
        (["14:35", "00:00", "2:05 PM"], [52500, 0, 50700]),
    ],
)
def test_numbers_are_read_as_they_are_written(cells, numbers):
    assert read(cells)[0].tolist() == numbers


def test_a_comma_before_three_digits_is_what_the_rest_of_the_file_says():
    assert read(["1,234", "5,678"])[0].tolist() == [1234, 5678]
    assert read(["1,234", "5,678"], other=["0,5", "1,25"])[0].tolist() == [1.234, 5.678]


@pytest.mark.parametrize(
    "marker", ["-", "--", ".", ":", "*", "\\N", "unknown", "Missing", "#DIV/0!", "N.A.", "NA", "null", "?"]
)
def test_a_marker_among_numbers_is_missing_and_said(marker):
    values, reading = read(spread([marker, "1.5", marker]))
    assert values.dtype == float and values.isna().sum() == 2
    assert reading.markers == {marker: 2} and "2 of 203 cells" in reading.sentence()


def test_one_typing_error_is_missing_and_its_line_is_said_without_the_cell():
    values, reading = read([*spread([], 3000), "12o5"])
    assert values.isna().sum() == 1 and reading.n_unreadable == 1 and reading.first_line == 3001
    assert "line 3,001" in reading.sentence() and "12o5" not in reading.sentence()


def test_a_number_column_with_too_many_other_words_is_refused_without_cells():
    cells = [*spread([], 100), *["refused-by-person"] * 40]
    with pytest.raises(BadInput, match=r"40 of 140 cells of 'x' are no numbers.*line 101") as caught:
        read(cells)
    assert "refused-by" not in str(caught.value)
    card = DataCard(target="y", reading={"x": {"missing": ["refused-by-person"]}})
    assert read(cells, card)[0].isna().sum() == 40


def test_two_units_in_one_column_are_refused_by_name():
    cells = [f"{i} kg" for i in range(50)] + [f"{i} lb" for i in range(50)]
    with pytest.raises(BadInput, match="'x' mixes the units kg, lb"):
        read(cells)


GROUPS = {".": [",", "'", " ", "\u00a0", "\u202f", ""], ",": [".", "'", " ", "\u00a0", "\u202f", ""]}


AFFIXES = [("", ""), ("$", ""), ("", " €"), ("", "%"), ("", " kg"), ("CHF ", "")]


MISSING = ["", "NA", "-", "unknown", "\\N"]


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.integers(-(10**9), 10**9), min_size=30, max_size=60, unique=True),
    decimal=st.sampled_from(".,"),
    which=st.integers(0, 5),
    affix=st.sampled_from(AFFIXES),
    missing=st.sampled_from(MISSING),
)
def test_numbers_written_in_any_format_are_read_as_the_same_values(values, decimal, which, affix, missing):
    numbers = [value / 100 for value in values]

    def written(number):
        text = (
            f"{abs(number):,.2f}".replace(".", "\0")
            .replace(",", GROUPS[decimal][which])
            .replace("\0", decimal)
        )
        return f"{'-' * (number < 0)}{affix[0]}{text}{affix[1]}"

    got, _ = read([*map(written, numbers), missing])
    assert got.tolist()[:-1] == numbers and np.isnan(got.iloc[-1])


def test_units_of_a_sensitive_column_are_counted_and_not_shown():
    cells = [f"{i} kg" for i in range(50)] + [f"{i} lb" for i in range(50)]
    with pytest.raises(BadInput, match="'x' mixes 2 units") as caught:
        read(cells, DataCard(target="y", sensitive=("x",)))
    assert "kg" not in str(caught.value)


@pytest.mark.parametrize("names", [["Jones", "Smith"], ["Anna", "Lee"], ["Smith"]])
def test_names_beside_numbers_are_no_units_and_are_not_quoted(names):
    values, reading = read([f"{i} {names[i % len(names)]}" for i in range(60)])
    shown = f"{reading.sentence()} {reading.problem} {ReadingReport((reading,)).to_dict()}"
    assert not [name for name in names if name in shown]
    assert (values.dtype == object) == (len(names) > 1)


def test_a_few_other_names_beside_numbers_do_not_become_missing():
    cells = [*(f"{i} Smith" for i in range(95)), *(f"{i} Jones" for i in range(5))]
    assert read(cells)[0].tolist() == cells
