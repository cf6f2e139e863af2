"""Parts of the data card: what lies under one of its keys."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from realmix.tasks.core.table.frozen import Frozen

Device = Literal["cpu", "cuda"]
# What may be done with the rows: make synthetic ones for a model of one's own, or give synthetic ones away.
Use = Literal["synthesize", "share"]


class Provenance(Frozen):
    """Owner of the data, and the terms of its use; :mod:`realmix.tasks.core.provenance.permission` reads them.

    Attributes
    ----------
    owner : str or None
        Who answers for the data.
    licence : str or None
        Under which licence the data may be used; "none" forbids every use.
    consent_basis : str or None
        Why the people in the data may be used for this; "none", "refused" and "withdrawn" forbid every use.
    purpose : str or None
        What the model is for.
    contact : str or None
        Whom to ask.
    consent_documents : str or None
        Where the consent is documented; not the documents themselves.
    retention : str or None
        In words, or the last day of use as a date, 2027-12-31.
    permits : tuple of {"synthesize", "share"} or None
        Uses that the owner permits; left out, the other fields say it.
    """

    owner: str | None = None
    licence: str | None = None
    consent_basis: str | None = None
    purpose: str | None = None
    contact: str | None = None
    consent_documents: str | None = None
    retention: str | None = None
    permits: tuple[Use, ...] | None = None

    @field_validator("retention", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    @property
    def declared(self) -> dict[str, Any]:
        """The fields that say something, as strict JSON."""
        return self.model_dump(mode="json", exclude_none=True)


class Operation(Frozen):
    """Operation of a registered table: arrivals, retraining and promotion.

    Attributes
    ----------
    landing : str or None
        Where new rows appear: a folder, ``s3://bucket/prefix`` or ``sql:TABLE``.
    arrival : {"append", "upsert", "replace"}
        What a batch does to the existing rows: ``append`` adds to them, ``upsert`` adds and corrects by `key`,
        ``replace`` takes the place of all.
    max_replaced : float
        Share of the table's rows that one batch of `upsert` may change; a batch that would change more is refused.
    cursor : str or None
        Of ``sql:TABLE``: the strictly increasing column that marks new rows.
    lag_seconds : float
        Of ``sql:TABLE``: rows are read this long after they were first seen, because a transaction that began
        earlier may commit later.
    schedule : str or None
        Cron expression (UTC) of full checks; left out, only arrivals trigger a check.
    poll_seconds : float
        Seconds between two polls of `landing`.
    budget_seconds : float
        Seconds that a full study is planned for.
    device : {"cpu", "cuda"}
        What trains networks and boosted trees in its studies.
    refit_growth : float
        Growth of the table since the last study, as a share, that starts a new one.
    max_age_days : float
        Age of the last study that starts a new one even without drift.
    promotion : {"auto", "approve", "never"}
        Whether a challenger that passed takes over by itself (``auto``), waits for ``realmix promote``
        (``approve``), or never does.
    tolerance : float
        Loss of quality, relative to the champion's score, that still counts as not worse.
    max_slowdown : float
        Largest serving time of a challenger, relative to the champion's.
    notify : tuple of str
        Names of environment variables that hold a webhook or an apprise URL, or ``block:TYPE/NAME``.
    """

    landing: str | None = None
    arrival: Literal["append", "upsert", "replace"] = "append"
    max_replaced: float = Field(default=0.2, gt=0, le=1)
    cursor: str | None = None
    lag_seconds: float = Field(default=60.0, ge=0)
    schedule: str | None = None
    poll_seconds: float = Field(default=30.0, ge=5)
    budget_seconds: float = Field(default=240.0, ge=30)
    device: Device = "cpu"
    refit_growth: float = Field(default=0.1, gt=0)
    max_age_days: float = Field(default=30.0, gt=0)
    promotion: Literal["auto", "approve", "never"] = "approve"
    tolerance: float = Field(default=0.02, gt=0, lt=1)
    max_slowdown: float = Field(default=1.5, ge=1)
    notify: tuple[str, ...] = ()


class Reading(Frozen):
    """How the text of a column is read, where its cells do not say it or say it wrongly.

    Attributes
    ----------
    type : {"number", "date", "clock", "truth", "text"} or None
        What the cells are. A clock is a time of day or a duration as 14:35.
    decimal : {".", ","} or None
        Decimal mark of numbers.
    unit : str or None
        Unit or currency beside numbers; cells in another one are not read.
    order : {"dmy", "mdy"} or None
        Order of day and month in dates.
    missing : tuple of str
        Words that mean a missing cell, besides the usual ones.
    fold : bool
        Whether labels that differ only by blanks or case are one.
    """

    type: Literal["number", "date", "clock", "truth", "text"] | None = None
    decimal: Literal[".", ","] | None = None
    unit: str | None = None
    order: Literal["dmy", "mdy", "ymd"] | None = None
    missing: tuple[str, ...] = ()
    fold: bool = True


class Deploy(Frozen):
    """Limits of the model that may be deployed: only learners within all of them compete.

    Attributes
    ----------
    readable : bool
        The model can be written out so that people can follow it by hand.
    max_leaves : int or None
        Leaves of all its trees together; a readable tree is grown to at most so many.
    max_milliseconds : float or None
        Time for 1,000 rows in one call once their cells are read, by the learner's declared cost on the reference
        machine: no clock decides.
    max_megabytes : float or None
        Size of the model's data files, by the learner's declared size.
    """

    readable: bool = False
    max_leaves: int | None = Field(default=None, ge=2)
    max_milliseconds: float | None = Field(default=None, gt=0)
    max_megabytes: float | None = Field(default=None, gt=0)


class Privacy(Frozen):
    """What the owner declares about attackers on the synthetic rows, and the leak that is too much.

    Attributes
    ----------
    max_tpr : float or None
        Share of the learned rows that an attack may recognize while it takes 1 % of other rows for learned ones.
        A mix whose synthetic rows leak more does not ship; left out, a leak forbids sharing rows only.
    prior : float or None
        How probable an attacker holds it, before the attack, that a certain person is in the table, in (0, 1).
    harm : float or None
        What it costs a person to be recognized, in `currency`; needs `prior`.
    """

    max_tpr: float | None = Field(default=None, ge=0, lt=1)
    prior: float | None = Field(default=None, gt=0, lt=1)
    harm: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _harm_has_prior(self) -> Privacy:
        if self.harm is not None and self.prior is None:
            raise ValueError("harm needs `prior`, the chance that an attacker gives before the attack")
        return self


class FairnessLimits(Frozen):
    """How alike the groups of sensitive columns must be treated.

    Attributes
    ----------
    max_widening : float
        By how much a mix may widen the gap of two groups in any rate: a share of the rows, or of the target's
        standard deviation for regression, in [0, 1).
    """

    max_widening: float = Field(default=0.05, ge=0, lt=1)
