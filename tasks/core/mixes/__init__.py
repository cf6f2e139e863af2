"""Mixes of real and synthetic rows: recipes, pools, training sets and the test for leaks."""
