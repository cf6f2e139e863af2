"""Expectation suites of Great Expectations: for raw, synthetic and training tables, and for drift."""
