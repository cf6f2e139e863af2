"""All figures of a report, by the name of their place on the page."""

from __future__ import annotations

from realmix.tasks.core.report.figures.curves import draw_collecting, draw_ratio_curves, draw_rows_saved
from realmix.tasks.core.report.figures.drawing import Drawn
from realmix.tasks.core.report.figures.gains import draw_learners, draw_promise, draw_slices
from realmix.tasks.core.report.figures.model import draw_calibration, draw_importance
from realmix.tasks.core.report.figures.rows import draw_correlations
from realmix.tasks.core.report.verdict_document import VerdictDocument


def draw_figures(document: VerdictDocument) -> dict[str, Drawn]:
    """Draw every figure for which the document has the numbers, but those of single columns.

    Parameters
    ----------
    document : VerdictDocument

    Returns
    -------
    dict of name to Drawn
    """
    evidence, likeness = document.model_evidence, document.likeness
    is_classification = document.table.task != "regression"
    found = {
        "promise": draw_promise(document),
        "learners": draw_learners(document),
        "ratios": draw_ratio_curves(document),
        "rows_saved": draw_rows_saved(document),
        "collecting": draw_collecting(document),
        "correlations": likeness and draw_correlations(likeness),
        "importance": evidence and draw_importance(evidence),
        "calibration": evidence and draw_calibration(evidence, is_classification=is_classification),
        "slices": draw_slices(document),
    }
    return {name: drawn for name, drawn in found.items() if drawn}
