"""What is set for every process of ours, and what a user has set stays."""

from __future__ import annotations

import os
import warnings

import pytest

from realmix.flows.local.access import MLFLOW_CLIENT, PREFECT_CLIENT
from realmix.flows.local.environment import EMBEDDED, QUIET, make_home, prepare, tracking_uri
from realmix.tasks.core.errors import BadInput

LOGIN = (*PREFECT_CLIENT, *MLFLOW_CLIENT)
VARIABLES = (*QUIET, *EMBEDDED, *LOGIN, "PREFECT_API_URL", "PREFECT_HOME", "MLFLOW_TRACKING_URI")


@pytest.fixture
def bare(place, monkeypatch):
    """No variable of ours is set; afterwards all are as they were."""
    before = dict(os.environ)
    for name in VARIABLES:
        os.environ.pop(name, None)
    with warnings.catch_warnings():
        yield place
    os.environ.clear()
    os.environ.update(before)


def test_no_library_reports_anything_to_anybody(bare):
    prepare()
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert os.environ["DO_NOT_TRACK"] == os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prefect.toml", "[logging]\nconfig_path = 'logging.yml'\n"),
        ("pyproject.toml", "[tool.prefect.logging]\nconfig_path = 'logging.yml'\n"),
        (".env", "DEBUG=1\nexport PREFECT_API_URL=http://elsewhere.example/api\n"),
    ],
)
def test_settings_of_prefect_in_the_current_folder_are_refused(bare, tmp_path, monkeypatch, name, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=f"{name} of the current folder sets up Prefect"):
        prepare()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.ruff]\nline-length = 88\n"),
        ("pyproject.toml", "not TOML"),
        (".env", "DEBUG=1\n"),
    ],
)
def test_files_of_other_tools_in_the_current_folder_are_no_reason_to_stop(
    bare, tmp_path, monkeypatch, name, text
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    prepare()


def test_without_servers_everything_lies_in_the_home(bare):
    prepare()
    assert os.environ["PREFECT_HOME"] == str(bare / "prefect")
    assert os.environ["MLFLOW_TRACKING_URI"] == tracking_uri(bare) == f"sqlite:///{bare}/mlflow.db"
    assert "PREFECT_API_URL" not in os.environ
    assert not (bare / "prefect").exists(), "a command that is refused leaves nothing behind"
    make_home()
    assert (bare / "prefect").is_dir()


def test_what_the_user_set_stays(bare):
    given = {
        "PREFECT_API_URL": "http://prefect/api",
        "MLFLOW_TRACKING_URI": "http://mlflow",
        "DO_NOT_TRACK": "false",
    }
    os.environ.update(given)
    prepare()
    assert {name: os.environ[name] for name in given} == given
    assert "PREFECT_HOME" not in os.environ


def test_the_servers_of_a_running_up_are_used(bare, holder):
    prepare()
    assert os.environ["PREFECT_API_URL"] == "http://p/api"
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://m"
    assert [os.environ[name] for name in LOGIN] == ["realmix:s3cret", "realmix", "s3cret"]


def test_a_server_that_the_user_named_wins_over_a_running_up_and_gets_no_password_of_it(bare, holder):
    os.environ["MLFLOW_TRACKING_URI"] = "http://mine"
    prepare()
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://mine"
    assert not any(name in os.environ for name in MLFLOW_CLIENT)
    assert os.environ["PREFECT_API_URL"] == "http://p/api"
    assert os.environ["PREFECT_API_AUTH_STRING"] == "realmix:s3cret"


def test_a_user_who_gives_the_address_of_a_running_up_need_not_know_its_password(bare, holder):
    os.environ["PREFECT_API_URL"] = "http://p/api"
    prepare()
    assert os.environ["PREFECT_API_AUTH_STRING"] == "realmix:s3cret"


def test_credentials_of_the_user_stay(bare, holder):
    os.environ["PREFECT_API_AUTH_STRING"] = "me:mine"
    prepare()
    assert os.environ["PREFECT_API_AUTH_STRING"] == "me:mine"
