"""Print so that lines break between words in a terminal, and stay whole elsewhere, and no text steers either."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from realmix.tasks.core.errors import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Width of tables where no terminal says one.
PLAIN_WIDTH = 160


def console(*, stderr: bool = False) -> Console:
    """Return standard output, or standard error."""
    from rich.console import Console

    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else plain_console(found.file)


def plain_console(file: IO[str]) -> Console:
    """Return a console that writes whole lines without colours to a file."""
    from rich.console import Console

    return Console(
        file=file, highlight=False, width=PLAIN_WIDTH, soft_wrap=True, force_terminal=False, color_system=None
    )


def plain(text: str, style: str = "") -> Text:
    """Return a text to print as it is: names of others' files are neither markup nor control characters."""
    from rich.text import Text

    return Text(printable(text), style=style)


def tell(line: str, *, stderr: bool = False) -> None:
    """Print a line as it is, to standard output or standard error."""
    console(stderr=stderr).print(plain(line))
