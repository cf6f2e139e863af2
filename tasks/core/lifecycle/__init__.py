"""Batches, drift, retraining and promotion of registered tables, as pure values."""
