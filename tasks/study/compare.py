"""Compare all arms (a mix of training rows and a model) by their out-of-fold predictions, and decide."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.learners import decide_by_learner, describe_learners
from realmix.tasks.core.decision.verdict import Verdict, decide
from realmix.tasks.core.fairness.assessment import fairness_vetoes
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.plan.plan import Layout
from realmix.tasks.core.scores.out_of_fold import OutOfFold
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.fits.scope import StudyContext
from realmix.tasks.metrics import metrics_for
from realmix.tasks.runtime.study_folder import StudyFolder
from realmix.tasks.study.development import Development
from realmix.tasks.study.fairness import FAIRNESS, assess
from realmix.tasks.study.generalise import generalise
from realmix.tasks.study.out_of_fold import null_models
from realmix.tasks.study.privacy import StudyPools


@task(task_run_name="compare", cache_policy=NO_CACHE)
def compare_arms(
    folder: StudyFolder, layout: Layout, development: Development, oof: OutOfFold, privacy: StudyPools
) -> tuple[Comparison, Verdict]:
    """Compare the out-of-fold predictions of all arms, and decide, also for each learner by itself."""
    plan, context = layout.plan, development.context
    metric = context.metric(plan.metric)
    comparison = compare(
        oof,
        metric,
        seed=derive_seed(context.snapshot, plan.seed, "bootstrap"),
        n_bootstrap=plan.n_bootstrap,
        null_models=null_models(),
        extra_metrics=side_metrics(context, metric),
    )
    generalisation, vetoes = generalise(layout, development, oof, comparison)
    folder.write_json("work/generalisation.json", to_jsonable(generalisation))
    fairness = assess(layout, development, oof, comparison)
    folder.write_json(FAIRNESS, fairness and fairness.to_dict())
    by_learner = decide_by_learner(
        oof,
        metric,
        seed=derive_seed(context.snapshot, plan.seed, "bootstrap", "learners"),
        n_bootstrap=plan.n_bootstrap,
        margin=metric.margin,
        null_models=null_models(),
        vetoes=lambda of_learner: [
            *generalise(layout, development, oof, of_learner)[1],
            *privacy.vetoes(of_learner.best_mix),
            *fairness_vetoes(assess(layout, development, oof, of_learner)),
        ],
    )
    folder.write_json("work/learners.json", describe_learners(by_learner))
    vetoes = [*vetoes, *privacy.vetoes(comparison.best_mix), *fairness_vetoes(fairness)]
    return comparison, decide(comparison, margin=metric.margin, vetoes=vetoes)


def side_metrics(context: StudyContext, deciding: MetricSpec) -> list[MetricSpec]:
    """Return every other metric of the task, to be reported beside the deciding one."""
    return [spec for spec in metrics_for(context.schema.task, context.card) if spec.name != deciding.name]
