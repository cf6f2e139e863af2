"""What was made of the text of each column, and what was left out: for the terminal, the verdict and the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.units import is_unit

# What a model reads by its schema alone.
PLAIN_FORMS: tuple[dict[str, Any], ...] = (
    {"type": "number"},
    {"type": "number", "decimal": ".", "unit": ""},
    {"type": "truth"},
    {"type": "date"},
    {"type": "text"},
    {"type": "text", "fold": False},
)


@dataclass(frozen=True)
class ColumnReading:
    """How one column was read.

    Attributes
    ----------
    name : str
    found : str
        Format, in words.
    n_cells, n_read, n_blank : int
        All cells, those that the format reads, and the blank ones.
    markers : dict of str to int
        Words that were set missing, and their cells.
    n_unreadable : int
        Other cells that the format does not read: they were set missing.
    first_line : int or None
        Line of the first of them.
    n_folded : int
        Spellings that were merged into another of the same label.
    notes : tuple of str
    form : dict
        The format as a model's spec holds it.
    apart : str or None
        Why models do not see the column; None if they do.
    problem : str or None
        Why the column must not be used as it is.
    """

    name: str
    found: str
    n_cells: int
    n_read: int = 0
    n_blank: int = 0
    markers: Mapping[str, int] = field(default_factory=dict)
    n_unreadable: int = 0
    first_line: int | None = None
    n_folded: int = 0
    notes: tuple[str, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    apart: str | None = None
    problem: str | None = None

    @property
    def is_remarkable(self) -> bool:
        """Whether there is anything to say but the type."""
        plain = ("integers", "decimal numbers", "text", "dates", "true or false", "typed")
        changed = self.markers or self.n_unreadable or self.n_folded or self.notes or self.apart
        return bool(changed or self.problem or self.found not in plain)

    def shown(self, *, is_sensitive: bool) -> str:
        """Return the format in words, of a sensitive column without what stands beside its numbers."""
        return self.found.removesuffix(f" in {self.form.get('unit')}") if is_sensitive else self.found

    def sentence(self, *, is_sensitive: bool = False) -> str:
        """Say how the column was read; of a sensitive column no unit is shown, and markers are counted.

        Examples
        --------
        >>> ColumnReading("x", "integers", 600, 580, 3, {"-": 16}, 1, 77).sentence()
        "integers; 16 of 600 cells are '-' (2.7%), set missing; 1 of 600 cells (the first on line 77) is none, set missing"
        """
        parts = [self.shown(is_sensitive=is_sensitive)]
        n_marked = sum(self.markers.values())
        if n_marked:
            words = "markers" if is_sensitive else ", ".join(repr(word) for word in self.markers)
            parts.append(
                f"{n_marked:,} of {self.n_cells:,} cells are {words} ({n_marked / self.n_cells:.1%}), set missing"
            )
        if self.n_unreadable:
            verb = "is" if self.n_unreadable == 1 else "are"
            parts.append(
                f"{self.n_unreadable:,} of {self.n_cells:,} cells (the first on line {self.first_line:,}) "
                f"{verb} none, set missing"
            )
        if self.n_folded:
            parts.append(f"{self.n_folded} spellings that differ by blanks or case were merged")
        parts += self.notes
        if self.apart:
            parts.append(f"left out: {self.apart}")
        return "; ".join(parts)


@dataclass(frozen=True)
class ReadingReport:
    """How the columns of a table were read, and what of its file was read past."""

    columns: tuple[ColumnReading, ...] = ()
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> ColumnReading:
        return next(column for column in self.columns if column.name == name)

    @property
    def forms(self) -> dict[str, dict[str, Any]]:
        """How to read a column again, as a model's spec holds it; only where that is not the plain way."""
        return {c.name: dict(c.form) for c in self.columns if c.form and dict(c.form) not in PLAIN_FORMS}

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """How to read every column of text again, as a card declares it."""
        return {c.name: dict(c.form) for c in self.columns if c.form}

    def check(self, ignored: Collection[str] = ()) -> None:
        """Raise for the first column, not ignored, that must not be used as it is.

        Raises
        ------
        BadInput
        """
        for column in self.columns:
            if column.problem and column.name not in ignored:
                raise BadInput(column.problem)

    def with_apart(self, reasons: Mapping[str, str]) -> ReadingReport:
        """Add why columns are left out."""
        columns = tuple(dataclasses.replace(c, apart=reasons.get(c.name)) for c in self.columns)
        return dataclasses.replace(self, columns=columns)

    def to_dict(self, sensitive: Collection[str] = ()) -> dict[str, Any]:
        """Return plain values for JSON, each column with its sentence; the markers of sensitive columns are counted only."""
        return {
            "notes": list(self.notes),
            "columns": {c.name: _plain(c, is_sensitive=c.name in sensitive) for c in self.columns},
        }


def reading_lines(reading: Mapping[str, Any], *, everything: bool = False) -> list[str]:
    """Return a short table: one line for each column that was changed or left out.

    Parameters
    ----------
    reading : mapping
        From :meth:`ReadingReport.to_dict`.
    everything : bool
        True for all columns.

    Examples
    --------
    >>> report = ReadingReport((ColumnReading("age", "integers", 9, 9), ColumnReading("price", "integers in €", 9, 9)))
    >>> reading_lines(report.to_dict())
    ['price: integers in €']
    """
    shown = {n: c for n, c in reading["columns"].items() if everything or c["is_remarkable"]}
    return [*reading["notes"], *(f"{name}: {column['sentence']}" for name, column in shown.items())]


def _plain(column: ColumnReading, *, is_sensitive: bool) -> dict[str, Any]:
    values = dataclasses.asdict(column)
    del values["name"], values["problem"]
    n_marked = sum(column.markers.values())
    values["markers"] = n_marked if is_sensitive else dict(column.markers)
    values["n_missing"] = column.n_blank + n_marked + column.n_unreadable
    values["found"] = column.shown(is_sensitive=is_sensitive)
    if is_sensitive or not is_unit(column.form.get("unit", "")):
        values["form"] = {key: value for key, value in column.form.items() if key != "unit"}
    values["notes"] = list(column.notes)
    sentence = column.sentence(is_sensitive=is_sensitive)
    return {"sentence": sentence, "is_remarkable": column.is_remarkable, **values}
