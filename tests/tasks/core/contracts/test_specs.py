"""The core decides by what plug-ins say of themselves, and knows none of them by name."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest

from realmix.tasks import core
from realmix.tasks.core.contracts.specs import CONTROLS, FIRST_TO_GO, NULL_MODEL, REFERENCE_MODEL
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

FOLDER = Path(core.__file__).parent
# The names that the decision itself refers to, and distributions, which share a name with a model.
DECIDING = {FOLDER / "contracts" / "specs.py", FOLDER / "versions.py"}
# How names are written, explained and coloured for people; a plug-in of others is called by its own name there.
SHOWING = {
    FOLDER / "mixes" / "in_words.py",
    FOLDER / "report" / "glossary.py",
    FOLDER / "report" / "figures" / "drawing.py",
}


def literals(path: Path) -> set[str]:
    """Collect the string constants of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return {node.value for node in strings if isinstance(node.value, str)}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_core_knows_no_plugin_by_name(path):
    # The name of a synthesizer may be a word of the field, too: these are fields of the card.
    plugins = {*SYNTHESIZERS, *MODELS, *METRICS} - {"rules", "simulation", "dp"}
    if path not in DECIDING | SHOWING:
        assert not literals(path) & plugins


def test_every_name_that_the_decision_refers_to_is_offered_by_a_plugin():
    assert {name for name, spec in SYNTHESIZERS.items() if spec.is_control} == set(CONTROLS)
    assert [name for name, spec in MODELS.items() if spec.is_null] == [NULL_MODEL]
    assert REFERENCE_MODEL in MODELS


def test_a_plugin_that_says_nothing_of_its_place_is_the_first_to_be_left_out():
    for spec in (SYNTHESIZERS["smote"], MODELS["xgboost"]):
        place = next(field for field in dataclasses.fields(spec) if field.name == "drop_order")
        assert place.default == FIRST_TO_GO


def test_what_must_stay_in_the_smallest_study_is_never_left_out():
    assert all(MODELS[name].drop_order is None for name in (NULL_MODEL, REFERENCE_MODEL))
    assert any(spec.drop_order is None and spec.needs is None for spec in SYNTHESIZERS.values())
