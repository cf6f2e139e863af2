"""The release document: what is shared or why not, and what was measured, for the house alone."""

from __future__ import annotations

from typing import ClassVar

from realmix.tasks.core.documents import Document, Known, Number, Part
from realmix.tasks.core.privacy.study_privacy import PoolPrivacy
from realmix.tasks.core.release.audit import Audit


class Score(Part):
    """A score of the synthetic rows, of real rows, and for `dp` of rows from nearly the same counts without noise."""

    name: str
    synthetic: Number
    real: Number
    without_noise: Known


class Budget(Part):
    """What differential privacy covers; `end_to_end` if nothing else than the noisy counts decided what is shared."""

    epsilon: Number
    delta: Number
    rows: str
    n_counts: int
    noise: Number
    end_to_end: bool
    sentence: str
    audit: Audit


class Dropped(Part):
    """Of drawn rows, those that a rule or a rare combination threw out."""

    n_drawn: int
    broke_rules: int
    rare_combinations: int


class ReleaseDocument(Document):
    """A shared table, or the refusal of one. It holds facts on real rows: it is not to be shared itself."""

    what: ClassVar[str] = "release document"

    schema_version: int
    realmix_version: str
    table: str
    synthesizer: str
    is_released: bool
    refusals: tuple[str, ...]
    seed: int
    min_rows: int
    n_rows: int
    n_learned: int
    dropped: Dropped | None
    rule_violations: int
    replaced: dict[str, str]
    fidelity: tuple[Score, ...]
    utility: tuple[Score, ...]
    privacy: PoolPrivacy | None
    dp: Budget | None
    measured_on: str
    # What of the card does not permit to share, and why somebody answers for it.
    not_permitted: tuple[str, ...]
    responsible: str | None


def budget_in_words(epsilon: float, delta: float, rows: str, *, end_to_end: bool) -> str:
    """Say what epsilon covers, and what it does not.

    Examples
    --------
    >>> budget_in_words(1.0, 1e-6, "charged", end_to_end=True)[:41]
    'The shared table is differentially privat'
    """
    count = (
        "the number of rows is within it" if rows == "charged" else "the number of rows is taken as public"
    )
    protects = (
        f"epsilon {epsilon:.3g}, delta {delta:.1g}; one row is protected, {count}; each further release of the same rows "
        "adds its own epsilon"
    )
    if end_to_end:
        return (
            f"The shared table is differentially private from end to end: {protects}. Taken as public are the card and the "
            "layout of the file. Choosing a mix, a synthesizer or an epsilon by results on these rows is outside epsilon, and "
            "so is everything else in this report: do not share it."
        )
    return (
        f"Only the noisy counts are differentially private: {protects}. Choosing a mix on private data is outside epsilon, and "
        "so are the rounding, suppression and checks that looked at real rows here. --fixed-mix leaves them out and gives the "
        "guarantee from end to end."
    )


def release_lines(document: ReleaseDocument) -> list[str]:
    """Describe a release for people, line by line."""
    learns_all = document.dp and document.dp.end_to_end
    checked = "" if learns_all else " (three fifths are learned, the others check it)"
    head = (
        f"released: {document.n_rows:,} synthetic rows by '{document.synthesizer}', learned from "
        f"{document.n_learned:,} rows of {document.table}{checked}"
        if document.is_released
        else f"not released: {' '.join(document.refusals)}"
    )
    return [head, *_privacy_lines(document), *_score_lines(document), *_care_lines(document)]


def _privacy_lines(document: ReleaseDocument) -> list[str]:
    lines = [f"differential privacy: {document.dp.sentence}"] if document.dp else []
    if document.dp:
        audit = document.dp.audit
        lines.append(
            f"audit of the noise: {audit.n_right} of {audit.n_guesses} planted rows guessed right, so epsilon is at least "
            f"{audit.lower_bound:.2g} (95 % confidence; promised {document.dp.epsilon:.3g})"
        )
    if document.privacy:
        lines += [f"privacy: {document.privacy.assessment.sentence}", f"privacy: {document.privacy.sharing}"]
    return lines


def _score_lines(document: ReleaseDocument) -> list[str]:
    if not document.fidelity:
        return []
    return [
        f"measured on: {document.measured_on}",
        *(
            f"fidelity, {score.name}: {score.synthetic:.3f} (other real rows {score.real:.3f})"
            for score in document.fidelity
        ),
        *(
            f"usefulness, {score.name} on real rows: trained on synthetic rows {score.synthetic:.3f}, on real rows "
            f"{score.real:.3f}"
            + (
                ""
                if score.without_noise is None
                else f", on rows from nearly noiseless counts {score.without_noise:.3f}"
            )
            for score in document.utility
        ),
    ]


def _care_lines(document: ReleaseDocument) -> list[str]:
    lines = [f"replaced: '{name}' {how}" for name, how in document.replaced.items()]
    if document.not_permitted:
        lines.append(
            f"permission: the card does not permit to share ({'; '.join(document.not_permitted)}); somebody answers for it: "
            f"{document.responsible}"
        )
    if document.dropped:
        lines.append(
            f"dropped: of {document.dropped.n_drawn:,} drawn rows {document.dropped.broke_rules:,} broke a rule, and "
            f"{document.dropped.rare_combinations:,} showed a combination of fewer than {document.min_rows} real rows"
        )
    return [*lines, f"rules: {document.rule_violations} violations"] if document.is_released else lines
