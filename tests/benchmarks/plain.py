"""realmix against the plain script that people write today: same table, folds, ratios, synthesizers, steps.

Networks see batches of 200 rows here, and of 500, SDV's default, in the script.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.sources import open_source
from tests.benchmarks import plain_script
from tests.benchmarks.figures import Figure
from tests.benchmarks.processes import Study, environment, run_study, seconds_to_first_fit

PART = "plain script"
TARGET = "y"
# Both at the library's default of 300 epochs, 300 and 1,200 steps of a GAN: minutes of the script.
SIZES = (1000, 3000)
TIMES_LESS = {1000: 10.0, 3000: 20.0}
EPOCHS = 300
N_FOLDS = 3
# Begun and ended before, so that the databases of a home are there.
OTHER_STUDY = ("bundled:bank_marketing?rows=500", "--budget", "30s")
# Every plan sets limits, by what its fits are expected to cost; the longest begin first.
LIMITS = {"gaussian-copula": 200.0, "tvae": 400.0, "ctgan": 1200.0}
# Beside the fits of the grid, seconds of a study.
STAGES = ("start", "race", "compare", "refit", "package", "report", "track")
LINE = re.compile(r"^(?P<name>[a-z-]+) ratio=.* fit_seconds=(?P<seconds>[0-9.]+)$")


def measure() -> list[Figure]:
    """Run the plain script, the same grid as a study, and a study that leaves nothing out.

    Returns
    -------
    list of Figure
        Wall seconds of whole processes on tables of `SIZES` rows, all of them development rows as in the
        script; how many times less a study takes, and how that comes about: fewer fits, faster fits, and the
        rest (two workers, less what a study does beside its fits).
    """
    found: list[Figure] = []
    for n_rows in SIZES:
        n_training = n_rows * (N_FOLDS - 1) // N_FOLDS
        steps = EPOCHS * max(n_training // plain_script.BATCH, 1)
        with tempfile.TemporaryDirectory() as scratch:
            seconds = one_round(Path(scratch), n_rows, steps)
        part = f"{PART}, {n_rows:,} rows, {steps:,} steps"
        found += [*wall_figures(part, seconds, TIMES_LESS[n_rows]), *split_figures(part, seconds)]
    return found


Round = dict[str, float]


def one_round(scratch: Path, n_rows: int, steps: int) -> Round:
    """Seconds and counts of one comparison; each study has a home that was used, but holds no fits."""
    table = f"bundled:bank_marketing?rows={n_rows}"
    raw = open_source(table).load()
    same, full = write_plans(scratch, raw, steps)
    seconds_to_first_fit(OTHER_STUDY, scratch=scratch / "begun", home=scratch / "used")

    def run(name: str, plan: Path, *, all_steps: bool = False) -> Study:
        home = Path(shutil.copytree(scratch / "used", scratch / f"home-{name}"))
        return run_study([table, "--plan", str(plan)], scratch=scratch / name, home=home, all_steps=all_steps)

    grid, early = run("same", same, all_steps=True), run("early", same)
    rows = raw.assign(fold=np.load(grid.out / "work" / "folds.npz")["folds"][0])
    rows.to_csv(scratch / "table.csv", index=False)
    wall, fits = run_script(scratch, steps)
    return {
        "script": wall,
        "same": grid.seconds,
        "early": early.seconds,
        "full": run("full", full).seconds,
        "script fits": float(sum(len(of_name) for of_name in fits.values())),
        **{f"theirs {name}": fmean(of_name) for name, of_name in fits.items()},
        **our_fits(grid),
        **early_steps(early),
        **{f"stage {name}": seconds for name, seconds in grid.stage_seconds.items()},
    }


def write_plans(scratch: Path, raw: pd.DataFrame, steps: int) -> tuple[Path, Path]:
    """Plans of the script's grid, and of the same grid with all that a study adds to it."""
    base = Plan(
        seed=0,
        task="binary",
        metric="log_loss",
        holdout=HoldoutRule(salt=0, fraction=0.0, columns=tuple(raw.columns.drop(TARGET))),
        n_development=len(raw),
        n_folds=N_FOLDS,
        n_repeats=1,
        forward=False,
        models=("xgboost",),
        n_trials=1,
        synthesizers={"gaussian-copula": None, "ctgan": steps, "tvae": steps},
        timeout_seconds=LIMITS,
        ratios=plain_script.RATIOS,
        weights=(1.0,),
        label_rules=("joint",),
        balances=("prior",),
        teacher=(("xgboost", 0),),
        n_workers=2,
        threads_per_fit=1,
    )
    more = {
        "models": ("xgboost", "linear"),
        "label_rules": ("joint", "teacher"),
        "teacher": (("linear", 0), ("random-forest", 0), ("xgboost", 0)),
        "n_trials": 2,
        "n_repeats": 2,
        "curve_repeats": 1,
    }
    paths = []
    for name, changes in (("same", {}), ("full", more)):
        path = scratch / f"{name}.json"
        path.write_text(json.dumps(base.to_dict() | changes), encoding="utf-8")
        paths.append(path)
    return paths[0], paths[1]


def run_script(scratch: Path, steps: int) -> tuple[float, dict[str, list[float]]]:
    """Wall seconds of the plain script, and of each of its synthesizer fits by name."""
    command = [sys.executable, plain_script.__file__, "table.csv", TARGET, str(steps)]
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=scratch, env=environment(scratch / "home"), capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"The plain script ended with code {done.returncode}:\n{done.stderr}")
    fits: dict[str, list[float]] = defaultdict(list)
    for found in map(LINE.match, done.stdout.splitlines()):
        if found:
            fits[found["name"]].append(float(found["seconds"]))
    return seconds, dict(fits)


def our_fits(study: Study) -> Round:
    """Mean seconds of a synthesizer's fit in the folds, and how many fits there were in all."""
    fits: dict[str, list[float]] = defaultdict(list)
    for log in pool_logs(study):
        fits[log["synthesizer"]].append(log["seconds_fit"])
    of_all_ratios = float(sum(len(of_name) for of_name in fits.values()))
    return {"our fits": of_all_ratios, **{f"ours {name}": fmean(each) for name, each in fits.items()}}


def early_steps(study: Study) -> Round:
    """Mean steps of the networks that stop early, in the folds."""
    steps: dict[str, list[int]] = defaultdict(list)
    for log in pool_logs(study):
        if log["steps"]:
            steps[log["synthesizer"]].append(log["steps"])
    return {f"early steps {name}": fmean(taken) for name, taken in steps.items()}


def pool_logs(study: Study) -> list[dict[str, Any]]:
    """What the folds of a study say of the script's synthesizers."""
    logs = json.loads((study.out / "work" / "pools.json").read_text(encoding="utf-8"))
    return [log for log in logs if log["synthesizer"] in plain_script.SYNTHESIZERS]


def wall_figures(part: str, found: Round, target: float) -> list[Figure]:
    """Whole processes side by side."""
    times = {name: found["script"] / found[name] for name in ("same", "early", "full")}
    return [
        Figure(part, "the script, batches of 500", found["script"]),
        Figure(part, "realmix in a used home, the script's grid and steps, batches of 200", found["same"]),
        Figure(part, "realmix, the same, networks stop early", found["early"]),
        Figure(part, "realmix, full study (teacher labels, linear, 2 trials, 2 repeats)", found["full"]),
        Figure(part, "times less wall time, equal steps", times["same"], "x", target, "at least"),
        Figure(part, "times less wall time, networks stop early", times["early"], "x"),
        Figure(part, "times less wall time, full study", times["full"], "x"),
    ]


def split_figures(part: str, found: Round) -> list[Figure]:
    """Where the gain at equal steps comes from; the three factors multiply to it."""
    names = list(plain_script.SYNTHESIZERS)
    fewer = found["script fits"] / found["our fits"]
    faster = sum(found[f"theirs {name}"] for name in names) / sum(found[f"ours {name}"] for name in names)
    rest = found["script"] / found["same"] / (fewer * faster)
    per_fit = [
        Figure(part, f"one fit of {name}, {who}", found[f"{key} {name}"])
        for name in names
        for who, key in (("the script", "theirs"), ("realmix", "ours"))
    ]
    of_early = [name for name in names if f"early steps {name}" in found]
    return [
        Figure(part, "synthesizer fits on the folds, the script", found["script fits"], "fits"),
        Figure(part, "synthesizer fits on the folds, realmix", found["our fits"], "fits"),
        *per_fit,
        *(
            Figure(part, f"steps of {name} that stops early", found[f"early steps {name}"], "")
            for name in of_early
        ),
        Figure(part, "from fewer fits", fewer, "x"),
        Figure(part, "from faster fits", faster, "x"),
        Figure(part, "from the rest: two workers, less what is done beside the fits", rest, "x"),
        *(Figure(part, f"stage {name}, equal steps", found[f"stage {name}"]) for name in STAGES),
    ]
