"""Champion and challenger of a registered table: review, promotion and rollback.

A decision is recorded first and MLflow's aliases follow it: where MLflow fails, the decision stays
unsettled in the record, and the next call carries it out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any

from realmix.tasks.core.decision.outcomes import NOT_DECIDED
from realmix.tasks.core.errors import BadInput, ModelChanged, RealmixError, RegistryRefused
from realmix.tasks.core.lifecycle.challenge import undecided
from realmix.tasks.core.lifecycle.champion_record import (
    PROMOTION,
    REVIEW,
    ROLLBACK,
    SETTLED,
    read_champion_record,
)
from realmix.tasks.core.lifecycle.entries import Move, Promotion, Review, Rollback, Settled
from realmix.tasks.core.lifecycle.records import Decision, Registered
from realmix.tasks.lifecycle.compare_versions import compare_on_new_rows
from realmix.tasks.lifecycle.model_files import (
    check_version,
    digests_in_registry,
    digests_of_study,
    recorded_digests,
)
from realmix.tasks.plugins import load_plugins
from realmix.tasks.runtime.database import (
    decisions,
    record_decision,
    registered_table,
    registered_tables,
    untracked_studies,
)
from realmix.tasks.runtime.leases import table_lock
from realmix.tasks.runtime.study_folder import StudyFolder, home
from realmix.tasks.study.mlflow_runs import CHALLENGER, CHAMPION
from realmix.tasks.study.track import log_history, ping, track_again

log = logging.getLogger("realmix")
# Named as the one who promotes where the card asks for no approval.
AUTOMATIC = "realmix"
# Entries of a review that its promotion repeats.
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
    """Ask MLflow for the champion of a table; None where there is none.

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
            tags = {key: version.tags.get(key) for key in ("arm", "study", "snapshot")}
            return {"version": str(version.version), **tags}
    return None


def sync(table: str | None = None) -> int:
    """Log to MLflow what it could not receive before: studies, then reviews and moves of aliases.

    Parameters
    ----------
    table : str, optional
        Whose reviews and moves to finish; the caller holds its lock. All tables when None.

    Returns
    -------
    int
        Studies that were logged.
    """
    studies = untracked_studies()
    names = [table] if table else [each.name for each in registered_tables()]
    records = {name: read_champion_record(decisions(name)) for name in names}
    late = [name for name, now in records.items() if now.pending is not None or now.unsettled is not None]
    if not (studies or late):
        return 0
    try:
        ping()
    except Exception as err:  # whatever a store or its driver raises
        log.warning("MLflow does not answer (%s); everything is logged to it later", type(err).__name__)
        return 0
    n_logged = sum(track_again(path) for path in studies)
    for name in late:
        with nullcontext() if table else table_lock(name):
            _catch_up(name)
    return n_logged


def _catch_up(name: str) -> None:
    """Carry out a move of an alias and a review that MLflow made impossible before."""
    settle(name)
    pending = read_champion_record(decisions(name)).pending
    if pending is None:
        return
    review = Review.read(pending.document)
    folder = StudyFolder(home() / "studies" / review.study)
    try:
        document = folder.read_json("verdict.json") | {"tracking": folder.read_json("tracking.json")}
    except (OSError, ValueError) as err:
        log.warning("%s cannot be read (%s): its model is not reviewed", folder.path, type(err).__name__)
        return
    review_challenger(registered_table(name), document, drift_is_critical=review.drift_is_critical)


def review_challenger(
    table: Registered, document: dict[str, Any], *, drift_is_critical: bool
) -> dict[str, Any]:
    """Compare a study's model with the champion and act as the card says; once per study.

    Parameters
    ----------
    table : Registered
    document : dict
        The verdict document, with ``tracking``.
    drift_is_critical : bool

    Returns
    -------
    dict
        Strict JSON: a :class:`realmix.tasks.core.lifecycle.entries.Review` and `promoted`. `is_pending`
        where MLflow did not answer: :func:`sync` repeats it later.
    """
    load_plugins(table.card.plugins)
    entries = decisions(table.name)
    review = _finished_review(entries, document["study"])
    if review is None:
        # An alias that somebody moved would name another model as the champion.
        settle(table.name)
        review = _review(table, document, drift_is_critical)
        was_pending = read_champion_record(entries).pending
        if not (
            review.is_pending and was_pending and Review.read(was_pending.document).study == review.study
        ):
            record_decision(table.name, REVIEW, review.to_dict())
    if _takes_over(table, review, entries):
        with table_lock(f"{table.name}/promotion"):
            now = read_champion_record(decisions(table.name))
            replaces = now.champions[-1] if now.champions else review.champion_version
            _intend_promotion(table.name, review, replaces, review.reason, AUTOMATIC)
    is_settled = settle(table.name)
    if not review.is_pending and review.word != NOT_DECIDED:
        _log_review(table.name, review, document)
    champions = read_champion_record(decisions(table.name)).champions
    is_champion = review.challenger_version in champions[-1:]
    return review.to_dict() | {"promoted": is_settled and is_champion}


def _finished_review(entries: list[Decision], study: str) -> Review | None:
    """Return the review of a study from the record; None where there is none or only a pending one."""
    reviews = (Review.read(entry.document) for entry in reversed(entries) if entry.kind == REVIEW)
    return next((each for each in reviews if each.study == study and not each.is_pending), None)


def _review(table: Registered, document: dict[str, Any], drift_is_critical: bool) -> Review:
    """Compare a study's model with the champion, as far as that is possible now."""
    tracking, metric = document["tracking"], document["metric"]["name"]
    review = {
        "study": document["study"],
        "challenger_version": tracking.get("version"),
        "challenger_snapshot": document["digests"]["snapshot"],
        "champion_version": None,
        "champion_snapshot": None,
        "drift_is_critical": drift_is_critical,
        "is_pending": False,
        "challenger_files": digests_of_study(home() / "studies" / document["study"]),
    }
    if document["word"] == NOT_DECIDED:
        # No version was registered: there is nothing to promote, and nothing waits.
        nothing = undecided(document["sentence"], metric, drift_is_critical=False)
        return Review.build(nothing.to_dict() | review | {"word": NOT_DECIDED})
    try:
        former = _known_champion(table.name, tracking)
        if former is None or former["version"] == review["challenger_version"]:
            first = undecided("It is the first version of its table.", metric, drift_is_critical=False)
            return Review.build(first.to_dict() | review | {"word": "first"})
        review |= {"champion_version": former["version"], "champion_snapshot": former["snapshot"]}
        # A version that `realmix run` registered was never reviewed: it is recorded as it is found here.
        files = recorded_digests(table.name, former["version"])
        review["champion_files"] = files or digests_in_registry(table.name, former["version"])
        recorded = {
            former["version"]: review["champion_files"],
            tracking["version"]: review["challenger_files"],
        }
        judgement = compare_on_new_rows(
            table, former["version"], tracking["version"],
            drift_is_critical=drift_is_critical, recorded=recorded,
        )  # fmt: skip
    except RegistryRefused as err:
        judgement = undecided(
            f"{err} It is reviewed once MLflow answers.", metric, drift_is_critical=drift_is_critical
        )
        review["is_pending"] = True
    except RealmixError as err:
        judgement = undecided(str(err), metric, drift_is_critical=drift_is_critical)
    review = judgement.to_dict() | review
    if judgement.word == "promote":
        review["reason"] += " " + POLICY[table.card.operation.promotion].format(name=table.name)
    return Review.build(review)


def _known_champion(name: str, tracking: Mapping[str, Any]) -> dict[str, Any] | None:
    if not tracking["run_id"]:
        raise RegistryRefused("The study is not logged to MLflow yet.")
    try:
        found = champion(name)
    except Exception as err:  # whatever a store or its driver raises
        raise RegistryRefused(f"MLflow cannot be asked for the champion ({type(err).__name__}).") from err
    recorded = read_champion_record(decisions(name)).champions
    if found and recorded and found["version"] not in (recorded[-1], tracking.get("version")):
        raise ModelChanged(
            f"MLflow's champion of '{name}' is version {found['version']}, that of the record is version "
            f"{recorded[-1]}, so nothing is compared: set the alias `{CHAMPION}` back in MLflow."
        )
    return found


def _takes_over(table: Registered, review: Review, entries: list[Decision]) -> bool:
    """Return whether a version is promoted without approval; never again if it was promoted before."""
    is_allowed = review.word == "promote" and table.card.operation.promotion == "auto"
    promoted = {Move.read(entry.document).version for entry in entries if entry.kind == PROMOTION}
    return (review.word == "first" or is_allowed) and review.challenger_version not in promoted


def _log_review(name: str, review: Review, document: Mapping[str, Any]) -> None:
    """Log the review to MLflow; a version that lost no longer has the challenger alias."""
    from mlflow import MlflowClient

    version = review.reviewed_version
    try:
        client = MlflowClient()
        description = f"{document['sentence']} {review.reason}"
        client.update_model_version(name, version, description=description)
        client.set_model_version_tag(name, version, "review", review.word)
        aliases = client.get_registered_model(name).aliases
        if review.word == "keep champion" and str(aliases.get(CHALLENGER)) == version:
            client.delete_registered_model_alias(name, CHALLENGER)
    except Exception as err:  # the record has the review; only MLflow's page lacks it
        log.warning(
            "The review of version %s could not be logged to MLflow (%s)", version, type(err).__name__
        )


def promote(table_name: str, reason: str, by: str) -> dict[str, Any]:
    """Make the challenger that waits for approval the champion of its table.

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
        failed; the next call moves its alias.

    Raises
    ------
    BadInput
        If no challenger waits, no reason is given, or the card forbids it.
    ModelChanged
        If its files are not those of the record.
    """
    if registered_table(table_name).card.operation.promotion == "never":
        raise BadInput(
            f"The card of '{table_name}' says `promotion: never`: change it to approve and register the card "
            "again."
        )
    reason = _checked_reason(reason)
    with table_lock(f"{table_name}/promotion"):
        now = read_champion_record(decisions(table_name))
        if now.waiting is None:
            raise BadInput(
                f"No challenger of '{table_name}' waits: the last one was promoted, or was not better than "
                "the champion. Retrain the table, or see its reviews with realmix status."
            )
        review = Review.read(now.waiting.document)
        is_checked = _is_unchanged(table_name, review.reviewed_version)
        replaces = now.champions[-1] if now.champions else review.champion_version
        intended = _intend_promotion(table_name, review, replaces, reason, by)
    return _carry_out(table_name, intended, is_checked=is_checked)


def rollback(table_name: str, reason: str, by: str) -> dict[str, Any]:
    """Make a table's previous champion its champion again; a second time the one before that.

    Parameters
    ----------
    table_name : str
        Of a registered table.
    reason, by : str
        For the record, which cannot be changed.

    Returns
    -------
    dict
        As from :func:`promote`.

    Raises
    ------
    BadInput
        If there was no champion before, or no reason is given.
    ModelChanged
        If its files are not those of the record.
    """
    registered_table(table_name)
    reason = _checked_reason(reason)
    with table_lock(f"{table_name}/promotion"):
        entries = decisions(table_name)
        champions = read_champion_record(entries).champions
        if len(champions) < 2:
            raise BadInput(
                f"Table '{table_name}' has no earlier champion, so nothing is rolled back. "
                "Retrain it for another one."
            )
        is_checked = _is_unchanged(table_name, champions[-2])
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
        intended = record_decision(table_name, ROLLBACK, Rollback.build(document).to_dict())
    return _carry_out(table_name, intended, is_checked=is_checked)


def _is_unchanged(name: str, number: str) -> bool:
    """Refuse a version whose files were changed; False where MLflow is down: :func:`settle` checks it later."""
    with suppress(RegistryRefused):
        check_version(name, number)
        return True
    return False


def _checked_reason(reason: str) -> str:
    """Strip a reason, and refuse an empty one."""
    if not reason.strip():
        raise BadInput("Got an empty reason; expected a sentence for the record. Give it with --reason.")
    return reason.strip()


def _intend_promotion(name: str, review: Review, replaces: str | None, reason: str, by: str) -> Decision:
    move = {"version": review.challenger_version, "replaces": replaces, "reason": reason, "by": by}
    promotion = Promotion.build({**move, **{key: getattr(review, key) for key in NUMBERS}})
    return record_decision(name, PROMOTION, promotion.to_dict())


def _carry_out(name: str, intended: Decision, *, is_checked: bool) -> dict[str, Any]:
    is_moved = settle(name, checked=intended.digest if is_checked else None)
    move = Move.read(intended.document)
    sentence = f"Version {move.version} is the champion of '{name}'"
    sentence += f", in the place of version {move.replaces}." if move.replaces else "."
    if not is_moved:
        sentence += (
            " MLflow failed and still serves the former one; the next call of realmix repeats the change."
        )
    shown = {"version": move.version, "replaces": move.replaces, "reason": move.reason, "by": move.by}
    return {"table": name, **shown, "moved": is_moved, "sentence": sentence}


def settle(name: str, *, checked: str | None = None) -> bool:
    """Move MLflow's alias as the record says.

    The intent is recorded before the alias moves and the fact after it: a process killed in between
    leaves an intent, which the next call carries out. Of several only the last one counts. An alias that
    was moved outside of realmix is set back; no alias is set to a version whose files were changed.

    Parameters
    ----------
    name : str
        Of a registered table.
    checked : str, optional
        Digest of a move whose version's files this call has just compared with the record: not downloaded again.

    Returns
    -------
    bool
        Whether MLflow's alias is as the record says.
    """
    with table_lock(f"{name}/promotion"):
        now = read_champion_record(decisions(name))
        intended = now.unsettled
        try:
            if intended is None:
                _restore(name, now.champions[-1:])
                return True
            version = Move.read(intended.document).version
            if intended.digest != checked:
                check_version(name, version)
            _move(name, intended)
        except ModelChanged as err:
            log.warning("The champion of '%s' stays as it is in MLflow: %s", name, err)
            return False
        except Exception as err:  # whatever a store or its driver raises
            log.warning("The champion of '%s' could not be changed in MLflow (%s)", name, type(err).__name__)
            return False
        record_decision(name, SETTLED, Settled(settles=intended.digest, version=version).to_dict())
        return True


def _restore(name: str, champions: tuple[str, ...]) -> None:
    """Set MLflow's alias back to the champion of the record, if it was moved or deleted."""
    found = champion(name) if champions else None
    if champions and (found is None or found["version"] != champions[0]):
        from mlflow import MlflowClient

        check_version(name, champions[0])
        MlflowClient().set_registered_model_alias(name, CHAMPION, champions[0])
        log.warning("MLflow's alias `%s` of '%s' was set back to version %s", CHAMPION, name, champions[0])


def _move(name: str, intended: Decision) -> None:
    """Set the alias and tags of a version in MLflow; idempotent."""
    from mlflow import MlflowClient

    move, client = Move.read(intended.document), MlflowClient()
    version, replaced = move.version, move.replaces
    note = f"{move.reason} ({move.by}, {intended.made_at})"
    if intended.kind == PROMOTION:
        client.set_model_version_tag(name, version, "promoted", note)
        client.set_model_version_tag(name, version, "previous_champion", replaced or "none")
    else:
        client.set_model_version_tag(name, replaced, "rolled_back", note)
    client.set_registered_model_alias(name, CHAMPION, version)
    if str(client.get_registered_model(name).aliases.get(CHALLENGER)) == version:
        client.delete_registered_model_alias(name, CHALLENGER)


def write_history(table_name: str) -> None:
    """Log all retrainings of a table to its MLflow run "history".

    See :func:`realmix.tasks.study.track.log_history`.
    """
    entries = [(entry.made_at, entry.document) for entry in decisions(table_name, "retraining")]
    try:
        log_history(table_name, entries)
    except Exception as err:  # whatever a store or its driver raises: the record is complete
        log.warning("The history of '%s' could not be logged to MLflow (%s)", table_name, type(err).__name__)
