"""Worked examples of simulations that a data card can name in `simulate`."""
