"""Release a synthetic-only table: draw, suppress, attack, score, and write what may be shared."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from realmix.tasks.core.contracts.specs import SynthesizerSpec
from realmix.tasks.core.documents import Part
from realmix.tasks.core.errors import BadInput, ReleaseRefused
from realmix.tasks.core.mixes.pools import draw_pool
from realmix.tasks.core.privacy.assessment import assess_privacy
from realmix.tasks.core.privacy.exposure import Declared
from realmix.tasks.core.privacy.study_privacy import PoolPrivacy, judge_pool
from realmix.tasks.core.release.audit import audit_noise
from realmix.tasks.core.release.csv_cells import escape_formulas
from realmix.tasks.core.release.document import (
    Budget,
    Dropped,
    ReleaseDocument,
    budget_in_words,
    release_lines,
)
from realmix.tasks.core.release.domain import read_declared
from realmix.tasks.core.release.draw import as_declared, as_file, deal, shareable
from realmix.tasks.core.release.marginals import Marginals
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.splits.equal_rows import equal_row_groups
from realmix.tasks.core.splits.folds import make_folds
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.request import BUNDLED_TABLE, StudyRequest
from realmix.tasks.core.table.rules import violations
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.core.urls import reveal
from realmix.tasks.core.versions import installed_version
from realmix.tasks.metrics import metric_for
from realmix.tasks.runtime.snapshots import write_atomically
from realmix.tasks.runtime.study_folder import Table
from realmix.tasks.sources import open_source
from realmix.tasks.study.fidelity import fidelity, utility
from realmix.tasks.study.mark_release import mark_release
from realmix.tasks.study.permission import record_responsibility
from realmix.tasks.study.privacy import declared, secrets_of
from realmix.tasks.study.read_table import read_table
from realmix.tasks.study.request import deciding_metric, with_plugins
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.synthesizers._noise import noise_scale, secret_noise, spent
from realmix.tasks.synthesizers.dp import NAME as DP
from realmix.tasks.synthesizers.dp import NoisyMarginals, measure, terms_of

N_FOLDS, LEAST_FOLDS = 5, 3
# Rows drawn for each one to share: some break a rule, or show something rare.
OVERDRAW = 2
# A table that loses more of its rows is another table.
LEAST_KEPT = 0.5
# What protects nobody: the cost of noise is measured against it.
NEARLY_NOISELESS = 100.0
SHARED, DOCUMENT, REPORT = "share/synthetic.csv", "release.json", "release.txt"


@dataclass(frozen=True)
class Real:
    """Real rows, canonical: learned ones, and two samples that are not learned."""

    learned: pd.DataFrame
    unseen: pd.DataFrame
    reference: pd.DataFrame

    @property
    def other(self) -> pd.DataFrame:
        """All rows that are not learned."""
        return pd.concat([self.unseen, self.reference], ignore_index=True)


def release(
    request: StudyRequest, synthesizer: str, n_rows: int | None, *, fixed_mix: bool
) -> ReleaseDocument:
    """Write a synthetic-only table into the folder of a request, or the reasons why it is refused.

    Parameters
    ----------
    request : StudyRequest
        Names the table, its card, the seed and the folder.
    synthesizer : str
    n_rows : int or None
        As many as were learned when None; with `fixed_mix` as many as the noisy counts say.
    fixed_mix : bool
        Whether nothing but noisy counts may decide what is shared.

    Returns
    -------
    ReleaseDocument

    Raises
    ------
    BadInput
        If the table, its card or the folder cannot be used.
    NotPermitted
        If the card does not permit to share, and nobody answers for it.
    ReleaseRefused
        If a veto stands; the document says which.
    """
    out = Path(request.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"--out {out} is no empty folder: name a new one.")
    request = with_plugins(request)
    spec = SYNTHESIZERS[synthesizer]
    if fixed_mix and synthesizer != DP:
        raise BadInput(
            f"--fixed-mix is a promise of differential privacy, which '{synthesizer}' does not give: choose --synthesizer {DP}."
        )
    table = read_table(request, out / "snapshots", use="share")
    record_responsibility(table.name, table.permission, table.snapshot.digest, study=out.name)
    facts = {
        "schema_version": 1,
        "realmix_version": installed_version("realmix"),
        "table": table.name,
        "synthesizer": synthesizer,
        "seed": request.seed,
        "min_rows": table.card.sharing.min_rows,
        "not_permitted": table.permission.gaps,
        "responsible": table.permission.reason,
    }
    if not spec.releasable:
        reason = f"'{synthesizer}' repeats or blends single real rows by its design: its rows are never to be shared."
        rows, found = None, _nothing([reason])
    elif fixed_mix:
        rows, found = _release_noisy(request, table, n_rows)
    else:
        rows, found = _release_checked(request, table, spec, n_rows)
    document = ReleaseDocument.build({**facts, **{name: _plain(value) for name, value in found.items()}})
    write(out, document, rows)
    if document.is_released:
        mark_release(out, out / SHARED, document, table)
    if not document.is_released:
        raise ReleaseRefused(
            f"{' '.join(document.refusals)} Nothing is shared; {out / DOCUMENT} says what was found."
        )
    return document


def _plain(value: Any) -> Any:
    """Return parts of the document as plain values."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.to_dict() if isinstance(value, Part) else value


def _nothing(refusals: list[str]) -> dict[str, Any]:
    """Return the fields of a document in which nothing was drawn."""
    empty: dict[str, Any] = {
        "fidelity": [],
        "utility": [],
        "privacy": None,
        "dp": None,
        "dropped": None,
        "replaced": {},
    }
    counts = {"n_rows": 0, "n_learned": 0, "rule_violations": 0, "measured_on": ""}
    return {"is_released": False, "refusals": refusals, **empty, **counts}


def _release_checked(
    request: StudyRequest, table: Table, spec: SynthesizerSpec, n_rows: int | None
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Draw from some of the rows, suppress what is rare, and let the attacks decide."""
    card, schema, real = table.card, table.schema, deal_rows(table, request.seed)
    asked = n_rows or len(real.learned)
    if spec.name == DP:
        spec = dataclasses.replace(spec, build=lambda card: NoisyMarginals(card, is_secret=True))
    rows, dropped = draw(spec, card, real.learned, schema, asked, request.seed)
    if len(rows) < LEAST_KEPT * asked:
        return None, {**_nothing([_exhausted(rows, dropped, asked, card)]), "dropped": dropped}
    found = _measured(request, table, spec, rows, real)
    shared, replaced = as_file(rows, schema)
    # Made-up labels keep to no pattern: a rule about columns that nothing was learned of asks nothing of these rows.
    learned = shared.assign(**dict.fromkeys(replaced, None))
    n_violations = int(violations(learned, card.rules).to_numpy().sum())
    privacy: PoolPrivacy | None = found["privacy"]
    refusals = (
        [] if privacy and privacy.may_be_shared else [privacy.sharing if privacy else found["unmeasured"]]
    )
    refusals += [f"{n_violations} rows break a rule of the card."] if n_violations else []
    found.pop("unmeasured")
    budget = _budget(card, list(rows.columns), request.seed, end_to_end=False) if spec.name == DP else None
    return (None if refusals else shared), {
        **found,
        "is_released": not refusals,
        "refusals": refusals,
        "dropped": dropped,
        "replaced": replaced,
        "dp": budget,
        "n_rows": 0 if refusals else len(shared),
        "n_learned": len(real.learned),
        "rule_violations": n_violations,
        "measured_on": "the very rows to be shared; real rows that were not learned are the reference",
    }


def _release_noisy(
    request: StudyRequest, table: Table, n_rows: int | None
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Count all rows with secret noise and draw from the counts; what the report measures decides nothing."""
    card = table.card
    terms = terms_of(card)
    cells = _cells(reveal(request.table or card.source or BUNDLED_TABLE))
    measured = measure(read_declared(cells, terms.columns), card, seed=None)
    asked = n_rows or measured.estimate.n_rows
    rng = np.random.default_rng(derive_seed(request.seed, "release"))
    shared = as_declared(measured.estimate.draw(OVERDRAW * asked, None, rng), card).iloc[:asked]
    if len(shared) < asked:
        raise BadInput(
            f"Only {len(shared):,} of {asked:,} rows keep the card's rules: correct the rules, or the bins of dp.columns."
        )
    real = deal_rows(table, request.seed)
    twin, _ = draw(SYNTHESIZERS[DP], card, real.learned, table.schema, len(real.learned), request.seed)
    found = _measured(request, table, SYNTHESIZERS[DP], twin, real)
    found.pop("unmeasured")
    return shared, {
        **_nothing([]),
        **found,
        "is_released": True,
        "dp": _budget(card, list(terms.columns), request.seed, end_to_end=True),
        "n_rows": len(shared),
        "n_learned": measured.estimate.n_rows,
        "measured_on": "rows drawn in the same way from three fifths of the table, because the shared ones are learned from all",
    }


def deal_rows(table: Table, seed: int) -> Real:
    """Deal real rows to three fifths that are learned and two samples that are not; a group's rows stay together.

    Raises
    ------
    BadInput
        If a class has too few rows.
    """
    schema = table.schema
    raw = table.snapshot.read()
    rows = schema.apply(raw)
    keep = rows[schema.target].notna().to_numpy()
    raw, rows = raw[keep].reset_index(drop=True), rows[keep].reset_index(drop=True)
    group = schema.with_role("group")
    groups = pd.factorize(raw[group])[0] if group else equal_row_groups(rows[schema.feature_names])
    y = schema.encode_target(rows)
    folds = make_folds(y, groups, schema.task, n_folds=N_FOLDS, n_repeats=1, seed=seed)[0]
    if folds.max() + 1 < LEAST_FOLDS:
        raise BadInput(
            f"A class of '{schema.target}' has fewer than {LEAST_FOLDS} rows: rows that are not learned are needed to look "
            "for leaks. Collect more, or leave that class out."
        )
    return Real(*(rows.iloc[part].reset_index(drop=True) for part in deal(folds)))


def draw(
    spec: SynthesizerSpec, card: DataCard, learned: pd.DataFrame, schema: Schema, n_rows: int, seed: int
) -> tuple[pd.DataFrame, Dropped]:
    """Fit a synthesizer, draw, and keep what may be shared; see :func:`shareable`."""
    drawn, _ = draw_pool(
        spec,
        card,
        learned,
        schema=schema,
        n_rows_by_class=None,
        n_rows=OVERDRAW * n_rows,
        seed_key=("release", seed, spec.name),
        max_steps=None,
    )
    return shareable(drawn, learned, schema, card, n_rows)


def _exhausted(rows: pd.DataFrame, dropped: Dropped, asked: int, card: DataCard) -> str:
    return (
        f"The data is exhausted: of {dropped.n_drawn:,} drawn rows {dropped.broke_rules:,} broke a rule and "
        f"{dropped.rare_combinations:,} showed a combination that fewer than {card.sharing.min_rows} real rows have; "
        f"{len(rows):,} are left of {asked:,} asked for. Declare fewer identifying columns, or coarser levels."
    )


def _measured(
    request: StudyRequest, table: Table, spec: SynthesizerSpec, rows: pd.DataFrame, real: Real
) -> dict[str, Any]:
    """Attack and score rows."""
    card, schema = table.card, table.schema
    names = [deciding_metric(request, card, schema).name, *(["roc_auc"] if schema.task == "binary" else [])]
    metrics = [metric_for(name, card) for name in dict.fromkeys(names)]
    noiseless = None
    if spec.name == DP:
        louder = card.model_copy(
            update={"dp": terms_of(card).model_copy(update={"epsilon": NEARLY_NOISELESS})}
        )
        noiseless, _ = draw(SYNTHESIZERS[DP], louder, real.learned, schema, len(rows), request.seed)
    privacy, unmeasured = _attack(spec, rows, real, schema, card, declared(card), request.seed)
    return {
        "privacy": privacy,
        "unmeasured": unmeasured,
        "fidelity": fidelity(rows, real.learned, real.other, schema),
        "utility": utility(
            rows, real.learned, real.other, schema, metrics, without_noise=noiseless, seed=request.seed
        ),
    }


def _attack(
    spec: SynthesizerSpec,
    rows: pd.DataFrame,
    real: Real,
    schema: Schema,
    card: DataCard,
    said: Declared | None,
    seed: int,
) -> tuple[PoolPrivacy | None, str]:
    """Assess privacy, or say why it cannot be assessed."""
    try:
        assessment = assess_privacy(
            rows,
            real.learned,
            real.unseen,
            real.reference,
            schema,
            seed=seed,
            secrets=secrets_of(card, schema),
            declared=said,
        )
    except BadInput as err:
        return None, str(err)
    max_tpr = card.privacy.max_tpr
    return judge_pool(spec.name, assessment, releasable=spec.releasable, max_tpr=max_tpr), ""


def _budget(card: DataCard, names: Sequence[str], seed: int, *, end_to_end: bool) -> Budget:
    """Describe what counts of some declared columns spend, and audit noise of the same size on planted rows."""
    terms = terms_of(card)
    columns = {name: terms.columns[name] for name in names}
    marginals = Marginals.declared(terms.model_copy(update={"columns": columns}), card.target)
    sensitivity = marginals.sensitivity(terms.rows)
    scale = noise_scale(terms.epsilon, terms.delta, sensitivity)
    epsilon = spent(scale, terms.delta, sensitivity)
    return Budget(
        epsilon=epsilon,
        delta=terms.delta,
        rows=terms.rows,
        n_counts=marginals.n_counts,
        noise=scale,
        end_to_end=end_to_end,
        sentence=budget_in_words(epsilon, terms.delta, terms.rows, end_to_end=end_to_end),
        audit=audit_noise(
            functools.partial(secret_noise, scale=scale),
            n_features=len(columns) - 1,
            delta=terms.delta,
            seed=derive_seed(seed, "audit"),
        ),
    )


def _cells(location: str) -> pd.DataFrame:
    """Read cells as the file wrote them: what one means must not depend on the others."""
    source = open_source(location)
    read = getattr(source, "read", None)
    table = read() if read else source.load()
    return table.cells.to_pandas() if isinstance(table, TextTable) else table


def write(out: Path, document: ReleaseDocument, rows: pd.DataFrame | None) -> None:
    """Write the document, its text, and in a folder of its own what may be shared."""
    if rows is not None:
        cells = escape_formulas(rows)
        write_atomically(out / SHARED, lambda path: cells.to_csv(path, index=False))
    values = json.dumps(document.to_dict(), indent=1) + "\n"
    write_atomically(out / DOCUMENT, lambda path: path.write_text(values, encoding="utf-8"))
    text = "\n".join(release_lines(document)) + "\n"
    write_atomically(out / REPORT, lambda path: path.write_text(text, encoding="utf-8"))
