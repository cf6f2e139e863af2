"""Words of the report that are explained where they first stand."""

from __future__ import annotations

METRICS = {
    "log_loss": "how wrong the predicted probabilities are, with confident errors punished most; 0 is perfect",
    "roc_auc": "how often a row of the positive class is ranked above one of the other; 1 is perfect, 0.5 is guessing",
    "average_precision": "how pure the top of the ranking is, averaged over cut-offs; 1 is perfect",
    "accuracy": "share of rows whose class is decided rightly; 1 is perfect",
    "balanced_accuracy": "mean over classes of the share decided rightly; 1 is perfect",
    "f1": "balance of finding the positive rows and of being right about them; 1 is perfect",
    "brier": "mean squared error of the probabilities; 0 is perfect",
    "calibration_error": "how far predicted probabilities are from observed frequencies; 0 is perfect",
    "recall_at_alert_rate": "share of the positive rows among those that people have time to look at; 1 is perfect",
    "cost": "what the decisions cost per row, in the unit of the data card; 0 is perfect",
    "rmse": "typical size of an error, large ones weighing more, in the unit of the target; 0 is perfect",
    "mae": "mean size of an error, in the unit of the target; 0 is perfect",
    "r2": "share of the target's variation that is explained; 1 is perfect, 0 is a constant",
}
WORDS = {
    "synthetic rows": "rows that a program drew after learning your real rows",
    "real only": "the best of everything that was tried without synthetic rows; what gains are measured against",
    "mix": "a recipe for training rows: which synthetic rows, how many, and who labels them",
    "the ensemble": "several unlike models trained on the same real rows that vote; it can label rows with probabilities",
    "validation rows": "rows kept from training in each fold, on which mixes are compared and chosen",
    "holdout": "rows set aside first and read once, at the end; they choose nothing",
    "90 % interval": "holds the truth nine times in ten",
    "promised gain": "the measured gain without the luck of the best of many: what to expect on new rows",
    "control": "training rows that add no information, such as repeated real rows; a real gain must beat them",
    "smallest provable gain": "a smaller gain may exist, but so few rows cannot tell it from luck",
    "gain worth having": "the margin of the metric: a smaller gain changes nothing in practice",
}
# Scores of SDMetrics, https://docs.sdv.dev/sdmetrics/data-metrics
SCORES = {
    "KSComplement": "how like the spread of each number column is; 1 is equal",
    "TVComplement": "how like the shares of each category are; 1 is equal",
    "CorrelationSimilarity": "how well pairs of number columns keep their correlation",
    "ContingencySimilarity": "how well pairs of categories keep their joint shares",
}


def explained(word: str) -> str | None:
    """Return what a word or a metric means; None for an unknown one.

    Examples
    --------
    >>> explained("mix")
    'a recipe for training rows: which synthetic rows, how many, and who labels them'
    """
    return WORDS.get(word) or METRICS.get(word)
