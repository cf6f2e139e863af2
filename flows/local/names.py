"""Names that the local servers and the deployments share."""

from __future__ import annotations

# The Prefect work pool of all deployments.
POOL = "realmix"
