"""Champions come and go by the record; MLflow follows, also when it was away."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.errors import BadInput, ModelChanged
from realmix.tasks.core.lifecycle.champion_record import (
    PROMOTION,
    REVIEW,
    ROLLBACK,
    SETTLED,
    read_champion_record,
)
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.lifecycle import model_files
from realmix.tasks.lifecycle.model_files import check_study, check_version, download, recorded_digests
from realmix.tasks.lifecycle.promote import (
    champion,
    promote,
    review_challenger,
    rollback,
    settle,
    sync,
    write_history,
)
from realmix.tasks.runtime.cache_keys import traces_of_loading, tree_digest
from realmix.tasks.runtime.database import (
    decisions,
    note_untracked,
    record_decision,
    registered_table,
    untracked_studies,
)
from realmix.tasks.runtime.study_folder import home
from realmix.tasks.study.track import ping, track
from tests.tasks.versions import DOWN, N_FIRST, N_LATER, WARNINGS, raw_rows, register, registry, study

pytestmark = WARNINGS


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory) -> Iterator[Path]:
    with registry(tmp_path_factory.mktemp("promote")) as home:
        yield home


@pytest.fixture
def down(monkeypatch):
    """Make MLflow unreachable, and bring it back."""

    class Switch:
        def on(self) -> None:
            for name, value in DOWN.items():
                monkeypatch.setenv(name, value)

        def off(self) -> None:
            monkeypatch.undo()

    return Switch()


def reviewed(table: Registered, kind: str, n_rows: int, **changes) -> dict[str, Any]:
    """A study of a kind, told to MLflow and reviewed."""
    folder, document = study(table, raw_rows(n_rows), kind)
    return review_challenger(table, track.fn(folder, document), **{"drift_is_critical": False} | changes)


def aliases(name: str) -> dict[str, str]:
    from mlflow import MlflowClient

    return {
        alias: str(version) for alias, version in MlflowClient().get_registered_model(name).aliases.items()
    }


def version(name: str, number: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient().get_model_version(name, number)


def kinds(name: str) -> list[str]:
    return [entry.kind for entry in decisions(name)]


@pytest.fixture(scope="module")
def bank() -> tuple[Registered, dict[str, Any], dict[str, Any]]:
    """A poor champion, and a better challenger that waits for approval."""
    table = register("bank")
    return table, reviewed(table, "class-prior", N_FIRST), reviewed(table, "linear", N_LATER)


def test_the_first_version_is_the_champion_and_stands_in_the_record(bank):
    _, first, _ = bank
    assert (first["word"], first["promoted"], first["challenger_version"]) == ("first", True, "1")
    assert kinds("bank")[:3] == [REVIEW, PROMOTION, SETTLED]


@pytest.mark.parametrize("promotion", ["auto", "approve"])
def test_a_study_that_decided_nothing_registers_and_promotes_nothing(promotion):
    table = register(f"undecided-{promotion}", promotion=promotion)
    folder, document = study(table, raw_rows(N_FIRST), "linear", word=NOT_DECIDED)
    tracked = track.fn(folder, document)
    assert tracked["tracking"]["run_id"] and "version" not in tracked["tracking"]
    review = review_challenger(table, tracked, drift_is_critical=True)
    assert (review["word"], review["promoted"], review["is_pending"]) == (NOT_DECIDED, False, False)
    assert review["reason"] == document.sentence and not review["waits_for_approval"]
    found = read_champion_record(decisions(table.name))
    assert (found.champions, found.waiting, found.pending) == ((), None, None)
    assert champion(table.name) is None
    with pytest.raises(BadInput, match="waits"):
        promote(table.name, "why not", "me")


def test_a_challenger_that_passed_waits_for_approval_and_then_takes_over(bank):
    table, first, challenger = bank
    assert (challenger["word"], challenger["promoted"]) == ("promote", False)
    assert "realmix promote bank" in challenger["reason"]
    json.dumps(challenger, allow_nan=False)
    assert aliases("bank") == {"champion": "1", "challenger": "2"}
    assert read_champion_record(decisions("bank")).waiting.document["challenger_version"] == "2"
    told = version("bank", "2")
    assert challenger["reason"] in told.description and told.tags["review"] == "promote"

    done = promote("bank", "looks right", "Ada")
    assert (done["version"], done["replaces"], done["moved"]) == ("2", "1", True)
    assert aliases("bank") == {"champion": "2"}
    assert champion("bank") == {
        "version": "2", "arm": "linear", "study": challenger["study"], "snapshot": challenger["challenger_snapshot"]
    }  # fmt: skip
    tags = version("bank", "2").tags
    assert tags["previous_champion"] == "1" and "looks right (Ada, 20" in tags["promoted"]
    entry = decisions("bank", PROMOTION)[-1].document
    assert (entry["by"], entry["reason"], entry["gain"]) == ("Ada", "looks right", challenger["gain"])
    assert entry["champion_snapshot"] == first["challenger_snapshot"] == table.snapshot
    with pytest.raises(BadInput, match="No challenger of 'bank' waits"):
        promote("bank", "again", "Ada")

    back = rollback("bank", "complaints", "Eve")
    assert (back["version"], back["replaces"], back["moved"]) == ("1", "2", True)
    assert aliases("bank") == {"champion": "1"}
    assert "complaints (Eve" in version("bank", "2").tags["rolled_back"]
    entry = decisions("bank", ROLLBACK)[-1].document
    assert entry["snapshot"] == table.snapshot and entry["replaced_snapshot"] != table.snapshot
    with pytest.raises(BadInput, match="no earlier champion"):
        rollback("bank", "once more", "Eve")


def test_a_version_is_downloaded_once_for_its_promotion_and_once_for_a_rollback(monkeypatch):
    table = register("twice")
    reviewed(table, "class-prior", N_FIRST)
    reviewed(table, "linear", N_LATER)
    downloaded: list[str] = []

    def count(name: str, number: str, folder: Path, *, with_model: bool) -> dict[str, Path]:
        downloaded.append(number)
        return download(name, number, folder, with_model=with_model)

    monkeypatch.setattr(model_files, "download", count)
    assert promote("twice", "looks right", "Ada")["moved"] and rollback("twice", "complaints", "Eve")["moved"]
    assert downloaded == ["2", "1"]


def test_who_gives_no_reason_or_no_table_changes_nothing(bank):
    before = len(decisions("bank"))
    for decide in (promote, rollback):
        with pytest.raises(BadInput, match="empty reason"):
            decide("bank", " ", "Eve")
        with pytest.raises(BadInput, match="Unknown registered table 'bnak'; did you mean 'bank'"):
            decide("bnak", "why not", "Eve")
    assert len(decisions("bank")) == before


def test_auto_promotes_at_once_and_a_repeated_review_changes_nothing():
    table = register("shop", promotion="auto")
    reviewed(table, "class-prior", N_FIRST)
    folder, document = study(table, raw_rows(N_LATER), "linear")
    document = track.fn(folder, document)
    first = review_challenger(table, document, drift_is_critical=False)
    assert (first["word"], first["promoted"]) == ("promote", True)
    assert aliases("shop") == {"champion": "2"}
    before = kinds("shop")
    assert review_challenger(table, document, drift_is_critical=False) == first
    assert kinds("shop") == before
    rollback("shop", "a person knows better", "Ada")
    assert review_challenger(table, document, drift_is_critical=False)["promoted"] is False
    assert aliases("shop") == {"champion": "1"}


def test_never_lets_nobody_promote():
    table = register("vault", promotion="never")
    reviewed(table, "class-prior", N_FIRST)
    found = reviewed(table, "linear", N_LATER)
    assert (found["word"], found["promoted"]) == ("promote", False)
    with pytest.raises(BadInput, match="promotion: never"):
        promote("vault", "please", "Eve")
    assert aliases("vault") == {"champion": "1", "challenger": "2"}


def test_a_challenger_that_lost_waits_no_longer():
    table = register("club")
    reviewed(table, "linear", N_FIRST)
    found = reviewed(table, "class-prior", N_LATER)
    assert (found["word"], found["promoted"]) == ("keep champion", False)
    assert aliases("club") == {"champion": "1"}
    with pytest.raises(BadInput, match="No challenger"):
        promote("club", "still", "Eve")
    undecided = reviewed(table, "linear", N_FIRST + 60, drift_is_critical=True)
    assert (undecided["word"], undecided["waits_for_approval"]) == ("not yet decidable", True)
    assert promote("club", "the world has changed", "Ada")["version"] == undecided["challenger_version"]


def test_a_decision_that_mlflow_refuses_is_carried_out_by_the_next_call(down):
    table = register("mill")
    reviewed(table, "class-prior", N_FIRST)
    reviewed(table, "linear", N_LATER)
    down.on()
    done = promote("mill", "now", "Ada")
    assert done["moved"] is False and "the next call" in done["sentence"]
    assert read_champion_record(decisions("mill")).unsettled is not None
    assert sync() == 0
    down.off()
    assert aliases("mill")["champion"] == "1"
    sync("mill")
    assert aliases("mill") == {"champion": "2"}
    assert kinds("mill")[-2:] == [PROMOTION, SETTLED]
    before = len(decisions("mill"))
    assert settle("mill") and sync() == 0
    assert len(decisions("mill")) == before


def test_of_two_refused_decisions_the_last_one_counts(down):
    table = register("port")
    reviewed(table, "class-prior", N_FIRST)
    reviewed(table, "linear", N_LATER)
    down.on()
    promote("port", "now", "Ada")
    assert rollback("port", "no, wait", "Eve")["moved"] is False
    down.off()
    sync("port")
    assert aliases("port")["champion"] == "1"
    assert read_champion_record(decisions("port")).champions == ("1",)


def test_a_study_that_mlflow_missed_is_told_and_reviewed_later(down):
    table = register("farm", promotion="auto")
    reviewed(table, "class-prior", N_FIRST)
    folder, document = study(table, raw_rows(N_LATER), "linear")
    down.on()
    document = track.fn(folder, document)
    assert document["tracking"]["run_id"] is None
    assert untracked_studies() == [folder.path]
    found = review_challenger(table, document, drift_is_critical=True)
    assert (found["word"], found["promoted"], found["is_pending"]) == ("not yet decidable", False, True)
    assert found["challenger_version"] is None
    again = review_challenger(table, document, drift_is_critical=True)
    assert again["is_pending"] and kinds("farm").count(REVIEW) == 2
    down.off()
    assert sync() == 1
    assert untracked_studies() == []
    assert aliases("farm") == {"champion": "2"}
    assert read_champion_record(decisions("farm")).pending is None
    assert folder.read_json("tracking.json")["version"] == "2"
    assert artifacts_of(folder.read_json("tracking.json")["run_id"]) >= {
        "report.html",
        "verdict.json",
        "model",
    }
    assert sync() == 0


def artifacts_of(run: str) -> set[str]:
    from mlflow import MlflowClient

    return {artifact.path for artifact in MlflowClient().list_artifacts(run)}


def test_a_study_is_told_once_however_often():
    from mlflow import MlflowClient

    table = register("once")
    folder, document = study(table, raw_rows(N_FIRST), "linear")
    first = track.fn(folder, document)["tracking"]
    assert track.fn(folder, document)["tracking"] == first
    note_untracked(folder.path, "once")
    assert sync() == 1
    client = MlflowClient()
    assert len(client.search_model_versions("name = 'once'")) == 1
    parents = runs_of("once", "tags.kind = 'study'")
    assert [run.info.run_id for run in parents] == [first["run_id"]]


def test_what_a_killed_process_left_half_told_is_told_anew(monkeypatch):
    table = register("half")
    folder, document = study(table, raw_rows(N_FIRST), "linear")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("realmix.tasks.study.track.fill_run", interrupt)
        track.fn(folder, document)
    assert [run.info.status for run in runs_of("half")] == ["RUNNING"]
    assert untracked_studies() == [folder.path]
    assert sync() == 1
    assert {run.info.status for run in runs_of("half")} == {"FINISHED"}
    assert len(runs_of("half", "tags.kind = 'study'")) == 1


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def runs_of(name: str, wanted: str = "") -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient()
    return list(client.search_runs([client.get_experiment_by_name(name).experiment_id], wanted))


def test_a_study_whose_folder_is_gone_is_forgotten(tmp_path):
    note_untracked(tmp_path / "gone", "bank")
    assert sync() == 0
    assert untracked_studies() == []


def test_a_reviewer_finds_verdict_and_gains_as_columns_and_what_a_version_is(bank):
    parent = runs_of(
        "bank", "tags.kind = 'study' and metrics.promised_gain > 0 and metrics.realised_gain > 0"
    )
    assert {run.data.tags["verdict"] for run in parent} == {"proven"}
    tags = version("bank", "1").tags
    assert {"verdict", "study", "arm", "metric", "snapshot"} <= tags.keys()
    assert version("bank", "1").description.startswith("The study bank-")


def test_the_history_is_one_run_that_can_be_written_again():
    from mlflow import MlflowClient

    register("past")
    for level, n_rows in (("study", 500), ("skip", None), ("refit", 560)):
        entry = {"level": level, "reason": "rows came", "n_rows": n_rows, "n_changed": 60, "drift": None}
        record_decision("past", "retraining", entry)
        write_history("past")
    write_history("past")
    client = MlflowClient()
    (run,) = runs_of("past", "tags.kind = 'history'")
    assert run.info.status == "FINISHED"
    assert points(client, run, "redone") == [(1, 2), (2, 0), (3, 1)]
    assert points(client, run, "rows") == [(1, 500), (3, 560)]
    assert "**refit**, because rows came." in run.data.tags["mlflow.note.content"]
    client.delete_run(run.info.run_id)
    write_history("past")
    (rebuilt,) = runs_of("past", "tags.kind = 'history'")
    assert points(client, rebuilt, "redone") == [(1, 2), (2, 0), (3, 1)]


def points(client: Any, run: Any, key: str) -> list[tuple[int, float]]:
    found = client.get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.value) for point in found)


def test_the_history_waits_where_mlflow_is_away(down):
    register("away")
    record_decision("away", "retraining", {"level": "skip", "reason": "quiet", "n_changed": 0, "drift": None})
    down.on()
    write_history("away")
    with pytest.raises(Exception):  # noqa: B017
        ping()
    down.off()
    write_history("away")
    assert len(runs_of("away", "tags.kind = 'history'")) == 1


def test_a_table_without_versions_has_no_champion():
    register("blank")
    assert champion("blank") is None
    assert registered_table("blank").name == "blank"
    with pytest.raises(BadInput, match="No challenger"):
        promote("blank", "try", "Eve")


def test_a_pending_review_whose_study_is_gone_stops_nothing(down):
    table = register("lost")
    reviewed(table, "class-prior", N_FIRST)
    folder, document = study(table, raw_rows(N_LATER), "linear")
    down.on()
    review_challenger(table, track.fn(folder, document), drift_is_critical=False)
    down.off()
    shutil.rmtree(folder.path)
    assert sync() == 0
    assert aliases("lost") == {"champion": "1"}


def tampered(name: str, number: str, file: str) -> Path:
    """Somebody writes to a model's code where MLflow keeps it."""
    from mlflow import MlflowClient

    client = MlflowClient()
    stored = client.get_run(client.get_model_version(name, number).run_id).info.artifact_uri
    (code,) = Path(stored.removeprefix("file://"), file).rglob("served_model.py")
    planted = code.parent / "it-ran"
    code.write_text(f"open({str(planted)!r}, 'w').close()\n" + code.read_text())
    return planted


def test_a_challenger_whose_model_was_changed_is_not_promoted():
    table = register("planted", max_slowdown=100)
    reviewed(table, "class-prior", N_FIRST)
    challenger = reviewed(table, "linear", N_LATER)
    assert {"model", "evaluated/model", "verdict.json", "plan.json"} == challenger["challenger_files"].keys()
    tampered("planted", "2", "model")
    with pytest.raises(
        ModelChanged, match=r"Version 2 of 'planted' was changed after it was recorded \(model\)"
    ):
        promote("planted", "looks right", "Ada")
    assert PROMOTION not in kinds("planted")[3:]
    assert aliases("planted")["champion"] == "1"


def test_the_code_of_a_champion_that_was_changed_is_not_run():
    table = register("replaced", promotion="auto", max_slowdown=100)
    reviewed(table, "class-prior", N_FIRST)
    planted = tampered("replaced", "1", "evaluated/model")
    found = reviewed(table, "linear", N_LATER)
    assert (found["word"], found["promoted"]) == ("not yet decidable", False)
    assert "Version 1 of 'replaced' was changed after it was recorded (evaluated/model)" in found["reason"]
    assert not planted.exists()


def test_an_alias_that_somebody_moved_or_deleted_is_set_back():
    from mlflow import MlflowClient

    table = register("moved")
    reviewed(table, "class-prior", N_FIRST)
    folder, document = study(table, raw_rows(N_LATER), "linear")
    tracked = track.fn(folder, document)
    MlflowClient().set_registered_model_alias("moved", "champion", tracked["tracking"]["version"])
    settle("moved")
    assert aliases("moved")["champion"] == "1"
    MlflowClient().delete_registered_model_alias("moved", "champion")
    review_challenger(table, tracked, drift_is_critical=False)
    assert aliases("moved")["champion"] == "1"


def test_a_version_that_was_never_reviewed_is_recorded_as_it_is_found():
    table = register("known")
    folder, document = study(table, raw_rows(N_FIRST), "class-prior")
    track.fn(folder, document)
    found = reviewed(table, "linear", N_LATER)
    assert found["champion_version"] == "1"
    assert found["champion_files"] == recorded_digests("known", "1")
    assert found["champion_files"]["model"] == tree_digest(folder.path / "model")


def test_a_version_that_people_load_is_not_taken_for_a_changed_one(monkeypatch):
    import mlflow

    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    table = register("loaded")
    first = reviewed(table, "class-prior", N_FIRST)
    for place in ("models:/loaded/1", str(home() / "studies" / first["study"] / "model")):
        mlflow.pyfunc.load_model(place)
    assert traces_of_loading(home() / "mlartifacts" / "loaded"), (
        "MLflow leaves files in a store of this machine"
    )
    check_version("loaded", "1")
    check_study("loaded", home() / "studies" / first["study"])
    assert reviewed(table, "linear", N_LATER)["champion_files"] == first["challenger_files"]


def test_a_study_whose_documents_were_changed_is_not_refitted_from():
    table = register("rewritten")
    first = reviewed(table, "class-prior", N_FIRST)
    folder = home() / "studies" / first["study"]
    check_study("rewritten", folder)
    (folder / "plan.json").write_text("{}")
    with pytest.raises(ModelChanged, match=r"\(plan\.json\)"):
        check_study("rewritten", folder)
