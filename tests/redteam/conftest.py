"""One table, plan and served model that malformed input is for; and a home that nothing is left in."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.request import parse_request
from realmix.tasks.core.table.served_rows import canonical_features
from realmix.tasks.fits.export import export_model
from realmix.tasks.models import MODELS
from realmix.tasks.models._serving import Served, load_nothing
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.study.read_table import read_table
from tests.redteam.checking import card_table
from tests.redteam.malformed_rows import N_ROWS, training_rows
from tests.tasks.core.plan.test_plan import PLAN


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table that cards and plans are for."""
    made = tmp_path_factory.mktemp("malformed")
    card_table(made)
    return made


@pytest.fixture(scope="module")
def table(folder: Path) -> Table:
    request = parse_request(table=str(folder / "customers.csv"), target="bought", out="")
    return read_table(request, folder / "snapshots")


@pytest.fixture(scope="module")
def plan() -> dict[str, object]:
    """A right plan of the table, as its file holds it."""
    return dataclasses.replace(
        PLAN, holdout=dataclasses.replace(PLAN.holdout, columns=("age", "city"))
    ).to_dict()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, pd.DataFrame, pd.DataFrame]:
    """A served model, right rows for it, and their predictions."""
    raw, data, spec = training_rows(), tmp_path_factory.mktemp("served"), MODELS["linear"]
    schema = infer_schema(raw, "bought")
    canonical = schema.apply(raw)
    model = spec.build(schema, spec.search_space(0, schema), 0, 1)
    model.fit(canonical[schema.feature_names], schema.one_hot_target(canonical), np.ones(len(raw)))
    export_model(model, "linear", schema, data)
    loaded = Served(data, spec.serve, spec.load_state or load_nothing, canonical_features)
    rows = raw.drop(columns="bought").head(N_ROWS)
    return loaded, rows, loaded.predict(rows)
