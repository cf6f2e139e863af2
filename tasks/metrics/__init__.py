"""Metrics: one file each, listed because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import MetricSpec

METRICS: Registry[MetricSpec] = Registry("realmix.tasks.metrics", "metric")
