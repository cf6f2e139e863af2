"""Figures of the report, drawn from the verdict document alone."""
