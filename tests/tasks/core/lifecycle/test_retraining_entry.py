import json

import pytest

from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.lifecycle.retrain_level import Changes, LevelChoice
from realmix.tasks.core.lifecycle.retraining_entry import retraining_entry
from realmix.tasks.core.table.card import DataCard

TABLE = Registered("shop", DataCard(target="y"), "2026-01-01T00:00:00Z", "a1b2", None, None)
CHANGES = Changes(n_studied=1000, n_changed=120, age_days=3.0, drift="none", drift_sentence="")
ARRIVALS = [{"name": "june.csv", "status": "admitted"}]
DOCUMENT = {
    "study": "shop-2",
    "table": {"n_rows": 1120, "target": "y"},
    "word": "ship the mix",
    "winner": {"name": "smote/1/joint/xgboost", "recipe": {"synthesizer": "smote", "weight": 1.0}},
    "validation": {"promised_gain": 0.02},
    "holdout": {"sentence": "On 200 rows the gain was 1 %.", "gain": 0.01},
    "tracking": {"run_id": "r1", "version": "7"},
}


def entry(document, since=CHANGES, judgement=None):
    choice = LevelChoice("study", "the table grew")
    made = retraining_entry(TABLE, "rows landed", choice, since, None, ARRIVALS, document, judgement)
    return made.to_dict()


def test_an_entry_says_why_how_far_and_on_which_rows():
    made = entry(None)
    assert made == {
        "why": "rows landed",
        "level": "study",
        "reason": "the table grew",
        "snapshot": "a1b2",
        "n_changed": 120,
        "drift": None,
        "arrivals": ARRIVALS,
    }
    assert entry(None, since=None)["n_changed"] is None


def test_an_entry_of_a_study_names_what_won_and_where_it_is_registered():
    made = entry(DOCUMENT)
    assert made["winner"] == {"name": "smote/1/joint/xgboost", "synthesizer": "smote"}
    assert (made["n_rows"], made["verdict"], made["promised_gain"]) == (1120, "ship the mix", 0.02)
    assert (made["run_id"], made["version"]) == ("r1", "7")
    assert made["holdout"] == "On 200 rows the gain was 1 %."
    assert json.loads(json.dumps(made, allow_nan=False)) == made


@pytest.mark.parametrize(
    ("change", "key"), [({"holdout": None}, "holdout"), ({"tracking": {"run_id": "r1"}}, "version")]
)
def test_what_a_study_lacks_is_null(change, key):
    assert entry(DOCUMENT | change)[key] is None
