from __future__ import annotations

import json

from realmix.tasks.core.report.figures.rows import MAX_COLUMNS, draw_column, draw_columns, draw_correlations
from realmix.tasks.core.report.model_evidence import Likeness
from tests.tasks.core.report.documents import LIKENESS
from tests.tasks.core.report.figures.reading import texts, titles

FOUND = Likeness.model_validate_json(json.dumps(LIKENESS))


def test_the_least_alike_columns_are_drawn_and_hidden_ones_are_not():
    assert list(draw_columns(FOUND)) == ["job", "age"]
    many = FOUND.model_copy(
        update={"columns": tuple(FOUND.columns[0].model_copy(update={"name": f"c{i}"}) for i in range(30))}
    )
    assert len(draw_columns(many)) == MAX_COLUMNS


def test_both_shares_of_a_level_appear_on_hover():
    job = draw_column(FOUND.columns[1], "x")
    assert titles(job.svg) == [
        "&lt;nurse&gt;: 90.0 % of real rows, 80.0 % of synthetic rows",
        "others: 10.0 % of real rows, 20.0 % of synthetic rows",
    ]


def test_a_number_column_has_the_ends_of_its_range_and_a_long_level_is_cut():
    assert {"18", "80"} <= set(texts(draw_column(FOUND.columns[0], "x").svg))
    long = FOUND.columns[1].model_copy(update={"bins": ("a level with a very long name", "others")})
    assert "a level with …" in texts(draw_column(long, "x").svg)


def test_the_correlation_that_is_lost_most_is_named():
    drawn = draw_correlations(FOUND)
    assert drawn.finding.startswith("CTGAN rows keep 1 of 2 rank correlations within 0.1")
    assert "between age and income (0.50 among real rows, 0.10 among synthetic ones)" in drawn.finding
    assert draw_correlations(FOUND.model_copy(update={"correlations": FOUND.correlations[:1]})) is None
