"""A study in MLflow: each run once, whoever is killed, and never a word of it lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.mlflow_records import mix_records, shown_arms
from realmix.tasks.runtime.database import untracked_studies
from realmix.tasks.study.track import experiment_id, is_tracked, log_history, track, track_again
from tests.tasks.core.report.documents import changed
from tests.tasks.versions import DOWN, N_FIRST, WARNINGS, raw_rows, register, registry, study

pytestmark = WARNINGS


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory) -> Iterator[Path]:
    with registry(tmp_path_factory.mktemp("track")) as home:
        yield home


def studied(name: str, kind: str = "class-prior"):
    return study(register(name), raw_rows(N_FIRST), kind)


def runs_of(name: str):
    from mlflow import MlflowClient

    return MlflowClient().search_runs([experiment_id(name)])


def test_a_study_is_one_run_with_one_below_it_per_mix_and_what_it_names_is_there():
    from mlflow import MlflowClient

    folder, document = studied("one")
    tracking = track.fn(folder, document)["tracking"]
    assert tracking["error"] is None and folder.read_json("tracking.json") == tracking
    parents = [run for run in runs_of("one") if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.run_id for run in parents] == [tracking["run_id"]]
    assert len(runs_of("one")) == 1 + len(shown_arms(document))
    found = {item.path for item in MlflowClient().list_artifacts(tracking["run_id"])}
    assert {"verdict.json", "report.html", "plan.json", "manifest.json", "model"} <= found
    assert untracked_studies() == []


def test_runs_have_the_times_of_the_study_and_of_its_race():
    folder, document = studied("times")
    ended = (folder.path / "verdict.json").stat().st_mtime
    parent = track.fn(folder, document)["tracking"]["run_id"]
    times = {
        run.info.run_id: (run.info.end_time - run.info.start_time, run.info.end_time)
        for run in runs_of("times")
    }
    # The study of 20 s began with four seconds before its race of ten.
    assert times.pop(parent) == (20_000, round(1000 * ended))
    assert all(end == round(1000 * (ended - 6)) for _, end in times.values())
    assert sorted(lasted for lasted, _ in times.values()) == [10_000 + place for place in range(len(times))]


def test_mlflow_lists_the_arms_in_the_order_that_they_were_logged_in():
    folder, document = studied("order")
    arms = document.to_dict()["arms"]
    more = [arms[0] | {"name": f"arm {n}", "role": "candidate", "synthesizer": "smote"} for n in range(5)]
    document = changed(document, arms=[*more, *arms])
    track.fn(folder, document)
    listed = [run.data.tags["arm"] for run in runs_of("order") if run.data.tags["kind"] == "mix"]
    assert listed == [record.tags["arm"] for record in mix_records(document)] and len(listed) > 5
    assert listed[0] == document.winner.name


def test_curves_are_one_metric_of_several_runs_and_real_only_is_level(monkeypatch):
    from mlflow import MlflowClient

    folder, document = studied("curves")
    drawn = document.arms[0].to_dict() | {"synthesizer": "smote", "role": "candidate"}
    more = [drawn | {"name": f"at {r}", "synthetic_ratio": r} for r in (0.5, 1.0, 2.0)]
    document = changed(document, arms=[*document.to_dict()["arms"], *more])
    monkeypatch.delattr(MlflowClient, "log_metric")
    track.fn(folder, document)
    runs = {run.data.tags.get("arm"): run.info.run_id for run in runs_of("curves")}
    key = f"curve/{document.metric.name}"
    steps = {
        name: sorted(point.step for point in MlflowClient().get_metric_history(runs[name], key))
        for name in ("at 0.5", document.real_only.name)
    }
    parent = next(run for run in runs_of("curves") if run.data.tags["kind"] == "study")
    assert all(runs[name] in parent.data.tags["mlflow.note.content"] for name in steps)
    assert steps == {"at 0.5": [50, 100, 200], document.real_only.name: [0, 50, 100, 200]}


def test_reviewers_find_who_ran_what_why_it_won_and_what_the_model_takes():
    from mlflow import MlflowClient

    folder, document = studied("reviewed")
    tracking = track.fn(folder, document)["tracking"]
    client = MlflowClient()
    parent = client.get_run(tracking["run_id"])
    assert parent.info.run_name.startswith(f"{document.word} · ")
    assert parent.data.tags["study"] == document.study
    assert parent.info.user_id and parent.data.tags["mlflow.source.name"] == "realmix"
    assert parent.data.params["model"] == document.winner.model
    version = client.get_model_version("reviewed", tracking["version"])
    assert document.reason in version.description and "a (numeric)" in version.description
    assert "'y'" in client.get_registered_model("reviewed").description
    experiment = client.get_experiment_by_name("reviewed")
    assert "**reviewed**" in experiment.tags["mlflow.note.content"]
    assert tracking["page"].startswith(
        f"#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
    )


def test_a_store_of_another_version_is_named_in_the_log(monkeypatch, caplog):
    folder, document = studied("refused")
    with monkeypatch.context() as patch:
        patch.setattr("realmix.tasks.study.track.check_tracking_store", refuse)
        assert track.fn(folder, document)["tracking"]["error"] == "BadInput"
    assert "another schema" in caplog.text
    assert track_again(folder.path)


def refuse() -> None:
    raise BadInput("The store has another schema.")


def test_tracking_a_study_again_adds_nothing():
    folder, document = studied("again")
    first = track.fn(folder, document)["tracking"]
    n_runs = len(runs_of("again"))
    second = track.fn(folder, document)["tracking"]
    assert (second["run_id"], second["version"]) == (first["run_id"], first["version"])
    assert len(runs_of("again")) == n_runs


def test_what_a_killed_process_left_is_replaced_by_a_whole_run(monkeypatch):
    folder, document = studied("killed")

    def end(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("realmix.tasks.study.track.mix_records", end)
        with pytest.raises(KeyboardInterrupt):
            track.fn(folder, document)
    half = {run.info.run_id for run in runs_of("killed")}
    assert len(half) == 1 and folder.path in untracked_studies()
    assert track_again(folder.path)
    assert half.isdisjoint(run.info.run_id for run in runs_of("killed"))
    assert {run.info.status for run in runs_of("killed")} == {"FINISHED"}
    assert folder.path not in untracked_studies()


def test_a_store_that_is_down_costs_no_study_and_is_logged_to_later(monkeypatch):
    folder, document = studied("down")
    with monkeypatch.context() as patch:
        for name, value in DOWN.items():
            patch.setenv(name, value)
        tracking = track.fn(folder, document)["tracking"]
    assert tracking["run_id"] is None and tracking["error"]
    assert folder.path in untracked_studies()
    assert track_again(folder.path) and folder.path not in untracked_studies()
    assert not track_again(folder.path), "nothing is left to log"


def test_a_study_whose_folder_is_gone_leaves_the_journal():
    import shutil

    folder, document = studied("gone")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in DOWN.items():
            patch.setenv(name, value)
        track.fn(folder, document)
    shutil.rmtree(folder.path)
    assert not track_again(folder.path) and folder.path not in untracked_studies()


def test_the_first_version_is_the_champion_and_the_next_one_the_challenger():
    from mlflow import MlflowClient

    table = register("versions")
    versions = [
        track.fn(*study(table, raw_rows(N_FIRST), kind))["tracking"]["version"]
        for kind in ("class-prior", "linear")
    ]
    aliases = MlflowClient().get_registered_model("versions").aliases
    assert {alias: str(number) for alias, number in aliases.items()} == {
        "champion": versions[0],
        "challenger": versions[1],
    }


def test_a_run_counts_only_in_the_store_that_holds_it(monkeypatch):
    from mlflow import MlflowClient

    tracking = track.fn(*studied("held"))["tracking"]
    assert is_tracked(tracking)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere.db")
        assert not is_tracked(tracking)
    MlflowClient().delete_run(tracking["run_id"])
    assert not is_tracked(tracking)


def test_the_history_of_a_table_is_one_run_however_often_it_is_written():
    entry = {
        "level": "skip",
        "reason": "no row came",
        "n_changed": 0,
        "why": "schedule",
        "drift": None,
        "arrivals": [],
    }
    log_history("history", [("2026-01-01T00:00:00+00:00", entry)])
    log_history("history", [("2026-01-01T00:00:00+00:00", entry), ("2026-01-02T00:00:00+00:00", entry)])
    (run,) = runs_of("history")
    assert run.data.tags["kind"] == "history" and "no row came" in run.data.tags["mlflow.note.content"]
