from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput, SynthesizerFailed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.tasks.synthesizers.fitting import fit

RAW = pd.DataFrame({"age": np.arange(100) // 2 * 2, "y": np.arange(100) % 2})


@pytest.mark.parametrize(
    "location", [None, "", "claims", "no.such.module:simulate", "math:nothing", "math:pi"]
)
def test_a_simulation_that_cannot_be_called_is_refused(location: str | None) -> None:
    with pytest.raises(BadInput, match="`simulate`"):
        SYNTHESIZERS["simulation"].build(DataCard(target="y", simulate=location))


def test_a_simulation_without_all_columns_says_which_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def simulate(n_rows, reference, random_state):\n    return reference.drop(columns='age')\n"
    (tmp_path / "ageless_simulation.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    synthesizer = fit("simulation", RAW, simulate="ageless_simulation:simulate")
    with pytest.raises(SynthesizerFailed, match=r"no columns \['age'\]"):
        synthesizer.sample(5, random_state=0)


def test_a_simulation_that_returns_no_table_is_named_by_what_it_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def simulate(n_rows, reference, random_state):\n    return [1] * n_rows\n"
    (tmp_path / "listing_simulation.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SynthesizerFailed, match="list"):
        fit("simulation", RAW, simulate="listing_simulation:simulate").sample(5, random_state=0)


def test_a_simulation_is_given_the_real_rows_in_the_types_of_the_file_and_cannot_spoil_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
def simulate(n_rows, reference, random_state):
    assert reference["age"].dtype == "Int64" and len(reference) == 100
    rows = reference.sample(n_rows, replace=True, random_state=random_state)
    reference["age"] = -1
    return rows
"""
    (tmp_path / "spoiling_simulation.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    synthesizer = fit("simulation", RAW, simulate="spoiling_simulation:simulate")
    for random_state in range(2):
        assert synthesizer.sample(50, random_state=random_state)["age"].between(0, 99).all()
