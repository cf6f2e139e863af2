from __future__ import annotations

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.runtime.database import register_table
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.sources import open_source
from realmix.tasks.sources.registered import RegisteredSource
from tests.tasks.shop_table import rows

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def snapshot():
    """The rows of the registered table `shop`."""
    taken = take_snapshot(rows(100), home() / "snapshots", source={})
    register_table("shop", DataCard(target="y", key="shop"), taken.digest)
    return taken


def test_a_registered_table_is_opened_by_its_name_and_gives_its_rows_of_today(snapshot):
    source = open_source("table:shop")
    assert isinstance(source, RegisteredSource)
    pd.testing.assert_frame_equal(source.load(), snapshot.read())
    assert source.describe()["location"] == "table:shop"


def test_its_card_comes_with_it(snapshot):
    card = RegisteredSource("table:shop").default_card()
    assert (card["target"], card["key"]) == ("y", "shop")


def test_a_name_that_nobody_registered_is_refused_with_it(snapshot):
    with pytest.raises(BadInput, match="'bank'"):
        RegisteredSource("table:bank").load()


def test_rows_that_are_gone_are_named(snapshot):
    (home() / "snapshots" / f"{snapshot.digest}.parquet").unlink()
    with pytest.raises(BadInput, match=snapshot.digest[:8]):
        RegisteredSource("table:shop").load()
