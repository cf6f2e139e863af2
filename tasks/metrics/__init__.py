"""Metrics that score predictions against the truth: one file each, registered because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.metrics._checking import check_computable

METRICS: Registry[MetricSpec] = Registry(
    "realmix.tasks.metrics", "metric", MetricSpec, group="realmix.metrics", check=check_computable
)
