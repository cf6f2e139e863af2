"""The development rows as later steps see them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.fits.scope import Scope
from realmix.tasks.study import development as module
from realmix.tasks.study.development import Development
from tests.tasks.study.laid import lay

pytestmark = pytest.mark.usefixtures("own_home")


def test_rows_targets_weights_groups_and_folds_stand_side_by_side(tmp_path):
    folder, table, split, layout = lay(tmp_path)
    found = Development(folder.work)
    assert found.folds.shape == (layout.plan.n_repeats, split.n_development)
    assert len(found.rows) == len(found.y) == len(found.weight) == len(found.groups) == split.n_development
    np.testing.assert_array_equal(found.y, table.schema.encode_target(found.rows))
    for block in layout.blocks:
        scope = Scope(folder.scope(block.scope))
        validated = found.folds[block.repeat] == block.fold
        pd.testing.assert_frame_equal(scope.validation, found.rows[validated].reset_index(drop=True))
        np.testing.assert_array_equal(scope.groups, found.groups[~validated])
    assert found.sample_weight is None and found.declared.empty


def test_a_sample_of_the_rows_is_numbered_as_its_folds_are(tmp_path):
    folder, _, split, layout = lay(tmp_path, n_development=300)
    found = Development(folder.work)
    assert 298 <= len(found.rows) == found.folds.shape[1] <= 302 < split.n_development
    everything = Scope(folder.scope("evaluated")).training
    pd.testing.assert_frame_equal(found.rows, everything.iloc[found.sampled].reset_index(drop=True))
    block = layout.blocks[0]
    validated = found.rows[found.folds[block.repeat] == block.fold].reset_index(drop=True)
    pd.testing.assert_frame_equal(Scope(folder.scope(block.scope)).validation, validated)


def test_files_are_read_when_they_are_asked_for_and_targets_once(tmp_path, monkeypatch):
    folder, *_ = lay(tmp_path)
    found, reads = Development(folder.work), []
    stored_rows = module.stored_rows
    monkeypatch.setattr(module, "stored_rows", lambda path: reads.append(path) or stored_rows(path))
    assert not reads
    assert found.y is found.y and len(reads) == 1


def test_rows_of_a_table_in_time_are_drawn_in_stretches_within_a_fold(tmp_path):
    assert Development(lay(tmp_path / "plain")[0].work).drawn_together is None
    found = Development(lay(tmp_path / "in time", in_time=True)[0].work)
    days, units = found.rows["day"].to_numpy(), found.drawn_together
    spans = [np.ptp(days[units == unit]) for unit in np.unique(units)]
    assert max(spans) == int(np.cbrt(len(np.unique(days)))) - 1 > 1
    assert all(len(np.unique(found.folds[0][units == unit])) == 1 for unit in np.unique(units))
