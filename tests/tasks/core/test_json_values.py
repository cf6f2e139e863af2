import dataclasses
import json
from pathlib import Path

import numpy as np

from realmix.tasks.core.json_values import to_jsonable


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    where: Path


def test_a_nested_value_becomes_strict_json():
    value = {
        1: Point(np.float64("nan"), Path("a/b")),
        "array": np.array([[1, 2], [3, 4]]),
        "set": {"b", "a"},
        "flags": (np.bool_(True), None),
        "infinite": [float("inf"), -np.inf, 0.5],
    }
    plain = to_jsonable(value)
    assert plain == {
        "1": {"x": None, "where": "a/b"},
        "array": [[1, 2], [3, 4]],
        "set": ["a", "b"],
        "flags": [True, None],
        "infinite": [None, None, 0.5],
    }
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_whole_numbers_stay_whole_and_a_class_is_no_instance_of_itself():
    assert repr(to_jsonable(np.int64(3))) == "3"
    assert to_jsonable(Point) is Point
