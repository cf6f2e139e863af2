"""Data card: what a user declares about a table."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from yaml.constructor import ConstructorError

from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.table.columns import Kind, Role
from realmix.tasks.core.table.frozen import Frozen
from realmix.tasks.core.table.rule_kinds import Rule
from realmix.tasks.core.table.schema import Direction, Task
from realmix.tasks.core.table.sharing import DifferentialPrivacy, Sharing

Device = Literal["cpu", "cuda"]
# What may be done with the rows: make synthetic ones for a model of one's own, or give synthetic ones away.
Use = Literal["synthesize", "share"]
# A hundred characters for each of as many columns as a table may have, and rules beside.
MAX_CARD_CHARACTERS = 1_000_000
MAX_CARD_DEPTH = 10
MAX_SHOWN = 80


class Provenance(Frozen):
    """Owner of the data, and the terms of its use; :mod:`realmix.tasks.core.provenance.permission` reads them.

    Attributes
    ----------
    owner, licence, consent_basis, purpose, contact : str or None
        In words. The licence "none", and the consent basis "none", "refused" or "withdrawn", forbid every use.
    consent_documents : str or None
        Where the consent is documented; not the documents themselves.
    retention : str or None
        In words, or the last day of use as a date, 2027-12-31.
    permits : tuple of {"synthesize", "share"} or None
        Uses that the owner permits; None leaves it to the other fields.
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
        What a batch does to the existing rows: adds to them, adds and corrects by `key`, or
        replaces them.
    max_replaced : float
        Share of the table's rows that one batch of `upsert` may change; a batch that would change more is refused.
    cursor : str or None
        Of ``sql:TABLE``: the strictly increasing column that marks new rows.
    lag_seconds : float
        Of ``sql:TABLE``: rows are read this long after they were first seen, because a
        transaction that began earlier may commit later.
    schedule : str or None
        Cron expression (UTC) of full checks; None if only arrivals trigger a check.
    poll_seconds : float
        Interval between polls of `landing`, at least 5.
    budget_seconds : float
        Of a full study, at least 30.
    device : {"cpu", "cuda"}
        Of its studies; see :class:`StudyRequest`.
    refit_growth : float
        Growth of the table since the last study, as a share, that starts a new one.
    max_age_days : float
        Age of the last study that starts a new one even without drift.
    promotion : {"auto", "approve", "never"}
        Whether a challenger that passed replaces the champion automatically, waits for
        ``realmix promote``, or never does.
    tolerance : float
        Loss of quality, relative to the champion's score, that still counts as "not worse", in (0, 1).
    max_slowdown : float
        Largest serving time of a challenger, relative to the champion's.
    notify : tuple of str
        Names of environment variables that hold webhook or apprise URLs.
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
        A clock is a time of day or a duration as 14:35.
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
        For 1,000 rows in one call once their cells are read, by the learner's declared cost on the reference
        machine: no clock decides.
    max_megabytes : float or None
        Of the model's data files, by the learner's declared size.
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
        A mix whose synthetic rows leak more does not ship; None lets a leak forbid sharing rows only.
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


class DataCard(Frozen):
    """Declarations of a table's owner; only the target cannot be inferred.

    Attributes
    ----------
    source : str or None
        Path, URL, ``sql:...`` or ``bundled:...``; None when the caller names the table.
    target : str
    task, positive : optional
    columns : mapping of column to kind
        For example ``{"zip": "categorical", "note": "text"}``.
    reading : mapping of column to Reading
        How text is read, for example ``{"visit": {"order": "dmy"}, "income": {"missing": ["refused"]}}``.
    key, time, group, weight : str or None
        Columns in these roles.
    ignore : tuple of str
        Columns left out of the study.
    sensitive : tuple of str
        Columns on which the mix must not be worse for any group; their values are never shown or logged.
    slices : tuple of str
        Further such columns, whose values are shown in results.
    fairness : FairnessLimits
        Of the gaps between groups of `sensitive` columns.
    rules : tuple of Rule
        Generate and constrain rule-based rows, and check every synthetic table.
    metric : str or None
        Name of the metric that decides studies of the table; a request may name another.
    teachers : tuple of str
        Pretrained models that label rows in studies of the table, beside the usual members of the teacher; a request
        may name others.
    costs : mapping of true class to mapping of decided class to cost
        What a decision costs: a number, or the name of a column with the amount of each row, for example
        ``{"fraud": {"ok": "amount"}, "ok": {"fraud": 5}}``. Right decisions that are left out cost nothing.
    alert_rate : float or None
        Share of the rows that people can look at, in (0, 1).
    simulate : str or None
        ``module:function`` with the signature ``simulate(n_rows, reference, random_state)``.
    allow_leaks : tuple of str
        Features to use although they determine the target, or name an entity or a time that folds at random
        mix: known, and meant so.
    monotone : mapping of feature to {"increasing", "decreasing"}
        How predictions must change where the feature rises, for example ``{"income": "increasing"}``; of two
        classes, the positive one's probability. Learners that cannot promise it do not compete.
    deploy : Deploy
    privacy : Privacy
    dp : DifferentialPrivacy or None
        Of the synthesizer `dp`.
    sharing : Sharing
        What ``realmix release`` must not show.
    provenance : Provenance
    plugins : tuple of str
        Plug-ins from outside this package, ``module:SPEC``; a study of the table imports them.
    """

    source: str | None = None
    target: str
    task: Task | None = None
    positive: str | None = None
    columns: dict[str, Kind] = Field(default_factory=dict)
    reading: dict[str, Reading] = Field(default_factory=dict)
    key: str | None = None
    time: str | None = None
    group: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    fairness: FairnessLimits = FairnessLimits()
    rules: tuple[Rule, ...] = ()
    metric: str | None = None
    teachers: tuple[str, ...] = ()
    costs: dict[str, dict[str, float | str]] = Field(default_factory=dict)
    alert_rate: float | None = Field(default=None, gt=0, lt=1)
    simulate: str | None = None
    allow_leaks: tuple[str, ...] = ()
    monotone: dict[str, Direction] = Field(default_factory=dict)
    deploy: Deploy = Deploy()
    privacy: Privacy = Privacy()
    dp: DifferentialPrivacy | None = None
    sharing: Sharing = Sharing()
    provenance: Provenance = Provenance()
    price_per_row: float | None = Field(default=None, gt=0)
    currency: str = "EUR"
    days_per_row: float | None = Field(default=None, gt=0)
    plugins: tuple[Annotated[str, Field(pattern=r"^[\w.]+:\w+$")], ...] = ()
    operation: Operation = Operation()

    @model_validator(mode="after")
    def _upsert_has_key(self) -> DataCard:
        if self.operation.arrival == "upsert" and not self.key:
            raise ValueError("arrival: upsert needs `key`, the column that identifies a row permanently")
        return self

    @field_validator("positive", mode="before")
    @classmethod
    def _as_label(cls, value: Any) -> Any:
        """Accept a label written as a number or a truth value."""
        return str(value) if isinstance(value, (bool, int)) else value

    @field_validator("costs", mode="before")
    @classmethod
    def _as_labels(cls, costs: Any) -> Any:
        """Accept labels written as numbers or truth values; costs are numbers of at least 0, or columns."""
        if not isinstance(costs, dict) or not all(isinstance(decided, dict) for decided in costs.values()):
            raise ValueError("expected costs as {true class: {decided class: cost}}")
        for cost in (cost for decided in costs.values() for cost in decided.values()):
            if isinstance(cost, bool) or not isinstance(cost, (int, float, str)):
                raise ValueError("a cost is a number, or the name of a column of amounts")
            if not isinstance(cost, str) and not 0 <= cost < float("inf"):
                raise ValueError("a cost is a finite number of at least 0")
        return {
            str(true): {str(label): cost for label, cost in decided.items()}
            for true, decided in costs.items()
        }

    @property
    def cost_columns(self) -> tuple[str, ...]:
        """Columns that hold the amounts of `costs`, each once."""
        found = (cost for decided in self.costs.values() for cost in decided.values())
        return tuple(dict.fromkeys(cost for cost in found if isinstance(cost, str)))

    @property
    def studied(self) -> dict[str, Any]:
        """The fields that affect a study, as strict JSON: all but `operation`, and none that is newer and empty."""
        # A card that declares nothing new has the digest that it had before.
        newer: dict[str, Any] = {
            "plugins": (),
            "reading": {},
            "metric": None,
            "teachers": (),
            "costs": {},
            "alert_rate": None,
            "monotone": {},
            "deploy": Deploy(),
            "privacy": Privacy(),
            "fairness": FairnessLimits(),
            "dp": None,
            "sharing": Sharing(),
        }
        without = {"operation", *(field for field, empty in newer.items() if getattr(self, field) == empty)}
        studied = self.model_dump(mode="json", exclude=without)
        terms = ("consent_documents", "retention", "permits")
        newer_terms = {field for field in terms if getattr(self.provenance, field) is None}
        return studied | {"provenance": self.provenance.model_dump(mode="json", exclude=newer_terms)}

    @property
    def protected(self) -> tuple[str, ...]:
        """Columns on which the mix must not be worse for any group, each once."""
        return tuple(dict.fromkeys((*self.sensitive, *self.slices)))

    @property
    def forms(self) -> dict[str, dict[str, Any]]:
        """How columns are read, as a model's spec holds it."""
        return {name: form.model_dump(mode="json", exclude_none=True) for name, form in self.reading.items()}

    @property
    def roles(self) -> dict[str, Role]:
        """Column roles other than feature."""
        named: dict[str, Role] = dict.fromkeys(self.ignore, "ignored")
        declared: list[tuple[str | None, Role]] = [
            (self.key, "key"), (self.time, "time"), (self.group, "group"), (self.weight, "weight")
        ]  # fmt: skip
        return named | {name: role for name, role in declared if name}


class _CardLoader(yaml.SafeLoader):
    """Safe YAML in which yes, no, on and off are words, as in YAML 1.2: they are class labels; no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a mapping; of a key that stands twice, YAML would silently take the last one."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            raise ConstructorError(None, None, "a key stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


_CardLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_CardLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))


def read_card(path: Path) -> DataCard:
    """Read a data card from YAML.

    Raises
    ------
    BadInput
        If the file is missing, not a YAML mapping, or has an unknown key or a bad value.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_CARD_CHARACTERS + 1)
        _check_bounded(text, path)
        data = yaml.load(text, Loader=_CardLoader)
    except OSError as err:
        raise BadInput(f"Cannot read the card {path}: {err.strerror}. Check --card.") from err
    except (yaml.YAMLError, ValueError) as err:
        where = str(getattr(err, "problem_mark", "") or "").strip()
        why = getattr(err, "problem", None) or "it holds what is no text, number or date"
        raise BadInput(f"The card {path} is not valid YAML {where}: {why}. Correct it there.") from err
    if not isinstance(data, dict):
        raise BadInput(f"The card {path} has no `key: value` pairs; expected at least `target:`.")
    return parse_card(data, where=f"card {path}")


def _check_bounded(text: str, path: Path) -> None:
    """Refuse a card that would take the memory of this machine (its size, depth or aliases), and tags, which name code."""
    if len(text) > MAX_CARD_CHARACTERS:
        raise BadInput(
            f"The card {path} has more than {MAX_CARD_CHARACTERS:,} characters; expected a few lines for each "
            "column. Check that it is the card, not the table."
        )
    depth = 0
    for event in yaml.parse(text, Loader=_CardLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        what = (
            "an alias (*name)" if isinstance(event, yaml.AliasEvent)
            else "a tag (!name)" if getattr(event, "tag", None)
            else f"more than {MAX_CARD_DEPTH} levels" if depth > MAX_CARD_DEPTH
            else None
        )  # fmt: skip
        if what:
            raise BadInput(
                f"The card {path} has {what} in {str(event.start_mark).strip()}; expected plain `key: value` "
                "pairs. Write the values out."
            )


def parse_card(data: dict[str, Any], *, where: str = "card") -> DataCard:
    """Validate plain values as a data card; see :func:`read_card`."""
    return parse_values(DataCard, data, where)


M = TypeVar("M", bound=Frozen)


def parse_values(model: type[M], data: dict[str, Any], where: str) -> M:
    """Validate plain values as a model.

    Raises
    ------
    BadInput
        For the first unknown key or bad value, named by `where` and its field.
    """
    if odd := [key for key in data if not isinstance(key, str)]:
        raise BadInput(
            f"{where}: the key {str(odd[0])[:MAX_SHOWN]} is no word. Write it in quotes, or remove it."
        )
    try:
        return model(**data)
    except ValidationError as err:
        first = err.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            raise BadInput(f"{where}: {unknown_name('key', field, model.model_fields)}") from err
        got = f" (got {repr(first['input'])[:MAX_SHOWN]})" if not isinstance(first["input"], dict) else ""
        raise BadInput(f"{where}: `{field}`: {first['msg']}{got}. Correct this line.") from err
