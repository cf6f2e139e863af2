"""A wrong path is refused by its name alone; what may be no path is left to its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.file_names import check_table_name


@pytest.mark.parametrize("name", ["none.csv", "no/such/table", "./none"])
def test_a_path_without_a_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"There is no file '{name}'.*Check the path"):
        check_table_name(name)


@pytest.mark.parametrize(
    "name", [None, "bundled:bank_marketing", "sql:TABLE", "s3://bucket/a.csv", "sales", "a.xlsx#May"]
)
def test_another_kind_of_location_is_left_to_its_source(name: str | None) -> None:
    check_table_name(name)


def test_a_file_or_folder_that_is_there_passes(tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()
    check_table_name(str(tmp_path / "table.csv"))
    check_table_name(str(tmp_path))
