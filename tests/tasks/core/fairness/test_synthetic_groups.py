"""Synthetic rows against the real ones: shares of groups, and the labels in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.fairness.synthetic_groups import describe_synthetic_groups


def drawn(
    seed: int, n_rows: int, share: float, rates: tuple[float, float]
) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    is_first = rng.random(n_rows) < share
    labels = rng.random(n_rows) < np.where(is_first, *rates)
    return pd.DataFrame({"sex": np.where(is_first, "f", "m")}), labels.astype(float)


def described(real, synthetic, **changes):
    return describe_synthetic_groups(
        real[0], synthetic[0], real_labels=real[1], synthetic_labels=synthetic[1],
        weight=np.ones(len(real[1])), limit=0.05, mix="ctgan/1/joint", **{"unknown": (), **changes},
    )  # fmt: skip


def test_a_shifted_share_and_a_shifted_label_rate_are_found():
    found = described(drawn(0, 800, 0.7, (0.2, 0.5)), drawn(1, 800, 0.4, (0.45, 0.5)))
    by_name = {group.group: group for group in found.groups}
    assert by_name["sex: group 1 of 2"].share_is_shifted and by_name["sex: group 2 of 2"].share_is_shifted
    assert by_name["sex: group 1 of 2"].label_rate_is_shifted
    assert not by_name["sex: group 2 of 2"].label_rate_is_shifted
    assert "change the share of" in found.sentence and "change the labels of" in found.sentence


def test_rows_of_the_same_kind_are_called_shifted_in_at_most_one_of_twenty_draws():
    shifted = 0
    for seed in range(200):
        found = described(drawn(seed, 300, 0.7, (0.2, 0.5)), drawn(9000 + seed, 300, 0.7, (0.2, 0.5)))
        shifted += any(group.share_is_shifted or group.label_rate_is_shifted for group in found.groups)
    assert shifted <= 16, "with a rate of 5 % more than sixteen have a probability of 3 %"


def test_a_group_that_the_synthetic_rows_lack_is_found_and_a_small_one_not_judged():
    real, synthetic = drawn(0, 400, 0.7, (0.2, 0.5)), drawn(1, 400, 1.0, (0.2, 0.5))
    lost = described(real, synthetic).groups[1]
    assert lost.n_synthetic == 0 and lost.share_is_shifted and lost.synthetic_label_rate is None
    few = described(drawn(2, 300, 0.98, (0.2, 0.5)), drawn(3, 300, 0.7, (0.2, 0.5))).groups[1]
    assert few.note == f"not judged (n = {few.n_real})" and not few.share_is_shifted


def test_columns_that_no_synthetic_row_has_are_named():
    same = drawn(0, 200, 0.5, (0.3, 0.3))
    assert "No synthetic row has faith" in described(same, same, unknown=("faith",)).sentence
