import sys

import pytest

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.errors import UnknownName


def folder(tmp_path, monkeypatch, name, **files):
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").touch()
    for module, text in files.items():
        (package / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return Registry(name, "thing")


SPEC = "from types import SimpleNamespace\nSPEC = SimpleNamespace(name={!r})\n"


def test_a_file_is_listed_because_it_exists(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_a", one=SPEC.format("one"), _private="")
    assert list(things) == ["one"]
    assert "one" in things
    assert "two" not in things


def test_unknown_name_lists_the_known_ones(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_b", copula=SPEC.format("copula"))
    with pytest.raises(UnknownName, match=r"did you mean 'copula'.*Known: copula"):
        things["copulla"]


def test_two_of_one_name_stop_the_program(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_c", a=SPEC.format("x"), b=SPEC.format("x"))
    with pytest.raises(TypeError, match="Two thing plug-ins are called 'x'"):
        list(things)


def test_a_file_without_spec_stops_the_program(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_d", a="")
    with pytest.raises(TypeError, match="no SPEC"):
        list(things)
