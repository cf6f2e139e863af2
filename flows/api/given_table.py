"""Tables and cards as Python holds them, at a place where a command can read them."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.runtime.study_folder import home

# A location names its table; a table in memory has no name. Equal rows have one place, so that a study of them is
# the same study when it is asked for again.
NAME, PLACE = "table", "given"

Card = str | Path | Mapping[str, Any] | None


class Given(NamedTuple):
    """Where a command reads a table and its card; and, for its sentences, what Python calls these places."""

    location: str
    card: str | None
    names: dict[str, str]


@contextmanager
def readable(table: Any, card: Card, target: str | None = None) -> Iterator[Given]:
    """Give the location of a table and of its card, as long as the body of the `with` statement runs.

    Parameters
    ----------
    table : str, Path, or a table in memory
        A table in memory is one of pandas, polars, pyarrow or any other library that speaks Arrow; its rows lie
        meanwhile in a file of the home that nobody else may read.
    card : str, Path, mapping or None
        A data card: its file, or its fields.
    target : str or None
        Field of a mapping that has none.

    Raises
    ------
    BadInput
        If it is no table, or cannot be written as one.
    """
    with TemporaryDirectory(prefix="realmix-") as place, _table_at(table) as location:
        card_at = _card_at(card, target, Path(place))
        names = {} if isinstance(table, str | Path) else {location: "the frame"}
        if isinstance(card, Mapping):
            names |= {f"{word} {card_at}": "card=" for word in ("The card", "the card", "card")}
        yield Given(location, card_at, names)


@contextmanager
def _table_at(table: Any) -> Iterator[str]:
    if isinstance(table, str | Path):
        yield str(table)
        return
    from realmix.tasks.sources.frame import SPEC

    if not SPEC.matches(table):
        raise BadInput(
            f"A {type(table).__name__} is no table; expected a DataFrame of pandas or polars, a Table of pyarrow, or a "
            "location such as 'table.csv'."
        )
    content = io.BytesIO()
    SPEC.build(table).read().to_parquet(content, index=False)  # type: ignore[attr-defined]
    folder = home().absolute() / PLACE / hashlib.sha256(content.getvalue()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{NAME}.parquet"
    path.touch(mode=0o600)
    path.write_bytes(content.getvalue())
    try:
        yield str(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _card_at(card: Card, target: str | None, place: Path) -> str | None:
    if not isinstance(card, Mapping):
        return None if card is None else str(card)
    path = place / "card.yaml"
    from realmix.tasks.core.table.card import DataCard

    if unknown := [str(field) for field in card if field not in DataCard.model_fields]:
        raise BadInput(f"card=: {unknown_name('key', unknown[0], DataCard.model_fields)}")
    fields = dict(card) if target is None else {"target": target, **card}
    path.write_text(yaml.safe_dump(fields, allow_unicode=True), encoding="utf-8")
    return str(path)
