"""Downstream models: one file each, listed because it exists."""

from __future__ import annotations

from tasks.core.plugins import ModelSpec
from tasks.core.registry import Registry

MODELS: Registry[ModelSpec] = Registry("tasks.models", "model")
