"""Children of `realmix up`: revived with patience, ended with their whole group, known by their environment."""

from __future__ import annotations

import os
import signal
import socket
import time

import psutil
import pytest

from realmix.flows.local.child_process import Child, end_marked, marked_processes
from realmix.flows.local.tied_process import MARK, RUN

LISTENS = """
import socket, sys, time
place = socket.socket()
place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
place.bind(("127.0.0.1", int(sys.argv[1])))
place.listen()
time.sleep(60)
"""


def wait_until(is_so, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def make_child(tmp_path):
    """Makes children that run a few lines of Python; all are ended afterwards."""
    made = []

    def make(lines, *arguments, port=0, **environment):
        (tmp_path / "a_module.py").write_text(lines)
        surroundings = {**os.environ, "PYTHONPATH": str(tmp_path), MARK: str(tmp_path), **environment}
        made.append(Child("The child", ("a_module", *arguments), surroundings, tmp_path / "log", port=port))
        return made[-1]

    yield make
    for child in made:
        child.kill()


def test_a_killed_child_is_said_and_started_again_after_a_wait(make_child):
    child = make_child("import time; time.sleep(60)")
    child.start()
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.process.poll() is not None)
    assert "The child was ended by signal 9; it will be restarted in 1 s." in child.restart_if_dead()
    assert child.process is None and child.restart_if_dead() is None
    child.is_due = 0.0
    assert child.restart_if_dead() == "The child was restarted."
    assert child.process.pid != first
    assert child.restart_if_dead() is None


def test_a_child_that_dies_again_and_again_is_tried_less_and_less_often(make_child):
    child = make_child("import sys; sys.exit(2)")
    said = []
    for _ in range(7):
        child.start()
        wait_until(lambda: child.process.poll() is not None)
        said.append(child.restart_if_dead().split(";")[1].split(".")[0])
    assert said == [f" it will be restarted in {seconds} s" for seconds in (1, 2, 4, 8, 16, 30, 30)]


def test_a_child_ends_with_what_it_started(make_child, tmp_path):
    lines = "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    child = make_child(lines + "time.sleep(60)")
    child.start()
    parent = psutil.Process(child.process.pid)
    wait_until(parent.children)
    family = [parent, *parent.children()]
    child.stop()
    wait_until(lambda: not any(process.is_running() for process in family))


def test_a_port_counts_only_if_the_child_itself_listens(make_child):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        child = make_child(LISTENS, str(port), port=port)
        child.start()
        wait_until(lambda: child.process.poll() is not None)
        assert not child.listens()
    child.kill()
    child.start()
    wait_until(child.listens)


def test_left_processes_are_known_by_their_home(make_child, tmp_path):
    mine, run, other = (
        make_child("import time; time.sleep(60)", **environment)
        for environment in ({}, {RUN: "1234"}, {MARK: "/another/home"})
    )
    for child in (mine, run, other):
        child.start()
    wait_until(lambda: len({process.pid for process, _ in marked_processes()} & pids(mine, run, other)) == 3)
    assert end_marked(tmp_path, RUN) == 1
    assert run.process.poll() is not None and mine.process.poll() is None
    assert end_marked(tmp_path) == 1
    assert mine.process.poll() is not None
    assert other.process.poll() is None


def pids(*children):
    return {child.process.pid for child in children}


def test_what_it_says_is_in_its_log(make_child):
    child = make_child("print('a reason'); raise SystemExit(1)")
    child.start()
    wait_until(lambda: child.process.poll() is not None)
    assert "a reason" in child.log.read_text()
