"""Champion and challenger of a registered table: reviewed, promoted, rolled back.

The record of decisions comes first and MLflow's aliases follow it: what MLflow refuses stands in the
record as not settled, and the next call carries it out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from realmix.tasks.core.errors import BadInput, RealmixError, RegistryRefused
from realmix.tasks.core.lifecycle.challenge import undecided
from realmix.tasks.core.lifecycle.champion_record import (
    PROMOTION,
    REVIEW,
    ROLLBACK,
    SETTLED,
    ChampionRecord,
    read_champion_record,
)
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.lifecycle.compare_versions import compare_on_new_rows
from realmix.tasks.runtime.database import (
    decisions,
    record_decision,
    registered_table,
    registered_tables,
    table_lock,
    untracked_studies,
)
from realmix.tasks.runtime.study_folder import StudyFolder, home
from realmix.tasks.study.track import CHALLENGER, CHAMPION, log_history, ping, track_again

log = logging.getLogger("realmix")
# Who promotes where nobody is asked.
OURSELVES = "realmix"
# What a promotion repeats of the review it follows from.
NUMBERS = (
    "study", "word", "metric", "n_rows", "champion_score", "challenger_score", "gain", "interval",
    "champion_snapshot", "challenger_snapshot",
)  # fmt: skip
POLICY = {
    "auto": "The card lets it take over at once.",
    "approve": "It waits for approval: realmix promote {name} --reason ...",
    "never": "It stays a challenger, for the card says `promotion: never`.",
}


def champion(name: str) -> dict[str, Any] | None:
    """The champion of a table as MLflow serves it; None where there is none.

    Returns
    -------
    dict or None
        ``version``, ``arm``, ``study`` and the digest of its ``snapshot``.
    """
    from mlflow import MlflowClient

    client = MlflowClient()
    for model in client.search_registered_models(f"name = '{name}'"):
        if CHAMPION in model.aliases:
            version = client.get_model_version(name, str(model.aliases[CHAMPION]))
            told = {key: version.tags.get(key) for key in ("arm", "study", "snapshot")}
            return {"version": str(version.version), **told}
    return None


def sync(table: str | None = None) -> int:
    """Tell MLflow what it has not taken yet: studies, then reviews and moves of aliases.

    Parameters
    ----------
    table : str, optional
        Whose reviews and moves to finish; the caller holds its lock. All tables when None.

    Returns
    -------
    int
        Studies it took.
    """
    studies = untracked_studies()
    names = [table] if table else [each.name for each in registered_tables()]
    late = [name for name in names if _is_late(read_champion_record(decisions(name)))]
    if not (studies or late):
        return 0
    try:
        ping()
    except Exception as err:  # whatever a store or its driver raises
        log.warning("MLflow does not answer (%s); it is told of everything later", type(err).__name__)
        return 0
    n_told = sum(track_again(path) for path in studies)
    for name in late:
        with nullcontext() if table else table_lock(name):
            _catch_up(name)
    return n_told


def _is_late(now: ChampionRecord) -> bool:
    return now.pending is not None or now.unsettled is not None


def _catch_up(name: str) -> None:
    """Move what was not moved, and hold the review that could not be held."""
    settle(name)
    pending = read_champion_record(decisions(name)).pending
    if pending is None:
        return
    folder = StudyFolder(home() / "studies" / pending.document["study"])
    try:
        document = folder.read_json("verdict.json") | {"tracking": folder.read_json("tracking.json")}
    except (OSError, ValueError) as err:
        log.warning("%s cannot be read (%s): it is not reviewed", folder.path, type(err).__name__)
        return
    is_critical = pending.document["drift_is_critical"]
    review_challenger(registered_table(name), document, drift_is_critical=is_critical)


def review_challenger(
    table: Registered, document: dict[str, Any], *, drift_is_critical: bool
) -> dict[str, Any]:
    """Hold a registered study's model against the champion, and act as the card says; once per study.

    Parameters
    ----------
    table : Registered
    document : dict
        The verdict document, with ``tracking``.
    drift_is_critical : bool

    Returns
    -------
    dict
        Strict JSON: a judgement (see :class:`realmix.tasks.core.lifecycle.challenge.Judgement`) whose `word` is "first"
        where there was no champion, with both versions and snapshots and `promoted`. `is_pending`
        where MLflow did not answer: :func:`sync` makes up for it.
    """
    entries = decisions(table.name)
    review = _review_of(entries, document["study"])
    if review is None:
        review = _hold_review(table, document, drift_is_critical)
        was_pending = read_champion_record(entries).pending
        if not (review["is_pending"] and was_pending and was_pending.document["study"] == review["study"]):
            record_decision(table.name, REVIEW, review)
    if _takes_over(table, review, entries):
        with table_lock(f"{table.name}/promotion"):
            now = read_champion_record(decisions(table.name))
            replaces = now.champions[-1] if now.champions else review["champion_version"]
            _intend_promotion(table.name, review, replaces, review["reason"], OURSELVES)
    is_settled = settle(table.name)
    if not review["is_pending"]:
        _show_review(table.name, review, document)
    champions = read_champion_record(decisions(table.name)).champions
    is_champion = review["challenger_version"] in champions[-1:]
    return review | {"promoted": is_settled and is_champion}


def _review_of(entries: list[Decision], study: str) -> dict[str, Any] | None:
    """The review that a study had, unless it could not be held."""
    for entry in reversed(entries):
        if entry.kind == REVIEW and entry.document["study"] == study and not entry.document["is_pending"]:
            return entry.document
    return None


def _hold_review(table: Registered, document: dict[str, Any], drift_is_critical: bool) -> dict[str, Any]:
    tracking, metric = document["tracking"], document["metric"]["name"]
    review = {
        "study": document["study"],
        "challenger_version": tracking.get("version"),
        "challenger_snapshot": document["digests"]["snapshot"],
        "champion_version": None,
        "champion_snapshot": None,
        "drift_is_critical": drift_is_critical,
        "is_pending": False,
    }
    try:
        former = _known_champion(table.name, tracking)
        if former is None or former["version"] == review["challenger_version"]:
            first = undecided("It is the first version of its table.", metric, drift_is_critical=False)
            return first.to_dict() | review | {"word": "first"}
        review |= {"champion_version": former["version"], "champion_snapshot": former["snapshot"]}
        judgement = compare_on_new_rows(
            table, former["version"], tracking["version"], drift_is_critical=drift_is_critical
        )
    except RegistryRefused as err:
        judgement = undecided(
            f"{err} It is reviewed as soon as it does.", metric, drift_is_critical=drift_is_critical
        )
        review["is_pending"] = True
    except RealmixError as err:
        judgement = undecided(str(err), metric, drift_is_critical=drift_is_critical)
    held = judgement.to_dict() | review
    if judgement.outcome == "promote":
        held["reason"] += " " + POLICY[table.card.operation.promotion].format(name=table.name)
    return held


def _known_champion(name: str, tracking: Mapping[str, Any]) -> dict[str, Any] | None:
    if not tracking["run_id"]:
        raise RegistryRefused("MLflow has not taken the study.")
    try:
        return champion(name)
    except Exception as err:  # whatever a store or its driver raises
        raise RegistryRefused(f"MLflow does not name the champion ({type(err).__name__}).") from err


def _takes_over(table: Registered, review: Mapping[str, Any], entries: list[Decision]) -> bool:
    """Whether nobody need be asked; a version that was promoted before is not promoted again."""
    is_let = review["word"] == "promote" and table.card.operation.promotion == "auto"
    promoted = {entry.document["version"] for entry in entries if entry.kind == PROMOTION}
    return (review["word"] == "first" or is_let) and review["challenger_version"] not in promoted


def _show_review(name: str, review: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Say in MLflow what came out; a challenger that lost is none any longer."""
    from mlflow import MlflowClient

    version = review["challenger_version"]
    try:
        client = MlflowClient()
        said = f"{document['sentence']} {review['reason']}"
        client.update_model_version(name, version, description=said)
        client.set_model_version_tag(name, version, "review", review["word"])
        aliases = client.get_registered_model(name).aliases
        if review["word"] == "keep champion" and str(aliases.get(CHALLENGER)) == version:
            client.delete_registered_model_alias(name, CHALLENGER)
    except Exception as err:  # the record has it; only the page lacks a line
        log.warning("MLflow did not take the review of version %s (%s)", version, type(err).__name__)


def promote(table_name: str, reason: str, by: str) -> dict[str, Any]:
    """Make the challenger that waits the champion of its table.

    Parameters
    ----------
    table_name : str
        Of a registered table.
    reason, by : str
        For the record, which cannot be changed.

    Returns
    -------
    dict
        ``version``, ``replaces``, ``reason``, ``by``, a ``sentence``, and ``moved``: False where MLflow
        refused; the next call moves its alias.

    Raises
    ------
    BadInput
        If no challenger waits, no reason is given, or the card forbids it.
    """
    if registered_table(table_name).card.operation.promotion == "never":
        raise BadInput(
            f"The card of '{table_name}' says `promotion: never`: change it to approve and register the card "
            "again."
        )
    reason = given(reason)
    with table_lock(f"{table_name}/promotion"):
        now = read_champion_record(decisions(table_name))
        if now.waiting is None:
            raise BadInput(
                f"No challenger of '{table_name}' waits: the last one was promoted, or was no match for the "
                "champion. Retrain the table, or look at its reviews with realmix status."
            )
        review = now.waiting.document
        replaces = now.champions[-1] if now.champions else review["champion_version"]
        intended = _intend_promotion(table_name, review, replaces, reason, by)
    return _carry_out(table_name, intended)


def rollback(table_name: str, reason: str, by: str) -> dict[str, Any]:
    """Give a table its last champion back; a second time the one before that.

    Parameters
    ----------
    table_name : str
        Of a registered table.
    reason, by : str
        For the record, which cannot be changed.

    Returns
    -------
    dict
        As of :func:`promote`.

    Raises
    ------
    BadInput
        If there was no champion before, or no reason is given.
    """
    registered_table(table_name)
    reason = given(reason)
    with table_lock(f"{table_name}/promotion"):
        entries = decisions(table_name)
        champions = read_champion_record(entries).champions
        if len(champions) < 2:
            raise BadInput(
                f"Table '{table_name}' has no champion before the one of today, so nothing is rolled back. "
                "Retrain it for another one."
            )
        snapshots = {
            entry.document["version"]: entry.document.get("challenger_snapshot")
            for entry in entries
            if entry.kind == PROMOTION
        }
        document = {
            "version": champions[-2],
            "replaces": champions[-1],
            "reason": reason,
            "by": by,
            "snapshot": snapshots.get(champions[-2]),
            "replaced_snapshot": snapshots.get(champions[-1]),
        }
        intended = record_decision(table_name, ROLLBACK, document)
    return _carry_out(table_name, intended)


def given(reason: str) -> str:
    """A reason without blanks around it; an empty one is refused."""
    if not reason.strip():
        raise BadInput("Got an empty reason; expected a sentence for the record. Give it with --reason.")
    return reason.strip()


def _intend_promotion(
    name: str, review: Mapping[str, Any], replaces: str | None, reason: str, by: str
) -> Decision:
    document = {
        "version": review["challenger_version"],
        "replaces": replaces,
        "reason": reason,
        "by": by,
        **{key: review[key] for key in NUMBERS},
    }
    return record_decision(name, PROMOTION, document)


def _carry_out(name: str, intended: Decision) -> dict[str, Any]:
    is_moved = settle(name)
    document = intended.document
    sentence = f"Version {document['version']} is the champion of '{name}'"
    sentence += f", in the place of version {document['replaces']}." if document["replaces"] else "."
    if not is_moved:
        sentence += " MLflow refused and still serves the former one; the next call of realmix moves it."
    told = ("version", "replaces", "reason", "by")
    return {"table": name, **{key: document[key] for key in told}, "moved": is_moved, "sentence": sentence}


def settle(name: str) -> bool:
    """Let MLflow's alias follow the record.

    The record holds the intent before the alias moves and the fact after it: whoever is killed in
    between leaves an intent, which the next call carries out. Of several only the last one counts.

    Returns
    -------
    bool
        Whether MLflow stands as the record says.
    """
    with table_lock(f"{name}/promotion"):
        intended = read_champion_record(decisions(name)).unsettled
        if intended is None:
            return True
        try:
            _move(name, intended)
        except Exception as err:  # whatever a store or its driver raises
            log.warning("MLflow did not move the champion of '%s' (%s)", name, type(err).__name__)
            return False
        record_decision(name, SETTLED, {"settles": intended.digest, "version": intended.document["version"]})
        return True


def _move(name: str, intended: Decision) -> None:
    """Point the alias at a version; done twice it is the same."""
    from mlflow import MlflowClient

    document, client = intended.document, MlflowClient()
    version, replaced = document["version"], document["replaces"]
    said = f"{document['reason']} ({document['by']}, {intended.made_at})"
    if intended.kind == PROMOTION:
        client.set_model_version_tag(name, version, "promoted", said)
        client.set_model_version_tag(name, version, "previous_champion", replaced or "none")
    else:
        client.set_model_version_tag(name, replaced, "rolled_back", said)
    client.set_registered_model_alias(name, CHAMPION, version)
    if str(client.get_registered_model(name).aliases.get(CHALLENGER)) == version:
        client.delete_registered_model_alias(name, CHALLENGER)


def write_history(table_name: str) -> None:
    """Draw a table's retrainings over their number in its run "history"; see :func:`realmix.tasks.study.track.log_history`."""
    entries = [(entry.made_at, entry.document) for entry in decisions(table_name, "retraining")]
    try:
        log_history(table_name, entries)
    except Exception as err:  # whatever a store or its driver raises: the record has it all
        log.warning("MLflow did not take the history of '%s' (%s)", table_name, type(err).__name__)
