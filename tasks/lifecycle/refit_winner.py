"""Fit a table's last winner again on its present rows, instead of a full study, where nothing drifted.

The mixes are not compared again; both final fits are repeated, and the documents of the last study
are written again with what changed.
"""

from __future__ import annotations

import shutil
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from realmix.tasks.core.decision.holdout_gain import constant_in_words, describe_real_only_holdout, first_line
from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.core.mixes.arms import Arm, Mix
from realmix.tasks.core.mixes.fit_result import FitResult
from realmix.tasks.core.plan.plan import Plan, Split
from realmix.tasks.core.privacy.study_privacy import training_table_exposes
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.words import score_and_interval
from realmix.tasks.runtime.study_folder import StudyFolder, Table
from realmix.tasks.study.refit import final_fits
from realmix.tasks.study.report import describe_table, digests, read_drift, readable_files, write_results

# Documents of a study from which its renewal starts.
DOCUMENTS = ("verdict.json", "plan.json")


def last_winner(
    former: StudyFolder,
) -> tuple[VerdictDocument, Plan, dict[str, Arm], dict[str, float | None]]:
    """Read the verdict document, plan, final arms and their thresholds of a finished study.

    Raises
    ------
    BadInput
        If its folder is gone or damaged.
    """
    try:
        verdict, plan = (former.read_json(name) for name in DOCUMENTS)
        document = VerdictDocument.read(verdict)
        shipped = {"model": document.winner, "real_only": document.real_only}
        arms = {role: Arm(Mix(**arm.recipe.to_dict()), arm.model, arm.trial) for role, arm in shipped.items()}
        thresholds = {role: arm.threshold for role, arm in shipped.items()}
        return document, Plan.from_dict(plan), arms, thresholds
    except (OSError, ValueError, TypeError, BadInput) as err:
        raise BadInput(
            f"The last study, {former.path}, cannot be read ({type(err).__name__}): a whole study is needed."
        ) from err


@task(task_run_name="publish-renewal", cache_policy=NO_CACHE)
def publish_refit(
    folder: StudyFolder,
    former: VerdictDocument,
    table: Table,
    split: Split,
    final_fit: dict[str, Any],
    holdout: dict[str, Any] | None,
    seconds: dict[str, float],
) -> VerdictDocument:
    """Write the documents of a renewal.

    Parameters
    ----------
    folder : StudyFolder
    former : VerdictDocument
        Of the study that chose the mix.
    table, split
        Of the present rows.
    final_fit : dict
        From :func:`realmix.tasks.core.plan.final_fit.describe_final_fit`.
    holdout : dict or None
        Scores of both new evaluated fits on the holdout.
    seconds : dict
        Wall seconds so far.

    Returns
    -------
    VerdictDocument
        As written to ``verdict.json``: the former document, with the present rows, digests and
        holdout scores, and with `renewal_of`.
    """
    n_rows, described = table.snapshot.n_rows, holdout and _described(holdout, former)
    sentence = (
        f"The recipe chosen by the study '{former.study}' was fitted again on {n_rows:,} rows; "
        "the mixes were not compared again, because nothing drifted and few rows came."
    )
    document = VerdictDocument.build(
        {
            **former.to_dict(),
            "study": folder.path.name,
            "renewal_of": former.renewal_of or former.study,
            "sentence": first_line(sentence, described),
            "table": describe_table(table, split),
            "digests": digests(folder, table),
            "holdout": described,
            "holdout_reason": split.no_holdout,
            "final_fit": final_fit,
            **_training_table(former, final_fit),
            "seconds": seconds,
            "drift": read_drift(folder),
            "provenance": table.card.provenance.declared,
            "permission": table.permission,
        }
    )
    write_results(folder, table, document, readable_files(folder, table.card.sensitive))
    return document


def _training_table(former: VerdictDocument, final_fit: dict[str, Any]) -> dict[str, Any]:
    """Keep the privacy of the pools as the study found it, and say what the present training table exposes."""
    if former.privacy is None:
        return {}
    exposes = training_table_exposes(final_fit["n_real"], final_fit["n_synthetic"])
    return {"privacy": {**former.privacy.to_dict(), "training_table": exposes}}


def _described(holdout: dict[str, Any], former: VerdictDocument) -> dict[str, Any]:
    """Describe the new scores, without the promised gain: it was promised for other rows."""
    metric = former.metric.name
    if former.winner.name == former.real_only.name:
        return describe_real_only_holdout(holdout, metric)
    scored = score_and_interval(holdout["mix"]["score"], holdout["mix"]["interval"])
    sentence = (
        f"On {holdout['n_rows']:,} rows that took no part in the fit the model scored {metric} {scored}."
        f"{constant_in_words(holdout)}"
    )
    no_promise = dict.fromkeys(("promised", "prediction_interval", "inside_interval"))
    return {**holdout, **no_promise, "sentence": sentence}


def copy_plan(former: StudyFolder, folder: StudyFolder) -> None:
    """Copy the plan of the study that chose the mix into the folder of its renewal."""
    shutil.copyfile(former.path / "plan.json", folder.path / "plan.json")


def fit_again(folder: StudyFolder, arms: dict[str, Arm], plan: Plan, table: Table) -> FitResult:
    """Fit on development rows and on all rows; return the result of the shipped model's fit.

    Raises
    ------
    RealmixError
        If a synthesizer failed.
    """
    fits = final_fits(folder, arms, plan, table)
    if fits["failed"]:
        raise RealmixError(f"the synthesizer failed: {fits['failed'][0]}")
    shipped: FitResult = fits["shipped"]["model"]
    return shipped
