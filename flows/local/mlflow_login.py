"""The login of our own MLflow server: user and password, and no page of another origin.

MLflow itself takes any page of this machine for one of its own: a browser that is logged in would add the
password for pages that another user of the machine serves.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Response, request


def authenticate() -> Any:
    """Return who asks, or the answer that refuses; MLflow calls it for every request."""
    from mlflow.server.auth import authenticate_request_basic_auth

    origin = request.headers.get("Origin")
    if origin and origin not in os.environ["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(","):
        return Response(f"Pages of {origin} are not answered.", 403, mimetype="text/plain")
    return authenticate_request_basic_auth()
