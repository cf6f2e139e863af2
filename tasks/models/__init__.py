"""Downstream models that studies train and ship: one file each, registered because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import ModelSpec
from realmix.tasks.models._shipping import check_servable

MODELS: Registry[ModelSpec] = Registry(
    "realmix.tasks.models", "model", ModelSpec, group="realmix.models", check=check_servable
)
