"""Expectation suites of Great Expectations: for raw, synthetic and training tables, and for drift."""

# Imported twice, under two names, each class would exist twice, and no `except` would know the other one.
if __name__ != "realmix.expectations":
    raise ImportError(
        "This folder is part of the package realmix: import realmix.expectations.", name=__name__
    )
