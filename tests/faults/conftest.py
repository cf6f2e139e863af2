"""A home with one registered table, commands in it, and what the same plan gives undisturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from realmix.tasks.sources import open_source
from tests.flows.conftest import prefect_server, workspace  # noqa: F401  (fixtures)
from tests.flows.test_study import decided

REALMIX = [sys.executable, "-P", "-m", "realmix"]
TABLE = "calls"
CARD = """source: {source}
target: y
positive: 'yes'
operation: {{landing: {landing}, poll_seconds: 10, budget_seconds: 30, promotion: auto}}
"""
# A wait ends as soon as what it waits for is there, so a limit far above costs nothing; a machine whose
# processors have other work to do must not fail a test.
PATIENCE_SECONDS = 600
# Names of other servers must not reach the commands.
FOREIGN = ("PREFECT_", "MLFLOW_", "REALMIX_", "AWS_")


@dataclass
class Home:
    """A folder in which realmix runs.

    `named` are environment variables of its commands. `log_file` lies elsewhere: a disk may be full.
    """

    place: Path
    log_file: Path
    named: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.place / "home"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {**kept, "REALMIX_HOME": str(self.path), "OMP_NUM_THREADS": "1", **self.named}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in a process group of its own; what it says goes to `log`."""
        with self.log_file.open("a") as log:
            return subprocess.Popen(
                [*REALMIX, *arguments], env=self.environment, cwd=self.place, text=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, with what it said."""
        return subprocess.run(
            [*REALMIX, *arguments], env=self.environment, cwd=self.place, text=True, capture_output=True,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def land(self, name: str, rows: pd.DataFrame) -> None:
        """A complete file in the landing folder."""
        rows.to_csv(self.place / "landing" / f".{name}", index=False)
        (self.place / "landing" / f".{name}").rename(self.place / "landing" / name)

    def retrainings(self) -> list[dict[str, Any]]:
        """Entries of the record."""
        return [entry["document"] for entry in self.record() if entry["kind"] == "retraining"]

    def record(self) -> list[dict[str, Any]]:
        """The whole record, its digests checked."""
        code = (
            "import json; from realmix.tasks.runtime.database import decisions; "
            f"print(json.dumps([dict(kind=d.kind, document=d.document) for d in decisions('{TABLE}')]))"
        )
        said = subprocess.run(
            [sys.executable, "-c", code], env=self.environment, text=True, capture_output=True, check=True
        )
        found: list[dict[str, Any]] = json.loads(said.stdout)
        return found

    def study(self, number: int = 1) -> Path:
        """Folder of a retraining."""
        (found,) = (self.path / "studies").glob(f"{TABLE}-{number:04d}-*")
        return found

    def verdict(self, number: int = 1) -> dict[str, Any]:
        """What a study decided, without what may differ between two runs of one plan."""
        found: dict[str, Any] = decided(json.loads((self.study(number) / "verdict.json").read_text()))
        return found


@pytest.fixture(scope="session")
def calls() -> pd.DataFrame:
    """Rows in no order of time."""
    return open_source("bundled:bank_marketing?rows=900").load().sample(frac=1, random_state=0)


@pytest.fixture(scope="session")
def make_home(tmp_path_factory: pytest.TempPathFactory, calls: pd.DataFrame) -> Callable[..., Home]:
    """Makes homes in which the first 600 rows are registered."""

    def make(place: Path | None = None, **named: str) -> Home:
        log_file = tmp_path_factory.mktemp("log") / "log"
        home = Home(place or tmp_path_factory.mktemp("fault"), log_file, named)
        (home.place / "landing").mkdir(parents=True)
        calls[:600].to_csv(home.place / "calls.csv", index=False)
        card = CARD.format(source=home.place / "calls.csv", landing=home.place / "landing")
        (home.place / "card.yaml").write_text(card)
        done = home.run("register", "card.yaml", "--name", TABLE)
        assert done.returncode == 0, done.stderr
        return home

    return make


@pytest.fixture(scope="session")
def undisturbed(make_home: Callable[..., Home]) -> Callable[[Path], dict[str, Any]]:
    """What the plan of a study gives in a home of its own, where nothing happens."""
    home = make_home()
    found: dict[str, dict[str, Any]] = {}

    def verdict_of(plan: Path) -> dict[str, Any]:
        key = plan.read_text()
        if key not in found:
            out = home.place / f"out-{len(found)}"
            done = home.run("run", f"table:{TABLE}", "--plan", str(plan), "--out", str(out))
            assert done.returncode == 0, done.stderr
            found[key] = decided(json.loads((out / "verdict.json").read_text()))
        return found[key]

    return verdict_of


def wait_until(is_so: Callable[[], bool], seconds: float, said: Callable[[], str] = str) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, said()[-3000:]
        time.sleep(0.5)
