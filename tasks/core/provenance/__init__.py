"""Where data came from, what may be done with it, and what was made of it."""
