from __future__ import annotations

import pandas as pd

from tests.nulls.run import summary


def lines(seed: int, mix: str = "copies/1/teacher", **words: str) -> list[dict[str, str]]:
    """Lines of one study of copies."""
    study = {"null": "copies", "table": "a", "seed": str(seed), "mix": mix}
    return [study | {"learner": learner.replace("_", "-"), "word": word} for learner, word in words.items()]


def test_a_study_is_wrong_once_however_many_learners_were_proven():
    keep = "keep real only"
    found = summary(
        pd.DataFrame(
            [
                *lines(0, all=keep, xgboost="proven", decision_tree="proven"),
                *lines(1, all="expected to help", xgboost=keep, decision_tree="expected to help"),
                *lines(2, all=keep, xgboost=keep, decision_tree="not decided"),
            ]
        )
    )
    counts = {row.split(" | ")[1]: row.split(" | ")[2:5] for row in found.splitlines()[2:]}
    assert counts["all"] == ["3", "0", "1"]
    assert counts["xgboost"] == ["3", "1", "1"]
    assert counts["decision-tree"] == ["3", "1", "2"]
    assert counts["any of them"] == ["3", "1", "2"]


def test_shuffled_marginals_that_help_beside_copies_are_no_false_discovery():
    found = summary(pd.DataFrame(lines(0, "shuffled-marginals/5/teacher", all="proven", xgboost="proven")))
    assert [row.split(" | ")[3:5] for row in found.splitlines()[2:]] == [["0", "0"]] * 3
