"""An attacker's day: run every attack and print what held. ``python -m tests.redteam [ATTACK ...]``."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Where each attack is tried; what has no folder of its own is tested beside what it attacks.
ATTACKS = {
    "a page in a browser, another user": ["tests/servers/test_strangers.py"],
    "a hostile folder": ["tests/redteam/test_hostile_folder.py", "tests/flows/local/test_environment.py"],
    "a tampered home": [
        "tests/tasks/runtime/test_archive.py", "tests/tasks/runtime/test_cache.py", "tests/tasks/fits/test_cached.py",
        "tests/tasks/lifecycle/test_model_files.py", "tests/tasks/core/lifecycle/test_decision_chain.py",
    ],
    "bombs": ["tests/redteam/test_bombs.py", "tests/tasks/sources/test_workbook.py", "tests/tasks/sources/test_compressed.py"],
    "a hostile card, plan or batch": ["tests/redteam/test_hostile_documents.py", "tests/tasks/landing"],
    "malformed input": ["tests/redteam/test_fuzz.py"],
    "planted secrets and persons": ["tests/redteam/test_planted.py", "tests/servers/test_planted.py"],
}  # fmt: skip


@dataclass(eq=False)
class Results:
    """What became of each test; a plug-in of pytest."""

    outcomes: dict[str, str] = field(default_factory=dict)
    properties: dict[str, list[tuple[str, object]]] = field(default_factory=lambda: defaultdict(list))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome
            self.properties[report.nodeid] = [p for p in report.user_properties if p[0] != "server"]

    def of(self, paths: list[str]) -> dict[str, str]:
        return {name: outcome for name, outcome in self.outcomes.items() if name.startswith(tuple(paths))}


def main() -> int:
    """Run the attacks that the command line names, or all; return how many tests did not hold."""
    asked = sys.argv[1:] or list(ATTACKS)
    if unknown := set(asked) - ATTACKS.keys():
        raise SystemExit(f"Unknown attacks {sorted(unknown)}: known are {', '.join(map(repr, ATTACKS))}.")
    results, started = Results(), time.monotonic()
    paths = [path for attack in asked for path in ATTACKS[attack]]
    pytest.main(["-q", "-m", "", "--rootdir", str(ROOT), *paths], plugins=[results])
    print(f"\n{'attack':<36} held  skipped  did not hold")
    for attack in asked:
        found = list(results.of(ATTACKS[attack]).values())
        counts = [found.count(outcome) for outcome in ("passed", "skipped", "failed")]
        print(f"{attack:<36} {counts[0]:>4}  {counts[1]:>7}  {counts[2]:>12}")
    for name, properties in results.properties.items():
        for what, value in properties:
            print(f"{name.rpartition('::')[2]}: {what}: {value}")
    wrong = [name for name, outcome in results.outcomes.items() if outcome == "failed"]
    print(f"{len(wrong)} did not hold. {time.monotonic() - started:.0f} s", *wrong, sep="\n  ")
    return len(wrong) > 0 or not results.outcomes


if __name__ == "__main__":
    sys.exit(main())
