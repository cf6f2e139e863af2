"""What every teacher of the folder keeps to; those of libraries that are not installed say so."""

from __future__ import annotations

import pytest

from realmix.tasks.core import versions
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.models import MODELS
from realmix.tasks.teachers import TEACHERS

SCHEMA = Schema(
    (Column("age", "numeric", "integer"), Column("y", "categorical", "string", "target")), "y", "binary"
)


@pytest.mark.parametrize("name", TEACHERS)
def test_its_cost_grows_with_rows_and_columns_and_its_name_is_no_learners(name):
    spec = TEACHERS[name]
    assert name not in MODELS
    assert 0 < spec.fit_cost(100, 10, 2) < spec.fit_cost(1_000, 10, 2) < spec.fit_cost(1_000, 100, 2)
    assert 0 < spec.row_cost(100, 10) <= spec.row_cost(1_000, 100)
    assert 0 < spec.fit_bytes(100, 10, 12) < spec.fit_bytes(10_000, 10, 12)


@pytest.mark.parametrize("name", TEACHERS)
def test_a_library_that_is_not_installed_is_named_with_the_next_step(name, monkeypatch):
    monkeypatch.setattr(versions, "find_spec", lambda module: None)
    with pytest.raises(BadInput, match=rf"The teacher {name} needs {name}, .* pip install -e '\.\[{name}\]'"):
        TEACHERS[name].weights(SCHEMA)
