"""Evaluation of declared rules: which rows break which rule, and the values of derived columns.

An expression of a card is data, not code: it is parsed, never executed. It may hold column
names (`` `with spaces` `` in backticks), numbers, texts, ``True`` and ``False``, lists,
comparisons (also ``in`` and ``not in``), ``and or not & | ~`` and ``+ - * / // % **``. A
comparison with a missing cell is unknown, and an unknown condition neither triggers nor
breaks a rule, as in SQL's CHECK.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import ConditionRule, DerivedRule, DistributionRule, RangeRule, Rule

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
QUOTED_NAME = re.compile(r"`([^`]+)`")
# A derived number may differ from the computed one by this share: files hold rounded numbers.
RELATIVE_TOLERANCE = 1e-6
# Some twenty comparisons; thousands of nested ones would overflow the parser.
MAX_EXPRESSION_CHARACTERS = 2_000


def violations(frame: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Find the rows that break each rule.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Rows in the types of the file (`Schema.restore`).
    rules : sequence of Rule
        Distribution rules do not constrain single rows and have no column in the result.

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
        label: _breaks(frame, rule, label).to_numpy(dtype=bool)
        for label, rule in rule_labels(rules).items()
        if not isinstance(rule, DistributionRule)
    }
    return pd.DataFrame(data, index=frame.index, dtype=bool)


def apply_derived(frame: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Compute the derived columns, in the order of the rules.

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
    >>> apply_derived(pd.DataFrame({"a": [1], "b": [2], "total": [0]}), [rule])["total"].tolist()
    [3]
    """
    frame = frame.copy()
    for label, rule in rule_labels(rules).items():
        if isinstance(rule, DerivedRule):
            frame[rule.column] = _derived(frame, rule, label)
    return frame


def holds(frame: pd.DataFrame, expression: str, *, where: str = "rule") -> pd.Series:
    """Evaluate a condition on every row; unknown counts as False.

    Returns
    -------
    Series of bool of shape (n_rows,)
    """
    return _condition(frame, expression, where).fillna(False).astype(bool)


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
    violations(apply_derived(head, rules), rules)
    for label, rule in rule_labels(rules).items():
        if isinstance(rule, DistributionRule):
            _column(head, rule.column, label)
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
    return f"{rule.column} ~ {rule.distribution or 'values'}" + (f" where {rule.when}" if rule.when else "")


def _breaks(frame: pd.DataFrame, rule: Rule, label: str) -> pd.Series:
    if isinstance(rule, RangeRule):
        numbers = _numbers(_column(frame, rule.column, label), label)
        low = -np.inf if rule.minimum is None else rule.minimum
        high = np.inf if rule.maximum is None else rule.maximum
        return (numbers < low) | (numbers > high)
    if isinstance(rule, ConditionRule):
        triggered = holds(frame, rule.when, where=label)
        is_met = _condition(frame, rule.then, label).fillna(True).astype(bool)
        return triggered & ~is_met
    assert isinstance(rule, DerivedRule)
    return _differs(_column(frame, rule.column, label), _derived(frame, rule, label))


def _derived(frame: pd.DataFrame, rule: DerivedRule, label: str) -> pd.Series:
    column = _column(frame, rule.column, label)
    values = _evaluate(frame, rule.expression, label)
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


def _column(frame: pd.DataFrame, name: str, where: str) -> pd.Series:
    if name not in frame.columns:
        raise BadInput(
            f"{where}: there is no column '{name}'; the table has {', '.join(map(str, frame.columns))}. "
            "Correct the rule in the card."
        )
    return frame[name]


def _numbers(values: pd.Series, where: str) -> pd.Series:
    try:
        return values.astype("Float64").astype(float)
    except (TypeError, ValueError) as err:
        raise BadInput(
            f"{where}: column '{values.name}' holds text, but a range needs numbers. Correct the rule in the card."
        ) from err


def _condition(frame: pd.DataFrame, expression: str, where: str) -> pd.Series:
    """Evaluate a condition to True, False or unknown (missing)."""
    value = _evaluate(frame, expression, where)
    if isinstance(value, bool | np.bool_):
        value = pd.Series(bool(value), index=frame.index)
    if not isinstance(value, pd.Series) or not pd.api.types.is_bool_dtype(value):
        raise _illegal(expression, where, "it is not a condition")
    return value.astype("boolean")


def _evaluate(frame: pd.DataFrame, expression: str, where: str) -> Any:
    quoted: dict[str, str] = {}

    def placeholder(found: re.Match[str]) -> str:
        return quoted.setdefault(found[1], f"quoted_name_{len(quoted)}")

    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        raise _illegal(
            f"{expression[:20]} ...", where, f"it has more than {MAX_EXPRESSION_CHARACTERS:,} characters"
        )
    try:
        tree = ast.parse(QUOTED_NAME.sub(placeholder, expression).strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as err:
        raise _illegal(expression, where, "it cannot be parsed") from err
    names = {alias: name for name, alias in quoted.items()}
    try:
        return _Evaluator(frame, names, expression, where).visit(tree.body)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as err:
        raise _illegal(expression, where, "it mixes text and numbers") from err


class _Evaluator(ast.NodeVisitor):
    """Evaluator of the few kinds of nodes that are allowed; any other raises BadInput."""

    def __init__(self, frame: pd.DataFrame, names: dict[str, str], expression: str, where: str) -> None:
        self.frame = frame
        self.names = names
        self.expression = expression
        self.where = where

    def generic_visit(self, node: ast.AST) -> Any:
        raise _illegal(self.expression, self.where, f"{type(node).__name__} is not allowed")

    def visit_Name(self, node: ast.Name) -> pd.Series:
        values = _column(self.frame, self.names.get(node.id, node.id), self.where)
        # Types that know "unknown": a comparison with a missing cell must not be False.
        if pd.api.types.is_float_dtype(values):
            return values.astype("Float64")
        return values.astype("string") if _is_text(values) else values.convert_dtypes()

    def visit_Constant(self, node: ast.Constant) -> Any:
        if not isinstance(node.value, bool | int | float | str):
            return self.generic_visit(node)
        return node.value

    def visit_List(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self.visit(item) for item in node.elts]

    visit_Tuple = visit_List

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        combine = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        result = self.visit(node.values[0])
        for value in node.values[1:]:
            result = combine(result, self.visit(value))
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.visit(node.operand)
        if isinstance(node.op, ast.Not | ast.Invert):
            return not value if isinstance(value, bool) else ~value
        return -value if isinstance(node.op, ast.USub) else value

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            return left & right if isinstance(node.op, ast.BitAnd) else left | right
        if type(node.op) not in ARITHMETIC:
            return self.generic_visit(node.op)
        if not isinstance(node.op, ast.Add) and any(
            isinstance(s, pd.Series) and _is_text(s) for s in (left, right)
        ):
            raise TypeError("a text times a number repeats it")
        if not isinstance(left, pd.Series) and not isinstance(right, pd.Series):
            _check_small(left, right, node.op, self)
        return ARITHMETIC[type(node.op)](left, right)

    def visit_Compare(self, node: ast.Compare) -> Any:
        left, result = self.visit(node.left), None
        for comparison, operand in zip(node.ops, node.comparators, strict=True):
            right = self.visit(operand)
            one = self._compare(comparison, left, right)
            result = one if result is None else result & one
            left = right
        return result

    def _compare(self, comparison: ast.cmpop, left: Any, right: Any) -> Any:
        if isinstance(comparison, ast.In | ast.NotIn):
            if not isinstance(right, list) or not isinstance(left, pd.Series):
                raise _illegal(self.expression, self.where, "`in` needs a column and a list")
            # isin is False for a missing cell, which is unknown here.
            inside = left.isin(right).astype("boolean").mask(left.isna())
            return inside if isinstance(comparison, ast.In) else ~inside
        if type(comparison) not in COMPARISONS:
            return self.generic_visit(comparison)
        return COMPARISONS[type(comparison)](left, right)


def _check_small(left: Any, right: Any, op: ast.operator, evaluator: _Evaluator) -> None:
    """Reject constants that would compute for ever, such as 9 ** 9 ** 9."""
    is_number = all(isinstance(side, bool | int | float) for side in (left, right))
    if not is_number or (isinstance(op, ast.Pow) and (abs(left) > 1e6 or abs(right) > 20)):
        evaluator.generic_visit(op)


def _is_text(values: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(values) or (values.dtype == object and values.isna().all())


def _illegal(expression: str, where: str, why: str) -> BadInput:
    return BadInput(
        f'{where}: the expression "{expression}" cannot be used: {why}. Allowed are columns, numbers, '
        "texts, lists, comparisons, and/or/not and arithmetic; correct the rule in the card."
    )
