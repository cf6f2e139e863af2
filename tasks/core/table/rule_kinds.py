"""Rules of a card: what every row, or all rows together, must fulfil."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from realmix.tasks.core.table.frozen import Frozen

Columns = Annotated[tuple[str, ...], Field(min_length=1)]
# A pattern is compiled for every check.
MAX_PATTERN_CHARACTERS = 500


class RangeRule(Frozen):
    """Rule that the values of `column` lie in [minimum, maximum].

    Attributes
    ----------
    kind : {"range"}
    column : str
        A column of numbers.
    minimum, maximum : float or None
        Smallest and largest value that is allowed; either may be left out.
    """

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
    """Rule that `then` holds where `when` holds.

    Attributes
    ----------
    kind : {"dependency"}
    when : str
        Condition, an expression such as ``"age < 18"``.
    then : str
        What holds there, an expression such as ``"income == 0"``.
    """

    kind: Literal["dependency"]
    when: str
    then: str


class DistributionRule(Frozen):
    """Rule that `column` follows a distribution where `when` holds. It makes rows and constrains no single one.

    Attributes
    ----------
    kind : {"distribution"}
    column : str
        The column that is drawn.
    when : str or None
        Condition, an expression; everywhere without it.
    values : mapping of level to probability, or None
        For a category.
    distribution : str or None
        For a number, with `parameters`: normal (mean, std), uniform (low, high), lognormal (mean, sigma), poisson
        (lam) or exponential (scale).
    parameters : mapping of str to float
        Of `distribution`, by the names above.
    """

    kind: Literal["distribution"]
    column: str
    when: str | None = None
    values: dict[str, float] | None = None
    distribution: Literal["normal", "uniform", "lognormal", "poisson", "exponential"] | None = None
    parameters: dict[str, float] = Field(default_factory=dict)


class DerivedRule(Frozen):
    """Rule that `column` is computed from others.

    Attributes
    ----------
    kind : {"derived"}
    column : str
        The column that is computed.
    expression : str
        How, for example ``"a + b"``; sums are written so.
    """

    kind: Literal["derived"]
    column: str
    expression: str


class OrderRule(Frozen):
    """Rule that numbers or dates do not fall from one column to the next.

    Attributes
    ----------
    kind : {"order"}
    columns : tuple of str
        From the smallest to the largest, for example ``["start", "end"]``.
    strict : bool
        Whether they must rise: equal values break the rule, too.
    """

    kind: Literal["order"]
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    strict: bool = False


class PatternRule(Frozen):
    """Rule that the text of `column` matches a regular expression as a whole.

    Attributes
    ----------
    kind : {"pattern"}
    column : str
        A column of text or categories.
    pattern : str
        In the syntax of RE2, which has no look-around, for example ``"[0-9]{5}"``.
    """

    kind: Literal["pattern"]
    column: str
    pattern: Annotated[str, Field(max_length=MAX_PATTERN_CHARACTERS)]


class DeterminesRule(Frozen):
    """Rule that rows equal in `columns` are equal in `column`: a postcode determines its city.

    Attributes
    ----------
    kind : {"determines"}
    columns : tuple of str
        The columns that determine.
    column : str
        The column that is determined; rows that differ from the most are the broken ones.
    """

    kind: Literal["determines"]
    columns: Columns
    column: str

    @model_validator(mode="after")
    def _is_another_column(self) -> DeterminesRule:
        if self.column in self.columns:
            raise ValueError(f"'{self.column}' stands on both sides")
        return self


class UniqueRule(Frozen):
    """Rule that no two rows are equal in `columns`.

    Attributes
    ----------
    kind : {"unique"}
    columns : tuple of str
        Together they name a row; of equal rows the first one stays.
    """

    kind: Literal["unique"]
    columns: Columns


class MonotoneRule(Frozen):
    """Rule that `column` never falls, or never rises, as the numbers or dates of `along` rise.

    Attributes
    ----------
    kind : {"monotone"}
    column : str
        A column of numbers or dates; the fewest rows without which the rule holds are the broken ones.
    along : str
        The column along which it is looked at, such as a date.
    within : tuple of str
        Only rows equal in these columns are compared, such as those of one meter.
    direction : {"increasing", "decreasing"}
        The one in which it may change.
    """

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
