"""A datasheet of the training table, with the headings of the European AI Act's Article 10 and Annex IV 2 (d).

It is filled from the data card and the study. What only people can know is left open and says who answers it: the
sheet is a start for documentation, and no statement that the Act is kept.

References
----------
Regulation (EU) 2024/1689, Article 10 (2) to (5) and Annex IV, point 2 (d), http://data.europa.eu/eli/reg/2024/1689/oj
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from realmix.tasks.core.provenance.mark import Mark
from realmix.tasks.core.provenance.permission import PUBLISHED_NAMES, published_terms
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.table.card import DataCard

OPEN = "*To be answered by people:*"


def datasheet(document: VerdictDocument, card: DataCard, marked: Mark) -> str:
    """Write the datasheet of a study's training table.

    Parameters
    ----------
    document : VerdictDocument
    card : DataCard
    marked : Mark
        Of the training table.

    Returns
    -------
    str
        Markdown, without a cell of the table.
    """
    heading = [
        f"# Datasheet of the training table of the study {document.study}",
        "",
        f"{_synthetic(marked)} Filled by realmix {document.realmix_version} from the data card and the study; lines that "
        f"begin with {OPEN} no program can know. The headings are those of Regulation (EU) 2024/1689 (AI Act); this sheet "
        "does not say that the Regulation is kept.",
    ]
    sections = (
        ("Annex IV, 2 (d): general description, provenance, scope and main characteristics", _description(document, marked)),
        ("Annex IV, 2 (d): how the data was obtained and selected", _obtained(document, card)),
        ("Annex IV, 2 (d): labelling procedures", _labelling(document)),
        ("Annex IV, 2 (d): data cleaning methodologies", _cleaning(document)),
        ("Annex IV, 2 (d): training methodologies and techniques", _training(document)),
        ("Article 10 (2) (a): relevant design choices", _design(document)),
        ("Article 10 (2) (b): collection, origin and original purpose", _origin(card)),
        ("Article 10 (2) (c): preparation: annotation, labelling, cleaning, updating, enrichment, aggregation",
         _preparation(document, marked)),
        ("Article 10 (2) (d): assumptions", _assumptions(document)),
        ("Article 10 (2) (e): availability, quantity and suitability", _quantity(document)),
        ("Article 10 (2) (f) and (g): possible biases, and measures against them", _biases(document, card)),
        ("Article 10 (2) (h): data gaps and shortcomings", _gaps(document)),
        ("Article 10 (3): relevant, representative, free of errors and complete", _quality(document)),
        ("Article 10 (4): geographical, contextual, behavioural or functional setting",
         [f"{OPEN} where, when and on whom the data was collected, and where the model will be used."]),
        ("Article 10 (5): special categories of personal data", _special(card)),
        ("Limits", marked.limits),
    )  # fmt: skip
    return (
        "\n".join([*heading, *(line for title, lines in sections for line in _section(title, lines))]) + "\n"
    )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from (f"- {line}" for line in lines)


def _synthetic(marked: Mark) -> str:
    return "**Marked as synthetic in part.**" if marked.has_synthetic_data else "**Holds no synthetic rows.**"


def _description(document: VerdictDocument, marked: Mark) -> Iterator[str]:
    table = document.table
    yield f"Table {table.name}, read from {_code(table.source)}; sha256 of its rows {document.digests['snapshot']}."
    yield f"{table.n_rows:,} rows, {table.n_features} features; target {_code(table.target)}, {table.task}."
    if table.classes:
        yield f"{len(table.classes)} classes."
    yield marked.explanation
    yield from (f"Left out: {_code(name)}: {why}." for name, why in _apart(document).items())


def _obtained(document: VerdictDocument, card: DataCard) -> Iterator[str]:
    yield (
        f"{document.table.n_holdout:,} rows were set aside first and read once at the end; "
        f"{document.table.n_development:,} chose the model."
    )
    declared = {"order in time": card.time, "rows of one unit": card.group, "weights": card.weight}
    yield from (f"Declared {what}: {_code(column)}." for what, column in declared.items() if column)
    yield f"{OPEN} how the rows were collected and which were never collected."


def _labelling(document: VerdictDocument) -> Iterator[str]:
    recipe = document.winner.recipe
    yield f"Training rows: {document.winner.in_words}."
    if recipe.real_labels != "own":
        yield "Labels of real rows are mixed half and half with those of an ensemble of models (distillation)."
    if recipe.synthesizer:
        by = "an ensemble of models" if recipe.label_rule == "teacher" else "the synthesizer"
        yield f"Labels of synthetic rows were given by {by}."
    yield f"{OPEN} who gave the real rows their labels, by which instructions, and how well they agree."


def _cleaning(document: VerdictDocument) -> Iterator[str]:
    yield "Rows that break the declared rules or types were set aside with their reason: validation/quarantine.parquet, where there are any."
    yield from (document.reading.notes if document.reading else ())
    yield from (hint.sentence for hint in document.table.hints)


def _training(document: VerdictDocument) -> Iterator[str]:
    yield f"Model {document.winner.model}, recipe {_code(document.winner.name)}; all settings in verdict.json, all versions too."
    yield f"Compared on {document.validation.n_folds} folds by {document.metric.name}. Outcome: {document.word}."


def _design(document: VerdictDocument) -> Iterator[str]:
    yield document.sentence
    yield f"{len(document.arms):,} recipes were compared; plan.json repeats the study bit for bit."


def _origin(card: DataCard) -> Iterator[str]:
    terms = published_terms(card.provenance)
    yield from (f"{name}: {value}." for name, value in terms.items())
    if absent := [name for name in PUBLISHED_NAMES.values() if name not in terms]:
        yield f"{OPEN} {', '.join(absent)} (not declared in the data card)."


def _preparation(document: VerdictDocument, marked: Mark) -> Iterator[str]:
    if marked.has_synthetic_data:
        yield f"Enriched by {marked.n_synthetic:,} synthetic rows of {marked.synthesizer}, seed {marked.seed}."
    yield f"Classes: {'rare ones raised' if document.winner.recipe.balance == 'balanced' else 'as among the real rows'}."


def _assumptions(document: VerdictDocument) -> Iterator[str]:
    yield "New rows come from where these rows came from; drift is measured when a registered table is retrained."
    if document.table.n_holdout == 0:
        yield f"There is no holdout: {document.holdout_reason}."
    yield f"{OPEN} what the columns are meant to measure, and what they stand for."


def _quantity(document: VerdictDocument) -> Iterator[str]:
    if smallest := document.validation.smallest_provable_gain:
        unit = f"{100 * smallest:.3g} %" if document.metric.margin_is_relative else f"{smallest:.3g}"
        yield f"The smallest gain that so many rows can prove is {unit}."
    if document.rows_saved_reason:
        yield document.rows_saved_reason
    yield f"{OPEN} whether these rows suit the purpose of the model."


def _biases(document: VerdictDocument, card: DataCard) -> Iterator[str]:
    if card.protected:
        yield f"No group by {', '.join(map(_code, card.protected))} may lose by the mix; a mix under which one does is vetoed."
        yield from (gate.sentence for gate in document.gates if "group" in gate.name or "slice" in gate.name)
    else:
        yield f"{OPEN} no sensitive columns are declared (`sensitive:` in the data card), so no group was looked at."
    yield "Synthetic rows repeat the biases of the real rows they were learned from."


def _gaps(document: VerdictDocument) -> Iterator[str]:
    yield from (f"Cut off in the study: {part}." for part in document.missing)
    yield f"{OPEN} which people, places or times are missing, and how that can be addressed."


def _quality(document: VerdictDocument) -> Iterator[str]:
    yield "Types, ranges, missing cells and rules were checked: validation/ holds each expectation with its result."
    if document.holdout:
        yield document.holdout.sentence
    yield f"{OPEN} whether the rows are representative of the persons on whom the model will be used."


def _special(card: DataCard) -> Iterator[str]:
    yield (
        f"Declared as sensitive: {', '.join(map(_code, card.sensitive))}. Their values are not in logs, reports or messages."
        if card.sensitive
        else "No column is declared as sensitive."
    )
    yield f"{OPEN} whether special categories are processed, why that is strictly necessary, and by which safeguards."


def _apart(document: VerdictDocument) -> dict[str, str]:
    apart = document.table.columns_set_apart
    return apart if isinstance(apart, dict) else dict.fromkeys(apart, "set apart")


def _code(text: str | None) -> str:
    return f"`{text}`" if text and "`" not in text and "\n" not in text else str(text).replace("\n", " ")
