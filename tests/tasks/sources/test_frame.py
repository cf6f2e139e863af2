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


def test_a_frame_of_polars_is_read_where_polars_is_installed():
    polars = pytest.importorskip("polars")
    assert open_source(polars.from_pandas(FRAME)).load().to_dict("list") == FRAME.to_dict("list")


def test_a_frame_without_rows_is_one_sentence():
    with pytest.raises(BadInput, match="the frame holds no rows"):
        open_source(FRAME.head(0)).load()
