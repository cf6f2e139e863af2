"""Cards and plans that something is wrong with, each made from a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import yaml

CARD: dict[str, Any] = {
    "target": "bought",
    "task": "binary",
    "positive": "yes",
    "columns": {"city": "categorical", "age": "numeric"},
    "reading": {"day": {"type": "date", "order": "ymd"}, "age": {"missing": ["refused"]}},
    "key": "id",
    "ignore": ["note"],
    "sensitive": ["city"],
    "slices": ["age"],
    "fairness": {"max_widening": 0.1},
    "rules": [
        {"kind": "range", "column": "age", "minimum": 0, "maximum": 120},
        {"kind": "dependency", "when": "age < 18", "then": "income == 0"},
        {"kind": "pattern", "column": "city", "pattern": ".*"},
    ],
    "metric": "log_loss",
    "alert_rate": 0.1,
    "costs": {"yes": {"no": 5}, "no": {"yes": 1}},
    "monotone": {"age": "increasing"},
    "deploy": {"readable": True, "max_leaves": 16},
    "privacy": {"max_tpr": 0.1, "prior": 0.1},
    "provenance": {
        "owner": "somebody",
        "licence": "own",
        "consent_basis": "contract",
        "purpose": "tests",
        "retention": "2099-12-31",
        "permits": ["synthesize"],
    },
    "operation": {"landing": "incoming", "arrival": "append", "schedule": "0 2 * * *", "notify": ["HOOK"]},
}
ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 10**30, 1e308, float("nan"), float("inf"), "", " ", "nobody", "id", "bought", "x" * 100_000, "\0", "a\nb", "\u202e", [], [[]],
    [None], ["id", "id"], {}, {"": None}, {"a": {"b": {"c": 1}}}, [{}], ["city"] * 5_000, "../../etc/passwd", "sql:SELECT 1; DROP TABLE t", "http://[::1", "~nosuchuser/x",
    "os:system", "realmix.tasks:", "..:x", "__import__('os').system('true')", "9**9**9", "0 0 31 2 *", "* * * * * *", "1e400", "🎉", "=1+1", "{{7*7}}", "%(x)s", -0.0, 2**63, "yes", "no",
]  # fmt: skip
ODD_EXPRESSIONS = [
    "", " ", "age", "1", "True", "age <", "age = 1", "age == 'a'", "city > 1", "nosuch > 1", "`no such` > 1", "age ** 10000000", "9**9**9 == 1", "2 ** 100000000 > age", "city * 1000000000 == 'a'",
    "'a' * 1000000000 == 'a'", "age / 0 > 1", "age % 0 == 1", "age // 0 == 1", "__import__('os')", "age.__class__", "(lambda: 1)()", "[x for x in age]", "age in (1, 2)", "age in [1, [2]]",
    "age in 5", "not age", "~age", "-city == 1", "(" * 900 + "age" + ")" * 900 + " > 1", "age > 1 and " * 150 + "True", "city == '" + "x" * 1_000 + "'", "age > 1; import os", "age > 1 # x",
    "age < income < 10", "f'{age}' == 'a'", "b'a' == city", "age == None", "1j == age", "age @ age", "age := 3", "*age", "day > 5", "day > '2024-01-01'", "bought == 'yes'", "age == 1e400",
    "age > 99999999999999999999999999", "city in ['Ulm', 3, True]", "age and city", "`age", "'", "\\", "age\n> 1", "\u202eage > 1", "age << 5 > 1", "[1,2] + [3] == age", "-(-(-(-age))) > 1", "[0] * 1000000000 == age",
]  # fmt: skip
ODD_PATTERNS = [
    "",
    "(",
    "(a+)+$",
    "(?P<x>a)(?P=x)",
    "\\1",
    "[",
    "a{1000}",
    "a{100000}",
    "((a{100}){100}){100}",
    "(?i)x",
    "\\p{L}",
    "\0",
    "x" * 600,
    "(?=a)",
    "^$",
    ".*" * 200,
]


def _odd(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(ODD_VALUES))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inside for place in _places(each, (*path, key)))]


def _replaced(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Put something odd in one place, or move, drop or add a key."""
    made = copy.deepcopy(document)
    *path, last = rng.choice(_places(made)[1:])
    inner: Any = made
    for key in path:
        inner = inner[key]
    what = rng.choice(["value", "value", "value", "drop", "key"])
    if what == "value":
        inner[last] = _odd(rng)
    elif what == "drop":
        del inner[last]
    elif isinstance(inner, dict):
        inner[rng.choice(["nosuch", "", "self", "__class__", "target ", "x" * 1_000, "model_config"])] = _odd(
            rng
        )
    return made


def _with_rule(rng: random.Random) -> dict[str, Any]:
    columns = ["age", "income", "city", "day", "note", "id", "bought", "nosuch"]

    def one() -> str:
        return rng.choice(columns)

    number = rng.choice([0, 1, 1.5, -1e308, 1e308, 10**30])
    rule = rng.choice(
        [
            {"kind": "dependency", "when": rng.choice(ODD_EXPRESSIONS), "then": rng.choice(["income == 0", *ODD_EXPRESSIONS])},
            {"kind": "dependency", "when": "age < 18", "then": rng.choice(ODD_EXPRESSIONS)},
            {"kind": "derived", "column": one(), "expression": rng.choice(["age + income", *ODD_EXPRESSIONS])},
            {"kind": "pattern", "column": one(), "pattern": rng.choice(ODD_PATTERNS)},
            {"kind": "range", "column": one(), "minimum": number, "maximum": rng.choice([None, 0, number])},
            {"kind": "order", "columns": [one(), one()], "strict": rng.random() < 0.5},
            {"kind": "determines", "columns": [one()], "column": one()},
            {"kind": "unique", "columns": [one(), one()]},
            {"kind": "monotone", "column": one(), "along": one(), "within": [one()]},
            {"kind": "distribution", "column": one(), "distribution": rng.choice(["normal", "poisson"]), "parameters": {"mean": number, "std": -1, "lam": -1}},
            {"kind": "distribution", "column": one(), "when": rng.choice(ODD_EXPRESSIONS), "values": {"Ulm": rng.choice([-1, 0, 0.5, 1e308])}},
        ]
    )  # fmt: skip
    return {"target": "bought", "rules": [rule]}


ODD_YAML: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: "target: bought\nx: !!python/object/apply:os.system ['true']\n",
    lambda rng: "target: !!python/name:os.system\n",
    lambda rng: "a: &a [x, x]\nb: &b [*a, *a]\ntarget: *b\n",
    lambda rng: "target: bought\n" + "".join(f"{'  ' * i}k{i}:\n" for i in range(rng.choice([11, 400, 3_000]))),
    lambda rng: "target: " + "[" * rng.choice([11, 2_000, 50_000]),
    lambda rng: "target: " + "{a: " * rng.choice([11, 2_000]) + "1" + "}" * 2_000,
    lambda rng: "- target\n- bought\n",
    lambda rng: rng.choice(["", "---\n", "null\n", "1\n", "target\n", "--- a\n--- b\n", "%YAML 9.9\n---\ntarget: bought\n", "%TAG ! x\n"]),
    lambda rng: f"{rng.choice(['1', 'null', '2024-01-01', '1.5', '~', '[a]', '{a: b}', '? [x]'])}: x\ntarget: bought\n",
    lambda rng: "target: bought\ntarget: city\n",
    lambda rng: "<<: {target: bought}\n",
    lambda rng: f"target: {rng.choice(['0o17', '1_000', '1:30', '0x1F', '2024-02-30', '.nan', '-.inf', '!!binary aGk=', '!!set {a}', '!!omap [a: 1]', '!!float x', '!!int x', '!!timestamp x'])}\n",
    lambda rng: "target: bought\n\tkey: id\n",
    lambda rng: "target: 'bought\n",
    lambda rng: "\ufefftarget: bought\n",
    lambda rng: f"target: bought{rng.choice(chr(0) + chr(7) + chr(27) + chr(0x85) + chr(0x2028) + chr(0xfeff))}\n",
    lambda rng: "target: bought\nprovenance: {retention: 9999-99-99}\n",
    lambda rng: "target: bought\ncolumns: {" + ", ".join(f"c{i}: numeric" for i in range(20_000)) + "}\n",
    lambda rng: "".join(rng.choices("target: bought\n[]{}&*!|>'\"%@`#-?,", k=rng.choice([5, 60, 500]))),
)  # fmt: skip


def malformed_card(number: int) -> tuple[str, bytes]:
    """Make the card of a number: its kind, and the file."""
    rng = random.Random(f"card {number}")
    kind = ("odd value", "odd rule", "odd YAML", "flipped bytes")[number % 4]
    if kind == "odd value":
        return kind, yaml.safe_dump(_replaced(CARD, rng), allow_unicode=True).encode()
    if kind == "odd rule":
        return kind, yaml.safe_dump(_with_rule(rng), allow_unicode=True).encode()
    if kind == "odd YAML":
        return kind, ODD_YAML[number // 4 % len(ODD_YAML)](rng).encode("utf-8", "surrogatepass")
    content = bytearray(yaml.safe_dump(CARD).encode())
    for _ in range(rng.choice([1, 2, 20])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return kind, bytes(content)


def malformed_plan(number: int, plan: dict[str, Any]) -> tuple[str, bytes]:
    """Make the plan of a number from a right one: its kind, and the file."""
    rng = random.Random(f"plan {number}")
    kind = ("odd value", "odd value", "odd JSON", "flipped bytes")[number % 4]
    text = json.dumps(plan)
    if kind == "odd value":
        return kind, json.dumps(_replaced(plan, rng)).encode()
    if kind == "odd JSON":
        odd = ["", "null", "[]", "1", '"x"', "{}", "[" * 100_000, '{"a":' * 100_000, "NaN", "{", text[: rng.randrange(len(text))], text + text, "\ufeff" + text,
               text.replace("0", "9" * 5_000, 1), '{"seed": 1, "seed": 2}', text.replace('"seed"', '"seed ": 0, "seed"')]  # fmt: skip
        return kind, odd[number // 4 % len(odd)].encode()
    content = bytearray(text.encode())
    for _ in range(rng.choice([1, 2, 20])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return kind, bytes(content)
