"""Tables and cards as Python holds them, at a place where a command can read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from realmix.tasks.core.errors import BadInput

# A location names its table; a table in memory has no name.
NAME = "table"

Card = str | Path | Mapping[str, Any] | None


@contextmanager
def readable(table: Any, card: Card) -> Iterator[tuple[str, str | None]]:
    """Give the location of a table and of its card, as long as the body of the `with` statement runs.

    Parameters
    ----------
    table : str, Path, or a table in memory
        A table in memory is one of pandas, polars, pyarrow or any other library that speaks Arrow; its rows lie
        meanwhile in a temporary file that nobody else may read.
    card : str, Path, mapping or None
        A data card: its file, or its fields.

    Raises
    ------
    BadInput
        If it is no table, or cannot be written as one.
    """
    with TemporaryDirectory(prefix="realmix-") as place:
        yield _table_at(table, Path(place)), _card_at(card, Path(place))


def _table_at(table: Any, place: Path) -> str:
    if isinstance(table, str | Path):
        return str(table)
    from realmix.tasks.sources.frame import SPEC

    if not SPEC.matches(table):
        raise BadInput(
            f"A {type(table).__name__} is no table; expected a DataFrame of pandas or polars, a Table of pyarrow, or a "
            "location such as 'table.csv'."
        )
    path = place / f"{NAME}.parquet"
    rows = SPEC.build(table).read()  # type: ignore[attr-defined]
    rows.to_parquet(path, index=False)
    return str(path)


def _card_at(card: Card, place: Path) -> str | None:
    if not isinstance(card, Mapping):
        return None if card is None else str(card)
    path = place / "card.yaml"
    path.write_text(yaml.safe_dump(dict(card), allow_unicode=True), encoding="utf-8")
    return str(path)
