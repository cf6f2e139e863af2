"""Metrics that score predictions against the truth: one file each, registered because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import MetricSpec

METRICS: Registry[MetricSpec] = Registry(
    "realmix.tasks.metrics", "metric", MetricSpec, group="realmix.metrics"
)
