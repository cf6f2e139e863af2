"""Proposed rules: laws of a table are found, luck is not, and no value is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.table.infer_card import card_to_yaml, infer_card
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.rule_candidates import propose_rules
from realmix.tasks.core.table.rules import violations


def lawful(n_rows: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), "D")
    tenure, number = rng.integers(0, 5, n_rows), rng.integers(0, 30, n_rows)
    rent, heating = rng.integers(300, 900, n_rows), rng.integers(20, 400, n_rows)
    return pd.DataFrame(
        {
            "start": start,
            "end": start + pd.to_timedelta(rng.integers(0, 600, n_rows), "D"),
            "rent": rent,
            "heating": heating,
            "all in": rent + heating,
            "tenure": tenure,
            "paid": np.where(tenure == 0, 0, rng.integers(0, 9, n_rows)),
            "postcode": [f"Z{n:02d}-{7 * n:03d}" for n in number],
            "city": [f"city {n // 5}" for n in number],
            "y": rng.choice(["no", "yes"], n_rows),
        }
    )


def proposed(raw: pd.DataFrame, **changes) -> list[str]:
    return [each.sentence for each in propose_rules(raw, infer_schema(raw, "y"), **changes)]


def test_the_laws_of_a_table_are_found():
    raw = lawful()
    found = proposed(raw)
    for law in (
        "start was never above end in 600 rows",
        "all in was rent + heating in 600 rows",
        "postcode determined city in 600 rows",
        "postcode had one form in 600 rows",
    ):
        assert law in found
    assert any(each.startswith("paid was 0 in all") for each in found)
    rules = [each.rule for each in propose_rules(raw, infer_schema(raw, "y"))]
    assert not violations(raw, rules).to_numpy().any()


def test_one_row_that_breaks_a_law_takes_it_from_the_list():
    raw = lawful()
    raw.loc[5, "end"] = raw.loc[5, "start"] - pd.Timedelta(days=1)
    raw.loc[6, "all in"] += 1
    found = proposed(raw)
    assert not any("start was never above end" in each or "rent + heating" in each for each in found)


@pytest.mark.parametrize("seed", range(5))
def test_columns_that_have_nothing_to_do_with_each_other_propose_nothing(seed):
    rng = np.random.default_rng(seed)
    n_rows = 500
    raw = pd.DataFrame({f"x{i}": rng.normal(size=n_rows) for i in range(6)})
    for i in range(4):
        raw[f"c{i}"] = rng.choice(list("abcdef"), n_rows)
    raw["y"] = rng.choice(["no", "yes"], n_rows)
    assert proposed(raw) == []


def test_a_reading_that_never_falls_for_any_machine_is_found():
    rng = np.random.default_rng(0)
    machine = np.repeat([f"id-{i:04d}" for i in range(60)], 10)
    raw = pd.DataFrame(
        {
            "machine_id": machine,
            "day": np.tile(pd.date_range("2024-01-01", periods=10), 60),
            "hours": rng.integers(1, 50, 600).reshape(60, 10).cumsum(axis=1).ravel() + np.repeat(rng.integers(0, 999, 60), 10),
            "y": rng.choice(["no", "yes"], 600),
        }
    )  # fmt: skip
    schema = infer_schema(raw, "y", kinds={"machine_id": "identifier"})
    found = [each.sentence for each in propose_rules(raw, schema)]
    assert "hours never fell along day within each machine_id in 600 rows" in found


def test_no_value_is_shown_and_of_a_sensitive_column_not_even_its_form():
    raw = lawful()
    text = " ".join(f"{each.rule} {each.sentence}" for each in propose_rules(raw, infer_schema(raw, "y")))
    assert "city 1" not in text and "Z01" not in text
    assert not any("one form" in each for each in proposed(raw, sensitive=("postcode",)))


def test_candidates_are_comments_of_the_card_and_rules_once_uncommented(tmp_path):
    from realmix.tasks.core.table.card import read_card

    raw = lawful()
    card, schema = infer_card(raw, "y"), infer_schema(raw, "y")
    candidates = propose_rules(raw, schema)
    text = card_to_yaml(card, schema, candidates=candidates)
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_card(path).rules == (), "nothing is enforced unasked"
    taken = [line[2:] if line.startswith("# rules:") else line.replace("#   - {", "  - {", 1) if "  # " in line else line
             for line in text.replace("rules: []\n", "").splitlines()]  # fmt: skip
    path.write_text("\n".join(line for line in taken), encoding="utf-8")
    assert read_card(path).rules == tuple(each.rule for each in candidates)


def test_a_wide_table_takes_seconds():
    import time

    rng = np.random.default_rng(0)
    raw = pd.DataFrame(rng.normal(size=(1000, 300)).round(2), columns=[f"x{i}" for i in range(300)])
    raw["y"] = rng.choice(["no", "yes"], 1000)
    schema = infer_schema(raw, "y")
    started = time.perf_counter()
    propose_rules(raw, schema)
    assert time.perf_counter() - started < 10


def test_odd_column_names_and_infinite_numbers_end_no_card():
    raw = lawful().rename(columns={"rent": "class", "heating": "a`b", "all in": "ﬁ\nx", "tenure": "True"})
    raw["paid"] = raw["paid"].astype(float)
    raw.loc[0, "paid"] = np.inf
    raw.loc[1, "paid"] = -np.inf
    card, schema = infer_card(raw, "y"), infer_schema(raw, "y")
    assert "start was never above end" in card_to_yaml(card, schema, candidates=propose_rules(raw, schema))
