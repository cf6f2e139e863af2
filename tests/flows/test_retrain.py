"""A table looked after for a while: first study, quiet rows, a copy, a bad batch, a jump."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest

from realmix.flows.terminal.tables import is_due, register, status
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.fits.scope import HOLDOUT, Scope, stored_rows
from realmix.tasks.lifecycle.notify import notify
from realmix.tasks.runtime.database import batches, decisions, registered_table
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.sources import open_source

TABLE = "calls"
CARD = """source: {source}
target: y
positive: 'yes'
sensitive: [age]
operation: {{landing: {landing}, budget_seconds: 30, promotion: approve}}
"""


@dataclass
class Life:
    """What became of the table, step by step."""

    landing: Path
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    due: dict[str, bool] = field(default_factory=dict)

    def lands(self, step: str, rows: pd.DataFrame | None) -> None:
        from realmix.flows.retrain import retrain

        if rows is not None:
            rows.to_csv(self.landing / f"{step}.csv", index=False)
        self.due[step] = is_due(TABLE)
        if self.due[step] or rows is None:
            self.entries[step] = retrain(TABLE, step)


@pytest.fixture(scope="module")
def life(prefect_server, workspace) -> Life:
    place = workspace / "calls"
    found = Life(place / "landing")
    found.landing.mkdir(parents=True)
    # In its own order the table drifts: two years of calls, in which the rate of success jumps.
    rows = open_source("bundled:bank_marketing?rows=1500").load().sample(frac=1, random_state=0)
    rows[:1200].to_csv(place / "calls.csv", index=False)
    card = place / "card.yaml"
    card.write_text(CARD.format(source=place / "calls.csv", landing=found.landing))
    register(card, TABLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudyFolder, "clear_work", lambda folder: None)
        live(found, rows)
    return found


def live(found: Life, rows: pd.DataFrame) -> None:
    found.lands("first", None)
    found.lands("nothing", None)
    quiet = rows[1200:1260]
    found.lands("quiet", quiet)
    found.lands("copy", quiet)
    found.lands("bad", rows[1260:1300].drop(columns="balance"))
    found.lands("jump", rows[1300:1500].assign(y="yes"))


def test_the_first_retraining_is_a_study_and_gives_a_champion(life):
    entry = life.entries["first"]
    assert (entry["level"], entry["reason"]) == ("study", "the table was never studied")
    assert entry["judgement"]["word"] == "first"
    assert entry["version"] == "1"


def test_nothing_new_is_skipped_and_said(life):
    assert life.due["nothing"] is False
    entry = life.entries["nothing"]
    assert entry["level"] == "skip"
    assert "study" not in entry


def test_few_quiet_rows_refit_the_winner_on_all_rows(life):
    entry, first = life.entries["quiet"], life.entries["first"]
    assert entry["level"] == "refit", entry["reason"]
    assert entry["arrivals"][0]["status"] == "admitted"
    assert entry["winner"] == first["winner"]
    assert entry["n_rows"] == 1260
    assert entry["version"] == "2"
    assert entry["judgement"]["promoted"] is False


def test_a_renamed_copy_asks_for_nothing(life):
    assert life.due["copy"] is False
    assert len([batch for batch in batches(TABLE) if batch.name in ("quiet.csv", "copy.csv")]) == 1


def test_a_bad_batch_is_kept_out_whole_and_reported(life):
    entry = life.entries["bad"]
    assert entry["arrivals"][0]["status"] == "refused"
    assert "balance" in entry["arrivals"][0]["reason"]
    assert entry["level"] == "skip"
    assert entry["snapshot"] == life.entries["quiet"]["snapshot"]


def test_a_jump_of_the_target_is_studied_again(life):
    entry = life.entries["jump"]
    assert entry["level"] == "study"
    assert entry["drift"]["level"] == "critical"
    assert entry["n_rows"] == 1460
    assert {"word", "reason"} <= entry["judgement"].keys()


def test_the_report_of_a_study_says_what_drifted(life):
    studies = Path(life.landing).parents[1] / ".realmix" / "studies"
    page = (studies / life.entries["jump"]["study"] / "report.html").read_text()
    assert "What changed since the last study" in page
    assert life.entries["jump"]["drift"]["sentence"] in html.unescape(page)
    first = (studies / life.entries["first"]["study"] / "report.html").read_text()
    assert "What changed since the last study" not in first


def test_every_step_is_in_the_record_and_in_the_history_run(life):
    import mlflow

    kept = [entry.document for entry in decisions(TABLE, "retraining")]
    assert [entry["level"] for entry in kept] == ["study", "skip", "refit", "skip", "study"]
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(TABLE)
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'history'")
    assert len(runs) == 1
    metrics = runs[0].data.metrics
    points = client.get_metric_history(runs[0].info.run_id, next(iter(metrics)))
    assert all(float(point.step).is_integer() for point in points)


def test_the_status_names_verdict_champion_and_what_waits(life):
    lines = "\n".join(status())
    assert f"last verdict: {life.entries['jump']['verdict']}" in lines
    assert "champion: version 1" in lines
    assert "pending data: 0 batches, 0 rows" in lines


def test_rows_keep_their_side_as_the_table_grows(life):
    first, last = (
        Path(life.landing).parents[1] / ".realmix" / "studies" / life.entries[step]["study"] / "work"
        for step in ("first", "jump")
    )
    held, learned = stored_rows(first / HOLDOUT).rows, Scope(last / "evaluated").training
    was = set(held.itertuples(index=False, name=None))
    assert was and not was & set(learned[list(held.columns)].itertuples(index=False, name=None))


def test_a_table_that_is_not_registered_is_named(workspace):
    with pytest.raises(BadInput, match="registered"):
        registered_table("no such table")


# Of Prefect's block, and of the receiver's socket.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
# As the environment of the program does; this test has the settings of its own process.
@pytest.mark.filterwarnings("ignore:.*attempted to send logs to the API:UserWarning")
def test_a_notification_block_of_prefect_is_told(prefect_server):
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    bodies: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=receiver.serve_forever, daemon=True).start()
    block = CustomWebhookNotificationBlock(
        name="team",
        url=f"http://127.0.0.1:{receiver.server_port}/",
        method="POST",
        json_data={"text": "{{body}}"},
    )
    block.save("team")
    assert notify(Operation(notify=("block:custom-webhook/team",)), "bank", "drift", "age drifted") == 1
    receiver.shutdown()
    receiver.server_close()
    assert "age drifted" in bodies[0]
