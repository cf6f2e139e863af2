"""Files for production: container image, Compose, Kubernetes, constraints, and Prefect's deployments."""

# Imported twice, under two names, each class would exist twice, and no `except` would know the other one.
if __name__ != "realmix.infra":
    raise ImportError("This folder is part of the package realmix: import realmix.infra.", name=__name__)
