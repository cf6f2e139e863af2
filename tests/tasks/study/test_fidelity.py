"""Rows of the same kind score like real ones, and each way of being unlike them is seen by its score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.metrics import METRICS
from realmix.tasks.study.fidelity import fidelity, utility


def rows(n_rows: int, seed: int) -> pd.DataFrame:
    """Two numbers and two categories that go together, and a target that the numbers explain."""
    rng = np.random.default_rng(seed)
    one = rng.normal(size=n_rows)
    level = np.where(one + rng.normal(size=n_rows) > 0, "high", "low").astype(object)
    return pd.DataFrame(
        {
            "one": one,
            "two": one + 0.5 * rng.normal(size=n_rows),
            "level": level,
            "y": np.where(one + 0.7 * rng.normal(size=n_rows) > 0, "yes", "no").astype(object),
        }
    )


REAL, UNSEEN = rows(600, 0), rows(600, 1)
SCHEMA = infer_schema(REAL, "y")


def scores(synthetic: pd.DataFrame) -> dict[str, tuple[float, float]]:
    return {each.name: (each.synthetic, each.real) for each in fidelity(synthetic, REAL, UNSEEN, SCHEMA)}


def shuffled(seed: int = 2) -> pd.DataFrame:
    """Each column alone is right, and nothing goes together."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {name: rng.permutation(values.to_numpy()) for name, values in rows(600, seed).items()}
    )


def test_rows_of_the_same_kind_score_like_other_real_rows():
    found = scores(rows(600, 2))
    assert found.keys() == {"KSComplement", "TVComplement", "CorrelationSimilarity", "ContingencySimilarity"}
    assert all(abs(synthetic - real) < 0.05 and real > 0.9 for synthetic, real in found.values())


def test_columns_that_are_right_one_by_one_and_wrong_together_are_seen():
    found = scores(shuffled())
    for name in ("KSComplement", "TVComplement"):
        assert abs(found[name][0] - found[name][1]) < 0.05
    for name in ("CorrelationSimilarity", "ContingencySimilarity"):
        assert found[name][0] < found[name][1] - 0.05


def test_numbers_of_another_size_are_seen_in_their_own_score_alone():
    off = rows(600, 2)
    off["one"] += 2.0
    found = scores(off)
    assert found["KSComplement"][0] < found["KSComplement"][1] - 0.2
    assert abs(found["TVComplement"][0] - found["TVComplement"][1]) < 0.05


def test_a_column_without_variation_has_no_correlation_and_spoils_none():
    flat = rows(600, 2).assign(one=0.0)
    assert "CorrelationSimilarity" not in scores(flat) or np.isfinite(
        scores(flat)["CorrelationSimilarity"][0]
    )


def test_useful_rows_train_nearly_as_good_a_model_and_shuffled_ones_none():
    metrics = [METRICS["roc_auc"], METRICS["log_loss"]]
    useful = utility(rows(600, 2), REAL, UNSEEN, SCHEMA, metrics, seed=0)
    useless = utility(shuffled(), REAL, UNSEEN, SCHEMA, metrics, without_noise=rows(600, 3), seed=0)
    assert [score.name for score in useful] == ["roc_auc", "log_loss"]
    assert useful[0].synthetic > useful[0].real - 0.05 > 0.7 and useful[0].without_noise is None
    assert useless[0].synthetic < useless[0].real - 0.1 < useless[0].without_noise
