"""One table of the trust report, with the controls that say whether it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Section:
    """A table in Markdown.

    Attributes
    ----------
    title : str
    header : tuple of str
    rows : sequence of tuple of str
    controls : dict of sentence to bool
        What must be so if the measurement works, and whether it was.
    """

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    controls: dict[str, bool] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Format the table, and below it the controls."""
        table = [self.header, tuple("---" for _ in self.header), *self.rows]
        return [
            f"### {self.title}",
            "",
            *(f"| {' | '.join(cells)} |" for cells in table),
            "",
            *(f"- {'as it must be' if is_so else 'WRONG'}: {said}" for said, is_so in self.controls.items()),
            "",
        ]


def percent(share: float) -> str:
    """Format a share.

    Examples
    --------
    >>> percent(0.0621), percent(0.5)
    ('6.2 %', '50 %')
    """
    return f"{100 * share:.2g} %"
