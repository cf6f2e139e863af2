"""Names that the local servers and the deployments share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


POOL = "realmix"
