"""Study the worked examples and write what came out into their pages: ``python -m tests.examples [NAME ...]``.

A study that is finished in ``runs/examples`` is not made again: delete its folder to measure anew.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from realmix.flows.terminal.collect import read_study
from realmix.tasks.core.report.summary import summary_lines

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
    lines = [
        f"Verdict: {document.word}   (--budget {plan['budget_seconds']:g}s)",
        document.sentence,
        *(f"  {line}" for line in summary_lines(document)),
    ]
    page = FOLDER / f"{name}.md"
    page.write_text(
        BLOCK.sub(lambda _: "\n".join(lines) + "\n", page.read_text(encoding="utf-8")), encoding="utf-8"
    )


if __name__ == "__main__":
    for example in sys.argv[1:] or NAMES:
        write_page(example, study(example, Path("runs/examples") / example))
