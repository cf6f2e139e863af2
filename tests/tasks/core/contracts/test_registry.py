import sys
from types import SimpleNamespace

import pytest

from realmix.tasks.core.contracts import registry
from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.errors import BadInput, UnknownName


@pytest.fixture(autouse=True)
def no_trace(monkeypatch):
    """What is loaded here decides no other test's keys."""
    monkeypatch.setattr(registry, "_outside", set())


def folder(tmp_path, monkeypatch, name, **files):
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").touch()
    for module, text in files.items():
        (package / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return Registry(name, "thing", SimpleNamespace)


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


def test_a_plugin_from_outside_stands_beside_those_of_the_folder(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_e", one=SPEC.format("one"))
    other = SimpleNamespace(name="other")
    things.add(other, "The plug-in 'x:SPEC'")
    things.add(other, "The plug-in 'x:SPEC'")
    assert list(things) == ["one", "other"] and things["other"] is other


def test_a_name_in_use_is_refused(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_f", one=SPEC.format("one"))
    with pytest.raises(BadInput, match="The plug-in 'x:SPEC' is called 'one' like another thing"):
        things.add(SimpleNamespace(name="one"), "The plug-in 'x:SPEC'")


def test_an_object_of_another_kind_is_refused(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_g", one=SPEC.format("one"))
    with pytest.raises(BadInput, match="is not a thing: expected a SimpleNamespace, got str"):
        things.add("one", "The plug-in 'x:SPEC'")  # type: ignore[arg-type]


def test_a_plugin_that_does_not_pass_its_check_is_refused(tmp_path, monkeypatch):
    folder(tmp_path, monkeypatch, "shelf_h", one=SPEC.format("one"))

    def refuse(spec):
        raise BadInput(f"{spec.name} will not do")

    things = Registry("shelf_h", "thing", SimpleNamespace, check=refuse)
    with pytest.raises(BadInput, match="two will not do"):
        things.add(SimpleNamespace(name="two"), "The plug-in 'x:SPEC'")


@pytest.mark.parametrize("name", ["training", "real-only", "Mine", "a/b", "", "-x"])
def test_a_name_that_files_or_mixes_have_is_refused(tmp_path, monkeypatch, name):
    things = folder(tmp_path, monkeypatch, "shelf_i", one=SPEC.format("one"))
    with pytest.raises(BadInput, match="expected lower-case letters"):
        things.add(SimpleNamespace(name=name), "The plug-in 'x:SPEC'")


def test_a_task_that_does_not_exist_is_refused(tmp_path, monkeypatch):
    things = folder(tmp_path, monkeypatch, "shelf_j", one=SPEC.format("one"))
    with pytest.raises(BadInput, match=r"classification.*expected some of binary, multiclass, regression"):
        things.add(SimpleNamespace(name="two", tasks=("classification",)), "The plug-in 'x:SPEC'")
