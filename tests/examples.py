"""Study the worked examples and write what came out into their pages: ``python -m tests.examples [NAME ...]``.

A study that is finished in ``runs/examples`` is not made again: delete its folder to measure anew.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
import subprocess
import sys
from pathlib import Path

from realmix.flows.terminal.collect import read_study
from realmix.flows.terminal.screen import plain_console
from realmix.flows.terminal.show_study import draw_verdict
from realmix.tasks.core.report.verdict_words import verdict_words

FOLDER = Path(__file__).parents[1] / "infra" / "examples"
NAMES = ("healthcare", "finance", "automotive", "retail", "education")
BUDGET = "4m"
# What the last study said, in a page.
BLOCK = re.compile(r"(?<=<!-- the last study -->\n```text\n).*?(?=```)", re.DOTALL)


def study(name: str, out: Path) -> Path:
    """Run an example, or go on with it, and return its folder."""
    command = [sys.executable, "-m", "realmix", "run", "--card", str(FOLDER / f"{name}.yaml")]
    if not (out / "verdict.json").exists():
        subprocess.run([*command, "--budget", BUDGET, "--out", str(out)], check=True)
    return out


def write_page(name: str, out: Path) -> None:
    """Replace the block of an example's page by what its verdict says."""
    document = read_study(out)
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    said = io.StringIO(f"--budget {plan['budget_seconds']:g}s\n\n")
    said.seek(0, io.SEEK_END)
    draw_verdict(plain_console(said), dataclasses.replace(verdict_words(document, out), files=()))
    text = "\n".join(line.rstrip() for line in said.getvalue().rstrip("\n").splitlines())
    page = FOLDER / f"{name}.md"
    page.write_text(
        BLOCK.sub(lambda _: text + "\n", page.read_text(encoding="utf-8")),
        encoding="utf-8",
    )


if __name__ == "__main__":
    for example in sys.argv[1:] or NAMES:
        write_page(example, study(example, Path("runs/examples") / example))
