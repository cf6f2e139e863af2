"""Validation of tables: choose the suite of expectations, run it, store its results."""
