"""Modules that a user names: found in the folder of the command, never in the place of a library."""

from __future__ import annotations

import sys

import pytest

from realmix.tasks.core.contracts import registry
from realmix.tasks.core.contracts.registry import outside_modules
from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.user_modules import import_users_module, load_reference


@pytest.fixture(autouse=True)
def no_trace(monkeypatch):
    """What is loaded here decides no other test's keys and stays on no path."""
    monkeypatch.setattr(registry, "_outside", set())
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_a_file_of_the_current_folder_is_found_and_comes_last(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("SPEC = 5\n")
    (tmp_path / "colorsys.py").write_text("raise SystemExit('in the place of the library')\n")
    monkeypatch.chdir(tmp_path)
    assert import_users_module("only_here").SPEC == 5
    assert sys.path[-1] == str(tmp_path)
    assert import_users_module("colorsys").rgb_to_hsv


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("no_such_module:SPEC", "ModuleNotFoundError"),
        ("math:SPEC", "AttributeError"),
        ("broken_one:SPEC", "ValueError: no"),
    ],
)
def test_a_reference_that_leads_nowhere_is_one_sentence(tmp_path, monkeypatch, reference, reason):
    (tmp_path / "broken_one.py").write_text("raise ValueError('no')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadInput, match=f"The plug-in .*cannot be imported .{reason}"):
        load_reference(reference, "The plug-in")


def test_modules_from_outside_are_noted_because_their_code_decides_results():
    assert load_reference("fractions:Fraction", "The plug-in").__name__ == "Fraction"
    assert "fractions" in outside_modules()
