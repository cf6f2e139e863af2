"""Holdout, folds and nested subsets of a table's rows."""
