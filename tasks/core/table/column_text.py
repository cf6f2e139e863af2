"""What every way to read a column of text asks: what is missing, what is left, and whether that is too much."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Reading
from realmix.tasks.core.table.column_cells import Cells
from realmix.tasks.core.table.fold_labels import fold_labels
from realmix.tasks.core.table.reading_report import ColumnReading

# A column of numbers or dates may hold at most this share of cells that are neither; they become missing.
MAX_UNREADABLE = 0.1
# Among few distinct numbers another word is rather a level: codes such as 1, 2, 3 and A.
MAX_UNREADABLE_AMONG_CODES = 0.01
MAX_CODES = 20
# More such words than this are codes or names, not a marker.
MAX_WORDS = 5
CODE = re.compile(r"[^\W\d_]{1,4}[-\s.]?\d+\w*|\d+[-/\s]?[^\W\d_]+\w*")
TEXT_KINDS = ("identifier", "text")
DECLARED_KINDS = {"numeric": "numbers", "datetime": "dates"}


class ColumnText:
    """Cells of one column, and what the card says of it.

    Parameters
    ----------
    cells : Cells
    declared : Reading
        Format that the card declares; empty if none.
    kind : str or None
        Kind of column that the card declares.
    card : DataCard or None
    mark : callable
        Gives the decimal mark that the other columns of the file decide; None if they do not.
    """

    def __init__(
        self,
        cells: Cells,
        declared: Reading,
        kind: str | None,
        card: DataCard | None,
        mark: Callable[[], str | None],
    ) -> None:
        self.cells, self.declared, self.kind, self.card = cells, declared, kind, card
        self.name, self.mark = cells.name, mark
        self.is_exact = card is not None and cells.name in (card.key, card.group)
        self.is_target = card is not None and cells.name == card.target
        self.keeps_labels = (self.is_exact or kind == "categorical") and declared.type is None
        given = {text.strip() for text in declared.missing}
        self.is_declared = np.array([bool(given) and text in given for text in cells.texts], dtype=bool)
        self.is_sign = cells.is_sign | self.is_declared
        self.is_marker = cells.is_marker | self.is_declared

    def may_be(self, type_: str, *other_kinds: str) -> bool:
        """Check that the card declares no other type, and none of these kinds."""
        return self.declared.type in (None, type_) and self.kind not in other_kinds

    def begins_measured(self) -> bool:
        """Check whether half of the cells begin as numbers, dates or truth values do: most text does not."""
        if self.kind in TEXT_KINDS:
            return False
        n_begin = self.cells.count(self.cells.begins & ~self.is_marker)
        return self.kind is not None or n_begin >= self.cells.count(~self.is_marker) / 2

    def rest(self, is_read: np.ndarray) -> np.ndarray:
        """Return the texts that are neither read nor a marker."""
        return ~is_read & ~self.is_marker

    def is_few(self, is_bad: np.ndarray, n_distinct: int) -> bool:
        """Check whether the cells that cannot be read are too few to make the column text."""
        n_bad, n_all = self.cells.count(is_bad), self.cells.count(~self.is_marker)
        if not n_bad or self.declared.type is not None:
            return True
        limit = MAX_UNREADABLE if n_distinct > MAX_CODES else MAX_UNREADABLE_AMONG_CODES
        n_codes = sum(CODE.fullmatch(text) is not None for text in self.cells.chosen(is_bad))
        has_codes = n_codes > 1 and n_bad > 0.002 * n_all
        return n_bad <= limit * n_all and not (has_codes and self.kind is None)

    def too_many(self, is_bad: np.ndarray, what: str, n_distinct: int) -> str | None:
        """Return why a column that is mostly numbers or dates cannot be read as such, if a person must say."""
        n_bad, n_all = self.cells.count(is_bad), self.cells.count(~self.is_marker)
        is_wanted = self.kind in DECLARED_KINDS
        if not is_wanted and (n_distinct <= MAX_CODES or n_bad > n_all / 2 or int(is_bad.sum()) > MAX_WORDS):
            return None
        return (
            f"{n_bad:,} of {n_all + self.cells.count(self.is_marker):,} cells of '{self.name}' are no {what} "
            f"(the first on line {self.cells.first_line(is_bad):,}); expected at most {MAX_UNREADABLE:.0%}. Correct "
            f"them, list the words that mean a missing cell under `reading: {{{self.name}: {{missing: [...]}}}}` "
            "in the card, or declare the column categorical."
        )

    def unfit(self) -> str | None:
        """Return why a declared kind does not fit the cells."""
        if self.kind not in DECLARED_KINDS or self.declared.type == "text":
            return None
        n, what = int(self.cells.counts.sum()), DECLARED_KINDS[self.kind]
        return (
            f"The column '{self.name}' is declared {self.kind}, but its {n:,} cells are not {what} of one "
            "format. Declare their format under `reading`, correct them, or declare the column categorical."
        )

    def reading(
        self, found: str, is_read: np.ndarray, missing: np.ndarray, form: dict[str, Any], **more: Any
    ) -> ColumnReading:
        """Describe a reading: which texts it reads, and which it sets missing by their meaning."""
        cells = self.cells
        is_bad = ~is_read & ~missing
        form = {**form, **({"missing": list(self.declared.missing)} if self.declared.missing else {})}
        return ColumnReading(
            cells.name,
            found,
            len(cells.codes),
            cells.count(is_read),
            int((cells.codes < 0).sum()),
            cells.counted(missing),
            n_unreadable=cells.count(is_bad),
            first_line=cells.first_line(is_bad),
            form=form,
            **more,
        )

    def as_text(self) -> tuple[Any, ColumnReading]:
        """Read the column as labels: only signs are missing, and spellings of one label are merged."""
        cells = self.cells
        keeps = self.kind in TEXT_KINDS or self.card is None or self.is_exact or self.is_target
        may_fold = not keeps and self.declared.fold and len(cells.texts) <= int(cells.counts.sum()) / 2
        # Keys of two files are compared without the blanks that one of them writes.
        written = cells.texts if self.is_exact else cells.written
        folded, n_folded = fold_labels(written, cells.counts, merge=may_fold)
        texts = np.where(self.is_sign, np.nan, np.array(folded, dtype=object))
        form = {"type": "text", "fold": may_fold}
        reading = self.reading("text", ~self.is_sign, self.is_sign, form, n_folded=n_folded)
        return cells.spread(texts, np.nan), reading
