from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.fits.scope import stored_rows
from realmix.tasks.runtime.holdout_rules import frozen_rule, registered_rule
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study import preview as preview_step
from realmix.tasks.study.preview import preview

REQUEST = StudyRequest(table="bundled:bank_marketing?rows=2000", out="")


@pytest.fixture
def unfitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a preview's folder as it is before any fit; the home is elsewhere."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))

    def stop(folder, layout, tried):
        raise KeyboardInterrupt

    monkeypatch.setattr(preview_step, "fit_folds", stop)
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_no_holdout_row_is_looked_at(unfitted):
    with pytest.raises(KeyboardInterrupt):
        preview(REQUEST, unfitted)
    work = StudyFolder(unfitted).work
    development, holdout = (
        stored_rows(work / f"{side}.parquet").rows.drop(columns="y") for side in ("development", "holdout")
    )
    assert len(holdout) > 100
    assert len(development) > 500
    assert pd.merge(development.drop_duplicates(), holdout.drop_duplicates(), how="inner").empty


def test_no_table_is_registered_and_a_registered_one_keeps_its_holdout(unfitted, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        preview(REQUEST, unfitted)
    assert not (tmp_path / "home").exists()
    table = preview_step.read_table(REQUEST, unfitted / "snapshots")
    assert frozen_rule(table, table.snapshot.read()) is None
    rule = registered_rule(table, table.snapshot.read())
    assert frozen_rule(table, table.snapshot.read()) == rule
