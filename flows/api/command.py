"""Run a command of the command line in a process of its own, with its progress and its errors in Python.

The process has its own environment, threads and signals, so that a notebook keeps its own; and what Python and
the terminal find cannot differ. It ends with this one, however this one ends.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from realmix.flows.local.tied_process import PARENT
from realmix.tasks.core.errors import BadInput, RealmixError

ANSWERED = (0, 4)  # 4: a study that compared nothing, whose document says why
INTERRUPTED = 130
# Ctrl-C ends a command within five seconds.
PATIENCE_SECONDS = 10
SIGN = "realmix: "
NO_NAMES: Mapping[str, str] = MappingProxyType({})


def options_of(values: Mapping[str, Any]) -> list[str]:
    """Write keyword arguments as options; None and False leave one out.

    Examples
    --------
    >>> options_of({"target": "churned", "ratios": (0.5, 2), "seed": 0, "metric": None, "trust_card": True})
    ['--target', 'churned', '--ratios', '0.5', '2', '--seed', '0', '--trust-card']
    """
    options: list[str] = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        several = isinstance(value, Sequence) and not isinstance(value, str)
        given = () if value is True else value if several else (value,)
        options += [f"--{name.replace('_', '-')}", *map(str, given)]
    return options


def run_command(*arguments: str, progress: bool, names: Mapping[str, str] = NO_NAMES) -> str:
    """Run a command and return what it printed.

    Parameters
    ----------
    *arguments : str
        As on the command line, without ``realmix``.
    progress : bool
        Whether its progress is printed, line by line, to standard error; in a notebook to its output.
    names : mapping of str to str
        What is said instead of places that the caller has not named.

    Raises
    ------
    BadInput
        With the sentence of the command about what to correct.
    RealmixError
        If it failed otherwise.
    KeyboardInterrupt
        If it, or this process, was interrupted.
    """
    command = [sys.executable, "-P", "-m", "realmix.flows.local.tied_process", "realmix", *arguments]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as printed,
        subprocess.Popen(
            command,
            env={**os.environ, PARENT: str(os.getpid()), "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        ) as process,
    ):
        try:
            problem = _follow(process, progress, names)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_stop(process)) from None
        except BaseException:
            _stop(process)
            raise
        if process.wait() not in ANSWERED:
            _fail(process.returncode, problem)
        printed.seek(0)
        return printed.read()


def _follow(process: subprocess.Popen[str], progress: bool, names: Mapping[str, str]) -> str:
    """Print the progress of a command until it ends; return its last sentence to the user."""
    assert process.stderr is not None
    problem = ""
    # A notebook shows standard error in red, as an error.
    shown = sys.stdout if "ipykernel" in sys.modules else sys.stderr
    for line in process.stderr:
        for place, name in names.items():
            line = line.replace(place, name)
        problem = _sentence(line) or problem
        if progress:
            print(line, end="", file=shown, flush=True)
    return problem


def _sentence(line: str) -> str:
    return line.removeprefix(SIGN).strip() if line.startswith(SIGN) else ""


def _stop(process: subprocess.Popen[str]) -> str:
    """Interrupt a command as Ctrl-C does in a terminal; return what it says of what is kept."""
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return ""
    return next(filter(None, map(_sentence, reversed(said.splitlines()))), "")


def _fail(exit_code: int, problem: str) -> NoReturn:
    if exit_code == INTERRUPTED:
        raise KeyboardInterrupt(problem)
    if exit_code == BadInput.exit_code and problem:
        raise BadInput(as_keywords(problem))
    raise RealmixError(
        problem or f"realmix ended with exit code {exit_code} and gave no reason; try it again."
    )


def as_keywords(sentence: str) -> str:
    """Name keyword arguments in a sentence that names options.

    Examples
    --------
    >>> as_keywords("No target for t.csv: name the column to predict with --target.")
    'No target for t.csv: name the column to predict with target=.'
    >>> as_keywords("Look into noise.py, then repeat it with --trust-card.")
    'Look into noise.py, then repeat it with trust_card=.'
    """
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)\b", lambda option: f"{option[1].replace('-', '_')}=", sentence)
