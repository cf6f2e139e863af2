"""Seconds of SDGym's own benchmark beside ours: same table, synthesizers and optimiser steps.

SDGym does not import beside the SDV 2 of realmix, so it gets a virtual environment of its own, thrown away
afterwards. It runs as people call it: SDV's defaults but for the epochs, so batches of 500 beside our 200, its
own threads, no metrics. Both sides are warm and take turns. synthcity is not timed: 0.2.12 wants torch below 2.3, pip refuses it beside the
torch that is pinned here, and put in all the same it does not import.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.sources.bundled import BundledSource
from tests.benchmarks import generators
from tests.benchmarks.figures import Figure
from tests.benchmarks.processes import environment

PART = "rivals"
# SDGym 0.15.1 imports with the newest SDV 1 but not with SDV 2. The rest is what realmix runs on, so that equal
# arithmetic is compared; torch is exact, for other builds are gigabytes.
REQUIREMENTS = (
    "sdgym==0.15.1",
    "sdv==1.38.5",
    "rdt==1.22.0",
    "ctgan==0.12.1",
    "copulas==0.14.1",
    "sdmetrics==0.32.0",
    "torch==2.13.0",
    "numpy==2.4.6",
    "pandas==2.3.3",
    "scikit-learn==1.9.1",
)
CLASSES = {"gaussian-copula": "GaussianCopulaSynthesizer", **generators.LIBRARY}
N_ROWS = 1_000
SCRIPT = Path(__file__).with_name("sdgym_script.py")
INSTALL_TIMEOUT, ROUND_TIMEOUT = 1_200, 900
# Words of a message that name a place: paths, addresses, hosts.
PLACE = re.compile(r"/|host=|\w\.\w+:\d")

# Of one synthesizer: ours, what SDGym reports, and its calls without its trace of memory.
Seconds = tuple[float, float, float]


def measure(n_repeats: int = 3) -> list[Figure]:
    """Install SDGym beside realmix and time both.

    Parameters
    ----------
    n_repeats : int

    Returns
    -------
    list of Figure
        Medians of fit and draw of as many rows as were fitted, by synthesizer; one figure without a value,
        and with the reason, where SDGym could not be installed or run.
    """
    raw = BundledSource(f"bundled:{generators.TABLE}?rows={N_ROWS}").load()
    schema = infer_schema(raw, generators.TARGET)
    real = schema.apply(raw)
    for name in CLASSES:
        generators.fit_and_draw(name, real, schema, generators.WARM_UP_STEPS)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        try:
            python = build(place / "venv")
            rounds = [one_round(python, place / str(n), raw, real, schema) for n in range(n_repeats)]
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return [Figure(PART, REQUIREMENTS[0], None, note=reason(error))]
    return [figure for name in CLASSES for figure in as_figures(name, [found[name] for found in rounds])]


def build(folder: Path) -> Path:
    """Make a virtual environment with SDGym and give its interpreter."""
    python = folder / "bin" / "python"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS]
    for command in ([sys.executable, "-m", "venv", str(folder)], [str(python), *install]):
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL_TIMEOUT)
    return python


def one_round(
    python: Path, folder: Path, raw: pd.DataFrame, real: pd.DataFrame, schema: Schema
) -> dict[str, Seconds]:
    """Seconds of each synthesizer, ours first: what it took says how many epochs SDGym is given."""
    mine = {name: generators.fit_and_draw(name, real, schema, generators.STEPS) for name in CLASSES}
    wanted = {name: variant(name, steps) for name, (steps, _, _) in mine.items()}
    folder.mkdir()
    raw.to_csv(folder / "table.csv", index=False)
    done = subprocess.run(
        # Isolated: neither our modules nor a user's packages are on its path.
        [str(python), "-I", str(SCRIPT), "table.csv", json.dumps(wanted)],
        cwd=folder,
        env=environment(folder / "home"),
        capture_output=True,
        text=True,
        check=True,
        timeout=ROUND_TIMEOUT,
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    return {name: (seconds, *theirs[name]) for name, (_, _, seconds) in mine.items()}


def variant(name: str, steps: int) -> tuple[str, dict[str, Any]]:
    """Class and parameters with which SDGym takes as many optimiser steps, or none where there are none.

    Examples
    --------
    >>> variant("ctgan", 300)
    ('CTGANSynthesizer', {'epochs': 150})
    """
    if not steps:
        return CLASSES[name], {}
    an_epoch = generators.steps_of_epoch(name, N_ROWS, generators.LIBRARY_BATCH)
    return CLASSES[name], {"epochs": max(steps // an_epoch, 1)}


def as_figures(name: str, repeats: list[Seconds]) -> list[Figure]:
    """Medians over the repeats, and how many times less ours are."""
    of = f"{name}, {N_ROWS:,} rows"
    ours, reported, untraced = (median(column) for column in zip(*repeats, strict=True))
    return [
        Figure(PART, f"{of}, SDGym", reported),
        Figure(PART, f"{of}, SDGym's calls without its trace of memory", untraced),
        Figure(PART, f"{of}, realmix", ours),
        Figure(PART, f"{of}, times less than SDGym", reported / ours, "x"),
        Figure(PART, f"{of}, times less than those calls", untraced / ours, "x"),
    ]


def reason(error: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> str:
    """Last line of what a process said before it failed, without the places that it names."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done in {error.timeout:,.0f} s"
    lines = (error.stderr or "").strip().splitlines() or [f"ended with code {error.returncode}"]
    return " ".join(word for word in lines[-1].split() if not PLACE.search(word))
