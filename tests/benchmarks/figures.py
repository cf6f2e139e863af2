"""What a benchmark gives: figures with units and targets, as CSV and as a table for people."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Literal

LIBRARIES = ("xgboost-cpu", "sdv", "torch", "prefect", "mlflow")
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes
    ----------
    part : str
        Of the benchmark.
    what : str
    value : float or None
        None where it could not be measured; `note` says why.
    unit : str
    target : float or None
        What it is to reach.
    bound : {"at least", "at most"} or None
        Of the target.
    note : str
    """

    part: str
    what: str
    value: float | None
    unit: str = "s"
    target: float | None = None
    bound: Literal["at least", "at most"] | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target holds; None where there is none, or no value.

        Examples
        --------
        >>> Figure("start", "help", 0.2, target=0.3, bound="at most").is_met
        True
        """
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.bound == "at least" else self.value <= self.target


def write_csv(figures: Iterable[Figure], path: Path) -> None:
    """One line a figure."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Figure)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(figure) for figure in figures)


def read_csv(path: Path) -> list[Figure]:
    """What `write_csv` wrote; nothing where there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_read(row) for row in csv.DictReader(file)]


def _read(row: dict[str, str]) -> Figure:
    bound: Literal["at least", "at most"] | None = "at least" if row["bound"] == "at least" else None
    bound = "at most" if row["bound"] == "at most" else bound
    numbers = {name: float(row[name]) if row[name] else None for name in ("value", "target")}
    return Figure(
        row["part"], row["what"], numbers["value"], row["unit"], numbers["target"], bound, row["note"]
    )


def as_markdown(figures: Sequence[Figure], machine: str) -> str:
    """The table of the README, with the machine under it."""
    lines = ["| part | figure | value | target |", "|---|---|---|---|"]
    for figure in figures:
        value = figure.note if figure.value is None else f"{figure.value:,.3g} {figure.unit}".rstrip()
        wanted = "" if figure.target is None else f"{figure.bound} {figure.target:g}"
        verdict = {True: ", met", False: ", **missed**", None: ""}[figure.is_met]
        lines.append(f"| {figure.part} | {figure.what} | {value} | {wanted}{verdict} |")
    return "\n".join([*lines, "", machine, ""])


def machine() -> str:
    """Processors and versions, in a sentence; nothing that names this machine."""
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{n_processors} x {processor()}, Python {platform.python_version()}, {libraries}."


def processor() -> str:
    """Model of the processor."""
    text = CPU_INFO.read_text(encoding="utf-8") if CPU_INFO.exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else platform.machine()
