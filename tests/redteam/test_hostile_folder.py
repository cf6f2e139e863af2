"""A folder that came from somebody else: its files run no code, and nothing is written through its links."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.plugins import check_trusted
from realmix.tasks.runtime.study_folder import check_output_folder
from realmix.tasks.study.request import read_rows
from tests.redteam.checking import card_table

EVIL = "import pathlib\npathlib.Path(__file__).with_name('RAN').write_text('code of the folder ran')\n"
# Names that Python, libraries and servers look for.
MODULES = (
    "realmix", "sitecustomize", "usercustomize", "calendar", "json", "bottleneck", "numexpr", "numba", "_sheet_cells", "conftest", "gunicorn.conf", "tasks",
    "flows", "distutils-precedence", "mlflow_plugin", "xgboost", "pandas",
)  # fmt: skip


class Pickled:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch RAN",)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table, and with all that might be run by mistake."""
    card_table(tmp_path)
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(EVIL)
    for name in ("teacher.pickle", "model.pkl", "table.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Pickled()))
    (tmp_path / "matplotlibrc").write_text("backend: module://calendar\n")
    (tmp_path / "my_rows.py").write_text(
        EVIL + "def simulate(n_rows, reference, random_state): ...\nSPEC = 1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    return tmp_path


def has_run(folder: Path) -> bool:
    return (folder / "RAN").exists()


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("realmix")), *arguments]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))
    }
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_whole_study_runs_no_file_of_the_folder(hostile):
    options = [
        "--synthesizers",
        "sequential-trees",
        "--models",
        "linear",
        "--ratios",
        "1",
        "--budget",
        "60s",
        "--out",
        "out",
    ]
    for arguments in (
        ["card", "customers.csv", "--target", "bought"],
        ["preview", "customers.csv", "--target", "bought"],
        ["run", "customers.csv", "--target", "bought", *options],
        ["status"],
    ):
        done = run(hostile, *arguments)
        assert done.returncode == 0, done.stderr
        assert not has_run(hostile), arguments


@pytest.mark.slow
def test_a_command_does_not_take_settings_of_prefect_from_the_folder(hostile):
    (hostile / "prefect.toml").write_text("[logging]\nconfig_path = 'logging.yml'\n")
    (hostile / "logging.yml").write_text(
        "version: 1\nhandlers: {evil: {'()': 'os.system', command: 'touch RAN'}}\nroot: {handlers: [evil]}\n"
    )
    done = run(hostile, "run", "customers.csv", "--target", "bought", "--out", "out")
    assert done.returncode == 2 and "prefect.toml" in done.stderr and not has_run(hostile)


@pytest.mark.parametrize(
    "fields", ["simulate: my_rows:simulate", "plugins: ['my_rows:SPEC']", "simulate: my_rows.deeper:simulate"]
)
def test_a_card_does_not_run_code_of_its_folder_unless_a_person_trusts_it(hostile, fields):
    (hostile / "card.yaml").write_text(f"source: customers.csv\ntarget: bought\n{fields}\n")
    with pytest.raises(BadInput, match=r"code of this folder \(my_rows.*--trust-card"):
        read_rows(StudyRequest(card="card.yaml", out=""))
    assert not has_run(hostile)


def test_code_that_is_installed_or_trusted_is_asked_nothing(hostile):
    installed = DataCard(
        target="y",
        simulate="realmix.tasks.synthesizers.simulations.claims:simulate",
        plugins=("json:SPEC", "pandas:SPEC"),
    )
    check_trusted(installed, is_trusted=False)
    check_trusted(DataCard(target="y", plugins=("my_rows:SPEC",)), is_trusted=True)
    assert not has_run(hostile)


@pytest.mark.parametrize("name", ["teacher.pickle", "model.pkl", "table.pkl"])
def test_a_pickle_is_no_table(hostile, name):
    with pytest.raises(BadInput):
        read_rows(StudyRequest(table=name, target="bought", out=""))
    assert not has_run(hostile)


def test_nothing_is_written_through_a_link_in_a_folder_of_results(hostile):
    (hostile / "out" / "work").mkdir(parents=True)
    (hostile / "out" / "work" / "lock").touch()
    check_output_folder(hostile / "out")
    (hostile / "out" / ".verdict.json").symlink_to(hostile / "precious")
    with pytest.raises(BadInput, match=r"\.verdict\.json is a link"):
        check_output_folder(hostile / "out")
