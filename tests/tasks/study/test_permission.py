"""A study that the card does not permit does not begin, unless somebody answers for it, and that is recorded."""

from __future__ import annotations

import getpass

import pytest

from realmix.tasks.core.errors import NotPermitted
from realmix.tasks.core.lifecycle.entries import RESPONSIBILITY
from realmix.tasks.core.table.card import parse_card
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.database import decisions
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.study.ingest import ingest
from realmix.tasks.study.permission import permission, record_responsibility
from realmix.tasks.study.read_table import read_table
from tests.tasks.lifecycle import shop

pytestmark = pytest.mark.usefixtures("own_home")
FORBIDDEN = {"target": "bought", "provenance": {"licence": "none"}}


@pytest.fixture
def table(tmp_path):
    """A file, and a card for it that forbids everything."""
    shop.rows().to_csv(tmp_path / "shop.csv", index=False)
    card = tmp_path / "card.yaml"
    card.write_text(f"source: {tmp_path}/shop.csv\ntarget: bought\nprovenance: {{licence: none}}\n")
    return tmp_path


def test_a_table_without_a_card_is_studied(table):
    request = StudyRequest(table=str(table / "shop.csv"), target="bought", out=str(table / "out"))
    found = read_table(request, home() / "snapshots")
    assert found.permission.gaps == () and found.permission.reason is None


def test_a_card_that_forbids_stops_a_study_before_anything_is_written(table):
    request = StudyRequest(card=str(table / "card.yaml"), out=str(table / "out"))
    with pytest.raises(NotPermitted, match='licence` is "none"'):
        read_table(request, home() / "snapshots")
    assert not (home() / "snapshots").exists()


def test_who_answers_for_a_study_is_recorded_once_with_the_reason(table):
    request = StudyRequest(
        card=str(table / "card.yaml"), out=str(table / "out"), responsible="the board agreed on 3 May"
    )
    found = ingest.fn(request)
    ingest.fn(request)
    (entry,) = decisions("shop", RESPONSIBILITY)
    assert entry.document["reason"] == "the board agreed on 3 May"
    assert entry.document["by"] == getpass.getuser() and entry.document["study"] == "out"
    assert entry.document["snapshot"] == found.snapshot.digest
    assert '`provenance.licence` is "none"' in entry.document["gaps"]


def test_a_reason_at_registration_covers_later_studies_and_one_of_a_study_does_not():
    card = parse_card(FORBIDDEN)
    record_responsibility("shop", permission(card, "synthesize", "once"), "0a", study="first")
    with pytest.raises(NotPermitted):
        permission(card, "synthesize", None, registered="shop")
    record_responsibility("shop", permission(card, "synthesize", "for all"), "0a")
    assert permission(card, "synthesize", None, registered="shop").reason == "for all"
    with pytest.raises(NotPermitted):
        permission(card, "synthesize", None, registered="another")
    with pytest.raises(NotPermitted):
        permission(card, "share", None, registered="shop")


def test_a_reason_does_not_cover_what_the_card_forbids_later():
    card = parse_card(FORBIDDEN)
    record_responsibility("shop", permission(card, "synthesize", "for all"), "0a")
    stricter = parse_card(
        {"target": "bought", "provenance": {"licence": "none", "consent_basis": "withdrawn"}}
    )
    with pytest.raises(NotPermitted, match="withdrawn"):
        permission(stricter, "synthesize", None, registered="shop")


def test_nothing_is_recorded_where_the_card_permits_the_use():
    record_responsibility("shop", permission(parse_card({"target": "y"}), "synthesize", "just in case"), "0a")
    assert decisions("shop", RESPONSIBILITY) == []
