"""The request for one study."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from realmix.tasks.core.table.card import parse_values
from realmix.tasks.core.table.card_parts import Device
from realmix.tasks.core.table.frozen import Frozen
from realmix.tasks.core.table.schema import Task


def parse_request(**values: Any) -> StudyRequest:
    """Validate the arguments of a study.

    Raises
    ------
    BadInput
        If a value is out of range.
    """
    return parse_values(StudyRequest, values, "study")


class StudyRequest(Frozen):
    """Parameters of one study, as the flow and the command line take them.

    Attributes
    ----------
    table : str or None
        Path, URL, ``sql:...`` or ``bundled:...``; None takes the card's source, else the
        bundled table.
    card : str or None
        Path of a data card.
    target, positive, task : optional
        Override the card.
    synthesizers, ratios, models : optional
        What the user names here, the plan never leaves out.
    teachers : tuple of str or None
        Label rows beside the usual members of the teacher, and are never left out; those of the card when None.
    metric : str or None
        Decides between mixes; log-loss or RMSE when None.
    budget_seconds : float
        Wall seconds for the whole run, at least 30.
    seed : int
    out : str
        Folder of the results.
    plan : str or None
        Path of a ``plan.json`` to replay.
    device : {"cpu", "cuda"}
        Where GANs, VAEs and boosted trees train; "cuda" falls back to the CPU without a usable GPU.
    first : str or None
        Synthesizer of the last winner: evaluated first, and never left out by the plan.
    storage : str or None
        URL of the study's files for workers of a Dask cluster; None if they share `out`.
    plugins : tuple of str
        Plug-ins from outside this package, ``module:SPEC``, beside those of the card.
    trust_card : bool
        Whether code that the card names may run though it lies in the current folder.
    responsible : str or None
        Why somebody answers for the study although the card does not permit it.
    began : float or None
        When the study was asked for, in seconds since 1970: the budget counts from there. None where its
        start-up is to be estimated.
    """

    table: str | None = None
    card: str | None = None
    target: str | None = None
    positive: str | None = None
    task: Task | None = None
    synthesizers: tuple[str, ...] | None = None
    ratios: tuple[float, ...] | None = None
    models: tuple[str, ...] | None = None
    teachers: tuple[str, ...] | None = None
    metric: str | None = None
    budget_seconds: float = Field(default=240.0, ge=30)
    seed: int = Field(default=0, ge=0)
    out: str
    plan: str | None = None
    device: Device = "cpu"
    first: str | None = None
    storage: str | None = None
    plugins: tuple[str, ...] = ()
    trust_card: bool = False
    responsible: str | None = None
    began: float | None = None

    def decides(self) -> dict[str, Any]:
        """Return the fields that affect results, beside the table, its card and a replayed plan.

        Examples
        --------
        >>> one, other = StudyRequest(out="a"), StudyRequest(out="b", table="t.csv")
        >>> one.decides() == other.decides(), one.decides() == StudyRequest(out="a", seed=1).decides()
        (True, False)
        """
        named = {
            "table",
            "card",
            "target",
            "positive",
            "task",
            "out",
            "plan",
            "storage",
            "began",
            "trust_card",
        }
        return self.model_dump(mode="json", exclude=named)


BUNDLED_TABLE = "bundled:bank_marketing?rows=2000"
