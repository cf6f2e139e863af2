"""A table's last winner on the rows of today: what is taken over and what is new."""

from __future__ import annotations

import html
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import Split
from realmix.tasks.core.provenance.mark import FOOTER, mark
from realmix.tasks.lifecycle.refit_winner import copy_plan, last_winner, publish_refit
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.report import manifest
from tests.tasks.core.conftest import simulate
from tests.tasks.core.plan.test_plan import PLAN
from tests.tasks.core.report.documents import build, changed
from tests.tasks.core.report.privacy import PRIVACY
from tests.tasks.shop_table import rows, table_of

TODAY = {
    "n_rows": 60, "real_only": {"score": 0.9, "interval": [0.8, 1.0]}, "mix": {"score": 0.85, "interval": [0.7, 0.9]},
    "gain": 0.05, "interval": [0.0, 0.1], "standard_error": 0.02, "decisions_served": [2, 2],
}  # fmt: skip


@pytest.fixture(scope="module")
def document():
    """The verdict document of a study whose mix ships."""
    oof = simulate(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1})
    found = build(oof, METRICS["rmse"])
    assert found.winner.name != found.real_only.name
    return found


@pytest.fixture
def former(tmp_path, document):
    """The folder of that study."""
    folder = StudyFolder(tmp_path / "first")
    folder.path.mkdir()
    folder.write_json("verdict.json", document.to_dict())
    folder.write_json("plan.json", PLAN.to_dict())
    return folder


@pytest.fixture
def published(tmp_path, former, own_home):
    """Publishes a refit on 300 rows of today."""

    def publish(document, holdout=TODAY):
        folder = StudyFolder(tmp_path / "again")
        folder.work.mkdir(parents=True, exist_ok=True)
        copy_plan(former, folder)
        marked = mark(snapshot="0a", synthesizer=None, seed=None, n_real=1, n_synthetic=0)
        footer = {FOOTER: json.dumps(marked.to_dict()).encode()}
        training = pa.table({"x": [1.0]}).replace_schema_metadata(footer)
        pq.write_table(training, folder.path / "training.parquet")
        table, split = (
            table_of(rows(300), tmp_path),
            Split(300, 240, 60, None if holdout else "Too few rows."),
        )
        fit = {"n_real": 300, "n_synthetic": 0, "n_teacher": None, "sentence": "It learnt from 300 rows."}
        return folder, publish_refit.fn(folder, document, table, split, fit, holdout, {"so far": 3.0})

    return publish


def test_the_winner_of_a_study_is_read_back_with_its_plan(former, document):
    found, plan, arms, thresholds = last_winner(former)
    assert found == document and plan == PLAN
    assert thresholds == {"model": None, "real_only": None}
    assert {role: arm.name for role, arm in arms.items()} == {
        "model": document.winner.name,
        "real_only": document.real_only.name,
    }


@pytest.mark.parametrize("spoil", ["gone", "empty", "no winner"])
def test_a_study_that_cannot_be_read_is_named(former, spoil):
    path = former.path / "verdict.json"
    if spoil == "gone":
        path.unlink()
    else:
        path.write_text("" if spoil == "empty" else json.dumps({"real_only": {}}))
    with pytest.raises(BadInput, match="first"):
        last_winner(former)


def test_a_refit_has_the_rows_and_scores_of_today_and_the_comparison_of_its_study(published, document):
    folder, made = published(document)
    assert made.study == "again" and made.renewal_of == "bank"
    assert (made.table.n_rows, made.table.n_holdout) == (300, 60)
    assert made.digests["snapshot"] != document.digests["snapshot"]
    for name in ("word", "arms", "winner", "validation", "gates"):
        assert getattr(made, name) == getattr(document, name)
    assert made.holdout.mix.score == 0.85 and "0.85" in made.holdout.sentence
    assert folder.read_json("verdict.json") == made.to_dict()


def test_the_promise_was_made_for_other_rows_and_is_not_compared(published, document):
    _, made = published(document)
    assert made.holdout.promised is made.holdout.inside_interval is None
    assert "OUTSIDE" not in made.sentence


def test_a_model_that_loses_to_a_constant_is_said_to_in_the_first_line(published, document):
    of_constant = {"constant": 0.5, "loses_to_constant": True}
    _, made = published(document, holdout=TODAY | of_constant)
    warning = "Warning: a constant, which knows no feature, scored 0.5 on them"
    assert warning in made.sentence and warning in made.holdout.sentence
    _, made = published(document, holdout=TODAY | of_constant | {"loses_to_constant": False})
    assert "Warning" not in made.sentence + made.holdout.sentence


def test_a_refit_of_a_refit_names_the_study_that_chose_the_mix(published, document):
    _, made = published(changed(document, study="shop-2", renewal_of="shop-1"))
    assert made.renewal_of == "shop-1"


def test_without_a_holdout_the_reason_stands_in_its_place(published, document):
    _, made = published(document, holdout=None)
    assert made.holdout is None and made.holdout_reason == "Too few rows."


def test_everything_that_is_promised_is_written_and_listed(published, document):
    folder, made = published(document)
    assert made.sentence in html.unescape((folder.path / "report.html").read_text())
    assert folder.read_json("manifest.json") == manifest(folder.path).to_dict()
    marks = {"croissant.json", "datasheet.md", "lineage.json"}
    assert marks | {"plan.json", "report.html", "training.parquet", "verdict.json"} == set(
        manifest(folder.path).sha256
    )
    assert (folder.path / "plan.json").read_text() == json.dumps(PLAN.to_dict(), indent=1)


def test_the_privacy_of_the_study_stays_and_the_training_table_is_that_of_today(published, document):
    _, again = published(changed(document, privacy=PRIVACY))
    assert (
        again.privacy.training_table
        == "training.parquet holds your 300 real rows: guard it as the table itself."
    )
    assert again.privacy.to_dict()["pools"] == PRIVACY["pools"]
    assert published(document)[1].privacy is None
