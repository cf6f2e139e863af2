"""The main job end to end, on an ephemeral Prefect server."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import weakref

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.report.mlflow_records import mix_records
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.words import gain_in_words
from realmix.tasks.fits.scope import HOLDOUT, Scope, stored_rows
from realmix.tasks.runtime.study_folder import StudyFolder

# What may differ between two runs of one plan: names, places and clocks.
PASSING = ("study", "seconds", "digests", "tracking")
WORDS = ("proven", "expected to help", "keep real only")


def decided(document):
    """The document without what may differ between two runs of one plan."""
    kept = {key: value for key, value in document.items() if key not in PASSING}
    return kept | {"race": {key: value for key, value in kept["race"].items() if "seconds" not in key}}


def test_a_study_ends_in_one_of_the_three_words(finished):
    _, document = finished
    assert document["word"] in WORDS
    assert document["complete"]
    assert document["schema_version"] == 1


def test_the_folder_holds_what_is_promised(finished):
    out, document = finished
    for name in ("verdict.json", "report.html", "training.parquet", "plan.json", "manifest.json"):
        assert (out / name).is_file(), name
    for name in ("model", "real_only", "evaluated/model", "evaluated/real_only"):
        assert (out / name / "MLmodel").is_file(), name
    assert json.loads((out / "verdict.json").read_text())["word"] == document["word"]


def test_only_the_run_has_the_tag_that_each_task_would_ask_a_slot_for(finished):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterTags,
        TaskRunFilter,
        TaskRunFilterTags,
    )

    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=["of-the-run"]))
        )
        tagged = client.read_task_runs(
            task_run_filter=TaskRunFilter(tags=TaskRunFilterTags(all_=["of-the-run"]))
        )
    assert run.name.startswith("study-") and tagged == []


def test_the_manifest_lists_every_file_with_its_hash(finished):
    out, _ = finished
    listed = json.loads((out / "manifest.json").read_text())["sha256"]
    for name in ("verdict.json", "report.html", "training.parquet", "model/MLmodel", "plan.json"):
        assert name in listed
    for name, digest in listed.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest, name


def test_the_verdict_names_scores_intervals_seeds_and_versions(finished):
    _, document = finished
    low, high = document["validation"]["real_only"]["interval"]
    assert low < document["validation"]["real_only"]["score"] < high
    assert document["holdout"] is None or document["holdout"]["real_only"]["interval"]
    assert {"snapshot", "training", "plan"} <= document["digests"].keys()
    assert {"python", "sdv", "xgboost-cpu", "prefect", "mlflow"} <= document["versions"].keys()
    assert document["seconds"]["race"] > 0


def test_what_can_be_proven_is_said_before_the_race_and_kept(finished, caplog, monkeypatch):
    from realmix.tasks.study.plan import announce

    _, document = finished
    expected = document["validation"]["expected_provable_gain"]
    assert expected == document["plan"]["expected_provable_gain"] > 0
    monkeypatch.setattr(logging.getLogger("realmix"), "propagate", True)
    caplog.set_level(logging.INFO, logger="realmix")
    announce(Plan.from_dict(document["plan"]))
    assert (
        f"smallest provable gain: {gain_in_words(expected, is_relative=True)} (expected; the verdict says the measured one)"
        in caplog.text
    )


def test_rows_saved_are_measured_or_the_reason_is_said(finished):
    _, document = finished
    saved = document["rows_saved"]
    assert (saved is None) == (document["plan"]["curve_repeats"] == 0)
    assert (saved is None) == bool(document["rows_saved_reason"])
    if saved:
        assert saved["arm"] == document["validation"]["mix"]["name"]
        assert saved["curve"][-1]["n_rows"] == round(document["validation"]["n_train"])


def test_what_lies_beyond_the_average_is_told_without_values_of_sensitive_columns(finished):
    out, document = finished
    found = document["generalisation"]
    assert found["gap"]["real_only"]["gap"] is not None and found["shift"]["samples"]
    names = [part["name"] for part in found["slices"]]
    assert {"marital: group 1 of 3", "age: part 1 of 4 from the lowest", "rare class: yes"} <= set(names)
    told = json.dumps([found, document["gates"], document["reason"]])
    assert not [status for status in ("married", "single", "divorced") if status in told]
    assert "Beyond the average" in (out / "report.html").read_text(encoding="utf-8")


def test_all_controls_and_both_label_rules_are_in_the_table(finished):
    _, document = finished
    names = {arm["name"].rsplit("/", 1)[0] for arm in document["arms"]}
    text = " ".join(sorted(names))
    for wanted in ("duplicates/1/joint", "duplicates/1/teacher", "shuffled-marginals/1/teacher",
                   "class-weights", "distillation", "sequential-trees/1/teacher", "smote/1/joint"):  # fmt: skip
        assert wanted in text


def watch_raw_rows(study_flow, monkeypatch):
    """Return a list that says, once the final fits begin, whether the raw rows of the study were freed before."""
    gate, fit, found, rows = study_flow.gate_raw, study_flow.fit_winner, [], []

    def watched_gate(table, folder):
        rows.append(weakref.ref(table.snapshot.read()))
        return gate(table, folder)

    def watched_fit(*arguments):
        gc.collect()
        found.append("freed" if rows[0]() is None else "in memory")
        return fit(*arguments)

    monkeypatch.setattr(study_flow, "gate_raw", watched_gate)
    monkeypatch.setattr(study_flow, "fit_winner", watched_fit)
    return found


def test_replaying_the_plan_gives_the_same_verdict_on_one_worker_without_the_gpu_it_names(
    finished, workspace, small_request, monkeypatch, caplog
):
    from realmix.flows import study as study_flow

    out, document = finished
    again = workspace / "runs" / "replayed"
    plan = workspace / "plan-of-a-gpu.json"
    # The xgboost of the tests is built without CUDA.
    plan.write_text(json.dumps(json.loads((out / "plan.json").read_text()) | {"on_gpu": ["xgboost"]}))
    # A home of its own: nothing is taken from the cache of the first study.
    monkeypatch.setenv("REALMIX_HOME", str(workspace / "home-replayed"))
    monkeypatch.setattr("realmix.flows.engines.choose.n_workers", lambda: 1)
    raw_rows = watch_raw_rows(study_flow, monkeypatch)
    with caplog.at_level(logging.WARNING, "realmix"):
        replayed = study_flow.study(small_request(again, plan=str(plan)))
    assert "no GPU that xgboost can use here, trained on the processor: xgboost" in caplog.messages
    assert decided(replayed) == decided(document)
    assert raw_rows == ["freed"]
    assert StudyFolder(again).read_json("plan.json")["on_gpu"] == []
    pd.testing.assert_frame_equal(
        pd.read_parquet(out / "training.parquet"), pd.read_parquet(again / "training.parquet")
    )


def test_holdout_rows_never_reach_a_training_set(finished):
    out, document = finished
    folder = StudyFolder(out)
    holdout = stored_rows(folder.work / HOLDOUT).rows
    assert len(holdout) == document["table"]["n_holdout"] > 0
    features = [c for c in holdout.columns if c != document["table"]["target"]]
    held = set(pd.util.hash_pandas_object(holdout[features], index=False))
    for name in ("fold-0-0", "fold-0-1", "evaluated"):
        training = Scope(folder.scope(name)).training
        assert not held & set(pd.util.hash_pandas_object(training[features], index=False)), name


def test_validation_rows_of_a_fold_are_not_among_its_training_rows(finished):
    folder = StudyFolder(finished[0])
    for scope in sorted(folder.work.glob("fold-*")):
        training, validation = Scope(scope).training, Scope(scope).validation
        columns = [c for c in training.columns if c != "y"]
        seen = set(pd.util.hash_pandas_object(training[columns], index=False))
        assert not seen & set(pd.util.hash_pandas_object(validation[columns], index=False))


@pytest.mark.parametrize(
    "arm",
    [
        Arm(Mix("sequential-trees", 1.0, 1.0, "teacher"), "xgboost"),
        Arm(Mix("smote", 1.0, 1.0, "joint"), "linear"),
        Arm(Mix(label_rule="teacher"), "xgboost"),
        Arm(Mix("sequential-trees", 1.0, 1.0, "teacher", real_labels="half"), "linear"),
        Arm(Mix(), "ensemble"),
    ],
    ids=lambda arm: arm.name,
)
def test_the_shipped_model_can_be_trained_again_from_its_table_alone(finished, workspace, arm):
    """For mixes, too, whatever this table's verdict was."""
    from realmix.tasks.fits.final import refit_from_training_table
    from realmix.tasks.runtime.workers import LocalWorkers
    from realmix.tasks.study.package import load_and_predict, save_pyfunc
    from realmix.tasks.study.refit import refit

    out, _ = finished
    folder = copy_of(StudyFolder(out), workspace / "runs" / f"refit-{abs(hash(arm.name))}")
    plan = Plan.from_dict(json.loads((out / "plan.json").read_text()))
    with LocalWorkers(1):
        done = refit.fn(folder, "shipped", {"model": arm, "real_only": Arm(Mix(), "linear")}, plan)
    assert done["failure"] is None
    schema = Scope(folder.scope("shipped")).context.schema
    save_pyfunc(folder.scope("shipped") / "model", arm.model, schema, folder.path / "packed", {})
    raw = schema.restore(stored_rows(folder.work / HOLDOUT).rows)[schema.feature_names]
    served = load_and_predict(folder.path / "packed", raw)[[f"proba_{c}" for c in schema.classes]]
    again = refit_from_training_table(folder.path / "training.parquet").predict(schema.apply(raw))
    np.testing.assert_allclose(served.to_numpy(), again, atol=1e-6)
    training = pd.read_parquet(folder.path / "training.parquet")
    assert (training["_realmix_weight"] > 0).all()
    soft = [c for c in training.columns if c.startswith("_realmix_proba_")]
    assert len(soft) == (2 if arm.mix.label_rule == "teacher" else 0)


def test_the_study_stands_in_mlflow(finished):
    from mlflow import MlflowClient

    _, document = finished
    client = MlflowClient()
    experiment = client.get_experiment_by_name("bank_marketing")
    runs = client.search_runs([experiment.experiment_id], max_results=500)
    parent = next(r for r in runs if r.info.run_id == document["tracking"]["run_id"])
    children = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert parent.data.tags["verdict"] == document["word"]
    shown = {record.name for record in mix_records(VerdictDocument.read(document))}
    assert {run.info.run_name for run in children} == shown and 3 <= len(shown) <= 20
    curved = [run.info.run_id for run in children if "curve/log_loss" in run.data.metrics]
    assert client.get_metric_history(curved[0], "curve/log_loss")[0].step in (0, 100)
    assert {d.tags[0].value for d in parent.inputs.dataset_inputs} == {"snapshot", "training"}
    artifacts = {a.path for a in client.list_artifacts(parent.info.run_id)}
    assert {"verdict.json", "report.html", "arms.json", "model", "evaluated"} <= artifacts
    holdout = document["holdout"]
    assert parent.data.metrics["promised_gain"] == document["validation"]["promised_gain"]
    assert parent.data.metrics.get("realised_gain") == (holdout and holdout["gain"])


def test_the_first_version_of_a_table_is_its_champion(finished):
    from mlflow import MlflowClient

    client = MlflowClient()
    champion = client.get_model_version_by_alias("bank_marketing", "champion")
    assert int(champion.version) == 1
    assert champion.tags["verdict"] in WORDS


def test_the_registered_model_predicts_raw_rows(finished, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = mlflow.pyfunc.load_model("models:/bank_marketing@champion")
    rows = pd.read_parquet(finished[0] / "training.parquet").head(5)
    rows = rows[[c for c in rows.columns if not c.startswith("_realmix") and c != "y"]]
    rows.loc[0, "job"] = "astronaut"
    rows.loc[1, "age"] = pd.NA
    predicted = model.predict(rows)
    assert list(predicted.columns) == ["prediction", "proba_no", "proba_yes"]
    np.testing.assert_allclose(predicted[["proba_no", "proba_yes"]].sum(axis=1), 1)


def copy_of(folder: StudyFolder, target):
    import shutil

    shutil.copytree(folder.path, target)
    return StudyFolder(target)


def test_sums_are_made_by_one_thread_whatever_the_processors(
    prefect_server, small_request, workspace, monkeypatch
):
    from threadpoolctl import threadpool_info

    from realmix.flows import study as flows_study

    threads: list[int] = []
    monkeypatch.setattr(
        flows_study,
        "_study",
        lambda request: threads.extend(lib["num_threads"] for lib in threadpool_info()) or {},
    )
    flows_study.study(small_request(workspace / "runs" / "threads"))
    assert set(threads) == {1}
