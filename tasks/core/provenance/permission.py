"""Whether the data card permits a use: to make synthetic rows (`synthesize`), or to give them away (`share`).

A card that says nothing about the terms of its table permits a study: rows that somebody already trains models
on stay where they are. Whoever says something has to say all that is required, and nothing may be shared on
silence. What forbids, forbids; a person can answer for a use all the same, and the reason is recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from realmix.tasks.core.errors import BadInput, NotPermitted
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Provenance, Use

# Names in the Data Provenance Standards 1.0.0 of the Data & Trust Alliance, in their order. They have none for the
# contact, the retention and the uses that are permitted.
STANDARD_NAMES = {
    "owner": "Dataset issuer",
    "consent_documents": "Consent documentation location",
    "licence": "License to use",
    "purpose": "Intended data use",
}
PUBLISHED_NAMES = {
    "owner": STANDARD_NAMES["owner"],
    "contact": "Contact",
    "licence": STANDARD_NAMES["licence"],
    "purpose": STANDARD_NAMES["purpose"],
    "consent_basis": "Consent basis",
    "consent_documents": STANDARD_NAMES["consent_documents"],
    "retention": "Retention",
    "permits": "Permitted uses",
}
REQUIRED: dict[Use, tuple[str, ...]] = {
    "synthesize": ("owner", "licence", "purpose"),
    "share": ("owner", "licence", "purpose", "consent_basis", "retention"),
}
IN_WORDS: dict[Use, str] = {
    "synthesize": "make synthetic rows",
    "share": "share synthetic rows",
}
# Words that mean that nothing is known, and words that mean no.
UNKNOWN = frozenset({"", "?", "-", "n/a", "na", "tbd", "todo", "unknown", "…", "..."})
FORBIDS = {
    "licence": frozenset({"none", "no", "no licence", "no license", "forbidden", "not licensed"}),
    "consent_basis": frozenset({"none", "no", "no consent", "refused", "withdrawn", "forbidden"}),
}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Permission:
    """Answer to a use of a table.

    Attributes
    ----------
    use : {"synthesize", "share"}
    gaps : tuple of str
        What the card forbids or leaves open, as sentences; empty where it permits the use.
    reason : str or None
        Why somebody answers for the use all the same; None where nobody has to.
    """

    use: Use = "synthesize"
    gaps: tuple[str, ...] = ()
    reason: str | None = None


def find_gaps(card: DataCard, use: Use, *, today: date) -> tuple[str, ...]:
    """List what of a card forbids a use, and what is required for it and missing.

    Parameters
    ----------
    card : DataCard
    use : {"synthesize", "share"}
    today : date
        Compared with a `retention` that is a date.

    Returns
    -------
    tuple of str
        Sentences without their full stop, what forbids first.

    Examples
    --------
    >>> card = DataCard(target="y", provenance={"licence": "none", "owner": "Ward 3", "purpose": "triage"})
    >>> find_gaps(card, "synthesize", today=date(2026, 1, 1))
    ('`provenance.licence` is "none"',)
    >>> find_gaps(DataCard(target="y"), "synthesize", today=date(2026, 1, 1))
    ()
    """
    terms = card.provenance
    if use == "synthesize" and not terms.declared:
        return ()
    of_people = ("consent_basis",) if card.sensitive or card.group else ()
    required = dict.fromkeys((*REQUIRED[use], *of_people))
    missing = [f"`provenance.{name}` is missing" for name in required if _is_unknown(getattr(terms, name))]
    return (*_forbidding(terms, use, today), *missing)


def _forbidding(terms: Provenance, use: Use, today: date) -> list[str]:
    found = [
        f'`provenance.{name}` is "{value}"'
        for name, words in FORBIDS.items()
        if (value := getattr(terms, name)) is not None and _plain(value) in words
    ]
    if terms.permits is not None and use not in terms.permits:
        found.append(f"`provenance.permits` does not name {use}")
    if (last := last_day(terms)) and today > last:
        found.append(f"`provenance.retention` ended on {last.isoformat()}")
    return found


def last_day(terms: Provenance) -> date | None:
    """Return the last day of use; None where the retention is in words.

    Raises
    ------
    BadInput
        If it looks like a date and is none.
    """
    if not terms.retention or not DAY.fullmatch(terms.retention.strip()):
        return None
    try:
        return date.fromisoformat(terms.retention.strip())
    except ValueError as err:
        raise BadInput(
            f"`provenance.retention` is {terms.retention}, which is no day; expected a date such as 2027-12-31, or "
            "words. Correct it in the card."
        ) from err


def check_permission(card: DataCard, use: Use, *, today: date, reason: str | None = None) -> Permission:
    """Refuse a use that the card does not permit, unless somebody answers for it.

    Parameters
    ----------
    card : DataCard
    use : {"synthesize", "share"}
    today : date
    reason : str, optional
        Of the person who answers; where nothing stands against the use it is not needed, and not kept.

    Raises
    ------
    NotPermitted

    Examples
    --------
    >>> card = DataCard(target="y", provenance={"consent_basis": "withdrawn"})
    >>> check_permission(card, "share", today=date(2026, 1, 1), reason="court order").gaps[0]
    '`provenance.consent_basis` is "withdrawn"'
    """
    gaps = find_gaps(card, use, today=today)
    answered = (reason or "").strip()
    if gaps and not answered:
        raise NotPermitted(
            f"The data card does not permit to {IN_WORDS[use]}: {'; '.join(gaps)}. Correct the card with the owner of "
            'the data, or answer for it yourself: run, register and release take --i-am-responsible "REASON", which is recorded.'
        )
    return Permission(use, gaps, answered if gaps else None)


def published_terms(terms: Provenance) -> dict[str, str]:
    """Return the terms under the names with which outputs state them; what is not declared is left out.

    Examples
    --------
    >>> published_terms(Provenance(owner="Ward 3", permits=("synthesize",)))
    {'Dataset issuer': 'Ward 3', 'Permitted uses': 'synthesize'}
    """
    values = {name: getattr(terms, name) for name in PUBLISHED_NAMES}
    shown = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {PUBLISHED_NAMES[name]: value or "none" for name, value in shown.items() if value is not None}


def _plain(text: str) -> str:
    return text.strip().rstrip(".").casefold()


def _is_unknown(value: str | None) -> bool:
    return value is None or _plain(value) in UNKNOWN
