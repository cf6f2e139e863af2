"""The recipe that a learner takes unless the folds speak clearly for another one.

Of hundreds of mixes the best in the folds is often the luckiest. One recipe was best over the panel's tables: the
synthesizer `DEFAULT_SYNTHESIZER` at the largest ratio, labelled by the teacher; for learners outside the teacher with
half labels on the real rows and synthetic rows that weigh as many as they are. It is fixed before a study sees its
table, so it is tested with few others, and most of the chance of a false proof is kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from realmix.tasks.core.contracts.specs import DEFAULT_SYNTHESIZER
from realmix.tasks.core.mixes.arms import Arm, Mix

# Share of the chance of a false proof that the default recipes have; other mixes have the rest (Bonferroni).
SHARE_OF_DEFAULT = 0.8


def is_default(arms: Sequence[Arm]) -> np.ndarray:
    """Return which arms are the default recipe of their learner, of shape (n_arms,).

    Examples
    --------
    >>> mixes = Mix("smote", 5, 1, "teacher"), Mix("sequential-trees", 5, 1, "teacher"), Mix("sequential-trees", 1, 1, "teacher")
    >>> is_default([Arm(mix, "xgboost", trial) for mix in mixes for trial in range(2)]).astype(int).tolist()
    [0, 0, 1, 1, 0, 0]
    """
    recipes: dict[str, Mix] = {}
    for arm in arms:
        best = recipes.get(arm.model)
        if _is_recipe(arm.mix) and (best is None or _preference(arm.mix) > _preference(best)):
            recipes[arm.model] = arm.mix
    return np.array([recipes.get(arm.model) == arm.mix for arm in arms], dtype=bool)


def _is_recipe(mix: Mix) -> bool:
    return (mix.synthesizer, mix.label_rule, mix.balance) == (DEFAULT_SYNTHESIZER, "teacher", "prior")


def _preference(mix: Mix) -> tuple[float, int]:
    """Order the recipes: the larger ratio, then half labels at full weight, then plain ones."""
    if mix.real_labels == "half":
        return mix.synthetic_ratio, 2 if mix.weight == mix.synthetic_ratio > 1 else 0
    return mix.synthetic_ratio, 1 if mix.weight == 1 else 0
