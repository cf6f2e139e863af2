"""Synthetic rows beside real ones: SDMetrics' own numbers, and no value of a sensitive column."""

from __future__ import annotations

import json

import pytest

from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Mix
from realmix.tasks.core.report.model_evidence import Likeness
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.sharing import Sharing
from realmix.tasks.fits.arms import training_set
from realmix.tasks.fits.likeness import compare_columns
from realmix.tasks.fits.pools import synthesize
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.fits.teacher import fit_teacher

MIX = Mix("smote", 1.0)


@pytest.fixture
def drawn(scope):
    fit_teacher(str(scope.folder), [("linear", 0)], n_jobs=1)
    synthesize(str(scope.folder), "smote", 1.0, ["prior"], None)
    return scope


def compared(scope, mix=MIX) -> Likeness:
    found = to_jsonable(compare_columns(str(scope.folder), mix.to_dict()))
    return Likeness.model_validate_json(json.dumps(found))


def test_scores_are_those_of_sdmetrics_on_the_rows_of_the_mix(drawn):
    from sdmetrics.single_column import KSComplement

    found = compared(drawn)
    synthetic = training_set(drawn, MIX).rows.iloc[200:]
    (age,) = (column for column in found.columns if column.name == "age")
    assert age.score == pytest.approx(KSComplement.compute(drawn.training["age"], synthetic["age"]))
    assert age.of_other_real == pytest.approx(
        KSComplement.compute(drawn.training["age"], drawn.validation["age"])
    )
    assert (found.n_real, found.n_synthetic, found.n_other_real) == (200, 200, 60)
    assert {score.name for score in found.scores} == {"KSComplement", "TVComplement", "ContingencySimilarity"}


def test_shares_of_both_kinds_of_rows_stand_in_the_same_bins(drawn):
    for column in compared(drawn).columns:
        assert len(column.bins) == len(column.real) == len(column.synthetic) > 0
        assert sum(column.real) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("declared", [{"sensitive": ("job",)}, {"sharing": Sharing(identifying=("job",))}])
def test_a_sensitive_or_identifying_column_is_scored_and_its_values_stay_away(drawn, declared):
    context = drawn.context
    card = DataCard(target="y", **declared)
    StudyContext(context.schema, card, context.snapshot, context.seed).write(
        drawn.folder.parent / "context.json"
    )
    found = compared(drawn)
    (job,) = (column for column in found.columns if column.name == "job")
    assert job.score is not None and job.bins == job.real == job.synthetic == ()
    assert "nurse" not in found.model_dump_json()
