"""Rules of a card: what every row, or all rows together, must fulfil."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from realmix.tasks.core.table.frozen import Frozen

Columns = Annotated[tuple[str, ...], Field(min_length=1)]
# A pattern is compiled for every check.
MAX_PATTERN_CHARACTERS = 500


class RangeRule(Frozen):
    """Rule that the values of `column` lie in [minimum, maximum]."""

    kind: Literal["range"]
    column: str
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _is_ordered(self) -> RangeRule:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"the minimum {self.minimum:g} is above the maximum {self.maximum:g}")
        return self


class ConditionRule(Frozen):
    """Rule that `then` holds where `when` holds: expressions such as ``"age < 18"``."""

    kind: Literal["dependency"]
    when: str
    then: str


class DistributionRule(Frozen):
    """Rule that `column` follows a distribution where `when` holds (everywhere if None).

    `values` maps category levels to probabilities; numbers take `distribution` with
    `parameters`: normal (mean, std), uniform (low, high), lognormal (mean, sigma),
    poisson (lam), exponential (scale).
    """

    kind: Literal["distribution"]
    column: str
    when: str | None = None
    values: dict[str, float] | None = None
    distribution: Literal["normal", "uniform", "lognormal", "poisson", "exponential"] | None = None
    parameters: dict[str, float] = Field(default_factory=dict)


class DerivedRule(Frozen):
    """Rule that `column` is computed from others, as in ``expression: "a + b"``: sums are derived columns."""

    kind: Literal["derived"]
    column: str
    expression: str


class OrderRule(Frozen):
    """Rule that numbers or dates do not fall from one of `columns` to the next, or rise if `strict`."""

    kind: Literal["order"]
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    strict: bool = False


class PatternRule(Frozen):
    """Rule that the text of `column` matches a regular expression (RE2) as a whole, as in ``"[0-9]{5}"``."""

    kind: Literal["pattern"]
    column: str
    pattern: Annotated[str, Field(max_length=MAX_PATTERN_CHARACTERS)]


class DeterminesRule(Frozen):
    """Rule that rows equal in `columns` are equal in `column`: a postcode determines its city."""

    kind: Literal["determines"]
    columns: Columns
    column: str

    @model_validator(mode="after")
    def _is_another_column(self) -> DeterminesRule:
        if self.column in self.columns:
            raise ValueError(f"'{self.column}' stands on both sides")
        return self


class UniqueRule(Frozen):
    """Rule that no two rows are equal in `columns`."""

    kind: Literal["unique"]
    columns: Columns


class MonotoneRule(Frozen):
    """Rule that `column` never falls (or rises) as the numbers or dates of `along` rise, within rows equal in `within`."""

    kind: Literal["monotone"]
    column: str
    along: str
    within: tuple[str, ...] = ()
    direction: Literal["increasing", "decreasing"] = "increasing"


Rule = Annotated[
    RangeRule
    | ConditionRule
    | DistributionRule
    | DerivedRule
    | OrderRule
    | PatternRule
    | DeterminesRule
    | UniqueRule
    | MonotoneRule,
    Field(discriminator="kind"),
]


def columns_of(rule: Rule) -> tuple[str, ...]:
    """List the columns that a rule names outright; expressions are not searched.

    Examples
    --------
    >>> columns_of(DeterminesRule(kind="determines", columns=("zip",), column="city"))
    ('zip', 'city')
    """
    if isinstance(rule, ConditionRule):
        return ()
    if isinstance(rule, OrderRule | UniqueRule):
        return rule.columns
    if isinstance(rule, DeterminesRule):
        return (*rule.columns, rule.column)
    if isinstance(rule, MonotoneRule):
        return (*rule.within, rule.along, rule.column)
    return (rule.column,)
