"""From a time budget to a plan: costs, priors, and what is left out."""
