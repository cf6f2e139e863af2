"""Data card: what a user declares about a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from yaml.constructor import ConstructorError

from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.table.card_parts import (
    Deploy,
    FairnessLimits,
    Operation,
    Privacy,
    Provenance,
    Reading,
)
from realmix.tasks.core.table.columns import Kind, Role
from realmix.tasks.core.table.frozen import Frozen
from realmix.tasks.core.table.rule_kinds import Rule
from realmix.tasks.core.table.schema import Direction, Task
from realmix.tasks.core.table.sharing import DifferentialPrivacy, Sharing

# A hundred characters for each of as many columns as a table may have, and rules beside.
MAX_CARD_CHARACTERS = 1_000_000
MAX_CARD_DEPTH = 10
MAX_SHOWN = 80


class DataCard(Frozen):
    """Declarations of a table's owner; only the target cannot be inferred.

    Attributes
    ----------
    source : str or None
        Where the rows come from: a path, a URL, ``sql:…``, ``package:…`` or ``bundled:…``; a table that the
        command line or another caller names wins.
    target : str
        The column to predict.
    task : {"binary", "multiclass", "regression"} or None
        Kind of prediction; inferred from the target's values if left out.
    positive : str or None
        Of a target with two classes: the class whose probability is asked for; inferred if left out.
    columns : mapping of column to kind
        What columns mean: ``numeric``, ``categorical`` and ``datetime`` are features; ``identifier``, ``text``,
        ``constant`` and ``empty`` are set apart. Inferred for columns that are not named.
    reading : mapping of column to Reading
        How text is read, for example ``{"visit": {"order": "dmy"}, "income": {"missing": ["refused"]}}``.
    key : str or None
        Column that names a row for good: it stays on its side of the holdout when the table grows.
    time : str or None
        Column of time: the folds go forward along it, and the holdout is the latest rows.
    group : str or None
        Column that says which rows belong together (a patient, a customer): they are never split.
    weight : str or None
        Column that says how many rows of the population a row stands for: in fits, scores, bootstraps and class
        quotas. A generator, which takes none, learns from rows drawn as often as they weigh within their class.
    ignore : tuple of str
        Columns left out of the study, for example those known only after the outcome.
    sensitive : tuple of str
        Columns on which the mix must not be worse for any group; their values are never shown or logged.
    slices : tuple of str
        Further such columns, whose values are shown in results.
    fairness : FairnessLimits
        How alike the groups of `sensitive` columns must be treated.
    rules : tuple of Rule
        What every row must fulfil: rules generate and constrain synthetic rows, and check every synthetic table.
    metric : str or None
        Name of the metric that decides studies of the table; log-loss or RMSE if left out. ``--metric`` wins.
    teachers : tuple of str
        Pretrained models that label rows in studies of the table, beside the usual members of the teacher;
        ``--teachers`` wins.
    costs : mapping of true class to mapping of decided class to cost
        What a decision costs: a number, or the name of a column with the amount of each row, for example
        ``{"fraud": {"ok": "amount"}, "ok": {"fraud": 5}}``. Right decisions that are left out cost nothing.
    alert_rate : float or None
        Share of the rows that people can look at, for the metric ``recall_at_alert_rate``.
    simulate : str or None
        ``module:function`` of your own simulation, called as ``simulate(n_rows, reference, random_state)``.
    allow_leaks : tuple of str
        Features to use although they determine the target, or name an entity or a time that folds at random
        mix: known, and meant so.
    monotone : mapping of feature to {"increasing", "decreasing"}
        How predictions must change where the feature rises and all others stay, for example
        ``{"income": "increasing"}``; of two classes, the positive one's probability. Missing cells are bound by no
        direction. Learners that cannot promise it do not compete.
    deploy : Deploy
        Limits of the model that may be deployed.
    privacy : Privacy
        The leak of synthetic rows that is too much, and what attackers know and do.
    dp : DifferentialPrivacy or None
        Budget, and what everybody may know of each column, for the synthesizer ``dp``.
    sharing : Sharing
        What ``realmix release`` must not show.
    provenance : Provenance
        Owner of the data, and the terms of its use.
    price_per_row : float or None
        What one more collected row costs: rows saved and rows to collect are also shown as money.
    currency : str
        Of `price_per_row`.
    days_per_row : float or None
        Days that one more row takes: rows saved and rows to collect are also shown as days.
    plugins : tuple of str
        Plug-ins from outside this package, ``module:SPEC``: installed, or in the folder where ``realmix`` is started
        (of a registered table: where ``realmix up`` is). Importing a plug-in runs its code: name only modules you
        trust. Of a folder from elsewhere it runs only with ``--trust-card``.
    operation : Operation
        How a registered table is looked after.
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
