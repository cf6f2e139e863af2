"""The advice on collecting rows, from the terminal: a finished study is read, and nothing is fitted."""

from __future__ import annotations

import json

import pytest

from realmix.flows.terminal.cli import app
from realmix.flows.terminal.collect import chosen_study
from realmix.flows.terminal.tables import register
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.database import record_decision, registered_table
from realmix.tasks.runtime.study_folder import home
from tests.flows.terminal.conftest import card
from tests.tasks.core.conftest import rank
from tests.tasks.core.report.collecting import COLLECTING
from tests.tasks.core.report.documents import build

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.fixture
def document():
    return build(rank(0, strength=2.0), METRICS["roc_auc"], collecting=COLLECTING)


def write(folder, document):
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text(json.dumps(document.to_dict()))
    return folder


def test_the_advice_of_a_folder_is_printed(place, document, capsys):
    app(["collect", "--study", str(write(place / "study", document))], result_action="return_value")
    assert capsys.readouterr().out.splitlines() == advise(document).lines


def test_json_is_the_field_of_the_verdict(place, document, capsys):
    app(["collect", "--study", str(write(place / "study", document)), "--json"], result_action="return_value")
    assert json.loads(capsys.readouterr().out) == document.to_dict()["collecting"]


def test_a_registered_table_is_answered_by_its_latest_study(place, document):
    register(card(place), "bank")
    with pytest.raises(BadInput, match="has no study yet: run `realmix retrain bank`"):
        chosen_study("bank", None)
    write(home() / "studies" / "bank-1", document)
    for level, study in (("study", "bank-1"), ("skip", None)):
        entry = {"level": level, "study": study, "verdict": document.word}
        record_decision("bank", "retraining", entry, decided=registered_table("bank").snapshot)
    assert chosen_study("bank", None) == document


@pytest.mark.parametrize("both", [True, False])
def test_one_study_is_asked_for(place, both):
    with pytest.raises(BadInput, match="either a registered table, or a study's folder"):
        chosen_study("bank" if both else None, place if both else None)


def test_what_is_no_study_is_one_sentence(place, document):
    with pytest.raises(BadInput, match=r"holds no verdict\.json"):
        chosen_study(None, place / "nowhere")
    (write(place / "study", document) / "verdict.json").write_text("{")
    with pytest.raises(BadInput, match="is not JSON"):
        chosen_study(None, place / "study")
    with pytest.raises(BadInput, match="No table is registered"):
        chosen_study("bank", None)
