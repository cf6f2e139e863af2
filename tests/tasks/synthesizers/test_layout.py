from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.synthesizers._layout import Layout

RNG = np.random.default_rng(0)
DATA = pd.DataFrame(
    {
        "town": RNG.choice(["a", "b", "c"], 400),
        "income": RNG.lognormal(3, 1, 400),
        "age": RNG.integers(18, 90, 400),
        "flag": RNG.choice(["0", "1"], 400),
    }
)
LAYOUT = Layout(DATA, ["town", "flag"])


def one_hot(layout: Layout, data: pd.DataFrame) -> np.ndarray:
    coded = layout.encode(data, np.random.default_rng(0))
    matrix = np.zeros((len(data), layout.width))
    matrix[:, : layout.n_numbers] = coded.numbers
    np.put_along_axis(matrix, coded.positions, 1.0, axis=1)
    return matrix


def test_every_span_of_a_coded_row_holds_one_one() -> None:
    spans = np.split(one_hot(LAYOUT, DATA), LAYOUT.starts, axis=1)[1:]
    assert [span.shape[1] for span in spans] == LAYOUT.spans
    assert all((span.sum(axis=1) == 1).all() for span in spans)


def test_decoded_rows_are_those_that_were_coded() -> None:
    back = LAYOUT.decode(one_hot(LAYOUT, DATA))
    assert list(back.columns) == list(DATA.columns)
    assert (back[["town", "flag"]] == DATA[["town", "flag"]]).all(axis=None)
    assert back["income"].median() == pytest.approx(DATA["income"].median(), rel=1e-3)
    # Whole numbers are cut, not rounded, as the library does it.
    assert (back["age"] - DATA["age"]).abs().median() <= 1


def test_a_level_has_its_place_among_all_levels() -> None:
    assert LAYOUT.level_position("town", DATA["town"].iloc[0]) == 0
    assert LAYOUT.level_position("flag", DATA["flag"].iloc[0]) == 3
    with pytest.raises(KeyError):
        LAYOUT.level_position("flag", "2")


def test_a_table_of_categories_alone_has_no_numbers() -> None:
    layout = Layout(DATA[["town", "flag"]], ["town", "flag"])
    assert (layout.n_numbers, layout.width) == (0, 5)
    assert layout.decode(one_hot(layout, DATA)).equals(DATA[["town", "flag"]])
