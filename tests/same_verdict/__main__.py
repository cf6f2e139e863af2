"""Study six small tables by fixed plans, and compare two versions of the code by what came out.

``python -m tests.same_verdict run FOLDER [--realmix COMMAND]`` studies the tables with that command,
``python -m tests.same_verdict compare FOLDER FOLDER`` lists every difference between two such folders and
ends with 1 if there is one. Two tables each are binary, of several classes, and of a numeric target.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

PLANS = Path(__file__).parent / "plans"
# When the study ran, how long it took and by which versions: not what it found.
CIRCUMSTANCES = {"study", "versions", "realmix_version", "seconds", "seconds_fit", "seconds_sample",
                 "generator_seconds", "full_grid_generator_seconds"}  # fmt: skip
# name: arguments of the study; the bundled table is read with these rows, the others come with scikit-learn.
STUDIES = {
    "binary-calls": ("bundled:bank_marketing?rows=400", "y"),
    "binary-tumours": ("load_breast_cancer", "target"),
    "classes-marital": ("bundled:bank_marketing?rows=350", "marital"),
    "classes-wine": ("load_wine", "target"),
    "numbers-age": ("bundled:bank_marketing?rows=400", "age"),
    "numbers-diabetes": ("load_diabetes", "target"),
}


def main() -> int:
    """Run or compare, as the command line says."""
    parser = argparse.ArgumentParser(prog="tests.same_verdict", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="study the six tables into FOLDER")
    run.add_argument("folder", type=Path)
    run.add_argument("--realmix", default=f"{sys.executable} -P -m realmix", help="command of the version")
    compare = commands.add_parser("compare", help="list the differences between two folders")
    compare.add_argument("folders", type=Path, nargs=2)
    asked = parser.parse_args()
    if asked.command == "run":
        run_studies(asked.folder.absolute(), shlex.split(asked.realmix))
        return 0
    found = list(differences(*asked.folders))
    print("\n".join(found) or f"{len(STUDIES)} studies: verdicts and training tables are equal.")
    return bool(found)


def run_studies(folder: Path, realmix: list[str]) -> None:
    """Study each table by its plan; one without a plan yet gets one within 60 seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"REALMIX_HOME": str(folder / "home")}
    for name, (source, target) in STUDIES.items():
        out = folder / name
        if (out / "tracking.json").exists():
            continue
        plan = PLANS / f"{name}.json"
        how = ["--plan", str(plan)] if plan.exists() else ["--budget", "60s"]
        command = [*realmix, "run", table(source, folder), "--target", target, "--out", str(out), *how]
        subprocess.run(command, check=True, env=environment, cwd=folder)


def table(source: str, folder: Path) -> str:
    """Location of a table, seen from the folder; one of scikit-learn's is written there as CSV first."""
    if ":" in source:
        return source
    from sklearn import datasets

    name = f"{source.removeprefix('load_')}.csv"
    getattr(datasets, source)(as_frame=True).frame.to_csv(folder / name, index=False)
    return name


def differences(one: Path, other: Path) -> Iterator[str]:
    """Each place where two folders' verdicts or training tables differ, in words."""
    for name in STUDIES:
        documents = [json.loads((folder / name / "verdict.json").read_text()) for folder in (one, other)]
        for place in unequal(*documents):
            yield f"{name}: verdict.json differs at {place}"
        tables = [pd.read_parquet(folder / name / "training.parquet") for folder in (one, other)]
        try:
            pd.testing.assert_frame_equal(*tables, check_exact=True)
        except AssertionError as err:
            yield f"{name}: training.parquet differs: {err}"


def unequal(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Paths at which two JSON documents differ, circumstances apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted((one.keys() | other.keys()) - CIRCUMSTANCES):
            if key in one and key in other:
                yield from unequal(one[key], other[key], f"{place}.{key}")
            else:
                yield f"{place}.{key} (in one only)"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for at, pair in enumerate(zip(one, other, strict=True)):
            yield from unequal(*pair, f"{place}[{at}]")
    elif one != other:
        yield f"{place}: {one!r} and {other!r}"


if __name__ == "__main__":
    sys.exit(main())
