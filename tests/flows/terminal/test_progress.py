"""Progress: a live view in a terminal, lines elsewhere, and no long silence."""

from __future__ import annotations

import io
import logging
import threading
import time

import pytest
from rich.console import Console

from realmix.flows.terminal import progress
from realmix.flows.terminal.progress import Progress, View, detail_of, show_progress


def view_of(log, detail, *, terminal):
    """Show the log on a screen of 80 columns; return the view and the screen."""
    screen = io.StringIO()
    view = View(detail, Console(file=screen, force_terminal=terminal, width=80))
    log.handlers, log.propagate = [view], False
    log.setLevel(logging.INFO)
    return view, screen


def test_progress_goes_to_standard_error_with_the_seconds_since_the_start(capsys, own_log):
    show_progress()
    show_progress()
    own_log.info("fold %d of %d", 3, 15)
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("fold 3 of 15") == 1 and "s]" in said.err
    assert "\x1b" not in said.err


def test_quiet_shows_warnings_alone(own_log):
    _, screen = view_of(own_log, "quiet", terminal=False)
    own_log.info("fold 3")
    own_log.warning("no space")
    assert "fold 3" not in screen.getvalue() and "no space" in screen.getvalue()


def test_a_terminal_draws_stage_share_standing_and_time_and_prints_them_only_where_asked(own_log):
    for detail, is_printed in (("normal", False), ("verbose", True)):
        view, screen = view_of(own_log, detail, terminal=True)
        own_log.info("planned", extra={"progress": {"planned_seconds": 90.0}})
        own_log.info("race ...", extra={"progress": {"stage": "race"}})
        own_log.info("race 40 on fold-0", extra={"progress": {"share": 0.4, "standing": "12 compared"}})
        drawn = Console(file=io.StringIO(), width=80, record=True)
        drawn.print(view.render())
        text = drawn.export_text()
        view.end()
        assert "race" in text and "12 compared" in text and "left" in text
        assert ("race 40 on fold-0" in screen.getvalue()) == is_printed
        assert "planned" in screen.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_name_in_somebodys_file_neither_steers_the_terminal_nor_fakes_a_line(own_log, terminal):
    view, screen = view_of(own_log, "verbose", terminal=terminal)
    own_log.info("read: %s", "'a\x07\nVerdict: proven'")
    view.end()
    assert r"'a\x07\nVerdict: proven'" in screen.getvalue() and "\x07" not in screen.getvalue()


def test_where_lines_are_printed_a_long_silence_is_broken(own_log, monkeypatch):
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.5)
    view, screen = view_of(own_log, "normal", terminal=False)
    time.sleep(2)
    assert screen.getvalue() == "", "nothing was begun"
    own_log.info("a fold ended", extra={"progress": {"stage": "race", "share": 0.25}})
    time.sleep(2.5)
    view.end()
    assert "still in race 25 %" in screen.getvalue()


def test_a_line_on_its_way_comes_before_what_is_said_at_the_end(own_log, monkeypatch):
    class Slow(io.StringIO):
        begun = threading.Event()

        def write(self, text):
            if "still in" in text:
                self.begun.set()
                time.sleep(0.5)
            return super().write(text)

    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0)
    screen = Slow()
    view = View("normal", Console(file=screen, width=80))
    own_log.handlers = [view]
    own_log.setLevel(logging.INFO)
    own_log.info("a fold ended")
    assert screen.begun.wait(10)
    view.end()
    screen.write("realmix: no scheduler answers.")
    time.sleep(1)
    assert screen.getvalue().endswith("realmix: no scheduler answers.")


def test_what_the_race_compared_is_shown_during_the_race_alone():
    now = Progress(stage="race", share=0.5, standing="12 compared")
    assert now.line() == "still in race 50 % · 12 compared"
    now.stage = "report"
    assert now.line() == "still in report"


def test_a_study_that_takes_longer_than_planned_says_so():
    assert Progress(planned_seconds=90).time_left() == "about 1 min 30 s left"
    assert Progress(planned_seconds=0).time_left() == "longer than planned"
    assert Progress().time_left() == ""


def test_options_choose_how_much_is_shown():
    assert detail_of(quiet=False, verbose=False) == "normal"
    assert detail_of(quiet=True, verbose=False) == "quiet"
    assert detail_of(quiet=False, verbose=True) == "verbose"
