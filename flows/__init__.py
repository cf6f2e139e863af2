"""The Prefect flows, their deployments, and the programs that start them."""

# Imported twice, under two names, each class would exist twice, and no `except` would know the other one.
if __name__ != "realmix.flows":
    raise ImportError("This folder is part of the package realmix: import realmix.flows.", name=__name__)
