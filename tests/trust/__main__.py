"""``make trust``: privacy, release, differential privacy, fairness and rules of three tables, with controls beside."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor

from realmix.tasks.core.words import counted
from tests.trust.attacks import privacy
from tests.trust.budgets import dp
from tests.trust.gaps import fairness
from tests.trust.releases import release
from tests.trust.rules import rules
from tests.trust.section import Section
from tests.trust.subjects import subjects

SECTIONS = (privacy, release, dp, fairness, rules)
N_PROCESSES = 2


def sections_of(name: str) -> tuple[str, list[Section], float]:
    """Put one table on trial, in this process."""
    began = time.perf_counter()
    subject = subjects()[name]()
    sections = [make(subject) for make in SECTIONS]
    return f"{name}: {len(subject.rows):,} rows", sections, time.perf_counter() - began


def main() -> int:
    """Print all tables; the exit code is 1 where a control is not as it must be."""
    began, wrong, n_controls = time.perf_counter(), [], 0
    with ProcessPoolExecutor(N_PROCESSES) as processes:
        for title, sections, seconds in processes.map(sections_of, subjects()):
            print(f"## {title} ({seconds:.0f} s)\n")
            for section in sections:
                print("\n".join(section.lines()), flush=True)
                n_controls += len(section.controls)
                wrong += [f"{title}: {said}" for said, is_so in section.controls.items() if not is_so]
    print(f"{n_controls - len(wrong)} of {n_controls} controls are as they must be.")
    for each in wrong:
        print(f"WRONG: {each}")
    print(f"trust: {counted(time.perf_counter() - began, 'second')}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
