"""Functions of the package: study a table, preview a study, advise on collecting rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from realmix.flows.api.command import options_of, run_command
from realmix.flows.api.finished import Study, load
from realmix.flows.api.given_table import Card, readable
from realmix.tasks.core.report.collect_text import Advice

REPORT = "Report: "
Task = Literal["binary", "multiclass", "regression"]


def study(
    table: Any,
    *,
    target: str | None = None,
    positive: str | None = None,
    task: Task | None = None,
    card: Card = None,
    synthesizers: Sequence[str] | None = None,
    ratios: Sequence[float] | None = None,
    models: Sequence[str] | None = None,
    teachers: Sequence[str] | None = None,
    metric: str | None = None,
    budget: str | float = "4m",
    seed: int = 0,
    out: str | Path | None = None,
    plan: str | Path | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
    trust_card: bool = False,
    i_am_responsible: str | None = None,
    progress: bool = True,
) -> Study:
    """Decide whether synthetic training rows make a model of a table better.

    Does what ``realmix run`` does, in a process of its own, and needs no server. Interrupted (Ctrl-C, or a notebook's
    stop button), it ends within seconds; called again with the same rows and options, it goes on from there.

    Parameters
    ----------
    table : DataFrame of pandas or polars, Table of pyarrow, str or Path
        Or a location: a file, URL, ``sql:...``, ``table:NAME`` or ``bundled:NAME``. The index of pandas is no column.
    target : str, optional
        Column to predict; needed unless `card` or the location names it.
    positive : str, optional
        Of two labels, the one whose probability is predicted.
    task : {"binary", "multiclass", "regression"}, optional
        Inferred from the target when None.
    card : str, Path or mapping, optional
        What the columns mean: the file of a data card, or its fields, as in ``{"time": "admitted"}``.
    synthesizers, models : sequence of str, optional
        What is compared; what fits into `budget` when None.
    ratios : sequence of float, optional
        Synthetic rows per real row, above 0 and at most 100.
    teachers : sequence of str, optional
        Pretrained models that label rows beside the usual ones; they need a library and weights.
    metric : str, optional
        Decides; ``log_loss`` or ``rmse`` when None.
    budget : str or float
        Time to plan for: ``"90s"``, ``"5m"``, ``"1h30m"`` or seconds; at least 30.
    seed : int
        The same rows, seed and plan give the same verdict.
    out : str or Path, optional
        Folder of the results; ``runs/table-DATE-TIME`` when None.
    plan : str or Path, optional
        ``plan.json`` of an earlier study, to repeat it.
    device : {"cpu", "cuda"}
    trust_card : bool
        Whether code of the current folder that the card names (`simulate`, `plugins`) may run: it has all your rights.
    i_am_responsible : str, optional
        Why you answer for the study although the card does not permit it; stored with it and in the record of decisions.
    progress : bool
        Whether progress is printed to standard error; in a notebook below the cell.

    Returns
    -------
    Study

    Raises
    ------
    BadInput
        With a sentence about what to correct.

    Examples
    --------
    >>> study([1, 2, 3], target="churned")
    Traceback (most recent call last):
    realmix.tasks.core.errors.BadInput: A list is no table; expected a DataFrame of pandas or polars, a Table of ...
    """
    with readable(table, card, target) as (location, card_at, names):
        asked = {
            "target": target,
            "positive": positive,
            "task": task,
            "card": card_at,
            "synthesizers": synthesizers,
            "ratios": ratios,
            "models": models,
            "teachers": teachers,
            "metric": metric,
            "budget": budget,
            "seed": seed,
            "out": out,
            "plan": plan,
            "device": device,
            "trust_card": trust_card,
            "i_am_responsible": i_am_responsible,
        }
        printed = run_command("run", location, *options_of(asked), progress=progress, names=names)
    return load(out or _folder_in(printed))


def _folder_in(printed: str) -> Path:
    """Return the folder of the report that a command has printed."""
    (report,) = (line for line in printed.splitlines() if line.startswith(REPORT))
    return Path(report.removeprefix(REPORT)).parent


@dataclass(frozen=True, repr=False)
class Preview:
    """What a few cheap models say about a study, before it is run.

    Attributes
    ----------
    lines : tuple of str
        Sentences, as ``realmix preview`` prints them.
    """

    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__


def preview(
    table: Any,
    *,
    target: str | None = None,
    positive: str | None = None,
    task: Task | None = None,
    card: Card = None,
    metric: str | None = None,
    seed: int = 0,
    trust_card: bool = False,
    progress: bool = False,
) -> Preview:
    """Estimate in about 20 seconds whether a study of a table is worth its time; leave no files.

    Parameters
    ----------
    table, target, positive, task, card, metric, seed, trust_card, progress
        As of :func:`study`.

    Returns
    -------
    Preview
        Print it to read it.

    Raises
    ------
    BadInput
        With a sentence about what to correct.
    """
    with readable(table, card, target) as (location, card_at, names):
        asked = {
            "target": target,
            "positive": positive,
            "task": task,
            "card": card_at,
            "metric": metric,
            "seed": seed,
            "trust_card": trust_card,
        }
        printed = run_command("preview", location, *options_of(asked), progress=progress, names=names)
    return Preview(tuple(printed.splitlines()))


def collect(table: Any, **options: Any) -> Advice:
    """Study a table, and return what more real rows would bring.

    Parameters
    ----------
    table, **options
        As of :func:`study`. Of a study that is finished, ``realmix.load(folder).collect()`` says it at once.

    Returns
    -------
    Advice
        Print it to read it.

    Raises
    ------
    BadInput
        Also if the study measured no learning curve, for which a longer `budget` may be needed.
    """
    return study(table, **options).collect()
