from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.fits import final
from realmix.tasks.fits import scope as scope_module
from realmix.tasks.fits.final import fit_final, refit_from_training_table, with_raw_columns, with_roles
from realmix.tasks.fits.pools import synthesize
from realmix.tasks.fits.teacher import fit_teacher
from tests.tasks.fits.conftest import rows

MEMBERS = [("linear", 0)]


@pytest.fixture
def shipped(scope, tmp_path):
    """Fit an arm on a scope with a teacher and a pool; gives its log and its training table."""

    def fit(arm: Arm, raw: str | None = None):
        fit_teacher(str(scope.folder), MEMBERS, 1)
        if arm.mix.synthesizer:
            synthesize(str(scope.folder), arm.mix.synthesizer, 1.0, ["prior"], None)
        path = tmp_path / "training.parquet"
        log = fit_final(str(scope.folder), arm.to_dict(), str(tmp_path / "model"), str(path), raw, 1)
        return log, path

    return fit


def test_real_rows_alone_are_written_with_hard_labels_and_weights_of_one(shipped, scope):
    log, path = shipped(Arm(Mix(), "linear"))
    table = pd.read_parquet(path)
    assert (log["n_real"], log["n_synthetic"], len(table)) == (200, 0, 200)
    assert set(table["_realmix_origin"]) == {"real"} and (table["_realmix_weight"] == 1).all()
    assert set(table["_realmix_snapshot"]) == {"snapshot"} and set(table["_realmix_seed"]) == {0}
    assert not [name for name in table if "proba" in name]
    assert table["y"].tolist() == scope.training["y"].tolist()


def test_soft_labels_of_a_mix_stand_beside_its_hard_ones_and_rows_say_where_they_are_from(shipped):
    log, path = shipped(Arm(Mix("smote", 0.5, 0.3, "teacher"), "linear"))
    table = pd.read_parquet(path)
    origin = table["_realmix_origin"]
    assert origin.value_counts().to_dict() == {"real": log["n_real"], "smote": log["n_synthetic"]}
    assert log["n_synthetic"] == 100
    chances = table[["_realmix_proba_no", "_realmix_proba_yes"]]
    assert chances.sum(axis=1).to_numpy() == pytest.approx(np.ones(300))
    assert set(chances[origin == "real"].to_numpy().ravel()) == {0.0, 1.0}
    weight = table.groupby(origin)["_realmix_weight"].sum()
    assert weight["smote"] == pytest.approx(0.3 * weight["real"])
    (drawn_with,) = table.loc[origin == "smote", "_realmix_seed"].unique()
    assert drawn_with != 0 and set(table.loc[origin == "real", "_realmix_seed"]) == {0}


def test_the_rows_of_the_scope_are_freed_before_the_model_learns(shipped, monkeypatch):
    fit, held = final.fit_arm, list[int]()

    def counted(*given, **named):
        held.append(scope_module.open_rows.cache_info().currsize)
        return fit(*given, **named)

    monkeypatch.setattr(final, "fit_arm", counted)
    log, _ = shipped(Arm(Mix(), "linear"))
    assert held == [0] and log["n_real"] == 200


HALF = Mix("smote", 1.0, 1.0, "teacher", real_labels="half")


@pytest.mark.parametrize(
    "arm",
    [
        *(
            Arm(mix, name)
            for mix in (Mix(), HALF, Mix(label_rule="teacher"))
            for name in ("linear", "xgboost")
        ),
        Arm(Mix("smote", 1.0, 1.0, "teacher"), "xgboost"),
        Arm(Mix(), "ensemble"),
    ],
    ids=lambda arm: arm.name,
)
def test_from_its_training_table_alone_the_model_is_trained_again_to_the_same_predictions(
    shipped, scope, arm
):
    from realmix.tasks.fits.arms import fit_arm, training_set

    _, path = shipped(arm)
    X = scope.validation[scope.context.schema.feature_names]
    expected = fit_arm(scope, arm, training_set(scope, arm.mix), 1, final=True).predict(X)
    np.testing.assert_allclose(refit_from_training_table(path).predict(X), expected, atol=1e-6)


def test_what_ships_is_the_mean_of_several_seeds_where_the_learner_can_be(shipped, scope):
    log, _ = shipped(Arm(Mix(), "xgboost"))
    assert log["params"]["n_seeds"] == 3
    log, _ = shipped(Arm(Mix(), "linear"))
    assert "n_seeds" not in log["params"]


def test_real_rows_with_softened_labels_keep_their_hard_ones_beside(shipped, scope):
    _, path = shipped(Arm(HALF, "linear"))
    table = pd.read_parquet(path)
    real = table[table["_realmix_origin"] == "real"]
    assert real["y"].tolist() == scope.training["y"].tolist()
    own = real[["_realmix_proba_no", "_realmix_proba_yes"]].to_numpy()[
        np.arange(200), (real["y"] == "yes").astype(int)
    ]
    teacher = scope.read_array("teacher-training.npy")[np.arange(200), (real["y"] == "yes").astype(int)]
    assert own == pytest.approx((1 + teacher) / 2)


def test_the_model_is_written_as_data_that_names_its_columns_and_classes(shipped, tmp_path):
    log, _ = shipped(Arm(Mix(), "linear", trial=1))
    spec = json.loads((tmp_path / "model" / "spec.json").read_text())
    assert [column["name"] for column in spec["columns"]] == ["age", "job"]
    assert (spec["classes"], spec["target"]["name"], spec["model"]["kind"]) == (["no", "yes"], "y", "linear")
    assert log["params"] and log["seconds"] > 0
    assert not [p for p in (tmp_path / "model").rglob("*") if p.suffix in (".pkl", ".pickle", ".joblib")]


def test_columns_with_a_role_are_put_back_for_the_real_rows_and_what_else_no_model_sees_is_left_out(scope):
    from realmix.tasks.core.table.infer_schema import infer_schema

    raw = rows(60).assign(
        customer_id=np.arange(60),
        constant="one",
        mail=[f"person{i}@example.org" for i in range(60)],
        secret="x",
    )
    schema = infer_schema(raw, "y", roles={"customer_id": "key", "secret": "ignored"})
    assert with_roles(schema) == ["customer_id"]
    modelled = pd.concat([raw[["age", "job", "y"]]] * 2, ignore_index=True)
    whole = with_raw_columns(modelled, raw[["customer_id"]], schema)
    assert whole["customer_id"][:60].tolist() == list(range(60)) and whole["customer_id"][60:].isna().all()
    assert "customer_id" not in with_raw_columns(modelled.drop(columns="customer_id"), None, schema)


def test_a_model_that_people_can_follow_is_written_out_with_the_real_rows_it_learnt(shipped, tmp_path):
    log, _ = shipped(Arm(Mix("smote", 0.5, 0.3, "teacher"), "decision-tree"))
    written = {file.name: file.read_text() for file in (tmp_path / "model" / "readable").iterdir()}
    assert set(written) == {"rules.txt", "rules.json", "tree.svg"}
    counts = [int(n) for n in re.findall(r"\((\d+) real rows?\)", written["rules.txt"])]
    assert sum(counts) == log["n_real"] == 200


def test_a_model_that_nobody_could_follow_has_no_such_files(shipped, tmp_path):
    shipped(Arm(Mix(), "xgboost"))
    assert not (tmp_path / "model" / "readable").exists()
