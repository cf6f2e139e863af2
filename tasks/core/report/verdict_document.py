"""Verdict document: the content of ``verdict.json`` and ``report.html``.

Layout, version 1 (strict JSON; values that could not be computed are null):

- ``schema_version``, ``realmix_version``, ``study``, ``table``, ``complete``, ``missing``
- ``word``, ``sentence``, ``reason``
- ``winner``, ``real_only``: ``name``, ``mix``, ``recipe`` (fields of the mix), ``in_words``,
  ``model``, ``trial``, ``params``; the winner is real only if the word is "keep real only" or
  "not decided"
- ``metric``: ``name``, ``direction``, ``margin``, ``margin_is_relative``
- ``validation``: ``real_only`` and ``mix`` (``name``, ``score``, ``interval``; the mix is the best
  candidate, shipped or not, null without candidates), gains, tests, controls and counts;
  ``expected_provable_gain`` is the estimate before the race
- ``holdout``: see :func:`realmix.tasks.core.decision.holdout_gain.describe_holdout`; null with ``holdout_reason``;
  its ``mix``, ``gain`` and related fields are null if the real-only model ships
- ``generalisation``: see :func:`realmix.tasks.core.scores.generalisation.describe_generalisation`; null if
  a study did not measure it
- ``rows_saved``: see :func:`realmix.tasks.core.scores.rows_saved.describe_rows_saved`; null with ``rows_saved_reason``
- ``race``: see :func:`realmix.tasks.core.decision.race.describe_race`; arms that were dropped early stay in
  ``arms``, scored on the folds they ran
- ``final_fit``: see :func:`realmix.tasks.core.plan.final_fit.describe_final_fit`
- ``drift``: see :meth:`realmix.tasks.core.lifecycle.drift.Drift.to_dict`; null unless a table is studied again
- ``gates``, ``arms``, ``disqualified``, ``synthesizers`` (rows requested, generated, kept, copies),
  ``teacher`` (``score`` of the ensemble itself, for reference)
- ``plan`` (with ``left_out``), ``seconds``, ``seeds``, ``digests``, ``versions``, ``provenance``

Gains are positive = better: shares of the real-only score where ``margin_is_relative``, otherwise
in the metric's units. All intervals are 90 % intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.verdict import NOT_DECIDED, Verdict
from realmix.tasks.core.json_values import to_jsonable
from realmix.tasks.core.mixes.arms import Arm, mix_in_words
from realmix.tasks.core.words import gain_in_words, interval_in_words

SCHEMA_VERSION = 1

# Fields of the comparison that the document repeats under `validation`.
VALIDATION_FIELDS = (
    "n_rows", "n_folds", "n_validation", "n_train", "naive_gain", "promised_gain", "promised_interval",
    "optimism", "challenger_gain", "standard_error", "p_corrected", "p_holm", "p_max", "p_value",
    "share_of_folds_won", "beats_duplicates", "beats_shuffled", "beats_distillation",
    "beats_class_weights",
    "calibration_change", "smallest_provable_gain", "finalists",
)  # fmt: skip


def build_verdict_document(
    *,
    study: str,
    table: Mapping[str, Any],
    comparison: Comparison,
    verdict: Verdict,
    holdout: Mapping[str, Any] | None,
    holdout_reason: str | None,
    params: Mapping[str, Mapping[str, Any]],
    plan: Mapping[str, Any],
    seconds: Mapping[str, float],
    seeds: Mapping[str, int],
    digests: Mapping[str, str],
    versions: Mapping[str, str],
    provenance: Mapping[str, Any],
    realmix_version: str,
    missing: Sequence[str] = (),
    synthesizers: Sequence[Mapping[str, Any]] = (),
    teacher: float | None = None,
    race: Mapping[str, Any] | None = None,
    generalisation: Mapping[str, Any] | None = None,
    rows_saved: Mapping[str, Any] | None = None,
    rows_saved_reason: str | None = None,
    final_fit: Mapping[str, Any] | None = None,
    drift: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the strict JSON object of a study's results.

    Parameters
    ----------
    study : str
    table : mapping
        For example `name`, `source`, `target`, `task`, `classes`, `n_rows`, `n_features`.
    comparison, verdict
    holdout : mapping or None
        From :func:`realmix.tasks.core.decision.holdout_gain.describe_holdout`, or, if real only ships, from
        :func:`realmix.tasks.core.decision.holdout_gain.describe_real_only_holdout`.
    holdout_reason : str or None
        Why there is no holdout, if there is none.
    params : mapping of arm name to hyper-parameters
        For the shipped and the real-only arm.
    plan : mapping
        Summary of the plan; `left_out` lists sentences.
    seconds : mapping of stage to seconds
    seeds, digests, versions, provenance : mapping
    realmix_version : str
    missing : sequence of str
        Parts cut off by a hard limit; the document is complete if empty.
    synthesizers : sequence of mapping
        Rows requested, generated and kept, and copies of real rows, per synthesizer.
    teacher : float, optional
        Score of the ensemble that labels synthetic rows, for reference.
    race : mapping, optional
        Arms dropped early and the time saved, from :func:`realmix.tasks.core.decision.race.describe_race`.
    generalisation : mapping, optional
        Overfitting, slices and shift, from
        :func:`realmix.tasks.core.scores.generalisation.describe_generalisation`.
    rows_saved : mapping, optional
        Real rows that the best mix is worth, from
        :func:`realmix.tasks.core.scores.rows_saved.describe_rows_saved`.
    rows_saved_reason : str, optional
        Why `rows_saved` is not known.
    final_fit : mapping, optional
        Rows of the shipped fit, from :func:`realmix.tasks.core.plan.final_fit.describe_final_fit`.
    drift : mapping, optional
        New rows against those of the last study, from :meth:`realmix.tasks.core.lifecycle.drift.Drift.to_dict`.
    reading : mapping, optional
        What was made of each column, from
        :meth:`realmix.tasks.core.table.reading_report.ReadingReport.to_dict`.

    Returns
    -------
    dict
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "realmix_version": realmix_version,
        "study": study,
        "table": table,
        "reading": reading,
        "complete": not missing,
        "missing": list(missing),
        "word": verdict.outcome,
        "sentence": _first_line(verdict, holdout),
        "reason": verdict.reason,
        "winner": _describe_arm(verdict.ships, params),
        "real_only": _describe_arm(comparison.incumbent, params),
        "metric": _describe_metric(comparison),
        "validation": {
            **_describe_validation(comparison, verdict),
            "expected_provable_gain": plan.get("expected_provable_gain"),
        },
        "holdout": holdout,
        "holdout_reason": holdout_reason,
        "gates": verdict.gates,
        "arms": comparison.arms,
        "disqualified": comparison.disqualified,
        "synthesizers": list(synthesizers),
        "teacher": {"score": teacher},
        "race": race,
        "generalisation": generalisation,
        "rows_saved": rows_saved,
        "rows_saved_reason": rows_saved_reason,
        "final_fit": final_fit,
        "drift": drift,
        "plan": plan,
        "seconds": seconds,
        "seeds": seeds,
        "digests": digests,
        "versions": versions,
        "provenance": provenance,
    }
    plain: dict[str, Any] = to_jsonable(document)
    return plain


def summary_lines(document: Mapping[str, Any]) -> list[str]:
    """Summarise the document in a few lines, for the terminal and the note of a run.

    Parameters
    ----------
    document : mapping
        From :func:`build_verdict_document`.
    """
    metric, validation = document["metric"], document["validation"]
    relative = metric["margin_is_relative"]
    lines = [
        f"{'kept' if document['word'] == NOT_DECIDED else 'ships'}: {document['winner']['name']}",
        _score_line("real only", validation["real_only"], metric),
    ]
    if validation["mix"]:
        promised = gain_in_words(validation["promised_gain"], relative)
        interval = interval_in_words(validation["promised_interval"], relative)
        lines += [
            _score_line("best mix", validation["mix"], metric),
            f"promised gain: {promised} (90 % interval {interval})",
        ]
    holdout = document["holdout"]
    on_holdout = holdout["sentence"] if holdout else f"none: {document['holdout_reason']}"
    provable = gain_in_words(validation["smallest_provable_gain"], relative)
    lines += [f"holdout: {on_holdout}", f"smallest gain these rows could prove: {provable}"]
    if document["disqualified"]:
        name, why = next(iter(document["disqualified"].items()))
        lines.append(f"failed or refused: {len(document['disqualified'])} mixes; the first, {name}: {why}")
    for name in ("final_fit", "rows_saved"):
        if document[name] and document[name]["sentence"]:
            lines.append(f"{name.replace('_', ' ')}: {document[name]['sentence']}")
    return lines


def _score_line(label: str, scored: Mapping[str, Any], metric: Mapping[str, Any]) -> str:
    return f"{label}: {scored['name']}, {metric['name']} {scored['score']:.4g} ({metric['direction']})"


def _first_line(verdict: Verdict, holdout: Mapping[str, Any] | None) -> str:
    """Add a gain on the holdout outside the promised interval, or a loss to a constant, to the sentence."""
    if holdout is None or (holdout["inside_interval"] is not False and not holdout.get("loses_to_constant")):
        return verdict.sentence
    return f"{verdict.sentence} But: {holdout['sentence']}"


def _describe_arm(arm: Arm, params: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": arm.name,
        "mix": arm.mix.name,
        "recipe": arm.mix.to_dict(),
        "in_words": mix_in_words(arm.mix),
        "model": arm.model,
        "trial": arm.trial,
        "params": params[arm.name],
    }


def _describe_metric(comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.metric,
        "direction": "higher is better" if comparison.greater_is_better else "lower is better",
        "margin": comparison.margin,
        "margin_is_relative": comparison.margin_is_relative,
    }


def _describe_validation(comparison: Comparison, verdict: Verdict) -> dict[str, Any]:
    numbers = {name: getattr(comparison, name) for name in VALIDATION_FIELDS}
    return {
        "real_only": _scored(comparison, comparison.incumbent),
        "mix": _scored(comparison, comparison.best_mix),
        **numbers,
        "shrunken_gain": verdict.shrunken_gain,
        "loss_chance": verdict.loss_chance,
        "rows_to_prove": verdict.rows_to_prove,
    }


def _scored(comparison: Comparison, arm: Arm | None) -> dict[str, Any] | None:
    if arm is None:
        return None
    row = comparison.row(arm)
    return {"name": row.name, "score": row.score, "interval": row.interval}
