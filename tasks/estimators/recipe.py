"""What an estimator compares, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from realmix.tasks.core.contracts.specs import DEFAULT_SYNTHESIZER
from realmix.tasks.core.errors import unknown_name
from realmix.tasks.core.mixes.arms import MAX_RATIO, Balance, LabelRule
from realmix.tasks.core.plan.plan import Plan
from realmix.tasks.core.splits.holdout import HoldoutRule
from realmix.tasks.core.table.schema import Task
from realmix.tasks.estimators.table import FeatureTable
from realmix.tasks.synthesizers import SYNTHESIZERS

# Name of the user's estimator among the learners.
LEARNER = "estimator"
NO_HOLDOUT = HoldoutRule(salt=0, fraction=0.0, columns=())
TEACHER = (("xgboost", 0), ("linear", 0), ("random-forest", 0))


@dataclass(frozen=True)
class Recipe:
    """What is compared, and with which seed; the parameters of the estimators."""

    synthesizers: tuple[str, ...]
    ratios: tuple[float, ...]
    n_folds: int
    seed: int
    label_rules: tuple[LabelRule, ...] = ("joint", "teacher")
    balances: tuple[Balance, ...] = ("prior",)

    @property
    def has_teacher(self) -> bool:
        """Whether an ensemble labels rows."""
        return "teacher" in self.label_rules

    @property
    def teacher(self) -> tuple[tuple[str, int], ...]:
        """Models of the ensemble, each with its trial."""
        return TEACHER

    def plan(self, table: FeatureTable, metric: str) -> Plan:
        """Return the plan of a study of one learner."""
        return Plan(
            seed=self.seed,
            task=table.schema.task,
            metric=metric,
            holdout=NO_HOLDOUT,
            n_development=len(table.y),
            n_folds=self.n_folds,
            n_repeats=1,
            forward=False,
            models=(LEARNER,),
            n_trials=1,
            synthesizers=dict.fromkeys(self.synthesizers),
            ratios=self.ratios,
            weights=(1.0,),
            label_rules=self.label_rules,
            balances=self.balances,
            teacher=self.teacher,
            n_workers=1,
            threads_per_fit=1,
        )


class HasRecipe:
    """Takes the parameters of a recipe, as scikit-learn's estimators take theirs."""

    def __init__(
        self,
        estimator: Any = None,
        *,
        synthesizers: Sequence[str] = (DEFAULT_SYNTHESIZER,),
        ratios: Sequence[float] = (1.0, 5.0),
        n_folds: int = 5,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.synthesizers = synthesizers
        self.ratios = ratios
        self.n_folds = n_folds
        self.random_state = random_state


def check_parameters(synthesizers: Any, ratios: Any, n_folds: Any, task: Task) -> None:
    """Refuse parameters that an estimator cannot compare by.

    Raises
    ------
    ValueError
        With what was got, what is expected and what to write instead.

    Examples
    --------
    >>> check_parameters(["smote"], [1.0], 5, "binary")
    >>> check_parameters(["smoote"], [1.0], 5, "binary")
    Traceback (most recent call last):
    ValueError: synthesizers: Unknown synthesizer 'smoote'; did you mean 'smote'? Known: ...
    """
    usable = [
        name for name, spec in SYNTHESIZERS.items()
        if task in spec.tasks and not (spec.is_control or spec.needs)
    ]  # fmt: skip
    for name in _listed("synthesizers", synthesizers, "['smote']"):
        if name not in SYNTHESIZERS:
            raise ValueError(f"synthesizers: {unknown_name('synthesizer', str(name), usable)}")
        if name not in usable:
            raise ValueError(
                f"synthesizers: '{name}' {_why_not(name, task)}. Choose from {', '.join(usable)}."
            )
    for ratio in _listed("ratios", ratios, "[1.0]"):
        if not (isinstance(ratio, Real) and 0 < float(ratio) <= MAX_RATIO):
            raise ValueError(
                f"ratios are synthetic rows per real row, above 0 and at most {MAX_RATIO}; got {ratio!r}. Real rows "
                "alone (ratio 0) are always compared: leave it out."
            )
    if isinstance(n_folds, bool) or not isinstance(n_folds, Integral) or n_folds < 2:
        raise ValueError(f"n_folds is {n_folds!r}; expected a whole number of at least 2. Write n_folds=5.")


def _listed(name: str, values: Any, example: str) -> list[Any]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ValueError(f"{name} is {values!r}; expected a list. Write {name}={example}.")
    if not (listed := list(values)):
        raise ValueError(f"{name} is empty; expected at least one. Write {name}={example}.")
    return listed


def _why_not(name: str, task: Task) -> str:
    spec = SYNTHESIZERS[name]
    if spec.is_control:
        return "is a control"
    return f"does not support {task}" if task not in spec.tasks else f"needs `{spec.needs}` of a data card"
