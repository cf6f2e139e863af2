"""Cost: what the decisions cost per row, in the unit of the card's `costs`; 0 is perfect."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.scores.thresholds import best_cost_threshold
from realmix.tasks.metrics._row_losses import mean_of


def row_loss(costs: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return the cost of the decision on each row.

    Parameters
    ----------
    costs : ndarray of shape (n_rows, n_classes)
        Of each decision on each row, from :func:`realmix.tasks.core.table.costs.decision_costs`.
    y_pred : ndarray of shape (n_rows, n_classes)
        Probabilities or labels; the most probable class is the decision. A study hands in labels, made with
        a threshold that was tuned on other rows.

    Returns
    -------
    ndarray of shape (n_rows,)

    References
    ----------
    Elkan 2001, The foundations of cost-sensitive learning, IJCAI. Costs that differ by row: Bahnsen et al. 2015,
    https://doi.org/10.1016/j.eswa.2015.04.042

    Examples
    --------
    >>> row_loss(np.array([[0.0, 5.0], [120.0, 0.0]]), np.array([[0.4, 0.6], [0.9, 0.1]])).tolist()
    [5.0, 120.0]
    """
    return costs[np.arange(len(costs)), y_pred.argmax(axis=1)]


SPEC = MetricSpec(
    name="cost",
    compute=mean_of(row_loss),
    greater_is_better=False,
    bounds=(0.0, float("inf")),
    tasks=("binary",),
    margin=0.005,
    margin_is_relative=True,
    row_loss=row_loss,
    best_threshold=best_cost_threshold,
    tuned_threshold=True,
    scores_costs=True,
    needs="costs",
)
