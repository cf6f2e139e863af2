"""What MLflow's pages show of the studies of a table."""

from __future__ import annotations

import json

from realmix.tasks.core.report.mlflow_pages import experiment_tags, model_description


def test_the_table_of_studies_shows_why_beside_the_verdict_and_the_best_mix_beside_its_gain():
    view = json.loads(experiment_tags("bank")["mlflow.sharedViewState.realmix"])
    assert [column.partition("`")[2].rstrip("`") for column in view["selectedColumns"]] == [
        "verdict", "why", "best_mix", "best_mix_gain", "promised_gain", "realised_gain", "model", "seed",
    ]  # fmt: skip
    assert view["columnOrder"][2:] == view["selectedColumns"]


def test_descriptions_fit_where_mlflow_shows_them():
    described = experiment_tags("bank_marketing")["mlflow.note.content"]
    assert "**bank_marketing**" in described and len(described) <= 100, "one line"
    assert "'y'" in model_description("bank", "y") and "*" not in model_description("bank", "y")
