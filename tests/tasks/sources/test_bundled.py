from __future__ import annotations

import gzip
from importlib import resources

import pytest

from realmix.tasks.core.errors import BadInput, UnknownName
from realmix.tasks.core.table.card import parse_card
from realmix.tasks.sources.bundled import BundledSource

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@pytest.fixture(scope="module")
def whole_table():
    return BundledSource("bundled:bank_marketing").load()


def test_the_table_is_bank_full_without_the_call_s_duration(whole_table):
    assert whole_table.shape == (45211, 17)
    assert "duration" not in whole_table
    assert int(whole_table.isna().sum().sum()) == 52124
    assert round((whole_table["y"] == "yes").mean(), 3) == 0.117


def test_the_rows_are_in_time_order_from_may_2008_to_november_2010(whole_table):
    months = whole_table["year"] * 12 + whole_table["month"].map(MONTHS.index)
    assert months.is_monotonic_increasing
    assert (whole_table["year"].iloc[0], whole_table["month"].iloc[0]) == (2008, "may")
    assert (whole_table["year"].iloc[-1], whole_table["month"].iloc[-1]) == (2010, "nov")


def test_the_shipped_file_is_small_reproducible_and_attributed():
    folder = resources.files("realmix.tasks.sources").joinpath("data")
    content = folder.joinpath("bank_marketing.csv.gz").read_bytes()
    assert len(content) < 2**20
    assert content[4:8] == b"\0\0\0\0", "the gzip header holds a time"
    assert b"unknown" not in gzip.decompress(content)
    attribution = folder.joinpath("ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "Moro" in attribution and "CC BY 4.0" in attribution


def test_a_draw_is_the_same_every_time_spread_over_the_table_and_in_order(whole_table):
    drawn = BundledSource("bundled:bank_marketing?rows=2000").load()
    assert drawn.equals(BundledSource("bundled:bank_marketing?rows=2000").load())
    assert len(drawn) == 2000
    assert drawn["year"].is_monotonic_increasing and set(drawn["year"]) == {2008, 2009, 2010}
    assert 200 <= (drawn["y"] == "yes").sum() <= 270
    assert drawn.dtypes.equals(whole_table.dtypes)


def test_a_smaller_draw_is_part_of_a_larger_one():
    small, large = (BundledSource(f"bundled:bank_marketing?rows={n}").load() for n in (300, 600))
    merged = small.merge(large.drop_duplicates(), how="left", indicator=True)
    assert (merged["_merge"] == "both").all()


def test_the_default_card_is_a_valid_card():
    card = parse_card(BundledSource("bundled:bank_marketing?rows=2000").default_card())
    assert (card.target, card.positive, card.time) == ("y", "yes", None)
    assert card.provenance.licence == "CC BY 4.0"


@pytest.mark.parametrize("options", ["rows=0", "rows=-5", "rows=many", "lines=5", "rows=50000"])
def test_an_impossible_draw_is_refused(options):
    with pytest.raises(BadInput, match="rows"):
        BundledSource(f"bundled:bank_marketing?{options}").load()


def test_an_unknown_table_lists_the_known_ones():
    with pytest.raises(UnknownName, match="did you mean 'bank_marketing'"):
        BundledSource("bundled:bank_marketting")
