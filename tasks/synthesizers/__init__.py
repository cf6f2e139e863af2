"""Synthesizers that learn real rows and draw new ones: one file each, registered because it exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import SynthesizerSpec

SYNTHESIZERS: Registry[SynthesizerSpec] = Registry(
    "realmix.tasks.synthesizers", "synthesizer", SynthesizerSpec, group="realmix.synthesizers"
)
