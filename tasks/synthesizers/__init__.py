"""Synthesizers: one file each, found because the file exists."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import SynthesizerSpec

SYNTHESIZERS: Registry[SynthesizerSpec] = Registry("realmix.tasks.synthesizers", "synthesizer", SynthesizerSpec, group="realmix.synthesizers")
