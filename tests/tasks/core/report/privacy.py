"""Privacy of a study, written by hand: one pool that leaks."""

from __future__ import annotations

from typing import Any

MEASURED = {
    "n_pools": 5, "n_synthetic": 4_000, "n_members": 800, "n_non_members": 800, "n_attacked": 800,
    "false_positive_rate": 0.01,
    "false_positive_interval": [0.004, 0.02], "worst_attack": "distance, all columns", "tpr": 0.12,
    "tpr_interval": [0.08, 0.17], "advantage": 0.11, "members_flagged": 96, "copied_members": 3,
    "copied_non_members": 0, "p_corrected": 0.001,
    "attacks": [
        {"name": "whole copies", "tpr": 0.00375, "auc": None, "p_value": 0.12},
        {"name": "distance, all columns", "tpr": 0.12, "auc": 0.66, "p_value": 1e-9},
    ],
    "disclosures": [
        {"name": "guessing age", "n_attacks": 800, "rate": 0.25, "interval": [0.22, 0.28], "n_controls": 800,
         "control_rate": 0.1, "control_interval": [0.08, 0.12], "p_value": 1e-6, "exceeds_control": True},
    ],
    "riskiest": [17, 4],
}  # fmt: skip
COMBINED = {
    "n_persons": 1_000, "persons_exposed": 120.0, "persons_interval": [80.0, 170.0], "by_chance": 10.0,
    "posterior": 0.57, "expected_harm": None, "currency": "EUR", "sentence": "Of 1,000 persons 120 are recognized.",
}  # fmt: skip
LEAKY = {
    "synthesizer": "sequential-trees",
    "may_be_shared": False,
    "sharing": "Not to be shared: a leak was found.",
    "veto": None,
    "assessment": {
        "is_leaking": True,
        "finds_copies": True,
        "sentence": "Leak found: 12 %.",
        "measured": MEASURED,
        "declared": {"prior": 0.1, "harm": None, "currency": "EUR"},
        "combined": COMBINED,
        "controls": [{"copied_share": 0.0, "n_caught": 0, "n_repeats": 5, "n_members": 200}],
    },
}
PRIVACY: dict[str, Any] = {
    "pools": [LEAKY],
    "reason": None,
    "training_table": "training.parquet holds your 900 real rows.",
}
NOT_MEASURED = {**PRIVACY, "pools": [], "reason": "the folds are cut by time."}
