"""Metrics: one file each, listed because it exists."""

from __future__ import annotations

from tasks.core.plugins import MetricSpec
from tasks.core.registry import Registry

METRICS: Registry[MetricSpec] = Registry("tasks.metrics", "metric")
