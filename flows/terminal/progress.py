"""Show how far a study is: one live view in a terminal, lines with the seconds since the start elsewhere."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from realmix.flows.terminal.screen import plain
from realmix.tasks.core.errors import printable

log = logging.getLogger("realmix")
Detail = Literal["quiet", "normal", "verbose"]
# Where lines are printed, the longest silence between two of them.
SILENCE_SECONDS = 5
# News that the live view shows.
DRAWN = {"stage", "share", "standing"}


@dataclass
class Progress:
    """What a study has logged about its progress, in the field ``progress`` of log records.

    Attributes
    ----------
    stage : str
    share : float or None
        Of the race, 0 to 1.
    standing : str
        Mixes and models still in the race, and the best so far.
    planned_seconds : float or None
        Of the whole study, as planned.
    """

    stage: str = "starting"
    share: float | None = None
    standing: str = ""
    planned_seconds: float | None = None
    began: float = field(default_factory=time.perf_counter)

    def used(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self.began

    @property
    def is_race(self) -> bool:
        """Whether mixes and models are being compared."""
        return self.stage == "race" and self.share is not None

    def time_left(self) -> str:
        """Say how much of the planned time is left; empty before there is a plan."""
        if self.planned_seconds is None:
            return ""
        left = self.planned_seconds - self.used()
        return f"about {clock(left)} left" if left > 0 else "longer than planned"

    def line(self) -> str:
        """Return all of it in one line."""
        share = f" {100 * (self.share or 0):.0f} %" if self.is_race else ""
        standing = self.standing if self.is_race else ""
        return " · ".join(
            part for part in (f"still in {self.stage}{share}", standing, self.time_left()) if part
        )


def clock(seconds: float) -> str:
    """Format seconds as minutes and seconds.

    Examples
    --------
    >>> clock(9.6), clock(75), clock(3600)
    ('10 s', '1 min 15 s', '60 min 00 s')
    """
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


class View(logging.Handler):
    """Take the log of a study and show it on standard error.

    Parameters
    ----------
    detail : {"quiet", "normal", "verbose"}
        "quiet" shows warnings alone; "verbose" prints in a terminal the lines that others see as a live view.
    console : rich.console.Console
    """

    def __init__(self, detail: Detail, console: Console) -> None:
        super().__init__(logging.WARNING if detail == "quiet" else logging.INFO)
        self.detail, self.console, self.progress = detail, console, Progress()
        # None until there is something to say: what is refused at once is told in one sentence.
        self.printed: float | None = None
        self.ended = threading.Event()
        self.breaking = threading.RLock()
        self.live: Live | None = None
        if detail == "quiet":
            return
        if console.is_terminal:
            self.live = Live(
                get_renderable=self.render, console=console, refresh_per_second=4, transient=True
            )
            self.live.start()
        else:
            threading.Thread(target=self._break_silence, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Update the view, and print the record unless the view shows the same."""
        news = getattr(record, "progress", {})
        for name, value in news.items():
            setattr(self.progress, name, value)
        is_drawn = self.live and self.detail == "normal" and news.keys() & DRAWN
        if not is_drawn:
            self._print(self.format(record))

    def _print(self, message: str) -> None:
        self.printed, message = time.perf_counter(), printable(message)
        used = f"[{self.progress.used():5.0f} s]"
        if not self.console.is_terminal:
            self.console.file.write(f"{used} {message}\n")
            self.console.file.flush()
            return
        line = Table.grid(padding=(0, 1))
        line.add_column(no_wrap=True, style="dim")
        line.add_column(overflow="fold")
        line.add_row(Text(used), Text(message))
        self.console.print(line)

    def _break_silence(self) -> None:
        while not self.ended.wait(1):
            with self.breaking:
                is_long = self.printed and time.perf_counter() - self.printed >= SILENCE_SECONDS
                if is_long and not self.ended.is_set():
                    self._print(self.progress.line())

    def render(self) -> RenderableType:
        """Draw the live view."""
        now = self.progress
        head = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=1, completed=now.share or 0, width=16, pulse=not now.is_race)
        done = f"{100 * (now.share or 0):.0f} %, " if now.is_race else ""
        left = f", {now.time_left()}" if now.time_left() else ""
        head.add_row(Text(now.stage, style="bold"), bar, Text(f"{done}{clock(now.used())} used{left}"))
        return Group(head, plain(now.standing, "dim")) if now.is_race and now.standing else head

    def end(self) -> None:
        """Remove the live view and be silent from now on, except for records."""
        with self.breaking:  # a line on its way comes before what is said next
            self.ended.set()
        if self.live:
            self.live.stop()


def show_progress(detail: Detail = "normal") -> View:
    """Show the log of this process on standard error, with the seconds since the start."""
    end_progress()
    view = View(detail, Console(stderr=True))
    log.setLevel(logging.INFO)
    log.handlers = [view]
    log.propagate = False
    return view


def end_progress() -> None:
    """Remove the live view, if there is one, before anything else is printed."""
    for handler in log.handlers:
        if isinstance(handler, View):
            handler.end()


def detail_of(*, quiet: bool, verbose: bool) -> Detail:
    """Return how much the options `--quiet` and `--verbose` ask for."""
    return "quiet" if quiet else "verbose" if verbose else "normal"
