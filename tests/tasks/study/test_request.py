"""What a request names, read and checked."""

from __future__ import annotations

import dataclasses

import pytest

from realmix.tasks.core.errors import BadInput, UnknownName
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.card import DataCard, read_card
from realmix.tasks.core.table.card_parts import Deploy
from realmix.tasks.core.table.columns import Column
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.sources import file
from realmix.tasks.study import request as requests
from realmix.tasks.study.request import (
    check_names,
    check_plan,
    deciding_metric,
    read_plan,
    read_rows,
    table_name,
    weights_of,
)
from realmix.tasks.teachers import TEACHERS
from tests.tasks.teachers.nearest import SPEC as NEAREST


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("data/My Table.csv.gz", "My-Table"),
        ("s3://bucket/folder/sales.parquet", "sales"),
        ("bundled:bank_marketing?rows=2000", "bank_marketing"),
        ("sql:customers", "customers"),
        ("Customers.XLSX#May", "Customers"),
        ("https://example.org/t.csv?signature=abc", "t"),
    ],
)
def test_a_table_is_named_after_its_location(location, name):
    assert table_name(DataCard(target="y"), StudyRequest(table=location, out="o")) == name


@pytest.mark.parametrize(("written", "label"), [("yes", "yes"), ("1", "1"), ("true", "True")])
def test_a_positive_label_may_be_written_as_it_stands_in_the_file(tmp_path, written, label):
    path = tmp_path / "card.yaml"
    path.write_text(f"target: y\npositive: {written}\n")
    assert read_card(path).positive == label


def plan(task, columns):
    return Plan(
        seed=0, task=task, metric="log_loss", holdout=HoldoutRule(0, 0.2, columns), n_development=100,
        n_folds=5, n_repeats=1, forward=False, models=("linear",), n_trials=1, synthesizers={},
        ratios=(1.0,), weights=(1.0,), label_rules=("joint",), balances=("prior",), teacher=(),
        n_workers=1, threads_per_fit=1,
    )  # fmt: skip


def test_a_plan_of_another_task_or_table_is_refused():
    schema = Schema(
        (Column("age", "numeric", "integer"), Column("y", "categorical", "string", "target")), "y", "binary"
    )
    card = DataCard(target="y")
    check_plan(plan("binary", ("age",)), card, schema, 200)
    with pytest.raises(BadInput, match="is for regression"):
        check_plan(plan("regression", ("age",)), card, schema, 200)
    with pytest.raises(BadInput, match="income"):
        check_plan(plan("binary", ("income",)), card, schema, 200)
    with pytest.raises(BadInput, match="gtgan"):
        check_plan(dataclasses.replace(plan("binary", ("age",)), on_gpu=("gtgan",)), card, schema, 200)
    with pytest.raises(BadInput, match="needs `costs`"):
        check_plan(dataclasses.replace(plan("binary", ("age",)), metric="cost"), card, schema, 200)
    small = DataCard(target="y", deploy=Deploy(readable=True))
    with pytest.raises(
        BadInput, match=r"refuse learners of the plan: linear \(people cannot follow it by hand\)"
    ):
        check_plan(plan("binary", ("age",)), small, schema, 200)


@pytest.fixture
def pretrained(tmp_path, monkeypatch):
    """A teacher whose weights lie in the current folder."""
    monkeypatch.setattr(TEACHERS, "_specs", {**TEACHERS, NEAREST.name: NEAREST})
    monkeypatch.chdir(tmp_path)
    weights = tmp_path / "nearest.weights"
    weights.write_text("pretrained")
    return weights


SMALL = Schema(
    (Column("age", "numeric", "integer"), Column("y", "categorical", "string", "target")), "y", "binary"
)


def test_a_plan_is_replayed_with_the_weights_that_it_was_made_with_or_not_at_all(pretrained):
    card, made = DataCard(target="y"), weights_of(["nearest"], SMALL)
    labelled = dataclasses.replace(
        plan("binary", ("age",)), teacher=(("linear", 0), ("nearest", 0)), pretrained=made
    )
    check_plan(labelled, card, SMALL, 200)
    pretrained.write_text("trained again")
    with pytest.raises(BadInput, match=r"other weights of nearest .* leave --plan out"):
        check_plan(labelled, card, SMALL, 200)
    pretrained.unlink()
    with pytest.raises(BadInput, match="nearest finds no weights"):
        check_plan(labelled, card, SMALL, 200)


def test_weights_that_are_missing_are_named_before_a_study_whether_card_or_request_names_their_teacher(
    pretrained,
):
    asked, named = StudyRequest(out="", teachers=("nearest",)), DataCard(target="y", teachers=("nearest",))
    for request, card in ((asked, DataCard(target="y")), (StudyRequest(out=""), named)):
        check_names(request, card, SMALL)
        pretrained.rename("elsewhere")
        with pytest.raises(BadInput, match="nearest finds no weights"):
            check_names(request, card, SMALL)
        pretrained.with_name("elsewhere").rename(pretrained)


def test_an_unknown_teacher_is_named_beside_the_known_ones():
    with pytest.raises(UnknownName, match=r"tabpfm.*tabpfn"):
        check_names(StudyRequest(out=""), DataCard(target="y", teachers=("tabpfm",)), SMALL)


def test_a_plan_file_that_cannot_be_used_is_named_with_one_next_step(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text("[]")
    with pytest.raises(BadInput) as refused:
        read_plan(path)
    assert str(refused.value) == f"{path}: The plan is a list; expected the fields of a plan.json."
    path.write_text("{")
    with pytest.raises(BadInput, match=r"plan\.json is no JSON; .* leave --plan out"):
        read_plan(path)


@pytest.mark.parametrize(
    "wrong",
    [{"models": ("xgbost",)}, {"synthesizers": ("ctgam",)}, {"metric": "log_los"}],
    ids=lambda w: next(iter(w)),
)
def test_an_unknown_name_is_refused_before_the_table_is_read(tmp_path, monkeypatch, wrong):
    path = tmp_path / "table.csv"
    path.write_text("age,bought\n")
    monkeypatch.setattr(file.FileSource, "read", lambda source: pytest.fail("the table was read"))
    with pytest.raises(UnknownName, match="did you mean"):
        read_rows(StudyRequest(table=str(path), target="bought", out="", **wrong))


def test_a_column_that_is_not_there_is_refused_before_cells_are_interpreted(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("age,bought\n" + "30,yes\n" * 60)
    monkeypatch.setattr(requests, "read_columns", lambda *_: pytest.fail("cells were interpreted"))
    with pytest.raises(BadInput, match="'bougth' is no column of the table; did you mean 'bought'"):
        read_rows(StudyRequest(table=str(path), target="bougth", out=""))


def test_the_card_names_the_deciding_metric_and_a_request_another_one():
    schema = Schema(
        (Column("age", "numeric", "integer"), Column("y", "categorical", "string", "target")), "y", "binary"
    )
    card = DataCard(target="y", metric="f1")
    assert deciding_metric(StudyRequest(out="o"), card, schema).name == "f1"
    assert deciding_metric(StudyRequest(out="o", metric="brier"), card, schema).name == "brier"
    with pytest.raises(BadInput, match="'cost' needs `costs`"):
        deciding_metric(StudyRequest(out="o", metric="cost"), card, schema)
    quantity = dataclasses.replace(schema, task="regression")
    with pytest.raises(BadInput, match="Unknown metric for regression 'cost'"):
        deciding_metric(StudyRequest(out="o", metric="cost"), card, quantity)
