"""Rows of the final fit, and what memory or time limited in it."""

from __future__ import annotations

from typing import Any

from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.core.plan.plan import Plan


def describe_final_fit(arm: Arm, plan: Plan, *, n_real: int, n_synthetic: int) -> dict[str, Any]:
    """Describe the rows of the fit that ships, and what is less in it than in the folds.

    Parameters
    ----------
    arm : Arm
        What ships, as it was compared.
    plan : Plan
    n_real, n_synthetic : int
        Rows that it was fitted on.

    Returns
    -------
    dict
        ``n_real``, ``n_synthetic``, ``n_teacher`` (real rows that its teacher learned from, None without
        one) and ``sentence``: what was limited, None where nothing was.

    Examples
    --------
    >>> from realmix.tasks.core.mixes.arms import Mix
    >>> from realmix.tasks.core.splits.holdout import HoldoutRule
    >>> plan = Plan(0, "binary", "log_loss", HoldoutRule(0, 0.2, ()), 2000, 5, 1, False, ("xgboost",), 1,
    ...             {"smote": None}, (2.0,), (1.0,), ("joint",), ("prior",), (), 2, 1)
    >>> arm = Arm(Mix("smote", 2.0), "xgboost")
    >>> describe_final_fit(arm, plan, n_real=1_000_000, n_synthetic=100_000)["sentence"]
    'The final fit holds 100,000 synthetic rows instead of 2,000,000; together they weigh as much.'
    """
    planned = round(arm.mix.synthetic_ratio * n_real) if arm.mix.synthesizer else 0
    n_teacher = plan.n_teacher(n_real) if arm.mix.label_rule == "teacher" else None
    limited = []
    if n_synthetic < planned:
        limited.append(
            f"The final fit holds {n_synthetic:,} synthetic rows instead of {planned:,}; together they weigh as much."
        )
    if n_teacher is not None and n_teacher < n_real:
        limited.append(
            f"Its teacher learned from {n_teacher:,} of {n_real:,} real rows and labelled all others."
        )
    return {
        "n_real": n_real,
        "n_synthetic": n_synthetic,
        "n_teacher": n_teacher,
        "sentence": " ".join(limited) or None,
    }
