"""`realmix up` with planted values: what its servers, worker and studies write, and where each value lies."""

from __future__ import annotations

import sys

import pytest

from realmix.tasks.runtime.study_folder import WORK
from tests.redteam.planted import (
    ALLOWED,
    CARD,
    ENVIRONMENT,
    MAIL,
    SECRETS,
    kinds_of_places,
    places,
    planted_table,
    unexpected,
)
from tests.servers.conftest import process
from tests.servers.test_servers import wait_until

# Of `make redteam`: it waits for a whole study and a retraining.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
OPERATION = (
    "source: customers.csv\noperation: {landing: incoming, budget_seconds: 60, notify: [TEAM_WEBHOOK]}\n"
)
# Rows that wait or were refused, and batches as they landed.
BATCHES = ("tables/*/batches/*", "tables/*/quarantine/*", "tables/*/quarantine/*/*")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The folder in which `realmix up` studied a table and read a batch, with its home and its temporary files."""
    place = tmp_path_factory.mktemp("planted")
    work = place / "work"
    for folder in (work / "incoming", place / "tmp"):
        folder.mkdir(parents=True)
    rows = planted_table()
    rows.to_csv(work / "customers.csv", index=False)
    (work / "card.yaml").write_text(CARD + OPERATION)
    # A login of one's own would be that of other servers.
    named = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("MLFLOW_")}
    named |= {"REALMIX_HOME": str(place / "home"), "TMPDIR": str(place / "tmp")}
    realmix = [sys.executable, "-P", "-m", "realmix"]
    with process([*realmix, "register", "card.yaml"], named, work) as registered:
        assert registered.wait(timeout=300) == 0, (work / "log").read_text()
    with process([*realmix, "up", "--prefect-port", "0", "--mlflow-port", "0"], named, work):
        wait_until(lambda: "Ready." in (work / "log").read_text(), 300)
        wait_until(lambda: list(place.glob("home/studies/*/verdict.json")), 900)
        batch = rows.tail(40).assign(customer=lambda frame: "new-" + frame["customer"], mail=MAIL)
        batch.to_csv(work / "incoming" / "june.csv", index=False)
        (work / "incoming" / "june.csv._SUCCESS").touch()
        wait_until(lambda: len(list(place.glob("home/snapshots/*.parquet"))) > 1, 600)
    # What the user gave is no place that realmix wrote to.
    for path in (work / "customers.csv", work / "incoming" / "june.csv"):
        path.unlink()
    return place


def test_up_writes_secrets_nowhere(watched):
    assert places([watched], SECRETS) == {}


def test_up_writes_personal_values_to_tables_alone(watched, record_property):
    found = places([watched], ALLOWED)
    assert found.keys() == ALLOWED.keys(), "what was planted is not in the snapshot: nothing was tested"
    record_property("places of personal values", ", ".join(kinds_of_places(found)))
    # The rows of a study that has not ended; the retraining was cut off.
    unfinished = [
        f"studies/{study.name}/{WORK}/*"
        for study in (watched / "home" / "studies").iterdir()
        if not (study / "verdict.json").exists()
    ]
    assert unexpected(found, {value: (*at, *BATCHES, *unfinished) for value, at in ALLOWED.items()}) == {}
