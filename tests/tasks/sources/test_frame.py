"""Frames that Python holds are a source like any other."""

from __future__ import annotations

import pandas as pd
import pyarrow
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources import open_source

FRAME = pd.DataFrame({"age": [30, 41], "bought": ["no", "yes"]})


@pytest.mark.parametrize("frame", [FRAME, pyarrow.Table.from_pandas(FRAME)])
def test_frames_of_all_libraries_give_the_same_table(frame):
    assert open_source(frame).load().to_dict("list") == FRAME.to_dict("list")


class OfAnotherLibrary:
    """A frame as polars and others hand theirs on: by Arrow's C stream alone."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return pyarrow.Table.from_pandas(FRAME).__arrow_c_stream__(requested_schema)


def test_a_frame_of_any_library_that_speaks_arrow_is_read():
    assert open_source(OfAnotherLibrary()).load().to_dict("list") == FRAME.to_dict("list")


def test_texts_and_categories_are_read_as_polars_stores_them():
    texts = pyarrow.array(["no", None, "yes"], pyarrow.string_view())
    levels = pyarrow.array(["no", "yes"], pyarrow.string_view())
    codes = pyarrow.array([0, 1, None], pyarrow.uint32())
    categories = pyarrow.DictionaryArray.from_arrays(codes, levels)
    read = open_source(pyarrow.table({"text": texts, "category": categories})).read()
    assert read["text"].tolist() == ["no", None, "yes"]
    assert read["category"].tolist() == ["no", "yes", None]


def test_a_frame_without_rows_is_one_sentence():
    with pytest.raises(BadInput, match="the frame holds no rows"):
        open_source(FRAME.head(0)).load()


def test_numbers_and_dates_that_a_frame_holds_as_text_are_found():
    frame = pd.DataFrame({"p": ["1,5", "2,5"], "on": ["31/01/2024", "01/02/2024"], "city": ["Ulm", "Bonn"]})
    read = open_source(frame).load()
    assert read["p"].tolist() == [1.5, 2.5]
    assert read["on"].tolist() == ["2024-01-31", "2024-02-01"] and read["city"].tolist() == ["Ulm", "Bonn"]
    assert open_source(frame).read().equals(frame)
