"""What may be made of a table is what its card permits; silence permits a study and nothing more."""

from __future__ import annotations

from datetime import date

import pytest

from realmix.tasks.core.errors import BadInput, NotPermitted
from realmix.tasks.core.provenance.permission import (
    PUBLISHED_NAMES,
    check_permission,
    find_gaps,
    published_terms,
)
from realmix.tasks.core.table.card import parse_card, read_card
from realmix.tasks.core.table.card_parts import Provenance

TODAY = date(2026, 6, 1)
FULL = {
    "owner": "Ward 3",
    "licence": "internal use",
    "purpose": "triage",
    "consent_basis": "hospital contract",
    "retention": "ten years after discharge",
}


def card(provenance=None, **more):
    return parse_card({"target": "y", "provenance": provenance or {}, **more})


def test_a_card_that_says_nothing_permits_a_study_and_no_sharing():
    assert find_gaps(card(), "synthesize", today=TODAY) == ()
    assert find_gaps(card(sensitive=["age"]), "synthesize", today=TODAY) == ()
    assert len(find_gaps(card(), "share", today=TODAY)) == 5


def test_a_full_card_permits_both():
    for use in ("synthesize", "share"):
        assert check_permission(card(FULL, sensitive=["age"]), use, today=TODAY).gaps == ()


@pytest.mark.parametrize("name", FULL)
def test_each_required_field_that_is_missing_forbids_to_share(name):
    gaps = find_gaps(card({**FULL, name: None}), "share", today=TODAY)
    assert gaps == (f"`provenance.{name}` is missing",)


@pytest.mark.parametrize("name", ["owner", "licence", "purpose"])
def test_who_says_something_says_all_that_a_study_needs(name):
    said = {key: FULL[key] for key in ("owner", "licence", "purpose") if key != name}
    assert find_gaps(card(said), "synthesize", today=TODAY) == (f"`provenance.{name}` is missing",)


@pytest.mark.parametrize("of_people", [{"sensitive": ["age"]}, {"group": "patient"}])
def test_rows_of_people_need_a_consent_basis(of_people):
    said = {key: FULL[key] for key in ("owner", "licence", "purpose")}
    assert find_gaps(card(said), "synthesize", today=TODAY) == ()
    gaps = find_gaps(card(said, **of_people), "synthesize", today=TODAY)
    assert gaps == ("`provenance.consent_basis` is missing",)


@pytest.mark.parametrize("word", ["unknown", "TBD", " ? ", "", "…", "n/a."])
def test_a_word_that_says_nothing_counts_as_missing(word):
    assert find_gaps(card({**FULL, "owner": word}), "synthesize", today=TODAY) == (
        "`provenance.owner` is missing",
    )


@pytest.mark.parametrize("use", ["synthesize", "share"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("licence", "none"), ("licence", "None."), ("licence", "no licence"), ("consent_basis", "withdrawn"),
     ("consent_basis", "Refused"), ("consent_basis", "none"), ("retention", "2026-05-31"), ("permits", [])],
)  # fmt: skip
def test_what_forbids_forbids_every_use(use, name, value):
    (gap,) = find_gaps(card({**FULL, name: value}), use, today=TODAY)
    assert f"`provenance.{name}`" in gap
    with pytest.raises(NotPermitted, match="--i-am-responsible"):
        check_permission(card({**FULL, name: value}), use, today=TODAY)


def test_licence_none_alone_forbids_a_study(tmp_path):
    """The one line that people write; in YAML it is a word, not an empty value."""
    path = tmp_path / "card.yaml"
    path.write_text("target: y\nprovenance: {licence: none}\n")
    with pytest.raises(NotPermitted, match=r'`provenance\.licence` is "none"'):
        check_permission(read_card(path), "synthesize", today=TODAY)


@pytest.mark.parametrize(
    "licence", ["CC BY 4.0", "none of the rows may leave Sweden", "nonexclusive", "No Rights Reserved"]
)
def test_a_licence_that_only_begins_like_no_forbids_nothing(licence):
    assert find_gaps(card({**FULL, "licence": licence}), "share", today=TODAY) == ()


def test_permits_can_allow_a_study_and_no_sharing():
    only = card({**FULL, "permits": ["synthesize"]})
    assert find_gaps(only, "synthesize", today=TODAY) == ()
    assert find_gaps(only, "share", today=TODAY) == ("`provenance.permits` does not name share",)


def test_the_last_day_of_use_is_a_day_of_use(tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("target: y\nprovenance: {owner: a, licence: b, purpose: c, retention: 2026-06-01}\n")
    dated = read_card(path)
    assert dated.provenance.retention == "2026-06-01"
    assert find_gaps(dated, "synthesize", today=TODAY) == ()
    assert find_gaps(dated, "synthesize", today=date(2026, 6, 2)) == (
        "`provenance.retention` ended on 2026-06-01",
    )


def test_a_day_that_does_not_exist_gets_one_sentence():
    with pytest.raises(BadInput, match="2026-13-40, which is no day"):
        find_gaps(card({**FULL, "retention": "2026-13-40"}), "share", today=TODAY)


def test_who_answers_for_a_use_is_let_through_and_the_reason_is_kept():
    answered = check_permission(
        card({"licence": "none"}), "synthesize", today=TODAY, reason=" ethics vote 12 "
    )
    assert answered.reason == "ethics vote 12" and len(answered.gaps) == 3


def test_an_empty_reason_answers_for_nothing():
    with pytest.raises(NotPermitted):
        check_permission(card({"licence": "none"}), "synthesize", today=TODAY, reason="  ")


def test_a_reason_that_nobody_needs_is_not_kept():
    assert check_permission(card(FULL), "share", today=TODAY, reason="just in case").reason is None


def test_every_term_has_a_published_name():
    assert PUBLISHED_NAMES.keys() == Provenance.model_fields.keys()
    assert published_terms(Provenance(**FULL))["License to use"] == "internal use"
    assert published_terms(Provenance(permits=())) == {"Permitted uses": "none"}
