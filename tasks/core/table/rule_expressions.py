"""Expressions of a card's rules, evaluated on the columns of a table.

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
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import BadInput

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
# Some twenty comparisons; thousands of nested ones would overflow the parser.
MAX_EXPRESSION_CHARACTERS = 2_000


def condition(frame: pd.DataFrame, expression: str, where: str) -> pd.Series:
    """Evaluate a condition to True, False or unknown (missing)."""
    value = evaluate(frame, expression, where)
    if isinstance(value, bool | np.bool_):
        value = pd.Series(bool(value), index=frame.index)
    if not isinstance(value, pd.Series) or not pd.api.types.is_bool_dtype(value):
        raise _illegal(expression, where, "it is not a condition")
    return value.astype("boolean")


def evaluate(frame: pd.DataFrame, expression: str, where: str) -> Any:
    """Evaluate an expression to a Series, or a constant.

    Raises
    ------
    BadInput
        If it cannot be parsed, holds what is not allowed, or names an unknown column; `where` names the rule.
    """
    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        raise _illegal(
            f"{expression[:20]} ...", where, f"it has more than {MAX_EXPRESSION_CHARACTERS:,} characters"
        )
    try:
        tree = ast.parse(_without_quotes(expression), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as err:
        raise _illegal(expression, where, "it cannot be parsed") from err
    names = {alias: name for name, alias in _aliases(expression).items()}
    try:
        return _Evaluator(frame, names, expression, where).visit(tree.body)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as err:
        raise _illegal(expression, where, "it mixes text and numbers") from err


def _aliases(expression: str) -> dict[str, str]:
    """Return a plain name for each name in backticks."""
    return {name: f"quoted_name_{i}" for i, name in enumerate(dict.fromkeys(QUOTED_NAME.findall(expression)))}


def _without_quotes(expression: str) -> str:
    """Replace names in backticks by plain ones."""
    aliases = _aliases(expression)
    return QUOTED_NAME.sub(lambda found: aliases[found[1]], expression).strip()


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
        values = column_of(self.frame, self.names.get(node.id, node.id), self.where)
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


def equated(then: str) -> list[tuple[str, str]]:
    """List the columns that a condition sets equal to a constant or a column, with that one as an expression.

    Nothing where any part of the condition does more than that.
    """
    quoted = {alias: name for name, alias in _aliases(then).items()}
    try:
        tree = ast.parse(_without_quotes(then), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    is_all = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)
    parts = tree.values if is_all and isinstance(tree, ast.BoolOp) else [tree]
    found = []
    for part in parts:
        if not isinstance(part, ast.Compare) or not isinstance(part.left, ast.Name):
            return []
        value = part.comparators[0]
        if len(part.ops) > 1 or not isinstance(part.ops[0], ast.Eq):
            return []
        if not isinstance(value, ast.Constant | ast.Name | ast.UnaryOp):
            return []
        text = (
            f"`{quoted[value.id]}`"
            if isinstance(value, ast.Name) and value.id in quoted
            else ast.unparse(value)
        )
        found.append((quoted.get(part.left.id, part.left.id), text))
    return found


def column_of(frame: pd.DataFrame, name: str, where: str) -> pd.Series:
    """Return a column; raise BadInput, naming the others, if there is none of that name."""
    if name not in frame.columns:
        raise BadInput(
            f"{where}: there is no column '{name}'; the table has {', '.join(map(str, frame.columns))}. "
            "Correct the rule in the card."
        )
    return frame[name]
