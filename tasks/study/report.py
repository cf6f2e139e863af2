"""Write the results of a study: verdict.json, report.html and manifest.json."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.comparison import Comparison
from realmix.tasks.core.decision.holdout_gain import describe_holdout, describe_real_only_holdout
from realmix.tasks.core.decision.verdict import Verdict
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.fit_result import FitResult
from realmix.tasks.core.mixes.pool_result import PoolResult
from realmix.tasks.core.plan.final_fit import describe_final_fit
from realmix.tasks.core.plan.plan import Layout, Plan, Split
from realmix.tasks.core.privacy.study_privacy import OUTSIDE_EPSILON, training_table_exposes
from realmix.tasks.core.report.describe_decision import describe_decision
from realmix.tasks.core.report.describe_race import describe_race
from realmix.tasks.core.report.manifest import Manifest
from realmix.tasks.core.report.page import render_report
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.scores.out_of_fold import OutOfFold, fold_scores
from realmix.tasks.core.scores.served_predictions import describe_predictions
from realmix.tasks.core.table.set_apart import set_apart
from realmix.tasks.core.versions import installed_version
from realmix.tasks.fits.export import READABLE
from realmix.tasks.fits.scope import Scope
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.study_folder import DRIFT, WORK, StudyFolder, Table
from realmix.tasks.study.development import Development
from realmix.tasks.study.examine import IMPORTANCE, LIKENESS
from realmix.tasks.study.fairness import FAIRNESS
from realmix.tasks.study.mark import mark_study
from realmix.tasks.study.track import MLFLOW_PAGE
from realmix.tasks.synthesizers.dp import NAME as DP

LIBRARIES = ("numpy", "pandas", "scikit-learn", "xgboost-cpu", "sdv", "torch", "imbalanced-learn",
             "prefect", "mlflow", "great-expectations")  # fmt: skip


@task(task_run_name="report", cache_policy=NO_CACHE)
def publish(
    folder: StudyFolder,
    table: Table,
    split: Split,
    layout: Layout,
    development: Development,
    oof: OutOfFold,
    comparison: Comparison,
    verdict: Verdict,
    fits: dict[str, Any],
    holdout: dict[str, Any] | None,
    pools: list[PoolResult],
    seconds: dict[str, float],
    rows_saved: dict[str, Any],
) -> VerdictDocument:
    """Write the verdict document, the HTML report and the manifest.

    `rows_saved` is the result of :func:`realmix.tasks.study.rows_saved.rows_saved`.

    Returns
    -------
    VerdictDocument
        As written to ``verdict.json``.
    """
    params = {
        verdict.ships.name: fits["shipped"]["model"].params,
        comparison.incumbent.name: fits["shipped"]["real_only"].params,
    }
    on_holdout = holdout and describe_holdout_gain(comparison, verdict, holdout)
    expected = layout.plan.expected_provable_gain
    document = VerdictDocument.build(
        {
            **describe_circumstances(folder, table, split, layout.plan, seconds),
            **describe_decision(comparison, verdict, on_holdout, params, expected),
            **describe_evidence(
                folder, layout, development, pools, missing=[*missing(pools), *fits["failed"]]
            ),
            **rows_saved,
            **describe_model(folder, oof, comparison, verdict),
            "final_fit": final_fit(verdict, layout.plan, fits["shipped"]["model"]),
            "privacy": describe_privacy(
                folder.read_json("work/privacy.json"), fits["shipped"]["model"], layout.plan.synthesizers
            ),
        }
    )
    write_results(folder, table, document, readable_files(folder, table.card.sensitive))
    return document


def write_results(
    folder: StudyFolder, table: Table, document: VerdictDocument, readable: dict[str, str]
) -> None:
    """Write the verdict document, the report of it, the marks of origin and the manifest."""
    folder.write_json("verdict.json", document.to_dict())
    noted = folder.path / MLFLOW_PAGE
    mlflow_page = folder.read_json(MLFLOW_PAGE) if noted.exists() else None
    page = render_report(document, made_on=date.today(), readable=readable, mlflow_page=mlflow_page)
    (folder.path / "report.html").write_text(page, encoding="utf-8")
    mark_study(folder, table, document)
    folder.write_json("manifest.json", manifest(folder.path).to_dict())


def describe_model(
    folder: StudyFolder, oof: OutOfFold, comparison: Comparison, verdict: Verdict
) -> dict[str, Any]:
    """Describe what ships by its predictions of validation rows, and the rows of the best mix."""
    arm = verdict.ships
    importance = folder.read_json(IMPORTANCE).get(arm.name, {})
    described = describe_predictions(oof, arm, comparison.thresholds.get(arm.name))
    return {"model_evidence": {**described, **importance}, "likeness": folder.read_json(LIKENESS)}


def readable_files(folder: StudyFolder, sensitive: Sequence[str]) -> dict[str, str]:
    """Read what people can read of the shipped model; nothing if it names a sensitive column.

    The rules of such a model quote values of that column: they stay with the model.
    """
    place = folder.scope("shipped") / "model"
    if not (place / READABLE).exists():
        return {}
    columns = json.loads((place / "spec.json").read_text(encoding="utf-8"))["model"]["features"]
    if {column["name"] for column in columns} & set(sensitive):
        return {}
    return {file.name: file.read_text(encoding="utf-8") for file in sorted((place / READABLE).iterdir())}


def describe_circumstances(
    folder: StudyFolder, table: Table, split: Split, plan: Plan, seconds: dict[str, float]
) -> dict[str, Any]:
    """Describe what was studied, by which plan, with which versions, and how long it took."""
    return {
        "schema_version": 1,
        "realmix_version": installed_version("realmix"),
        "study": folder.path.name,
        "table": describe_table(table, split),
        "reading": table.source.get("reading"),
        "holdout_reason": split.no_holdout,
        "drift": read_drift(folder),
        "plan": plan.to_dict(),
        "seconds": seconds,
        "seeds": {"study": plan.seed},
        "digests": digests(folder, table),
        "versions": {
            "python": platform.python_version(),
            **{name: installed_version(name) for name in LIBRARIES},
        },
        "provenance": table.card.provenance.declared,
        "permission": table.permission,
    }


def describe_evidence(
    folder: StudyFolder,
    layout: Layout,
    development: Development,
    pools: list[PoolResult],
    missing: list[str],
) -> dict[str, Any]:
    """Describe what the race and the pools left behind, and the parts that are missing."""
    return {
        "complete": not missing,
        "missing": missing,
        "synthesizers": summarise_pools(pools),
        "teacher": {"score": teacher_score(folder, layout, development)},
        "race": describe_race(folder.read_json("work/race.json"), pools, len(layout.blocks)),
        "generalisation": folder.read_json("work/generalisation.json"),
        "fairness": folder.read_json(FAIRNESS),
        "learners": folder.read_json("work/learners.json"),
    }


def read_drift(folder: StudyFolder) -> dict[str, Any] | None:
    """Return the drift since the last study; None where none was measured."""
    return folder.read_json(DRIFT) if (folder.path / DRIFT).exists() else None


def final_fit(verdict: Verdict, plan: Plan, fit: FitResult) -> dict[str, Any]:
    """Describe the rows of the fit that ships."""
    return describe_final_fit(verdict.ships, plan, n_real=fit.n_real, n_synthetic=fit.n_synthetic)


def describe_privacy(of_pools: Mapping[str, Any], fit: FitResult, tried: Collection[str]) -> dict[str, Any]:
    """Add to the privacy of the pools what the shipped training table exposes, and what is outside epsilon."""
    return {
        **of_pools,
        "training_table": training_table_exposes(fit.n_real, fit.n_synthetic),
        "differential_privacy": OUTSIDE_EPSILON if DP in tried else None,
    }


def describe_holdout_gain(
    comparison: Comparison, verdict: Verdict, holdout: dict[str, Any]
) -> dict[str, Any]:
    """Compare the gain on the holdout with the promised one or, if real only ships, report its score."""
    if verdict.is_mix_shipped:
        return describe_holdout(
            verdict.promised_gain,
            verdict.promised_interval,
            holdout,
            is_relative=comparison.margin_is_relative,
        )
    return describe_real_only_holdout(holdout, comparison.metric)


def describe_table(table: Table, split: Split) -> dict[str, Any]:
    """Describe the table without any of its cells."""
    schema = table.schema
    return {
        "name": table.name,
        "source": table.source.get("location", table.card.source),
        "target": schema.target,
        "task": schema.task,
        "classes": list(schema.classes),
        "positive": schema.positive,
        "n_rows": table.snapshot.n_rows,
        "n_development": split.n_development,
        "n_holdout": split.n_holdout,
        "n_features": len(schema.features),
        "columns_set_apart": set_apart(schema, table.card),
        "hints": [hint.to_dict() for hint in table.hints],
        "read_as": {key: value for key, value in table.source.items() if key not in ("location", "reading")},
    }


def digests(folder: StudyFolder, table: Table) -> dict[str, str]:
    """Return the sha256 of the inputs and of the training table."""
    return {
        "snapshot": table.snapshot.digest,
        "plan": file_digest(folder.path / "plan.json"),
        "training": file_digest(folder.path / "training.parquet"),
        "card": hashlib.sha256(json.dumps(table.card.studied).encode()).hexdigest(),
    }


def summarise_pools(pools: list[PoolResult]) -> list[dict[str, Any]]:
    """Count the rows that each synthesizer was asked for and made, over all folds."""
    counted = ("asked", "made", "kept", "copies_of_real", "repaired", "dropped")
    by_name: dict[str, list[PoolResult]] = {}
    for pool in pools:
        by_name.setdefault(pool.synthesizer, []).append(pool)
    return [
        {
            "name": name,
            "fits": len(logs),
            "failed": sum(1 for log in logs if log.failure),
            **{key: sum(getattr(log, key) for log in logs) for key in counted},
        }
        for name, logs in sorted(by_name.items())
    ]


def teacher_score(folder: StudyFolder, layout: Layout, development: Development) -> float:
    """Average the score of the teacher itself over the folds: a reference, as it cannot ship."""
    folds, n_classes = development.folds, len(development.context.schema.classes)
    predictions = np.full((1, *folds.shape, *((n_classes,) if n_classes else ())), np.nan)
    for block in layout.blocks:
        of_block = Scope(folder.scope(block.scope)).read_array("teacher-validation.npy")
        predictions[0, block.repeat, folds[block.repeat] == block.fold] = of_block
    oof = OutOfFold(
        arms=(Arm(Mix(), "teacher"),),
        y=development.y,
        folds=folds,
        predictions=predictions,
        n_train=float("nan"),
        sample_weight=development.sample_weight,
        costs=development.costs,
    )
    return float(fold_scores(oof, development.context.metric(layout.plan.metric)).mean())


def missing(pools: list[PoolResult]) -> list[str]:
    """List the synthesizers that a time limit stopped, and where."""
    return [f"{p.synthesizer} in {p.scope}: {p.failure}" for p in pools if p.timed_out]


def manifest(folder: Path) -> Manifest:
    """Return the digests of the results in a folder; intermediate files are none."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder).parts[0] != WORK)
    digests = {p.relative_to(folder).as_posix(): file_digest(p) for p in files if p.name != "manifest.json"}
    return Manifest.build({"sha256": digests})
