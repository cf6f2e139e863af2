import pandas as pd

from realmix.tasks.core.table.text_codes import code_texts


def frames():
    real = pd.DataFrame({"job": ["nurse", None, "cook"], "age": [1.0, 2.0, 3.0]}, index=[5, 1, 3])
    pool = pd.DataFrame({"job": ["pilot", "nurse"], "age": [4.0, 5.0]})
    return real, pool


def test_one_text_has_one_code_in_every_frame():
    real, pool = code_texts(frames())
    assert list(real["job"].cat.categories) == list(pool["job"].cat.categories) == ["cook", "nurse", "pilot"]
    assert real["job"].cat.codes.tolist() == [1, -1, 0] and pool["job"].cat.codes.tolist() == [2, 1]


def test_rows_their_order_and_all_else_stay():
    before, _ = frames()
    real, _ = code_texts(frames())
    assert real.astype({"job": object}).where(real.notna(), None).equals(before.astype({"job": object}))
    assert real["age"].dtype == float and real.index.tolist() == [5, 1, 3]


def test_columns_that_were_not_named_stay_text():
    real, pool = code_texts(frames(), ["age"])
    assert real["job"].dtype == pool["job"].dtype == object


def test_frames_without_text_stay_as_they_are():
    numbers = pd.DataFrame({"age": [1.0, 2.0]})
    assert code_texts([numbers])[0].equals(numbers)
