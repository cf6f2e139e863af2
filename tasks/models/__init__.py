"""Downstream models: one file each, listed because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import ModelSpec

MODELS: Registry[ModelSpec] = Registry("realmix.tasks.models", "model")
