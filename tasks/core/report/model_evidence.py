"""Optional parts of the verdict document about what ships: what it looks at, how it errs, and synthetic rows by column."""

from __future__ import annotations

from typing import Literal

from realmix.tasks.core.documents import Known, Number, Part


class Importance(Part):
    """How much worse the model scores where a feature's values are shuffled among validation rows.

    In the units of gains; lowest and highest of the folds beside the mean.
    """

    feature: str
    worsens: Number
    low: Number
    high: Number


class CalibrationBin(Part):
    """Rows of similar predictions: their mean prediction, and what was observed, with a 90 % interval.

    A probability and a frequency of the positive class, of the most probable one among several; a number and a mean.
    """

    n_rows: int
    predicted: Number
    observed: Number
    low: Number
    high: Number


class Confusion(Part):
    """Validation rows by their true class (first index) and the one that the served model decides.

    `cost_per_row` of these decisions, and of always deciding for the one class that costs least; None where the card
    gives no costs.
    """

    threshold: Known
    counts: tuple[tuple[int, ...], ...]
    cost_per_row: Known = None
    cost_of_one_class: Known = None


class ModelEvidence(Part):
    """What is known of the arm that ships, on validation rows that the models had not seen.

    From :func:`realmix.tasks.core.scores.served_predictions.describe_predictions`, and importance from
    :func:`realmix.tasks.study.examine.examine`, by `importance_metric`.
    """

    arm: str
    n_rows: int
    importance: tuple[Importance, ...] = ()
    importance_metric: str | None = None
    importance_is_relative: bool = True
    calibration: tuple[CalibrationBin, ...]
    confusion: Confusion | None


class ColumnLikeness(Part):
    """Real and synthetic values of a column: a named score of SDMetrics, and the share of rows in each bin or level.

    `of_other_real` is the score of real rows that the synthesizer did not see. Bins are empty for columns that
    the card declares sensitive or identifying; rare levels are counted together.
    """

    name: str
    kind: Literal["numeric", "categorical", "datetime"]
    score_name: str
    score: Known
    of_other_real: Known
    bins: tuple[str, ...]
    real: tuple[Number, ...]
    synthetic: tuple[Number, ...]


class CorrelatedPair(Part):
    """Correlation of two number columns among real and among synthetic rows."""

    first: str
    second: str
    real: Number
    synthetic: Number


class NamedScore(Part):
    """Mean of a score of SDMetrics over columns or pairs of them, 0 to 1, beside that of other real rows."""

    name: str
    score: Number
    of_other_real: Known


class Likeness(Part):
    """How like real rows the synthetic rows of the best mix are, in the first fold."""

    synthesizer: str
    n_real: int
    n_synthetic: int
    n_other_real: int
    scores: tuple[NamedScore, ...]
    columns: tuple[ColumnLikeness, ...]
    correlations: tuple[CorrelatedPair, ...] = ()
