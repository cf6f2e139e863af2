"""Each registered table has three deployments; applying them twice changes nothing."""

from __future__ import annotations

import pytest

from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Operation

OPERATION = Operation(landing="/landing", schedule="0 2 * * *", poll_seconds=20, budget_seconds=45)


def table(operation=OPERATION, name="bank"):
    card = DataCard(source=f"table:{name}", target="y", operation=operation)
    return Registered(name, card, "2026-01-01T00:00:00+00:00", "0" * 64, None, None)


@pytest.fixture
def read(prefect_server):
    """Reads a deployment as Prefect has it."""
    from prefect.client.orchestration import get_client

    def read_deployment(name):
        with get_client(sync_client=True) as client:
            return client.read_deployment_by_name(name)

    return read_deployment


@pytest.fixture
def automations(prefect_server):
    """Lists the automations of a deployment."""
    from prefect.client.orchestration import get_client

    def list_automations(deployment):
        with get_client(sync_client=True) as client:
            path = "/automations/related-to/{resource_id}"
            owner = {"resource_id": f"prefect.deployment.{deployment.id}"}
            return client.request("GET", path, path_params=owner).json()

    return list_automations


def test_a_table_has_three_deployments_on_our_pool(read):
    from realmix.flows.deployments import apply_deployments
    from realmix.flows.local.names import POOL

    names = [f"{flow}/bank" for flow in ("study", "watch", "retrain")]
    assert set(apply_deployments([table()])) <= set(names)
    found = [read(name) for name in names]
    assert [deployment.work_pool_name for deployment in found] == [POOL] * 3
    assert [deployment.entrypoint for deployment in found] == [
        "realmix.flows.study.study",
        "realmix.flows.watch.watch",
        "realmix.flows.retrain.retrain",
    ]
    study, watch, retrain = found
    request = {"table": "table:bank", "budget_seconds": 45.0, "device": "cpu", "out": ""}
    assert study.parameters == {"request": request}
    assert watch.parameters == retrain.parameters == {"table": "bank"}
    assert watch.schedules == [], "the watcher polls at intervals, without a flow run"
    assert [(s.schedule.cron, s.schedule.timezone) for s in retrain.schedules] == [("0 2 * * *", "UTC")]
    assert study.schedules == []


def test_looks_do_not_overlap_and_retrainings_wait_for_each_other(read):
    from realmix.flows.deployments import apply_deployments

    apply_deployments([table()])
    limits = [read(f"{flow}/bank") for flow in ("watch", "retrain")]
    assert [found.global_concurrency_limit.limit for found in limits] == [1, 1]
    assert [found.concurrency_options.collision_strategy for found in limits] == ["CANCEL_NEW", "ENQUEUE"]


def test_an_event_starts_the_look_at_its_table(read, automations):
    from realmix.flows.deployments import ARRIVED, apply_deployments

    apply_deployments([table()])
    (automation,) = automations(read("watch/bank"))
    assert automation["trigger"]["expect"] == [ARRIVED]
    assert automation["trigger"]["match"] == {"prefect.resource.id": "realmix.table.bank"}


def test_applying_twice_changes_nothing(read, automations):
    from realmix.flows.deployments import apply_deployments

    apply_deployments([table()])
    before = [read(f"{flow}/bank") for flow in ("study", "watch", "retrain")]
    assert apply_deployments([table()]) == []
    after = [read(f"{flow}/bank") for flow in ("study", "watch", "retrain")]
    assert [found.updated for found in before] == [found.updated for found in after]
    assert len(automations(after[1])) == 1


def test_a_card_without_schedule_and_landing_takes_both_away(read, automations):
    from realmix.flows.deployments import apply_deployments

    apply_deployments([table()])
    changed = apply_deployments([table(Operation(budget_seconds=45))])
    assert sorted(changed) == ["retrain/bank", "watch/bank"]
    assert read("retrain/bank").schedules == [] and read("watch/bank").schedules == []
    assert automations(read("watch/bank")) == []


def test_a_table_that_is_no_longer_registered_loses_its_deployments(read, monkeypatch):
    from prefect.exceptions import ObjectNotFound

    from realmix.flows import deployments

    deployments.apply_deployments([table(name="gone"), table(name="stays")])
    monkeypatch.setattr(deployments, "PAGE", 2)
    deployments.delete_others(["bank", "stays"])
    assert read("watch/stays").name == "stays"
    for flow in ("study", "watch", "retrain"):
        with pytest.raises(ObjectNotFound):
            read(f"{flow}/gone")
