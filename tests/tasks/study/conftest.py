"""A small study of the bundled table, run up to its comparison: real rows, real fits, in a worker."""

from __future__ import annotations

import pytest

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.plan.plan import Layout, Plan
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.runtime.workers import LocalWorkers
from realmix.tasks.study.development import Development
from realmix.tasks.study.ingest import ingest
from realmix.tasks.study.race import WITHOUT_POOL, batches
from realmix.tasks.study.split import lay_folds, split_holdout
from realmix.tasks.study.synthesize import fit_teacher, synthesize
from realmix.tasks.study.train import train
from tests.tasks.study.laid import compared, gathered

PLAN = Plan(
    seed=0,
    task="binary",
    metric="log_loss",
    holdout=HoldoutRule(3, 0.2, ("age",)),
    n_development=400,
    n_folds=3,
    n_repeats=1,
    forward=False,
    models=("linear", "class-prior"),
    n_trials=1,
    synthesizers={"smote": None},
    ratios=(1.0,),
    weights=(1.0,),
    label_rules=("joint", "teacher"),
    balances=("prior",),
    teacher=(("linear", 0),),
    n_workers=1,
    threads_per_fit=1,
    curve_repeats=1,
)


@pytest.fixture(scope="session")
def raced(tmp_path_factory) -> tuple[StudyFolder, Layout, Development, OutOfFold, Comparison]:
    """Run a study up to its comparison, on 400 rows with a price and a declared slice."""
    home = tmp_path_factory.mktemp("study")
    card = home / "card.yaml"
    card.write_text("target: y\nprice_per_row: 2\ndays_per_row: 0.5\nslices: [marital]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REALMIX_HOME", str(home / "home"))
        request = StudyRequest(table="bundled:bank_marketing?rows=400", card=str(card), out=str(home / "out"))
        table = ingest.fn(request)
        folder = StudyFolder(home / "out")
        split_holdout.fn(table, folder, rule=PLAN.holdout, seed=0)
    layout = lay_folds.fn(folder, PLAN)
    pools, trained = [], []
    with LocalWorkers(1):
        for block in layout.blocks:
            fit_teacher.fn(folder, block.scope, PLAN)
            for batch, arms in batches(PLAN).items():
                pool = None
                if batch not in WITHOUT_POOL:
                    pool = synthesize.fn(folder, block.scope, batch, PLAN)
                    pools.append(pool)
                trained.append(train.fn(folder, block.scope, batch, arms, PLAN, pool))
    rows, oof = gathered(folder, layout, pools, trained)
    return folder, layout, rows, oof, compared(folder, layout, rows, oof)[0]
