"""From out-of-fold scores to a verdict: race, promised gain, gates, preview and holdout."""
