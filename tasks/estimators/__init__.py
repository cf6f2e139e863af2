"""Estimators and a sampler for scikit-learn: the fits, the comparison and the decision of a study inside `fit`."""
