"""Synthesizers: one file each, found because the file exists."""

from __future__ import annotations

from tasks.core.plugins import SynthesizerSpec
from tasks.core.registry import Registry

SYNTHESIZERS: Registry[SynthesizerSpec] = Registry("tasks.synthesizers", "synthesizer")
