"""Validation of tables: which expectations a table is held against, the run, what is stored."""
