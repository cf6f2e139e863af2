"""Evaluation of declared rules: which rows break which rule, and the values of derived columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.rule_expressions import column_of, condition, equated, evaluate
from realmix.tasks.core.table.rule_kinds import (
    ConditionRule,
    DerivedRule,
    DeterminesRule,
    DistributionRule,
    MonotoneRule,
    OrderRule,
    PatternRule,
    RangeRule,
    Rule,
    UniqueRule,
    columns_of,
)
from realmix.tasks.core.table.rules_over_rows import (
    determined,
    mapped_otherwise,
    out_of_line,
    out_of_order,
    repeated,
    unmatched,
)

# A derived number may differ from the computed one by this share: files hold rounded numbers.
RELATIVE_TOLERANCE = 1e-6


def violations(
    frame: pd.DataFrame, rules: Sequence[Rule], *, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Find the rows that break each rule.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Rows in the types of the file (`Schema.restore`).
    rules : sequence of Rule
        Distribution rules do not constrain single rows and have no column in the result.
    known : DataFrame of shape (n_known, n_columns), optional
        Rows that keep the rules already, for rules over several rows: what contradicts them is broken, and of
        the others the fewest.

    Returns
    -------
    DataFrame of bool of shape (n_rows, n_row_rules)
        Column names are the labels of :func:`rule_labels`; missing cells break no rule.

    Raises
    ------
    BadInput
        If a rule names an unknown column or an expression is not allowed.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [12, 40], "licence": ["yes", "yes"]})
    >>> rule = ConditionRule(kind="dependency", when="age < 18", then="licence == 'no'")
    >>> violations(frame, [rule]).iloc[:, 0].tolist()
    [True, False]
    """
    data = {
        label: _breaks(frame, rule, label, known)
        for label, rule in rule_labels(rules).items()
        if not isinstance(rule, DistributionRule)
    }
    return pd.DataFrame(data, index=frame.index, dtype=bool)


def repair_rows(
    frame: pd.DataFrame, rules: Sequence[Rule], *, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Set the cells whose value a rule defines, in the order of the rules.

    These are derived columns, columns that others determine, and what a dependency says a column equals.

    Parameters
    ----------
    frame, known : DataFrame
        As :func:`violations` takes them; what `known` rows say determines columns.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)
        A copy; where an operand is missing the derived cell is missing.

    Raises
    ------
    BadInput
        As :func:`violations`.

    Examples
    --------
    >>> rule = DerivedRule(kind="derived", column="total", expression="a + b")
    >>> repair_rows(pd.DataFrame({"a": [1], "b": [2], "total": [0]}), [rule])["total"].tolist()
    [3]
    >>> rule = ConditionRule(kind="dependency", when="age < 18", then="income == 0")
    >>> repair_rows(pd.DataFrame({"age": [12, 40], "income": [9, 9]}), [rule])["income"].tolist()
    [0, 9]
    """
    frame = frame.copy()
    for label, rule in rule_labels(rules).items():
        if isinstance(rule, DerivedRule):
            frame[rule.column] = _derived(frame, rule, label)
        elif isinstance(rule, DeterminesRule):
            for name in columns_of(rule):
                column_of(frame, name, label)
            frame[rule.column] = determined(frame, rule, known)
        elif isinstance(rule, ConditionRule):
            triggered = holds(frame, rule.when, where=label)
            for name, expression in equated(rule.then):
                value = _derived(
                    frame, DerivedRule(kind="derived", column=name, expression=expression), label
                )
                # A number cannot be set to a text: rows that break such a rule are for the caller to drop.
                if pd.api.types.is_numeric_dtype(value) or not pd.api.types.is_numeric_dtype(frame[name]):
                    frame[name] = frame[name].mask(triggered, value)
    return frame


def repaired_columns(rules: Sequence[Rule]) -> list[str]:
    """List the columns in which :func:`repair_rows` may set a cell, each once."""
    found: list[str] = []
    for rule in rules:
        if isinstance(rule, DerivedRule | DeterminesRule):
            found.append(rule.column)
        elif isinstance(rule, ConditionRule):
            found += [name for name, _ in equated(rule.then)]
    return list(dict.fromkeys(found))


def holds(frame: pd.DataFrame, expression: str, *, where: str = "rule") -> pd.Series:
    """Evaluate a condition on every row; unknown counts as False.

    Returns
    -------
    Series of bool of shape (n_rows,)
    """
    return condition(frame, expression, where).fillna(False).astype(bool)


def rule_labels(rules: Sequence[Rule]) -> dict[str, Rule]:
    """Label every rule by its position in the card and its content."""
    return {f"rule {place}: {_description(rule)}": rule for place, rule in enumerate(rules, start=1)}


def check_rules(rules: Sequence[Rule], frame: pd.DataFrame) -> None:
    """Raise for the first rule that cannot be evaluated on a table with these columns.

    Raises
    ------
    BadInput
        As :func:`violations`.
    """
    if not rules:
        return
    # Present values of each column, so that gaps in the first rows hide no type.
    head = pd.DataFrame(
        {name: frame[name].dropna().iloc[:5].reset_index(drop=True) for name in frame.columns}
    )
    violations(repair_rows(head, rules), rules)
    for label, rule in rule_labels(rules).items():
        if isinstance(rule, DistributionRule):
            column_of(head, rule.column, label)
            if rule.when is not None:
                holds(head, rule.when, where=label)


def _description(rule: Rule) -> str:
    if isinstance(rule, RangeRule):
        low = "" if rule.minimum is None else f"{rule.minimum:g} <= "
        high = "" if rule.maximum is None else f" <= {rule.maximum:g}"
        return f"{low}{rule.column}{high}"
    if isinstance(rule, ConditionRule):
        return f"{rule.when} -> {rule.then}"
    if isinstance(rule, DerivedRule):
        return f"{rule.column} = {rule.expression}"
    if isinstance(rule, OrderRule):
        return (" < " if rule.strict else " <= ").join(rule.columns)
    if isinstance(rule, PatternRule):
        return f"{rule.column} matches {rule.pattern}"
    if isinstance(rule, DeterminesRule):
        return f"{', '.join(rule.columns)} determines {rule.column}"
    if isinstance(rule, UniqueRule):
        return f"{', '.join(rule.columns)} unique"
    if isinstance(rule, MonotoneRule):
        within = f" within {', '.join(rule.within)}" if rule.within else ""
        return f"{rule.column} {rule.direction} along {rule.along}{within}"
    return f"{rule.column} ~ {rule.distribution or 'values'}" + (f" where {rule.when}" if rule.when else "")


def _breaks(frame: pd.DataFrame, rule: Rule, label: str, known: pd.DataFrame | None) -> np.ndarray:
    for name in columns_of(rule):
        column_of(frame, name, label)
    if isinstance(rule, OrderRule):
        return out_of_order(frame, rule, label)
    if isinstance(rule, PatternRule):
        return unmatched(frame, rule, label)
    if isinstance(rule, DeterminesRule):
        return mapped_otherwise(frame, rule, known)
    if isinstance(rule, UniqueRule):
        return repeated(frame, rule, known)
    if isinstance(rule, MonotoneRule):
        return out_of_line(frame, rule, known, label)
    return _breaks_by_itself(frame, rule, label).to_numpy(dtype=bool)


def _breaks_by_itself(frame: pd.DataFrame, rule: Rule, label: str) -> pd.Series:
    if isinstance(rule, RangeRule):
        numbers = _numbers(column_of(frame, rule.column, label), label)
        low = -np.inf if rule.minimum is None else rule.minimum
        high = np.inf if rule.maximum is None else rule.maximum
        return (numbers < low) | (numbers > high)
    if isinstance(rule, ConditionRule):
        triggered = holds(frame, rule.when, where=label)
        is_met = condition(frame, rule.then, label).fillna(True).astype(bool)
        return triggered & ~is_met
    assert isinstance(rule, DerivedRule)
    return _differs(column_of(frame, rule.column, label), _derived(frame, rule, label))


def _derived(frame: pd.DataFrame, rule: DerivedRule, label: str) -> pd.Series:
    column = column_of(frame, rule.column, label)
    values = evaluate(frame, rule.expression, label)
    if not isinstance(values, pd.Series):
        values = pd.Series([values] * len(frame), index=frame.index)
    if pd.api.types.is_integer_dtype(column) and pd.api.types.is_numeric_dtype(values):
        values = values.astype("Float64").round()
        values = values.mask(values.isin([np.inf, -np.inf]))
        return values.astype("Int64") if values.isna().any() else values.astype(column.dtype)
    return values.astype(object).where(values.notna(), None) if column.dtype == object else values


def _differs(actual: pd.Series, computed: pd.Series) -> pd.Series:
    known = actual.notna() & computed.notna()
    if pd.api.types.is_numeric_dtype(actual) and pd.api.types.is_numeric_dtype(computed):
        a, b = actual.astype("Float64").astype(float), computed.astype("Float64").astype(float)
        return known & ((a - b).abs() > RELATIVE_TOLERANCE * b.abs().clip(lower=1.0))
    return known & (actual.astype(str) != computed.astype(str))


def _numbers(values: pd.Series, where: str) -> pd.Series:
    try:
        return values.astype("Float64").astype(float)
    except (TypeError, ValueError) as err:
        raise BadInput(
            f"{where}: column '{values.name}' holds text, but a range needs numbers. Correct the rule in the card."
        ) from err
