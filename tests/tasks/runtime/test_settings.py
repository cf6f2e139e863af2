"""The environment is read in one place, and documented as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pydantic
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.settings import Settings, settings

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \|", re.MULTILINE)
# Names of other variables, which the card or a caller gives; they cannot be fields.
BY_NAME = {
    "flows/terminal/doctor.py": "check_variable",
    "tasks/lifecycle/notify.py": "the card names it",
    "tasks/runtime/worker_process.py": "set by the process that started it",
    "tasks/runtime/workers.py": "handed on to children",
}
READ = re.compile(r"environ\.get\(|environ\[[^\]]+\](?! *=)|getenv\(|in os\.environ\b")


def test_the_table_in_the_document_is_the_model():
    documented = dict(ROW.findall((ROOT / "flows" / "README.md").read_text(encoding="utf-8")))
    fields = Settings.model_fields.values()
    assert documented == {str(field.validation_alias): field.description for field in fields}


def test_nobody_else_reads_the_environment():
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("flows", "tasks", "expectations")
        for path in (ROOT / folder).rglob("*.py")
        if READ.search(path.read_text(encoding="utf-8"))
    }
    # flows/local sets the environment of the servers and children that it starts.
    assert {name for name in readers if not name.startswith("flows/local/")} <= BY_NAME.keys()


def test_the_home_is_absolute_and_nothing_can_be_changed(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REALMIX_HOME", raising=False)
    assert settings().home == tmp_path / ".realmix"
    with pytest.raises(pydantic.ValidationError):
        settings().home = tmp_path


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("REALMIX_HOME", "", "a folder that is not the current one"),
        ("PREFECT_API_URL", "prefect.internal", "an address such as http://"),
        ("PREFECT_API_URL", "http://127.0.0.1:abc/api", "an address such as http://"),
        ("PREFECT_API_URL", "http://[::1/api", "an address such as http://"),
        ("PREFECT_API_URL", "http:///api", "an address such as http://"),
    ],
)
def test_a_wrong_value_is_one_sentence_without_the_value(monkeypatch, name, value, expected):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput) as raised:
        settings()
    sentence = str(raised.value)
    assert sentence.startswith(f"The environment variable {name} cannot be used; expected {expected}")
    assert not value or value not in sentence


def test_urls_with_passwords_are_never_printed(monkeypatch):
    monkeypatch.setenv("REALMIX_SQL_URL", "postgresql://me:pass@host/db")
    assert "pass" not in repr(settings()) and "pass" not in str(settings().sql_url)
