"""Compare two versions of a table's model on rows that neither has seen."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.lifecycle.challenge import Compared, judge_challenger, undecided
from realmix.tasks.core.lifecycle.entries import Judgement
from realmix.tasks.core.lifecycle.records import Registered
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.scores.draws import time_blocks
from realmix.tasks.core.scores.slices import declared_slices
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.holdout import HoldoutRule, hash_units, holdout_side
from realmix.tasks.core.table.costs import decision_costs
from realmix.tasks.core.table.infer_schema import schema_of
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.lifecycle.model_files import EVALUATED, VERDICT, check_digests, download
from realmix.tasks.metrics import METRICS, metric_for
from realmix.tasks.models._serving import as_probabilities
from realmix.tasks.runtime.cache_keys import tree_digest
from realmix.tasks.runtime.holdout_ledger import count_holdout_reads
from realmix.tasks.runtime.holdout_rules import frozen_rule, registration_path
from realmix.tasks.runtime.snapshots import Snapshot
from realmix.tasks.runtime.study_folder import Table, stored_snapshot
from realmix.tasks.study.generalise import row_metric
from realmix.tasks.study.package import DATA_SPEC, load_served
from realmix.tasks.study.split import row_weights

SERVED_ROWS = 1000
# The fastest of so many calls counts: slower ones were disturbed by other processes.
SERVED_TIMES = 5


@dataclass(frozen=True)
class Version:
    """A model version as MLflow stores it.

    Attributes
    ----------
    number : str
    document : VerdictDocument or None
        Of its study; None where no study registered it.
    folder : Path or None
        Its evaluated fit; None where it was registered without one.
    """

    number: str
    document: VerdictDocument | None
    folder: Path | None

    @property
    def studied(self) -> VerdictDocument:
        """The verdict document of a version that has an evaluated fit."""
        assert self.document is not None
        return self.document

    @cached_property
    def snapshot(self) -> Snapshot:
        """The table of its study."""
        return stored_snapshot(self.studied.digests["snapshot"])

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Rows of the snapshot."""
        return self.snapshot.read()

    @property
    def cutoff(self) -> float | None:
        """Time after which its holdout begins; None where rows are not ordered in time."""
        cutoff: float | None = self.studied.plan["holdout"]["cutoff"]
        return cutoff

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Columns and classes of its evaluated fit."""
        assert self.folder is not None
        spec: dict[str, Any] = json.loads((self.folder / DATA_SPEC).read_text(encoding="utf-8"))
        return spec


@dataclass(frozen=True)
class Predicted:
    """Predicted class probabilities or numbers, and the seconds to serve 1,000 rows."""

    predictions: np.ndarray
    seconds: float


def compare_on_new_rows(
    table: Registered,
    champion_version: str,
    challenger_version: str,
    *,
    drift_is_critical: bool = False,
    recorded: Mapping[str, Mapping[str, str]] | None = None,
) -> Judgement:
    """Judge a challenger on holdout rows that came after the champion's snapshot.

    Both are represented by their *evaluated* fits, made on development rows only, and so are their
    synthesizers and teachers.

    Parameters
    ----------
    table : Registered
    champion_version, challenger_version : str
        Of the registered model with the table's name.
    drift_is_critical : bool
        If so, and nothing can be proven yet, a person is asked.
    recorded : mapping of version to digests, optional
        Of files as they must be, see :mod:`realmix.tasks.lifecycle.model_files`.

    Raises
    ------
    RegistryRefused
        If MLflow does not answer.
    ModelChanged
        If files of a version are others.
    RealmixError
        If the holdout differs from that of the challenger's study, or a row to compare is among
        the development rows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        champion, challenger = (
            fetch(table.name, number, Path(scratch) / number, (recorded or {}).get(number, {}))
            for number in (champion_version, challenger_version)
        )
        metric = metric_for(challenger.studied.metric.name, table.card)
        why_not = why_not_comparable(champion, challenger)
        if why_not:
            return undecided(why_not, metric.name, drift_is_critical=drift_is_critical)
        schema = schema_of(challenger.rows, table.card)
        compared = predict_unseen_rows(table, schema, champion, challenger)
    operation = table.card.operation
    return judge_challenger(
        compared,
        metric,
        by_rows=row_metric(metric, schema),
        calibration=METRICS["brier"] if schema.is_classification else None,
        tolerance=operation.tolerance,
        max_slowdown=operation.max_slowdown,
        seed=derive_seed(champion.snapshot.digest, challenger.snapshot.digest, "promotion"),
        drift_is_critical=drift_is_critical,
    )


def fetch(name: str, number: str, folder: Path, recorded: Mapping[str, str]) -> Version:
    """Download the document of a version's study and its evaluated fit from MLflow, as far as it has them.

    Raises
    ------
    RegistryRefused
        If MLflow does not answer, or has lost the version or its run.
    ModelChanged
        If a file is not as recorded; nothing of it was run.
    """
    found = download(name, number, folder, with_model=False)
    check_digests(
        f"Version {number} of '{name}'", {what: tree_digest(path) for what, path in found.items()}, recorded
    )
    if VERDICT not in found:
        return Version(number, None, None)
    document = VerdictDocument.read(json.loads(found[VERDICT].read_text(encoding="utf-8")))
    return Version(number, document, found.get(EVALUATED))


def why_not_comparable(champion: Version, challenger: Version) -> str | None:
    """Say why the two versions cannot be compared on any row; None where they can."""
    for version in (champion, challenger):
        if version.folder is None:
            return f"Version {version.number} was registered without its evaluated fit."
    of_champion, of_challenger = champion.studied.table, challenger.studied.table
    if of_challenger.n_holdout == 0:
        return f"The challenger's study had no holdout: {challenger.studied.holdout_reason}."
    if (of_champion.target, of_champion.task) != (of_challenger.target, of_challenger.task):
        return "Champion and challenger do not predict the same target."
    lost = {column["name"] for column in champion.spec["columns"]} - set(challenger.rows.columns)
    if lost:
        return f"The new rows lack columns that the champion needs: {', '.join(sorted(lost))}."
    return None


def predict_unseen_rows(
    table: Registered, schema: Schema, champion: Version, challenger: Version
) -> Compared:
    """Predict the rows that neither version has seen with both evaluated fits."""
    card, raw = table.card, challenger.rows
    of_today = Table(table.name, challenger.snapshot, {}, card, schema)
    rows, units = unseen_rows(of_today, champion, challenger)
    compared = raw[rows]
    by_champion, by_challenger = (predict(version, compared, schema) for version in (champion, challenger))
    values = schema.canonical_columns(compared, card.protected)
    reader = f"{challenger.snapshot.digest} over {champion.snapshot.digest}"
    registration = registration_path(table.name, card, schema).stem
    served = count_holdout_reads(registration, reader, units) if len(units) else np.ones(1, dtype=int)
    y = schema.encode_target(schema.apply(compared))
    return Compared(
        y=y,
        champion=by_champion.predictions,
        challenger=by_challenger.predictions,
        units=drawn_together(compared, units, schema),
        weight=row_weights(raw, schema)[rows],
        groups={name: declared_slices(values[[name]], hidden=card.sensitive) for name in card.protected},
        sensitive=card.sensitive,
        champion_seconds=by_champion.seconds,
        challenger_seconds=by_challenger.seconds,
        decisions_served=(int(served.min()), int(served.max())),
        costs=decision_costs(compared, y, schema, card),
        champion_threshold=champion.spec.get("threshold"),
        challenger_threshold=challenger.spec.get("threshold"),
    )


def drawn_together(rows: pd.DataFrame, units: np.ndarray, schema: Schema) -> np.ndarray:
    """Return the units that a bootstrap draws: stretches of time where the table has a time."""
    time_column = schema.with_role("time")
    if time_column is None or not len(rows):
        return units
    return time_blocks(schema.canonical_columns(rows, [time_column])[time_column].to_numpy(), units)


def unseen_rows(table: Table, champion: Version, challenger: Version) -> tuple[np.ndarray, np.ndarray]:
    """Find the labelled rows of the challenger's holdout whose unit is nowhere in the champion's snapshot.

    Parameters
    ----------
    table : Table
        The challenger's snapshot, with the present schema and card.
    champion, challenger : Version

    Returns
    -------
    rows : ndarray of bool, shape (n_rows,)
        Of the challenger's snapshot.
    units : ndarray of uint64, shape (n_unseen,)
        Of these rows.

    Raises
    ------
    RealmixError
        If the frozen rule is missing or differs from that of the challenger's study, or a unit is
        among the development rows.
    """
    schema, raw = table.schema, challenger.rows
    rule = frozen_rule(table, raw)
    if rule is None:
        raise RealmixError(
            f"The frozen holdout of '{table.name}' is gone, so it is not known which rows its versions have "
            "seen. Restore tables/ in the home folder from a backup."
        )
    is_holdout = holdout_of(raw, schema, rule, challenger)
    units = hash_units(raw, schema, rule.columns)
    rows = is_holdout & raw[schema.target].notna().to_numpy()
    rows &= ~np.isin(units, hash_units(champion.rows, schema, rule.columns))
    time_column = schema.with_role("time")
    if time_column:
        moments = schema.canonical_columns(raw, [time_column])[time_column].to_numpy()
        rows &= moments > max(v.cutoff for v in (champion, challenger) if v.cutoff is not None)
        # Units from before the cutoff may occur again after it.
        rows &= ~np.isin(units, units[~is_holdout])
    check_unseen(units[rows], units[~is_holdout])
    return rows, units[rows]


def holdout_of(raw: pd.DataFrame, schema: Schema, rule: HoldoutRule, version: Version) -> np.ndarray:
    """Return the holdout side of a version's snapshot, after a check that its study had the same.

    Raises
    ------
    RealmixError
        If it had another number of rows: its evaluated fit may have seen the present ones.
    """
    is_holdout = holdout_side(raw, schema, rule)
    n_now, n_then = int(is_holdout.sum()), version.studied.table.n_holdout
    if n_now != n_then:
        raise RealmixError(
            f"The holdout of version {version.number} had {n_then:,} rows; by the rule frozen today it would "
            f"have {n_now:,}. Its fit may have seen them, so nothing is compared: run a new study."
        )
    return is_holdout


def check_unseen(units: np.ndarray, development: np.ndarray) -> None:
    """Refuse to compare on rows that a fit has seen.

    Parameters
    ----------
    units : ndarray of shape (n_compared,)
    development : ndarray of shape (n_development,)
        Units of the rows on which the fits were made.

    Raises
    ------
    RealmixError
        If any unit is in both.

    Examples
    --------
    >>> check_unseen(np.array([1, 2]), np.array([2, 3]))
    Traceback (most recent call last):
    realmix.tasks.core.errors.RealmixError: 1 of 2 rows to compare are among the development rows ...
    """
    n_seen = int(np.isin(units, development).sum())
    if n_seen:
        raise RealmixError(
            f"{n_seen:,} of {len(units):,} rows to compare are among the development rows of a version. "
            "Nothing is compared; report this as an error of realmix."
        )


def predict(version: Version, rows: pd.DataFrame, schema: Schema) -> Predicted:
    """Predict raw rows, and time how long 1,000 of them take.

    Parameters
    ----------
    version : Version
    rows : DataFrame of shape (n_rows, n_columns)
    schema : Schema
        Its classes order the probabilities; one that the version does not know gets probability 0.
    """
    classes = list(schema.classes)
    if rows.empty:
        return Predicted(np.zeros((0, len(classes)) if classes else 0), 0.0)
    assert version.folder is not None
    serve = load_served(version.folder)
    served = serve(rows)
    seconds = seconds_of(serve, rows.iloc[np.arange(SERVED_ROWS) % len(rows)])
    if not classes:
        return Predicted(served["prediction"].to_numpy(dtype=float), seconds)
    chances = pd.DataFrame(served.drop(columns="prediction").to_numpy(), columns=version.spec["classes"])
    return Predicted(as_probabilities(chances.reindex(columns=classes, fill_value=0.0).to_numpy()), seconds)


def seconds_of(serve: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame) -> float:
    """Time a few calls and return the seconds of the fastest."""
    found = []
    for _ in range(SERVED_TIMES):
        began = time.perf_counter()
        serve(rows)
        found.append(time.perf_counter() - began)
    return min(found)
