"""Which machines may take part in a study on a cluster; studies on real clusters are in tests/servers."""

from __future__ import annotations

import socket

import pytest

from realmix.flows.engines import dask
from realmix.flows.engines.dask import LOCAL_CLUSTER, check_cluster, describe_machine, reason_to_refuse
from realmix.tasks.core.errors import BadInput

HERE = {"versions": {"numpy": "2.4", "realmix": "0.1.0"}, "sees_marker": True, "reaches_server": True}


def test_a_machine_like_this_one_takes_part():
    assert reason_to_refuse(dict(HERE), HERE) is None


def test_every_other_version_is_named_with_the_one_expected():
    found = HERE | {"versions": {"numpy": "2.5", "realmix": "0.2.0"}}
    reason = reason_to_refuse(found, HERE)
    assert "numpy 2.5 instead of 2.4" in reason and "realmix 0.2.0 instead of 0.1.0" in reason


@pytest.mark.parametrize(("fact", "word"), [("sees_marker", "--out"), ("reaches_server", "PREFECT_API_URL")])
def test_a_machine_that_sees_no_files_or_no_server_is_refused_with_what_to_do(fact, word):
    assert word in reason_to_refuse(HERE | {fact: False}, HERE)


@pytest.fixture
def own_environment(tmp_path, monkeypatch):
    """What is set for a machine that takes part is undone."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    monkeypatch.setattr(dask.environment, "prepare", lambda: None)


def test_a_machine_says_what_it_has_and_sees(tmp_path, own_environment):
    (tmp_path / "marker").touch()
    host = socket.gethostname()
    facts = describe_machine(str(tmp_path / "marker"), "http://127.0.0.1:9/api", host)
    assert facts["sees_marker"] and facts["reaches_server"], "the study's own machine reaches its server"
    assert {"python", "realmix", "numpy", "scikit-learn"} <= set(facts["versions"])
    elsewhere = describe_machine(str(tmp_path / "none"), "http://127.0.0.1:9/api", "another-host")
    assert not elsewhere["sees_marker"] and not elsewhere["reaches_server"]


def test_a_server_that_listens_is_reached_from_another_machine_too(tmp_path, own_environment):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/api"
        assert describe_machine(str(tmp_path), url, "another-host")["reaches_server"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "no address at all"])
def test_an_address_without_a_scheduler_is_refused_with_it(address, tmp_path, monkeypatch):
    monkeypatch.setattr(dask, "CONNECT_SECONDS", 0.5)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(BadInput, match="--address") as caught:
        check_cluster(address, tmp_path / "out")
    assert address in str(caught.value)
    assert list(tmp_path.iterdir()) == [], "nothing is left where the results would lie"


def test_a_cluster_of_this_machine_is_closed_to_others():
    assert LOCAL_CLUSTER["host"] == "127.0.0.1" and LOCAL_CLUSTER["security"] is True
    assert LOCAL_CLUSTER["dashboard_address"] is None
