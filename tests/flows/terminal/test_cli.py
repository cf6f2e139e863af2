"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from realmix.flows.terminal import cli
from realmix.tasks.metrics import METRICS
from realmix.tasks.models import MODELS
from realmix.tasks.synthesizers import SYNTHESIZERS

REALMIX = [sys.executable, "-m", "realmix"]
ROOT = Path(__file__).parents[2]


def realmix(*arguments, cwd, timeout=60, **environment):
    """Run the command in an empty folder."""
    env = {**os.environ, **environment}
    for name in ("REALMIX_HOME", "PREFECT_HOME", "PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
        if name not in environment:
            env.pop(name, None)
    return subprocess.run(
        [*REALMIX, *map(str, arguments)], cwd=cwd, env=env, text=True, capture_output=True, timeout=timeout
    )


def good_table(n_rows=120):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "income": rng.normal(1000, 200, n_rows).round(2),
            "job": rng.choice(["clerk", "nurse", "smith"], n_rows),
            "bought": rng.choice(["no", "yes"], n_rows, p=[0.7, 0.3]),
        }
    )


def as_csv(frame, path):
    frame.to_csv(path, index=False)
    return path


# Each case makes its file in a folder and gives the arguments and words its sentence must hold.
CASES = {
    "file missing": (lambda d: [d / "nowhere.csv"], ["nowhere.csv"]),
    "file empty": (lambda d: [write(d / "t.csv", b"")], ["empty"]),
    "file binary": (lambda d: [write(d / "t.csv", bytes(range(256)) * 20)], ["t.csv"]),
    "wrong encoding": (
        lambda d: [write(d / "t.csv", b"a,bought\n" + b"gr\xc3\xbcn,yes\n" * 80 + b"gr\xff\xfen,no\n")],
        ["encod", "line"],
    ),
    "ragged rows": (lambda d: [write(d / "t.csv", b"a,b,bought\n" + b"1,2,yes\n" * 70 + b"1,2\n3,4,5,6\n")], ["line"]),
    "duplicate column names": (lambda d: [write(d / "t.csv", b"a,a,bought\n" + b"1,2,yes\n" * 70)], ["'a'"]),
    "no header": (lambda d: [write(d / "t.csv", b"1,2.5,3\n4,5.5,6\n" * 40)], ["header"]),
    "broken gzip": (lambda d: [write(d / "t.csv.gz", gzip.compress(b"a,b\n" * 500)[:60])], ["t.csv.gz"]),
    "target misspelt": (lambda d: [good(d), "--target", "bougth"], ["bougth", "did you mean 'bought'"]),
    "target missing": (lambda d: [good(d)], ["--target", "age, income, job, bought"]),
    "one class": (lambda d: [good(d, bought="yes")], ["bought", "one"]),
    "target with missing values": (lambda d: [good_with(d, "bought", 7, None)], ["bought", "missing"]),
    "a class with too few rows": (lambda d: [good_with(d, "bought", 7, "maybe")], ["maybe", "10"]),
    "too few rows": (lambda d: [as_csv(good_table(40), d / "t.csv")], ["40", "60"]),
    "only identifiers": (
        lambda d: [as_csv(good_table()[["bought"]].assign(id=range(120)), d / "t.csv")],
        ["feature"],
    ),
    "a leak": (lambda d: [good_leak(d)], ["copy", "leak"]),
    "card with an unknown key": (
        lambda d: [good(d), "--card", write(d / "card.yaml", b"target: bought\ntargets: x\n")],
        ["targets", "did you mean 'target'"],
    ),
    "unknown synthesizer": (lambda d: [good(d), "--synthesizers", "ctgann"], ["ctgann", "ctgan", "tvae"]),
    "unknown model": (lambda d: [good(d), "--models", "xgbost"], ["xgbost", "did you mean 'xgboost'"]),
    "unknown model in capitals": (lambda d: [good(d), "--models", "XGBOST"], ["did you mean 'xgboost'"]),
    "unknown metric": (lambda d: [good(d), "--metric", "auc"], ["auc", "roc_auc"]),
    "positive class that is none": (lambda d: [good(d), "--positive", "perhaps"], ["perhaps", "no, yes"]),
    "task that is none": (lambda d: [good(d), "--task", "classification"], ["classification", "multiclass"]),
    "unknown option": (lambda d: [good(d), "--modls", "linear"], ["--modls", "did you mean --models"]),
    "bad budget": (lambda d: [good(d), "--budget", "soon"], ["soon", "5m"]),
    "negative ratio": (lambda d: [good(d), "--ratios", "-1"], ["ratio"]),
    "ratio that is no number": (lambda d: [good(d), "--ratios", "nan"], ["ratio"]),
    "plan that is none": (lambda d: [good(d), "--plan", write(d / "p.json", b"{}")], ["plan"]),
    "output is a file": (lambda d: [good(d), "--out", write(d / "results", b"x")], ["results", "folder"]),
    "storage without a cluster": (lambda d: [good(d), "--storage", "s3://b/p"], ["--storage", "--runner dask"]),
    "rules the card lacks": (lambda d: [good(d), "--synthesizers", "rules"], ["rules", "card"]),
    "a database that does not answer": (lambda d: ["sql:customers"], ["REALMIX_SQL_URL"]),
}  # fmt: skip


def write(path, content):
    path.write_bytes(content)
    return path


def good(folder, **columns):
    return as_csv(good_table().assign(**columns), folder / "t.csv")


def good_with(folder, column, row, value):
    table = good_table().astype({column: object})
    table.loc[row, column] = value
    return as_csv(table, folder / "t.csv")


def good_leak(folder):
    table = good_table()
    return as_csv(table.assign(copy=table["bought"].map({"no": "n", "yes": "y"})), folder / "t.csv")


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gets_one_sentence_and_exit_code_two(case, tmp_path):
    make, words = CASES[case]
    arguments = make(tmp_path)
    if "--target" not in arguments and case not in ("target missing", "card with an unknown key"):
        arguments += ["--target", "bought"]
    before = sorted(tmp_path.iterdir())
    done = realmix("run", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("realmix: ")
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word.lower() in done.stderr.lower()
    assert sorted(tmp_path.iterdir()) == before, "something was left behind"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_cannot_be_written_is_refused(tmp_path):
    table = good(tmp_path)
    (tmp_path / "locked").mkdir(mode=0o500)
    done = realmix("run", table, "--target", "bought", "--out", "locked/here", cwd=tmp_path)
    assert done.returncode == 2
    assert "locked" in done.stderr


def test_a_silent_database_is_given_up_in_seconds(tmp_path):
    started = time.monotonic()
    url = "postgresql://me:secret@127.0.0.1:1/none"
    done = realmix("run", "sql:customers", "--target", "bought", cwd=tmp_path, REALMIX_SQL_URL=url)
    assert done.returncode == 2
    assert "secret" not in done.stderr
    assert time.monotonic() - started < 20


COMMANDS = [name for name in cli.app if not name.startswith("-")]


def help_of(capsys, *words) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.app([*words, "--help"], console=Console(width=200, force_terminal=False))
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_two_examples_that_are_understood_and_no_empty_options(command, capsys):
    said = help_of(capsys, command)
    shown = said.partition("Examples:")[2]
    commands = [line.strip() for line in shown.splitlines() if line.strip().startswith("realmix ")]
    assert len(commands) == 2 and "--empty" not in said and "--no-" not in said
    for line in commands:
        words = shlex.split(re.split(r" (?:\||&&|\|\|) ", line)[0])[1:]
        found, _, _ = cli.app.parse_args(words, exit_on_error=False, print_error=False)
        assert words[0] == command and found is not None


def test_commands_are_listed_in_groups_and_exit_codes_are_said(capsys):
    said = help_of(capsys)
    for part in ("Study a table", "Look after registered tables", "Maintain", "--install-completion"):
        assert part in said
    assert all(f" {name} " in said for name in COMMANDS)
    assert "2 bad input, 3 vetoed" in said and "130 interrupted" in said


def test_the_help_names_all_that_can_be_chosen(capsys):
    said = " ".join(help_of(capsys, "run").replace("│", " ").split())
    chosen = (
        *(name for name, spec in SYNTHESIZERS.items() if not spec.is_control),
        *(name for name, spec in MODELS.items() if not spec.is_null),
        *METRICS,
    )
    assert not [name for name in chosen if name not in said]


def test_ctrl_c_before_anything_is_computed_says_that_nothing_is_kept(tmp_path):
    script = (
        "import sys; from realmix.flows.local import environment; from realmix.flows.terminal import cli\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "environment.prepare = interrupted; sys.argv[1:] = ['status']; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "realmix: interrupted; nothing of this command is kept.\n"


def test_a_shell_gets_the_names_of_commands_and_options():
    script = cli.app.generate_completion(prog_name="realmix", shell="bash")
    assert "compare" in script and "--budget" in script and "multiclass" in script


def test_help_comes_at_once_and_imports_no_heavy_library(tmp_path):
    code = (
        "import sys; sys.argv = ['realmix', '--help']\n"
        "import realmix.flows.terminal.cli\n"
        "try: realmix.flows.terminal.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'prefect', 'mlflow', 'sdv', 'torch', 'great_expectations', 'xgboost'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    env = {**os.environ}
    done = subprocess.run([sys.executable, "-c", code], env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_card_writes_what_run_can_read(tmp_path):
    table = good(tmp_path)
    done = realmix("card", table, "--target", "bought", "--out", tmp_path / "card.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    from realmix.tasks.core.table.card import read_card

    assert read_card(tmp_path / "card.yaml").target == "bought"
    # What was edited in it is not overwritten.
    (tmp_path / "card.yaml").write_text("target: bought\n")
    done = realmix("card", table, "--target", "bought", "--out", tmp_path / "card.yaml", cwd=tmp_path)
    assert done.returncode == 2 and "card.yaml exists" in done.stderr
    assert (tmp_path / "card.yaml").read_text() == "target: bought\n"


@pytest.mark.parametrize(
    ("after_seconds", "how", "send"),
    [
        (3, signal.SIGINT, os.kill),
        (25, signal.SIGINT, os.kill),
        (25, signal.SIGTERM, os.killpg),  # as systemd and timeout(1) do
    ],
)
def test_a_signal_ends_it_within_five_seconds_and_leaves_no_process(tmp_path, after_seconds, how, send):
    import psutil

    env = {**os.environ}
    env.pop("REALMIX_HOME", None)
    process = subprocess.Popen(
        [*REALMIX, "run", "--budget", "5m", "--out", "out"],
        cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    time.sleep(after_seconds)
    children = psutil.Process(process.pid).children(recursive=True)
    send(process.pid, how)
    started = time.monotonic()
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert process.returncode == 130
    assert "Traceback" not in said
    _, left = psutil.wait_procs(children, timeout=5)
    assert not [child for child in left if child.is_running() and child.status() != "zombie"]


def test_files_of_the_current_folder_are_not_imported_and_results_are_for_their_owner_alone(tmp_path):
    # Libraries look for these; a module of the standard library's name would break any process that took it.
    for name in ("bottleneck", "numexpr", "calendar", "json"):
        (tmp_path / f"{name}.py").write_text(
            "raise SystemExit('a file of the current folder was imported')\n"
        )
    table, command = good(tmp_path), Path(sys.executable).with_name("realmix")
    env = {**os.environ, "REALMIX_HOME": str(tmp_path / "home")}
    for arguments in (("card", "--out", "card.yaml"), ("preview",)):
        asked = [command, arguments[0], table, "--target", "bought", *arguments[1:]]
        done = subprocess.run(asked, cwd=tmp_path, env=env, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "card.yaml").stat().st_mode & 0o077 == 0


def test_a_card_with_an_infinite_number_is_refused(tmp_path):
    card = tmp_path / "card.yaml"
    card.write_text("target: bought\noperation: {lag_seconds: .inf}\n")
    done = realmix("run", good(tmp_path), "--card", card, cwd=tmp_path)
    assert done.returncode == 2 and "lag_seconds" in done.stderr and "finite" in done.stderr


HEAVY = ["prefect", "scipy", "sklearn", "mlflow", "torch", "sqlalchemy", "great_expectations", "xgboost"]


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["run", "no/such.csv", "--target", "y"], ["pandas", "pydantic", "prefect"]),
        (["preview", "no/such.csv", "--target", "y"], ["pandas", "pydantic", "prefect"]),
        (["run", "bundled:bank_marketing", "--target", "none"], HEAVY),
        (["run", "bundled:bank_marketing", "--metric", "none"], HEAVY),
        (["run", "bundled:bank_marketing", "--models", "none"], HEAVY),
        (["run", "bundled:bank_marketing", "--synthesizers", "none"], HEAVY),
    ],
)
def test_what_is_wrong_is_said_before_heavy_libraries_are_imported(tmp_path, arguments, unneeded):
    script = (
        "import sys; from realmix.flows.terminal import cli\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "try: cli.main()\n"
        f"except SystemExit as end: print(end.code, [name for name in {unneeded!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "2 []\n" and done.stderr.startswith("realmix: ")
