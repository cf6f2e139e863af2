from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from realmix.flows.api.given_table import readable
from realmix.tasks.core.errors import BadInput


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))


FRAME = pd.DataFrame({"age": [30, 41], "kind": ["a", None]}, index=[7, 8])


@pytest.mark.parametrize("table", [FRAME, pa.table(FRAME.reset_index(drop=True))], ids=["pandas", "pyarrow"])
def test_a_table_in_memory_is_read_from_a_file_that_does_not_stay(table):
    with readable(table, None) as (location, card, _):
        pd.testing.assert_frame_equal(pd.read_parquet(location), FRAME.reset_index(drop=True))
        assert (Path(location).stem, card) == ("table", None)
        assert Path(location).stat().st_mode & 0o077 == Path(location).parent.stat().st_mode & 0o077 == 0
    assert not Path(location).exists()


def test_equal_rows_have_one_place_and_others_another():
    places = []
    for frame in (FRAME, FRAME.copy(), FRAME.head(1)):
        with readable(frame, None) as (location, *_):
            places.append(location)
    assert places[0] == places[1] != places[2]


def test_a_location_and_the_file_of_a_card_stay_as_they_are():
    with readable("sql:people", Path("card.yaml")) as given:
        assert given == ("sql:people", "card.yaml", {})


def test_the_fields_of_a_card_become_its_file():
    with readable("t.csv", {"target": "kind"}) as (_, card, _):
        assert yaml.safe_load(Path(str(card)).read_text()) == {"target": "kind"}


def test_the_target_completes_a_card_and_does_not_replace_that_of_the_card():
    for fields, target in (({"time": "age"}, "kind"), ({"time": "age", "target": "other"}, "other")):
        with readable("t.csv", fields, "kind") as (_, card, _):
            assert yaml.safe_load(Path(str(card)).read_text()) == {"time": "age", "target": target}


def test_a_misspelt_field_of_a_card_is_named_even_where_the_target_is_missing():
    with (
        pytest.raises(BadInput, match=r"^card=: Unknown key 'targets'; did you mean 'target'\?"),
        readable(FRAME, {"targets": "kind"}),
    ):
        pass


def test_what_is_no_table_is_refused_in_a_sentence():
    with (
        pytest.raises(BadInput, match="A dict is no table; expected a DataFrame"),
        readable({"age": [1]}, None),
    ):
        pass
