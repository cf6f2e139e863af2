"""Steps of studies and of registered tables, plug-ins, and the computations behind them."""

# Imported twice, under two names, each class would exist twice, and no `except` would know the other one.
if __name__ != "realmix.tasks":
    raise ImportError("This folder is part of the package realmix: import realmix.tasks.", name=__name__)
