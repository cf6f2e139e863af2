"""Out-of-fold scores, their significance, slices, shift and rows saved."""
