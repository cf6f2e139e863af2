"""The documents that realmix publishes, and their schemas."""

from __future__ import annotations

from typing import ClassVar

import pytest

from realmix.tasks.core.documents import Document, Number
from realmix.tasks.core.errors import BadInput
from tests.schemas import FOLDER, PUBLISHED


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_published_schema_is_that_of_its_model(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == PUBLISHED[name].schema_text(), "write it with python -m tests.schemas"


def test_every_published_schema_has_a_model():
    assert {path.name for path in FOLDER.iterdir()} == set(PUBLISHED)


class Scores(Document):
    what: ClassVar[str] = "list of scores"

    scores: tuple[Number | None, ...]
    note: str = ""


def test_an_integer_stays_one_and_what_is_no_number_becomes_null():
    built = Scores.build({"scores": (1, 1.0, float("nan"))})
    assert repr(built.to_dict()) == "{'scores': [1, 1.0, None]}"
    assert Scores.read(built.to_dict()) == built


@pytest.mark.parametrize(
    "wrong", [{}, {"scores": ["1"]}, {"scores": [True]}, {"scores": [], "note": None}, []]
)
def test_what_is_missing_or_of_another_type_is_named_and_not_quoted(wrong):
    with pytest.raises(BadInput, match="The list of scores") as caught:
        Scores.read(wrong)
    assert "input" not in str(caught.value).replace("Input should", "")
