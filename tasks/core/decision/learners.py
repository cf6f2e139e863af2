"""A verdict for each learner: whether synthetic rows help the model that one may deploy.

The strongest learner rarely needs synthetic rows; a model that is limited on purpose, such as a tree that
people can read, often gains from them. Each learner is compared with itself on real rows, by the same
rule and on the same out-of-fold predictions as the study as a whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from realmix.tasks.core.contracts.specs import ENSEMBLE, NULL_MODEL, MetricSpec
from realmix.tasks.core.decision.comparison import Comparison, compare
from realmix.tasks.core.decision.credit import Credit
from realmix.tasks.core.decision.verdict import Verdict, decide
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.priors import Priors
from realmix.tasks.core.scores.out_of_fold import OutOfFold, gains
from realmix.tasks.core.seeds import derive_seed


@dataclass(frozen=True)
class LearnerVerdict:
    """The verdict on one learner.

    Attributes
    ----------
    model : str
    comparison : Comparison
        Of this learner's arms, and of the class prior.
    verdict : Verdict
    distance : float
        Gain of the arm that this verdict ships over the best such arm of all learners, at most 0: what
        it costs to deploy this learner instead of the best one. In the units of the comparison's gains.
    """

    model: str
    comparison: Comparison
    verdict: Verdict
    distance: float


def decide_by_learner(
    oof: OutOfFold,
    metric: MetricSpec,
    *,
    seed: int,
    n_bootstrap: int,
    margin: float,
    null_models: frozenset[str] = frozenset({NULL_MODEL}),
    vetoes: Callable[[Comparison], Sequence[str]] = lambda comparison: (),
    priors: Priors | None = None,
) -> tuple[LearnerVerdict, ...]:
    """Decide for each learner whether a mix is better for it than real rows alone.

    Parameters
    ----------
    oof : OutOfFold
        Of the whole study.
    metric : MetricSpec
    seed : int
        Of the bootstraps, which differ from learner to learner.
    n_bootstrap : int
    margin : float
        Smallest gain that matters.
    null_models : frozenset of str
        Learners that know no feature: they may be the incumbent of any learner, and have no verdict.
    vetoes : callable
        Sentences that forbid shipping the best mix of a learner's comparison.
    priors : Priors, optional
        As of :func:`~realmix.tasks.core.decision.verdict.decide`.

    Returns
    -------
    tuple of LearnerVerdict
        Best shipped arm first.
    """
    models = dict.fromkeys(arm.model for arm in oof.arms if arm.model not in null_models)
    decided = []
    for model in models:
        comparison = compare(
            arms_of(oof, {model, *null_models}),
            metric,
            seed=derive_seed(seed, model),
            n_bootstrap=n_bootstrap,
            margin=margin,
            null_models=null_models,
        )
        verdict = decide(comparison, margin=margin, vetoes=vetoes(comparison), priors=priors)
        decided.append((model, comparison, verdict))
    scores = np.array([comparison.row(verdict.ships).score for _, comparison, verdict in decided])
    best = scores.max() if metric.greater_is_better else scores.min()
    distances = gains(metric, scores, np.full(len(scores), best))
    found = [LearnerVerdict(*each, float(d)) for each, d in zip(decided, distances, strict=True)]
    return tuple(sorted(found, key=lambda each: -each.distance))


def arms_of(oof: OutOfFold, models: set[str]) -> OutOfFold:
    """Select the arms of some learners."""
    wanted = [place for place, arm in enumerate(oof.arms) if arm.model in models]
    return dataclasses.replace(
        oof,
        arms=tuple(oof.arms[place] for place in wanted),
        predictions=oof.predictions[wanted],
        # No mix of the ensemble can have failed: it is tried with none.
        disqualified={} if ENSEMBLE in models else oof.disqualified,
    )


def describe_learners(verdicts: Sequence[LearnerVerdict]) -> list[dict[str, Any]]:
    """Describe the verdicts as the rows of a table, as strict JSON.

    Parameters
    ----------
    verdicts : sequence of LearnerVerdict

    Returns
    -------
    list of dict
        ``model``, ``word``, ``sentence``, ``reason``, ``real_only`` and ``mix`` (``name`` and ``score``; the mix is
        the best candidate, null without any, with its measured ``gain`` and ``interval``, which chance flatters),
        ``gain`` and ``interval`` (promised, null where real only stays),
        ``smallest_provable_gain``, ``distance``, and ``credit``, of each part its ``gain`` and ``interval``.
    """
    rows: list[dict[str, Any]] = to_jsonable([_describe(each) for each in verdicts])
    return rows


def _describe(each: LearnerVerdict) -> dict[str, Any]:
    comparison, verdict = each.comparison, each.verdict
    return {
        "model": each.model,
        "word": verdict.outcome,
        "sentence": verdict.sentence,
        "reason": verdict.reason,
        "real_only": _scored(comparison, comparison.incumbent),
        "mix": comparison.best_mix and _measured(comparison, comparison.best_mix),
        "gain": verdict.promised_gain if verdict.is_mix_shipped else None,
        "interval": verdict.promised_interval if verdict.is_mix_shipped else None,
        "smallest_provable_gain": comparison.smallest_provable_gain,
        "distance": each.distance,
        "credit": comparison.credit and _describe_credit(comparison.credit),
    }


def _describe_credit(credit: Credit) -> dict[str, Any]:
    parts = {part.name: getattr(credit, part.name) for part in dataclasses.fields(credit)}
    return {name: part and {"gain": part.gain, "interval": part.interval} for name, part in parts.items()}


def _scored(comparison: Comparison, arm: Arm) -> dict[str, Any]:
    row = comparison.row(arm)
    return {"name": row.name, "score": row.score}


def _measured(comparison: Comparison, arm: Arm) -> dict[str, Any]:
    row = comparison.row(arm)
    return {**_scored(comparison, arm), "gain": row.gain, "interval": row.gain_interval}
