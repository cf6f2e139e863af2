"""What a study, or a release, was made from and what was made in it: the content of ``lineage.json``, version 1.

It holds names, counts and sha256 digests, and no cell of the table: ``schemas/lineage-1.json`` is its JSON schema.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from realmix.tasks.core.documents import Document, Part
from realmix.tasks.core.lifecycle.records import Decision


class RawRows(Part):
    """The rows as they were read.

    Attributes
    ----------
    digest : str
        Of their content; it names their snapshot.
    source : str
    n_rows : int
    source_sha256 : str or None
        Of the file that they were read from; None for a database, and in a lineage of an earlier release.
    """

    digest: str
    source: str
    n_rows: int
    source_sha256: str | None = None


class SplitRows(Part):
    """How they were divided: digests of the rule of the holdout, and of the folds (None where none were laid)."""

    holdout: str
    folds: str | None
    n_development: int
    n_holdout: int


class DrawnPool(Part):
    """Synthetic rows that one synthesizer drew in one scope; `sha256` is None where another machine kept them."""

    scope: str
    synthesizer: str
    n_rows: int
    sha256: str | None


class TrainingTable(Part):
    """The training table, or the rows of a release."""

    sha256: str
    n_real: int
    n_synthetic: int
    synthesizer: str | None
    seed: int | None


class Decided(Part):
    """What was decided."""

    word: str
    sentence: str


class Lineage(Document):
    """A chain from raw rows to a decision.

    Attributes
    ----------
    kind : {"study", "release"}
    study : str
        Name of its folder.
    table : str
    realmix_version : str
    raw, split, pools, training
    models : dict of role to sha256
        Of the files of a model's folder, see :func:`realmix.tasks.runtime.cache_keys.tree_digest`.
    decision : Decided
    files : dict of path to sha256
        Of all other results.
    """

    what: ClassVar[str] = "lineage"

    schema_version: Literal[1] = 1
    kind: Literal["study", "release"]
    study: str
    table: str
    realmix_version: str
    raw: RawRows
    split: SplitRows | None
    pools: tuple[DrawnPool, ...]
    training: TrainingTable
    models: dict[str, str]
    decision: Decided
    files: dict[str, str]

    @property
    def made(self) -> str:
        """Return what its rows are called."""
        return "training table" if self.kind == "study" else "shared table"

    @property
    def pools_in_it(self) -> tuple[DrawnPool, ...]:
        """Return the pools whose rows went into the training or shared table; a study draws others to compare."""
        if self.kind == "release":
            return self.pools
        return tuple(pool for pool in self.pools if pool.scope == "shipped" and self.training.n_synthetic)

    def role_of(self, digest: str) -> str | None:
        """Return what a digest is of in this chain; None where it is in none of it."""
        named = {self.raw.digest: "raw snapshot", self.training.sha256: self.made}
        if self.raw.source_sha256:
            named[self.raw.source_sha256] = "source file"
        named |= {
            pool.sha256: f"pool {pool.synthesizer} of {pool.scope}" for pool in self.pools if pool.sha256
        }
        named |= {sha: f"folder {role}/" for role, sha in self.models.items()}
        if self.split:
            named |= {self.split.holdout: "holdout rule"} | (
                {self.split.folds: "folds"} if self.split.folds else {}
            )
        return named.get(digest) or next((path for path, sha in self.files.items() if sha == digest), None)


@dataclass(frozen=True)
class Chain:
    """A lineage that a file is in.

    Attributes
    ----------
    role : str
        What the file is in it.
    lineage : Lineage
    entries : tuple of Decision
        Of the decision record, about its models.
    """

    role: str
    lineage: Lineage
    entries: tuple[Decision, ...] = ()


def entries_about(entries: Sequence[Decision], study: str) -> tuple[Decision, ...]:
    """Select the entries of a table's record that name a study or a model version that it made.

    Parameters
    ----------
    entries : sequence of Decision
        Of one table, oldest first.
    study : str
    """
    of_study = [entry.document for entry in entries if entry.document.get("study") == study]
    versions = {
        str(document[key])
        for document in of_study
        for key in ("version", "challenger_version")
        if document.get(key)
    }

    def names(document: Mapping[str, Any]) -> bool:
        moved = {str(document[key]) for key in ("version", "replaces") if document.get(key)}
        return (
            document.get("study") == study or study in document.get("studies", ()) or bool(moved & versions)
        )

    return tuple(entry for entry in entries if names(entry.document))


def chain_lines(chain: Chain) -> Iterator[str]:
    """Yield a chain as text, from the raw rows to the decisions, one step a line."""
    lineage = chain.lineage
    raw, split, training = lineage.raw, lineage.split, lineage.training
    yield f"{lineage.kind} '{lineage.study}' of table '{lineage.table}' (realmix {lineage.realmix_version}); this is its {chain.role}"
    if raw.source_sha256:
        yield f"  source file     {raw.source_sha256}"
    yield f"  raw snapshot    {raw.digest}  {raw.n_rows:,} rows from {raw.source}"
    if split:
        yield f"  holdout rule    {split.holdout}  {split.n_holdout:,} rows set aside, {split.n_development:,} to learn from"
        if split.folds:
            yield f"  folds           {split.folds}"
    for pool in lineage.pools_in_it:
        yield f"  pool            {pool.sha256 or 'kept by another machine'}  {pool.n_rows:,} rows of {pool.synthesizer}, {pool.scope}"
    yield from _compared_lines(lineage)
    drawn = (
        f", {training.n_synthetic:,} drawn by {training.synthesizer} with seed {training.seed}"
        if training.n_synthetic
        else ""
    )
    yield f"  {lineage.made:<14}  {training.sha256}  {training.n_real:,} real rows{drawn}"
    for role, sha in lineage.models.items():
        yield f"  model           {sha}  {role}/"
    yield f"  decision        {lineage.decision.word}: {lineage.decision.sentence}"
    for entry in chain.entries:
        yield f"  record          {entry.digest}  {entry.kind}, {entry.made_at}"


def _compared_lines(lineage: Lineage) -> Iterator[str]:
    """Sum the pools that are not in the table by synthesizer."""
    compared: dict[str, list[int]] = defaultdict(list)
    for pool in lineage.pools:
        if pool not in lineage.pools_in_it:
            compared[pool.synthesizer].append(pool.n_rows)
    for name, sizes in compared.items():
        pools = "1 pool" if len(sizes) == 1 else f"{len(sizes)} pools"
        yield f"  compared        {sum(sizes):,} rows of {name} in {pools}, not in the {lineage.made}"


def to_prov(chains: Sequence[Chain]) -> dict[str, Any]:
    """Return chains as PROV-JSON.

    Parameters
    ----------
    chains : sequence of Chain

    Returns
    -------
    dict

    References
    ----------
    https://www.w3.org/submissions/prov-json/
    """
    from prov.model import ProvDocument

    document = ProvDocument()
    document.add_namespace("realmix", "urn:realmix:")
    document.add_namespace("sha256", "urn:sha256:")
    for chain in chains:
        _add(document, chain)
    found: dict[str, Any] = json.loads(str(document.serialize(format="json")))
    return found


def _add(document: Any, chain: Chain) -> None:
    lineage, label = chain.lineage, "prov:label"
    made: dict[str, Any] = {}

    def entity(digest: str, text: str, *sources: Any, by: Any = None) -> Any:
        if digest not in made:
            made[digest] = document.entity(f"sha256:{digest}", {label: text})
            for source in sources:
                document.wasDerivedFrom(made[digest], source)
            if by:
                document.wasGeneratedBy(made[digest], by)
        return made[digest]

    agent = document.agent(
        "realmix:software", {label: f"realmix {lineage.realmix_version}", "prov:type": "prov:SoftwareAgent"}
    )
    run = document.activity(
        f"realmix:{lineage.kind}-{lineage.training.sha256}",
        other_attributes={label: f"{lineage.kind} {lineage.study}"},
    )
    document.wasAssociatedWith(run, agent)
    read = lineage.raw.source_sha256
    raw = entity(lineage.raw.digest, "raw snapshot", *([entity(read, "source file")] if read else []))
    document.used(run, raw)
    rule = entity(lineage.split.holdout, "holdout rule", raw, by=run) if lineage.split else raw
    folds = (
        entity(lineage.split.folds, "folds", rule, by=run) if lineage.split and lineage.split.folds else rule
    )
    # All real rows make what ships, and those that are not in the holdout what is measured on it.
    learned = {"shipped": raw, "evaluated": rule}
    pools = {
        pool: entity(
            pool.sha256,
            f"pool {pool.synthesizer} of {pool.scope}",
            learned.get(pool.scope, folds),
            by=run,
        )
        for pool in lineage.pools
        if pool.sha256
    }
    mixed = [pools[pool] for pool in lineage.pools_in_it if pool in pools]
    measured = [pools[pool] for pool in pools if pool.scope == "evaluated"]
    training = entity(lineage.training.sha256, lineage.made, raw, *mixed, by=run)
    sources = {"model": [training], "real_only": [raw], "evaluated/model": [rule, *measured]}
    models = [
        entity(sha, f"folder {role}/", *sources.get(role, [rule]), by=run)
        for role, sha in lineage.models.items()
    ]
    verdict = entity(
        lineage.files.get("verdict.json", lineage.training.sha256),
        lineage.decision.word,
        *models,
        *pools.values(),
        folds,
        by=run,
    )
    for entry in chain.entries:
        entity(entry.digest, f"{entry.kind} of {entry.made_at}", verdict)
