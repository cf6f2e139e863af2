"""Metrics that score predictions against the truth: one file each, registered because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.schema import Task
from realmix.tasks.metrics._checking import check_computable

METRICS: Registry[MetricSpec] = Registry(
    "realmix.tasks.metrics", "metric", MetricSpec, group="realmix.metrics", check=check_computable
)


def metric_for(name: str, card: DataCard) -> MetricSpec:
    """Return a metric as a table's card makes it.

    Raises
    ------
    BadInput
        If the card lacks what it needs.
    UnknownName
        If there is no such metric.
    """
    spec = METRICS[name]
    if not _is_given(spec, card):
        raise BadInput(
            f"The metric '{name}' needs `{spec.needs}` in the data card, which gives none. Add it there, or choose "
            "another metric."
        )
    return spec.for_card(card) if spec.for_card else spec


def metrics_for(task: Task, card: DataCard) -> list[MetricSpec]:
    """Return every metric that can be computed for a table."""
    usable = [name for name, spec in METRICS.items() if task in spec.tasks and _is_given(spec, card)]
    return [metric_for(name, card) for name in usable]


def _is_given(spec: MetricSpec, card: DataCard) -> bool:
    return not spec.needs or bool(getattr(card, spec.needs))
