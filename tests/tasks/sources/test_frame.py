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


def test_a_frame_without_rows_is_one_sentence():
    with pytest.raises(BadInput, match="the frame holds no rows"):
        open_source(FRAME.head(0)).load()
