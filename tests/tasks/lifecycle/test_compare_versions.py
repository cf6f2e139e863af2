"""Two versions are compared on rows that neither has seen, and on no others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realmix.tasks.core.errors import RealmixError, RegistryRefused
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.splits.holdout import hash_units, holdout_side
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.lifecycle.compare_versions import (
    Version,
    check_unseen,
    compare_on_new_rows,
    drawn_together,
    predict,
    schema_of,
)
from realmix.tasks.metrics import METRICS
from realmix.tasks.runtime.holdout_rules import registered_rule
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.study.package import load_and_predict
from realmix.tasks.study.track import track
from tests.tasks.versions import (
    DOWN,
    N_FIRST,
    N_LATER,
    WARNINGS,
    raw_rows,
    register,
    registry,
    snapshot_of,
    study,
)

pytestmark = WARNINGS


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory) -> Iterator[Path]:
    with registry(tmp_path_factory.mktemp("challenge")) as home:
        yield home


@pytest.fixture(scope="module")
def table() -> Registered:
    """A table whose first version is a linear model of its first rows."""
    found = register("customers")
    version_of(found, "linear", N_FIRST)
    return found


def version_of(table: Registered, kind: str, n_rows: int, **changes) -> str:
    raw = changes.pop("raw", None)
    made = study(table, raw_rows(n_rows) if raw is None else raw, kind, **changes)
    return track.fn(*made)["tracking"]["version"]


def new_holdout_rows(table: Registered) -> np.ndarray:
    """What may be compared, found another way: later rows that the rule puts on the holdout side."""
    raw = raw_rows(N_LATER)
    schema = schema_of(raw, table.card)
    rule = registered_rule(Table(table.name, snapshot_of(raw), {}, table.card, schema), raw)
    return np.flatnonzero(holdout_side(raw, schema, rule) & (raw["id"] >= N_FIRST).to_numpy())


def test_only_new_holdout_rows_are_compared(table):
    found = compare_on_new_rows(table, "1", version_of(table, "linear", N_LATER))
    assert found.n_rows == len(new_holdout_rows(table))
    assert found.decisions_served == (1, 1)
    names = [gate.name for gate in found.gates]
    assert names == ["overall", "slices", "calibration", "fairness", "serving"]
    serving = found.gates[-1].numbers
    assert 0 < serving["champion_seconds"] < 1 and 0 < serving["challenger_seconds"] < 1


def test_a_worse_fit_is_not_let_through(table):
    found = compare_on_new_rows(table, "1", version_of(table, "class-prior", N_LATER))
    assert (found.word, found.gain < 0) == ("keep champion", True)


def test_a_memoriser_gains_nothing_from_what_it_has_memorised(table):
    folder, document = study(table, raw_rows(N_LATER), "memoriser")
    version = track.fn(folder, document)["tracking"]["version"]
    found = compare_on_new_rows(table, "1", version)
    assert found.word == "keep champion" and found.interval[1] < 0
    # What ships knows the compared rows by heart, so that on it the same rows would have said the opposite.
    raw = raw_rows(N_LATER).iloc[new_holdout_rows(table)]
    schema = schema_of(raw_rows(N_LATER), table.card)
    shipped = load_and_predict(folder.path / "model", raw)[["proba_no", "proba_yes"]].to_numpy()
    by_heart = METRICS["log_loss"].compute(schema.encode_target(schema.apply(raw)), shipped, None)
    assert by_heart < 0.2 < found.champion_score < found.challenger_score


def test_a_corrected_row_that_the_champion_knew_is_not_compared(table):
    raw = raw_rows(N_LATER)
    raw.loc[: N_FIRST - 1, ["a", "y"]] = [9.0, "no"]
    found = compare_on_new_rows(table, "1", version_of(table, "linear", N_LATER, raw=raw))
    assert found.n_rows == len(new_holdout_rows(table))


def test_rows_without_a_target_are_not_compared(table):
    raw = raw_rows(N_LATER)
    raw.loc[new_holdout_rows(table)[:7], "y"] = None
    found = compare_on_new_rows(table, "1", version_of(table, "linear", N_LATER, raw=raw))
    assert found.n_rows == len(new_holdout_rows(table)) - 7


def test_too_few_new_rows_decide_nothing(table):
    found = compare_on_new_rows(table, "1", version_of(table, "linear", N_FIRST + 60), drift_is_critical=True)
    assert (found.word, found.waits_for_approval) == ("not yet decidable", True)
    assert found.n_rows < 50
    same = compare_on_new_rows(table, "1", version_of(table, "linear", N_FIRST))
    assert (same.word, same.n_rows) == ("not yet decidable", 0)


def test_a_challenger_fitted_on_every_row_is_not_compared(table):
    found = compare_on_new_rows(table, "1", version_of(table, "linear", N_LATER, n_holdout=0))
    assert (found.word, found.n_rows) == ("not yet decidable", 0)
    assert "had no holdout" in found.reason


def test_another_holdout_than_the_study_had_is_refused(table):
    with pytest.raises(RealmixError, match="Its fit may have seen them"):
        compare_on_new_rows(table, "1", version_of(table, "linear", N_LATER, n_holdout=17))


def test_a_row_that_a_fit_has_seen_stops_the_comparison():
    raw = raw_rows(20)
    units = hash_units(raw, schema_of(raw, register("units").card), ["id"])
    check_unseen(units[:10], units[10:])
    with pytest.raises(RealmixError, match="1 of 10 rows to compare are among the development rows"):
        check_unseen(units[:10], units[9:])


def test_a_table_in_time_is_compared_after_the_cutoff_only():
    table = register("days", card={"key": None, "time": "day", "ignore": ["id"]})
    raw = raw_rows(N_LATER)
    version_of(table, "linear", N_FIRST)
    rule = registered_rule(
        Table(table.name, snapshot_of(raw), {}, table.card, schema_of(raw, table.card)), raw
    )
    found = compare_on_new_rows(table, "1", version_of(table, "linear", N_LATER))
    assert rule.cutoff is not None
    assert found.n_rows == N_LATER - N_FIRST


def test_a_version_without_its_evaluated_fit_decides_nothing(table):
    from mlflow import MlflowClient

    folder, _ = study(table, raw_rows(N_LATER), "linear")
    client = MlflowClient()
    run = client.create_run(client.get_experiment_by_name(table.name).experiment_id).info.run_id
    client.log_artifact(run, str(folder.path / "verdict.json"))
    version = client.create_model_version(table.name, source=f"runs:/{run}/model", run_id=run).version
    found = compare_on_new_rows(table, "1", str(version))
    assert "was registered without its evaluated fit" in found.reason


def test_a_frozen_holdout_that_is_gone_stops_the_comparison(table, place):
    version = version_of(table, "linear", N_LATER)
    kept = {path: path.read_bytes() for path in (place / "tables").glob(f"{table.name}.*.json")}
    for path in kept:
        path.unlink()
    with pytest.raises(RealmixError, match="frozen holdout of 'customers' is gone"):
        compare_on_new_rows(table, "1", version)
    for path, content in kept.items():
        path.write_bytes(content)


def test_a_registry_that_is_down_is_named(table, monkeypatch):
    for name, value in DOWN.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RegistryRefused, match="does not give version 1 of 'customers'"):
        compare_on_new_rows(table, "1", "2")


def test_a_class_that_a_version_does_not_know_has_almost_no_chance(table, place):
    folder, document = study(table, raw_rows(N_FIRST), "linear")
    raw = raw_rows(60)
    schema = dataclasses.replace(schema_of(raw, table.card), classes=("no", "perhaps", "yes"))
    version = Version("1", document, folder.path / "evaluated" / "model")
    chances = predict(version, raw, schema).predictions
    assert json.loads((version.folder / "artifacts/data/spec.json").read_text())["classes"] == ["no", "yes"]
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (chances[:, 1] < 1e-5).all() and (chances[:, [0, 2]] > 1e-4).all()


def test_rows_of_a_table_in_time_are_drawn_in_stretches():
    raw = raw_rows(64).assign(day=np.arange(64))
    units = np.arange(64)
    assert drawn_together(raw, units, infer_schema(raw, "y")) is units
    in_time = drawn_together(raw, units, infer_schema(raw, "y", roles={"day": "time"}))
    assert in_time.tolist() == (np.arange(64) // 4).tolist()
