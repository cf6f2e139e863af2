"""Prefect deployments of each registered table, with their schedules and triggers."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realmix.flows.local.names import POOL
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.runtime.database import registered_names, registered_tables

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.deployments.runner import RunnerDeployment

# Event that starts `watch`, for example by POST /api/events: new rows need not wait for the next poll.
ARRIVED = "realmix.data.arrived"
# A run ends with its worker, so that it never continues beside the run that replaces it.
# Argument of this module; a server of others may hold deployments of another home.
DELETE_OTHERS = "--delete-others"
# Deployments read at once.
PAGE = 100
COMMAND = (sys.executable, "-P", "-m", "realmix.flows.local.tied_process", "prefect.engine")


def apply_deployments(tables: Sequence[Registered]) -> list[str]:
    """Create or update the Prefect deployments of registered tables; unchanged ones are left alone.

    Parameters
    ----------
    tables : sequence of Registered

    Returns
    -------
    list of str
        Full names of the deployments that were created or changed.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        make_work_pool(client)
        wanted = [deployment for table in tables for deployment in deployments_of(table)]
        return [deployment.full_name for deployment in wanted if apply_if_changed(client, deployment)]


def delete_others(names: Iterable[str]) -> None:
    """Delete the deployments of this work pool whose table is not registered; for a server of our own.

    Parameters
    ----------
    names : iterable of str
        Names of all registered tables.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName

    registered = set(names)
    ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    with get_client(sync_client=True) as client:
        found: list[Any] = []
        while page := client.read_deployments(work_pool_filter=ours, limit=PAGE, offset=len(found)):
            found += page
        for deployment in found:
            if deployment.name not in registered:
                client.delete_deployment(deployment.id)


def deployments_of(table: Registered) -> list[RunnerDeployment]:
    """Return ``study/<table>`` (on demand), ``watch/<table>`` (on an event) and ``retrain/<table>`` (cron)."""
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from realmix.flows.retrain import retrain
    from realmix.flows.study import study
    from realmix.flows.watch import watch

    made = [
        RunnerDeployment.from_flow(
            flow,
            name=table.name,
            entrypoint_type=EntrypointType.MODULE_PATH,
            work_pool_name=POOL,
            job_variables={"command": shlex.join(COMMAND), "working_dir": str(Path.cwd())},
            **options,
        )
        for flow, options in (
            (study, study_options(table)),
            (watch, watch_options(table)),
            (retrain, retrain_options(table)),
        )
    ]
    for deployment in made:
        deployment.version = version_of(deployment)
    return made


def study_options(table: Registered) -> dict[str, Any]:
    """Return the options of the study: no schedule, started on request."""
    request = {
        "table": f"table:{table.name}",
        "budget_seconds": table.card.operation.budget_seconds,
        "device": table.card.operation.device,
        "out": "",
    }
    return {"parameters": {"request": request}, "schedules": [], "triggers": []}


def watch_options(table: Registered) -> dict[str, Any]:
    """Return the options of the watch: a poll for each event `ARRIVED`; `watcher` polls at intervals."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.events import DeploymentEventTrigger

    operation = table.card.operation
    arrived = DeploymentEventTrigger(
        name=f"data-arrived-{table.name}",
        expect={ARRIVED},
        match={"prefect.resource.id": f"realmix.table.{table.name}"},
        parameters={"table": table.name},
    )
    return {
        "parameters": {"table": table.name},
        "schedules": [],
        "triggers": [arrived] if operation.landing else [],
        # Two polls at once would find the same batches.
        "concurrency_limit": ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
    }


def retrain_options(table: Registered) -> dict[str, Any]:
    """Return the options of the retraining: by cron, and on request by `watch`."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.client.schemas.schedules import CronSchedule

    cron = table.card.operation.schedule
    return {
        "parameters": {"table": table.name},
        "schedules": [CronSchedule(cron=cron, timezone="UTC")] if cron else [],
        "triggers": [],
        "concurrency_limit": ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
    }


def version_of(deployment: RunnerDeployment) -> str:
    """Return a digest of a deployment's content; one with the same digest need not be applied again."""
    content = {
        **deployment.model_dump(mode="json", exclude={"version", "version_type", "triggers"}),
        "triggers": [trigger.model_dump(mode="json") for trigger in deployment.triggers],
        "schema": deployment._parameter_openapi_schema.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


def apply_if_changed(client: SyncPrefectClient, deployment: RunnerDeployment) -> bool:
    """Apply a deployment unless Prefect has the same version; True if it was applied."""
    from prefect.client.schemas.objects import VersionInfo
    from prefect.exceptions import ObjectNotFound

    try:
        if client.read_deployment_by_name(deployment.full_name).version == deployment.version:
            return False
    except ObjectNotFound:
        pass
    # Given here, so that Prefect does not inspect the folder's version control.
    deployment.apply(version_info=VersionInfo(type="prefect:simple", version=deployment.version or ""))
    return True


def make_work_pool(client: SyncPrefectClient) -> None:
    """Create the work pool if it does not exist."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))


if __name__ == "__main__":
    for name in apply_deployments(registered_tables()):
        print(f"Deployment {name} was applied.")
    if sys.argv[1:] == [DELETE_OTHERS]:
        delete_others(registered_names())
