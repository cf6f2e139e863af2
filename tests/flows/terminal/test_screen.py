"""Text on the screen: between words in a terminal, whole elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from realmix.flows.terminal import screen
from realmix.flows.terminal.screen import tell

LONG = "words of some length " * 20 + "[bold] 90 % : 12"


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_breaks_lines_between_words(width, monkeypatch):
    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True, color_system=None, width=width)
    monkeypatch.setattr(screen, "console", lambda stderr: terminal)
    tell(LONG)
    lines = file.getvalue().splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= width
    assert file.getvalue().split() == LONG.split()


def test_a_name_in_somebodys_file_neither_steers_the_terminal_nor_fakes_a_line(capsys):
    tell("no column 'a\x1b[2J\nVerdict: proven'")
    assert capsys.readouterr().out == r"no column 'a\x1b[2J\nVerdict: proven'" + "\n"


def test_what_is_piped_stays_one_line_as_it_is(capsys):
    tell(LONG)
    tell(LONG, stderr=True)
    said = capsys.readouterr()
    assert said.out == said.err == f"{LONG}\n"
