"""The worked examples: their tables are there, their cards are cards, and each study comes to a verdict."""

from __future__ import annotations

import json
import re
import sys

import pytest

from realmix.tasks.core.table.card import read_card
from realmix.tasks.sources import open_source
from tests.examples import BLOCK, FOLDER, NAMES
from tests.tutorials.test_tutorials import follow

# Rows and columns: another release of a package may hold another table.
SHAPES = {
    "healthcare": (1832, 23),
    "finance": (2000, 17),
    "automotive": (392, 9),
    "retail": (410, 37),
    "education": (856, 17),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_an_example_is_the_one_that_its_page_describes(name):
    card = read_card(FOLDER / f"{name}.yaml")
    frame = open_source(card.source).load()
    assert frame.shape == SHAPES[name]
    assert {card.target, *card.ignore, *card.sensitive, *card.columns, *card.monotone} <= set(frame.columns)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_an_example_says_what_its_last_study_said(name):
    said = BLOCK.search((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    assert said
    assert re.match(r"--budget \d+s\n\nVerdict: (proven|expected to help|keep real only)\n", said[0]), (
        "run `make examples`"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_comes_to_a_verdict(name, tmp_path):
    """With a small budget: the word may be another one than that of the page."""
    command = f"{sys.executable} -m realmix run --card {FOLDER / name}.yaml --budget 30s --out out"
    follow("bash", command, tmp_path)
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert verdict["word"] in ("proven", "expected to help", "keep real only")
