import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.release.domain import Domain, read_declared
from realmix.tasks.core.table.sharing import Bins

RNG = np.random.default_rng(0)


def test_a_cell_is_read_alike_whatever_the_others_are():
    columns = {
        "n": Bins(edges=(0, 10, 20)),
        "c": Bins(values=("a", "1")),
        "d": Bins(edges=("2024-01-01", "2024-12-31")),
    }
    cells = pd.DataFrame(
        {"n": ["4", "15", ""], "c": [" A", "1", None], "d": ["2024-02-01", "", None]}, dtype=object
    )
    odd = pd.concat(
        [cells, pd.DataFrame({"n": ["what"], "c": ["2"], "d": ["31/12/2024"]})], ignore_index=True
    )
    alone, beside = (read_declared(table, columns) for table in (cells, odd))
    for name, bins in columns.items():
        codes = Domain(bins).encode(alone[name])
        assert (codes == Domain(bins).encode(beside[name])[:3]).all()
    assert [Domain(bins).encode(beside[name])[3] for name, bins in columns.items()] == [2, 2, 1]


def test_drawn_values_lie_in_their_bins_and_whole_ones_are_whole():
    domain = Domain(Bins(edges=(18, 30, 95), whole=True))
    first, last = (domain.decode(np.full(2_000, code), RNG) for code in (0, 1))
    assert set(first) == set(range(18, 30)), "an edge begins the next bin"
    assert set(last) == set(range(30, 96)), "the highest edge is a value"
    assert np.isnan(domain.decode(np.array([2]), RNG)).all()
    assert (domain.encode(pd.Series(first)) == 0).all()


def test_days_are_drawn_between_dates():
    domain = Domain(Bins(edges=("2024-01-01", "2024-01-04"), whole=True))
    days = pd.to_datetime(domain.decode(np.zeros(200, dtype=int), RNG), unit="s").strftime("%d")
    assert set(days) == {"01", "02", "03", "04"}


@pytest.mark.parametrize(
    "bad", [{}, {"values": ["a"], "edges": [0, 1]}, {"edges": [1, 0]}, {"values": ["a", "a"]}, {"edges": [0]}]
)
def test_bins_that_mean_nothing_are_refused(bad):
    with pytest.raises(ValueError, match=r"expected|twice"):
        Bins(**bad)
