"""Privacy in a study: which pools may train a model, and which may be shared."""

from __future__ import annotations

from realmix.tasks.core.documents import Part
from realmix.tasks.core.privacy.assessment import PrivacyAssessment


class PoolPrivacy(Part):
    """Privacy of one synthesizer's rows.

    `may_be_shared` says whether the rows alone may leave the house; `veto` is the reason why no model trained on
    them may ship, null where nothing forbids it.
    """

    synthesizer: str
    may_be_shared: bool
    sharing: str
    veto: str | None
    assessment: PrivacyAssessment


class StudyPrivacy(Part):
    """Privacy of the pools that could ship; `reason` says why none was assessed.

    `riskiest` rows of assessments are numbers of rows in the studied table, counted from 0.
    """

    pools: tuple[PoolPrivacy, ...]
    reason: str | None
    training_table: str
    # Null where no differentially private synthesizer took part.
    differential_privacy: str | None = None


# What is said of every study in which the synthesizer `dp` took part.
OUTSIDE_EPSILON = (
    "'dp' took part: each of its fits is within the card's epsilon by itself, but this study is not differentially private. "
    "Choosing a mix on private data is outside epsilon, and noise follows from the study's seed. "
    "realmix release --synthesizer dp --fixed-mix gives the guarantee from end to end."
)


def judge_pool(
    synthesizer: str, assessment: PrivacyAssessment, *, releasable: bool, max_tpr: float | None
) -> PoolPrivacy:
    """Decide what the rows of a synthesizer may be used for.

    Parameters
    ----------
    synthesizer : str
    assessment : PrivacyAssessment
    releasable : bool
        Of its spec: False where rows repeat or blend single real rows by design.
    max_tpr : float or None
        Of the card; None lets a leak forbid sharing only. A model is no copy of its training rows, and the training
        table holds real rows anyway.

    Returns
    -------
    PoolPrivacy
    """
    if not releasable:
        sharing = f"Never to be shared: '{synthesizer}' repeats or blends single real rows by its design."
    elif assessment.is_leaking:
        sharing = "Not to be shared: a leak was found."
    elif not assessment.finds_copies:
        sharing = "Not to be shared on this evidence: so few rows cannot show that nothing leaks."
    else:
        sharing = "No attack found a reason against sharing these rows; that does not make them anonymous."
    veto = None
    if max_tpr is not None and assessment.exceeds(max_tpr):
        veto = (
            f"The rows of '{synthesizer}' let an attack recognize {100 * assessment.measured.tpr:.2g} % of the learned "
            f"rows at 1 % false positives; the card allows {100 * max_tpr:g} %."
        )
    return PoolPrivacy(
        synthesizer=synthesizer,
        may_be_shared=releasable and not assessment.is_leaking and assessment.finds_copies,
        sharing=sharing,
        veto=veto,
        assessment=assessment,
    )


def training_table_exposes(n_real: int, n_synthetic: int) -> str:
    """Say what somebody sees who is given the shipped training table.

    Examples
    --------
    >>> training_table_exposes(900, 0)
    'training.parquet holds your 900 real rows: guard it as the table itself.'
    """
    if not n_synthetic:
        return f"training.parquet holds your {n_real:,} real rows: guard it as the table itself."
    return (
        f"training.parquet holds your {n_real:,} real rows beside {n_synthetic:,} synthetic ones: it is not anonymous, "
        "whatever is found about the synthetic ones. Guard it as the table itself."
    )
