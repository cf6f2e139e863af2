import io

import pandas as pd
import pytest

from realmix.tasks.core.release.csv_cells import FORMULA_STARTS, escape_formulas


@pytest.mark.parametrize("start", [*FORMULA_STARTS, "\r=", "\n+", "a\r=", "a\n@"])
def test_no_text_begins_a_formula_and_the_rest_is_as_it_was(start):
    rows = pd.DataFrame(
        {"a": [f"{start}cmd|' /C calc'!A0", f"  {start}1", "plain", "-"], "n": [-1.5, 2, 3, 4]}
    )
    back = pd.read_csv(io.StringIO(escape_formulas(rows).to_csv(index=False)))
    assert len(back) == 4 and not back["a"].dropna().str.lstrip(" ").str.startswith(FORMULA_STARTS).any()
    assert back["a"][2] == "plain" and back["n"].tolist() == [-1.5, 2, 3, 4]
