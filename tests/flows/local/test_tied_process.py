"""A bound process ends with the process that started it, and takes what it started itself with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest

from realmix.flows.local.tied_process import MARK, PARENT, RUN, RUNS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the signal on a parent's end is Linux's")

# A parent that starts a bound process, which starts another one, as MLflow's server does.
STARTER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-P", "-m", "realmix.flows.local.tied_process", *sys.argv[1:]], start_new_session=True)
time.sleep(60)
"""
CHILD = """
import subprocess, sys, time
with open(sys.argv[1], "w") as file:
    file.write(str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid))
time.sleep(60)
"""


def wait_until(is_so, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_parent_that_is_killed_hard_leaves_nobody_behind(tmp_path, monkeypatch):
    (tmp_path / "a_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    written = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", STARTER, "a_child", str(written)])
    wait_until(lambda: written.exists() and written.read_text())
    family = psutil.Process(parent.pid).children(recursive=True)
    assert int(written.read_text()) in {process.pid for process in family}
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(process.is_running() for process in family))


def test_a_process_whose_parent_ended_while_it_started_ends_at_once(tmp_path, monkeypatch):
    (tmp_path / "says.py").write_text("print('ran')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    # Who adopts a process is not the parent that started it.
    monkeypatch.setenv(PARENT, str(ended.pid))
    command = [sys.executable, "-P", "-m", "realmix.flows.local.tied_process", "says"]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
    assert (done.stdout, done.returncode) == ("", -signal.SIGKILL)


def test_a_module_gets_its_arguments_and_its_status_is_passed_on(tmp_path, monkeypatch):
    (tmp_path / "says.py").write_text("import sys; print(sys.argv[1:], __name__); sys.exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    command = [sys.executable, "-P", "-m", "realmix.flows.local.tied_process", "says", "--port", "1"]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
    assert (done.stdout, done.returncode) == ("['--port', '1'] __main__\n", 3)


def test_a_run_leaves_its_id_in_the_home(tmp_path, monkeypatch):
    (tmp_path / "nothing.py").touch()
    for name, value in (("PYTHONPATH", str(tmp_path)), (MARK, str(tmp_path)), (RUN, "1234")):
        monkeypatch.setenv(name, value)
    subprocess.run(
        [sys.executable, "-P", "-m", "realmix.flows.local.tied_process", "nothing"],
        check=True,
        start_new_session=True,
    )
    assert [note.name for note in (tmp_path / RUNS).iterdir()] == ["1234"]
