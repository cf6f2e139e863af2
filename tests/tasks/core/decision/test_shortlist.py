"""Finalists of each learner, on matrices whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np

from realmix.tasks.core.decision.ranking import ScoredArms
from realmix.tasks.core.decision.shortlist import shortlist
from realmix.tasks.core.mixes.arms import Arm, Exit, Mix


def test_draws_choose_among_the_mixes_best_on_their_first_repeat(simulate_study, squared_error):
    full = simulate_study(0)
    predictions = full.predictions.copy()
    predictions[6, 0] *= 1.2  # far behind in the first repeat, far ahead in the others
    predictions[6, 1:] *= 0.2
    raced = dataclasses.replace(full, predictions=predictions, exits={"none of these": Exit(5, "", False)})
    case = ScoredArms(raced, squared_error, frozenset())
    assert case.best(case.is_candidate) == 6
    assert not case.survivors(np.ones((1, len(full.y))))[0, 6]


def test_a_shortlist_without_candidates_is_empty():
    assert not shortlist(np.zeros((2, 1)), np.array([False]), (Arm(Mix(), "linear"),)).any()
