"""A table on which synthetic rows truly help: few real rows, and a simulation that knows the truth."""

from __future__ import annotations

import html
import json

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule

TRUTH = """
import numpy as np
import pandas as pd

def simulate(n_rows, reference, random_state):
    rng = np.random.default_rng(random_state)
    x = rng.normal(size=(n_rows, 4))
    score = 6 * x[:, 0] * x[:, 1] + 3 * np.sin(3 * x[:, 2])
    y = np.where(rng.random(n_rows) < 1 / (1 + np.exp(-score)), "yes", "no")
    return pd.DataFrame(x, columns=list("abcd")).assign(y=y)
"""
CARD = """
target: y
simulate: truth_for_tests:simulate
provenance: {owner: nobody, licence: CC0, purpose: tests}
"""


# Fixed, so that no clock of a busy machine has a say in the verdict.
PLAN = Plan(
    seed=0, task="binary", metric="log_loss", holdout=HoldoutRule(0, 0.2, tuple("abcd")), n_development=10_000,
    n_folds=5, n_repeats=2, forward=False, models=("xgboost", "class-prior"), n_trials=2,
    synthesizers={"simulation": None}, ratios=(20.0,), weights=(1.0,), label_rules=("joint", "teacher"),
    balances=("prior",), teacher=(("xgboost", 0), ("linear", 0), ("random-forest", 0)),
    n_workers=2, threads_per_fit=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def shipped(prefect_server, workspace, small_request):
    import sys

    from realmix.flows.study import study

    folder = workspace / "truth"
    folder.mkdir()
    (folder / "truth_for_tests.py").write_text(TRUTH)
    (folder / "card.yaml").write_text(CARD)
    sys.path.append(str(folder))
    from truth_for_tests import simulate

    # Of three draws of 600 rows two end in "proven", this one among them: power, not luck, is less than one.
    simulate(600, None, 2024).to_csv(folder / "truth.csv", index=False)
    (folder / "plan.json").write_text(json.dumps(PLAN.to_dict()))
    out = workspace / "runs" / "truth"
    request = small_request(
        out,
        table=str(folder / "truth.csv"),
        card=str(folder / "card.yaml"),
        plan=str(folder / "plan.json"),
    )
    yield out, study(request), simulate
    sys.path.remove(str(folder))


def test_true_rows_from_a_simulation_are_proven_to_help(shipped):
    _, document, _ = shipped
    assert document["word"] == "proven", document["reason"]
    assert document["winner"]["recipe"]["synthesizer"] == "simulation"
    assert document["validation"]["promised_gain"] > 0.05


def test_what_was_promised_is_realised_on_the_holdout(shipped):
    _, document, _ = shipped
    assert document["holdout"]["gain"] > 0
    assert document["holdout"]["inside_interval"]


def test_the_shipped_model_is_better_on_new_rows_too(shipped):
    from realmix.tasks.study.package import load_and_predict

    out, _, simulate = shipped
    new = simulate(4000, None, 999)
    positive = (new["y"] == "yes").to_numpy()

    def loss(role):
        p = load_and_predict(out / role, new.drop(columns="y"))["proba_yes"].to_numpy()
        return -np.log(np.where(positive, p, 1 - p)).mean()

    assert loss("model") < 0.95 * loss("real_only")


def test_the_training_table_says_where_each_row_comes_from(shipped):
    out, document, _ = shipped
    training = pd.read_parquet(out / "training.parquet")
    counts = training["_realmix_origin"].value_counts()
    assert counts["real"] == document["table"]["n_rows"] == 600
    assert counts["simulation"] == 12000
    assert training.groupby("_realmix_origin")["_realmix_seed"].nunique().eq(1).all()
    assert (training["_realmix_snapshot"] == document["digests"]["snapshot"]).all()


def test_retraining_from_the_table_alone_gives_the_shipped_model(shipped):
    from realmix.tasks.fits.final import refit_from_training_table
    from realmix.tasks.study.package import load_and_predict

    out, _, simulate = shipped
    new = simulate(200, None, 1)[list("abcd")]
    served = load_and_predict(out / "model", new)[["proba_no", "proba_yes"]].to_numpy()
    again = refit_from_training_table(out / "training.parquet").predict(new)
    np.testing.assert_allclose(served, again, atol=1e-6)


def test_a_finished_study_keeps_few_files_and_of_its_intermediate_ones_none_with_rows(shipped):
    out, *_ = shipped
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {path.name for path in (out / "work").iterdir()} == {"folds.npz", "pools.json", "workers.log"}
    assert len(files) < 80 and sum(path.stat().st_size for path in files) < 10 * 2**20
    documents = {path.stem for path in out.rglob("*.html")}
    assert documents == {"report", "raw", "synthetic", "training"}


def test_the_report_names_the_owner_and_loads_nothing_from_elsewhere(shipped):
    out, _, _ = shipped
    page = (out / "report.html").read_text()
    assert "nobody" in page
    assert "CC0" in page
    assert not [tag for tag in ("<script src", 'src="http', "@import", "url(http") if tag in page]
    assert json.loads((out / "verdict.json").read_text())["reason"] in html.unescape(page)
