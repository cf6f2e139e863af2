"""One thing that a table says about itself and that its owner has to answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from realmix.tasks.core.table.card import DataCard

HintKind = Literal["group", "time", "leak", "outlier", "sentinel"]


@dataclass(frozen=True)
class Hint:
    """A finding that may make the split, or the target, dishonest.

    Attributes
    ----------
    kind : {"group", "time", "leak", "outlier", "sentinel"}
    columns : tuple of str
        The columns it is about.
    sentence : str
        What was found, in counts and shares; it quotes no cells.
    answers : tuple of str
        Card lines that answer it, each enough on its own; empty where nothing is to be declared.
    is_strong : bool
        A strong hint stops a study until the card answers it.
    """

    kind: HintKind
    columns: tuple[str, ...]
    sentence: str
    answers: tuple[str, ...] = ()
    is_strong: bool = False

    def is_answered(self, card: DataCard) -> bool:
        """Return whether a card has decided what this hint is about.

        `group` and `time` decide how rows are split, whichever column they name; a column that is
        left out, or allowed although it leaks, is decided too.
        """
        split = {"group": card.group, "time": card.time}.get(self.kind)
        return split is not None or bool(set(self.columns) & {*card.ignore, *card.allow_leaks})

    @property
    def advice(self) -> str:
        """The sentence, and the card lines that answer it."""
        lines = " or ".join(f"`{line}`" for line in self.answers)
        return f"{self.sentence} Answer in the card: {lines}." if lines else self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def answers(field: str | None, column: str) -> tuple[str, ...]:
    """Return the card lines that answer a hint: a split by the column, leaving it out, or allowing it.

    Examples
    --------
    >>> answers("group", "patient"), answers(None, "code")
    (('group: patient', 'ignore: [patient]', 'allow_leaks: [patient]'), ('ignore: [code]', 'allow_leaks: [code]'))
    """
    split = (f"{field}: {column}",) if field else ()
    return (*split, f"ignore: [{column}]", f"allow_leaks: [{column}]")
