"""Synthetic tables that are shared: noisy marginals, suppression of rare cells, and the release document."""
