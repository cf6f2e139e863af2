"""Manifest of a study: the content of ``manifest.json``, by ``schemas/manifest-1.json``."""

from __future__ import annotations

from typing import ClassVar

from realmix.tasks.core.documents import Document


class Manifest(Document):
    """The sha256 of every file of the results, by its path inside their folder."""

    what: ClassVar[str] = "manifest"

    sha256: dict[str, str]
