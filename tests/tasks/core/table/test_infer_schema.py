import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.infer_schema import (
    MAX_INTEGER_CLASSES,
    MIN_IDENTIFIER_ROWS,
    infer_schema,
    infer_task,
)


def kind_of(values, name="column"):
    raw = pd.DataFrame({name: values, "y": np.arange(len(values)) % 2})
    return infer_schema(raw, "y")[name].kind


def test_distinct_whole_numbers_are_an_identifier_only_where_they_count_up_or_are_called_so():
    n_rows = MIN_IDENTIFIER_ROWS
    shuffled = np.random.default_rng(0).permutation(n_rows)
    assert kind_of(np.arange(n_rows)) == "identifier"
    assert kind_of(shuffled) == "numeric"
    assert kind_of(shuffled, "customer_id") == kind_of(shuffled, "Unnamed: 0") == "identifier"
    assert kind_of(shuffled, "paid") == "numeric", "'id' within a word is no name of a key"
    assert kind_of(np.arange(n_rows - 1)) == "numeric"


def test_distinct_texts_are_an_identifier_in_a_long_table_and_names_in_a_short_one():
    codes = [f"code {i}" for i in range(MIN_IDENTIFIER_ROWS)]
    assert kind_of(codes) == "identifier"
    assert kind_of(codes[:-1]) == "categorical"


def test_sentences_are_text_and_repeated_sentences_are_levels():
    sentences = [f"the customer called {i} times on a Monday morning" for i in range(40)]
    assert kind_of(sentences) == "text"
    assert kind_of(sentences[:4] * 10) == "categorical"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["2026-01-31", "2026-1-5", None, "1999-12-31 10:00"], "datetime"),
        (["2026-01-31", "2026-02-31", "2026-01-01", "2026-01-02"], "categorical"),
        (["2026-01-31", "soon", "2026-01-01", "2026-01-02"], "categorical"),
        (["31.01.2026", "05.01.2026", "01.01.2026", "02.01.2026"], "categorical"),
        ([0, 1, 0, 1], "categorical"),
        ([0.5, 1.5, 0.5, 1.5], "numeric"),
        ([None, None, None, None], "empty"),
        ([3, 3, None, 3], "constant"),
    ],
)
def test_kinds_follow_from_the_values(values, kind):
    assert kind_of(values) == kind


def test_what_the_card_declares_wins_over_the_values():
    raw = pd.DataFrame({"zip": [10_001, 10_002, 10_003] * 20, "y": [0, 1] * 30})
    declared = infer_schema(raw, "y", kinds={"zip": "categorical"}, roles={"zip": "group"})
    assert (declared["zip"].kind, declared["zip"].role) == ("categorical", "group")
    assert declared["zip"].levels == ("10001", "10002", "10003")
    assert infer_schema(raw, "y")["zip"].kind == "numeric"


def test_levels_of_numbers_are_in_the_order_of_the_numbers():
    raw = pd.DataFrame({"code": [10, 9, 2] * 20, "y": ["b", "a"] * 30})
    schema = infer_schema(raw, "y", kinds={"code": "categorical"})
    assert schema["code"].levels == ("2", "9", "10")


def test_ranges_are_those_of_the_cells_that_are_there():
    raw = pd.DataFrame(
        {"x": [1.5, None, -2.0, 0.0], "day": ["1970-01-02", None, "1970-01-01", None], "y": [0, 1] * 2}
    )
    schema = infer_schema(raw, "y")
    assert (schema["x"].minimum, schema["x"].maximum, schema["x"].has_missing) == (-2.0, 1.5, True)
    assert (schema["day"].minimum, schema["day"].maximum) == (0.0, 86_400.0)


@pytest.mark.parametrize(
    ("n_distinct", "step", "task"),
    [
        (2, 1, "binary"),
        (2, 0.5, "binary"),
        (MAX_INTEGER_CLASSES, 1, "multiclass"),
        (MAX_INTEGER_CLASSES + 1, 1, "regression"),
        (3, 0.5, "regression"),
    ],
)
def test_few_whole_numbers_are_classes_and_others_a_quantity(n_distinct, step, task):
    assert infer_task(pd.Series(np.arange(n_distinct) * step)) == task


def test_many_texts_are_classes_however_many():
    assert infer_task(pd.Series([f"class {i}" for i in range(50)])) == "multiclass"


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["yes"] * 9 + ["no"], "yes"),  # the word counts before the number of rows
        (["ja"] * 9 + ["nein"], "ja"),
        (["a"] * 9 + ["b"], "b"),
        ([1] * 9 + [0], "1"),
        (["t"] * 9 + ["y"], "y"),  # two such words say nothing: the rarer one
    ],
)
def test_the_positive_class_comes_last(values, positive):
    assert infer_schema(pd.DataFrame({"target": values}), "target").classes[-1] == positive


def test_a_positive_class_that_no_row_has_is_refused_with_those_there_are():
    raw = pd.DataFrame({"target": ["left", "right"] * 5})
    assert infer_schema(raw, "target", positive="left").classes == ("right", "left")
    with pytest.raises(BadInput, match=r"'up'.*left, right"):
        infer_schema(raw, "target", positive="up")


def test_a_declared_task_wins_over_the_target_s_values():
    raw = pd.DataFrame({"stars": [1, 2, 3, 4, 5] * 4})
    schema = infer_schema(raw, "stars", task="regression")
    assert (schema.classes, schema["stars"].kind) == ((), "numeric")
    assert infer_schema(raw, "stars").classes == ("1", "2", "3", "4", "5")


def numbered(n=200, **columns):
    rng = np.random.default_rng(0)
    y = rng.choice(["no", "yes"], n)
    return pd.DataFrame({**columns, "x": rng.normal(size=n), "y": y})


def kind_beside_target(values, name="v"):
    raw = numbered(**{name: values})
    return infer_schema(raw, "y")[name].kind


def test_a_row_count_is_an_identifier_and_rising_numbers_that_tell_of_the_target_are_not():
    rng = np.random.default_rng(0)
    is_yes = (numbered()["y"] == "yes").to_numpy()
    telling = np.where(is_yes, 50_000, 10_000) + rng.permutation(200)
    assert kind_beside_target(range(200)) == "identifier"
    assert (
        kind_beside_target(telling, "price_index") == "numeric"
        and kind_beside_target(telling, "id") == "numeric"
    )
    assert kind_beside_target(rng.permutation(10_000)[:200], "customer_id") == "identifier"
    assert kind_beside_target(rng.permutation(10_000)[:200], "salary") == "numeric"


def test_a_flag_of_one_label_or_blank_varies():
    assert (
        kind_beside_target(["X", None] * 100) == "categorical"
        and kind_beside_target(["X"] * 200) == "constant"
    )


def test_lists_and_structures_are_text():
    assert kind_beside_target(["[1, 2]", '{"a": 3}'] * 100) == "text"


def test_dates_are_judged_by_the_whole_column():
    assert kind_beside_target(["2024-01-05", "2024-01-06"] * 99 + ["soon", "later"]) == "categorical"
