"""A release says what is shared or why not, what epsilon covers, and who answers for it."""

from __future__ import annotations

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.release.document import ReleaseDocument, budget_in_words, release_lines

AUDIT = {"n_canaries": 400, "n_guesses": 100, "n_right": 60, "lower_bound": 0.4}
FIELDS = {
    "schema_version": 1,
    "realmix_version": "0.1.0",
    "table": "calls",
    "synthesizer": "dp",
    "is_released": True,
    "refusals": [],
    "seed": 7,
    "min_rows": 5,
    "n_rows": 1200,
    "n_learned": 900,
    "dropped": {"n_drawn": 1800, "broke_rules": 20, "rare_combinations": 40},
    "rule_violations": 0,
    "replaced": {"id": "holds made-up labels"},
    "fidelity": [{"name": "KSComplement", "synthetic": 0.9, "real": 0.95, "without_noise": None}],
    "utility": [{"name": "roc_auc", "synthetic": 0.7, "real": 0.8, "without_noise": 0.75}],
    "privacy": None,
    "dp": None,
    "measured_on": "the very rows to be shared",
    "not_permitted": [],
    "responsible": None,
}
BUDGET = {
    "epsilon": 3.0,
    "delta": 1e-6,
    "rows": "charged",
    "n_counts": 200,
    "noise": 4.0,
    "end_to_end": True,
    "sentence": budget_in_words(3.0, 1e-6, "charged", end_to_end=True),
    "audit": AUDIT,
}


def text(**changes) -> str:
    return "\n".join(release_lines(ReleaseDocument.build(FIELDS | changes)))


def test_a_release_says_how_many_rows_of_what_and_sets_every_score_beside_real_rows():
    said = text()
    assert said.startswith(
        "released: 1,200 synthetic rows by 'dp', learned from 900 rows of calls (three fifths are learned, the others check it)"
    )
    assert text(dp=BUDGET).splitlines()[0].endswith("learned from 900 rows of calls"), "end to end learns all"
    assert "fidelity, KSComplement: 0.900 (other real rows 0.950)" in said
    assert (
        "trained on synthetic rows 0.700, on real rows 0.800, on rows from nearly noiseless counts 0.750"
        in said
    )
    assert (
        "of 1,800 drawn rows 20 broke a rule, and 40 showed a combination of fewer than 5 real rows" in said
    )
    assert "replaced: 'id' holds made-up labels" in said and said.endswith("rules: 0 violations")


def test_a_refusal_comes_first_and_promises_nothing():
    said = text(is_released=False, refusals=["A leak was found.", "2 rows break a rule of the card."])
    assert said.startswith("not released: A leak was found. 2 rows break a rule of the card.")
    assert "violations" not in said


def test_where_somebody_answers_for_sharing_the_reason_stands_beside_what_the_card_lacks():
    said = text(not_permitted=["`provenance.retention` is missing"], responsible="the board agreed")
    assert "(`provenance.retention` is missing); somebody answers for it: the board agreed" in said
    assert "permission" not in text()


@pytest.mark.parametrize(
    ("rows", "words"), [("charged", "the number of rows is within it"), ("public", "is taken as public")]
)
def test_epsilon_says_what_it_covers_and_what_not(rows, words):
    end_to_end, within = (budget_in_words(3.0, 1e-6, rows, end_to_end=flag) for flag in (True, False))
    for sentence in (end_to_end, within):
        assert "epsilon 3, delta 1e-06; one row is protected" in sentence and words in sentence
        assert "is outside epsilon" in sentence
    assert "from end to end" in end_to_end and "Only the noisy counts" in within
    assert "the card" in end_to_end, "bins that were read off the rows are nowhere counted"


def test_the_audit_stands_beside_the_promise():
    said = text(dp=BUDGET)
    assert (
        "60 of 100 planted rows guessed right, so epsilon is at least 0.4 (95 % confidence; promised 3)"
        in said
    )


def test_a_document_is_read_back_as_it_was_and_nothing_else_is_read():
    document = ReleaseDocument.build(FIELDS | {"dp": BUDGET})
    assert ReleaseDocument.read(document.to_dict()) == document
    with pytest.raises(BadInput, match="release document"):
        ReleaseDocument.read(document.to_dict() | {"n_rows": "many"})
