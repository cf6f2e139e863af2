"""Read and check what a request names, without writing anything and without a server."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import MetricSpec
from realmix.tasks.core.errors import BadInput, unknown_name
from realmix.tasks.core.mixes.arms import MAX_RATIO
from realmix.tasks.core.plan.deploy import check_deployable
from realmix.tasks.core.plan.plan import Plan, TableShape
from realmix.tasks.core.table.card import DataCard, parse_card, read_card
from realmix.tasks.core.table.checks import check_declared_columns, check_study_input, columns_in_words
from realmix.tasks.core.table.read_columns import read_columns
from realmix.tasks.core.table.reading_report import ReadingReport
from realmix.tasks.core.table.request import BUNDLED_TABLE, StudyRequest
from realmix.tasks.core.table.schema import Schema
from realmix.tasks.core.table.set_apart import set_apart
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.core.urls import reveal, without_secrets
from realmix.tasks.core.versions import require
from realmix.tasks.metrics import METRICS, metric_for, metrics_for
from realmix.tasks.models import MODELS
from realmix.tasks.models._preprocessing import MAX_LEVELS
from realmix.tasks.plugins import check_trusted, load_plugins, specs_for
from realmix.tasks.runtime.cache_keys import digests_of
from realmix.tasks.sources import open_source
from realmix.tasks.synthesizers import SYNTHESIZERS
from realmix.tasks.teachers import TEACHERS

# Of files, which are no part of a table's name.
ENDINGS = re.compile(
    r"(\.(csv|tsv|txt|json|jsonl|ndjson|parquet|pq|arrow|feather|xlsx|xlsm|xls|ods|gz|bz2|xz|zst|zip))+$",
    re.IGNORECASE,
)


def check_read(raw: pd.DataFrame, card: DataCard, report: ReadingReport) -> tuple[Schema, dict[str, Any]]:
    """Check rows, and add to their schema how they are read again.

    Returns
    -------
    schema : Schema
    reading : dict
        What was made of each column, and why some are left out, as plain values for JSON.
    """
    schema = check_study_input(raw, card)
    schema = dataclasses.replace(schema, forms={**schema.forms, **report.forms})
    return schema, report.with_apart(set_apart(schema, card)).to_dict(card.sensitive)


def read_rows(request: StudyRequest) -> tuple[pd.DataFrame, dict[str, Any], DataCard, ReadingReport]:
    """Read the rows and the card a request names.

    Returns
    -------
    raw : DataFrame
    source : dict
        What the source detected, without secrets.
    card : DataCard
        With the values that the request overrides.
    report : ReadingReport

    Raises
    ------
    BadInput
        If anything cannot be used as given.
    """
    require("xgboost", "cpu", "A study, or its preview,")
    declared = read_card(Path(request.card)) if request.card else None
    if declared:
        check_trusted(declared, is_trusted=request.trust_card)
    # Before the source is opened: the source may be a plug-in itself.
    load_plugins((*(declared.plugins if declared else ()), *request.plugins))
    location = request.table or (declared and declared.source) or BUNDLED_TABLE
    source = open_source(reveal(location))
    card = _card(request, declared, location, source)
    load_plugins(card.plugins)
    check_known(request)
    # A source without `read` has typed rows: a registered table was read when it was registered.
    read = getattr(source, "read", None)
    table = read() if read else source.load()
    check_declared_columns(columns_of(table), card)
    raw, report = read_columns(table, card) if read else (table, ReadingReport())
    report.check(card.ignore)
    return raw, source.describe(), card, report


def columns_of(table: TextTable | pd.DataFrame) -> list[str]:
    """Return the names of a table's columns."""
    names = table.cells.column_names if isinstance(table, TextTable) else table.columns
    return [str(name) for name in names]


def with_plugins(request: StudyRequest) -> StudyRequest:
    """Load the plug-ins that a request names as ``module:SPEC``, and replace these by their names.

    Other names are taken in any case: the registered ones are lower case.

    Raises
    ------
    BadInput
        If one cannot be imported, is no spec, or takes a name that is in use.
    """
    several = (request.synthesizers, request.models, request.teachers)
    named = (*(name for names in several for name in names or ()), request.metric or "")
    references = tuple(dict.fromkeys((*request.plugins, *(name for name in named if ":" in name))))
    names = load_plugins(references)
    renamed = {
        field: tuple(names.get(name, name.lower()) for name in given)
        for field in ("synthesizers", "models", "teachers")
        if (given := getattr(request, field)) is not None
    }
    metric = request.metric and names.get(request.metric, request.metric.lower())
    return request.model_copy(update={**renamed, "metric": metric, "plugins": references})


def check_known(request: StudyRequest) -> None:
    """Refuse names of synthesizers, models, teachers and metrics that are not registered, before a table is read."""
    asked = (SYNTHESIZERS, request.synthesizers), (MODELS, request.models), (TEACHERS, request.teachers)
    for registry, names in (*asked, (METRICS, (request.metric,) if request.metric else ())):
        for name in names or ():
            registry[name]


def table_name(card: DataCard, request: StudyRequest) -> str:
    """Name a table after its file, table or key: letters, digits, dashes."""
    location = request.table or card.source or BUNDLED_TABLE
    stem = re.split(r"[?#]", location)[0].rstrip("/").split("/")[-1].split(":")[-1]
    stem = ENDINGS.sub("", stem)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "table"


def _card(request: StudyRequest, declared: DataCard | None, location: str, source: Any) -> DataCard:
    if declared is None and hasattr(source, "default_card"):
        declared = parse_card(source.default_card())
    overrides = {"target": request.target, "positive": request.positive, "task": request.task}
    given = {name: value for name, value in overrides.items() if value is not None}
    if declared is None and "target" not in given:
        # Read for this sentence alone: it is the last one.
        columns = columns_in_words(columns_of(source.read() if hasattr(source, "read") else source.load()))
        raise BadInput(
            f"No target for {location}: name the column to predict with --target. The table has: {columns}."
        )
    base = declared.model_dump() if declared else {}
    if "target" in given and given["target"] != base.get("target"):
        of_target = ("positive", "task", "metric", "costs")
        base = {field: value for field, value in base.items() if field not in of_target}
    # The card is stored with the study: without the password or signature of a URL.
    plugins = tuple(dict.fromkeys((*base.get("plugins", ()), *request.plugins)))
    return parse_card({**base, **given, "plugins": plugins, "source": without_secrets(location)})


def check_names(request: StudyRequest, card: DataCard, schema: Schema) -> None:
    """Refuse unknown or unusable names before anything is computed."""
    deciding_metric(request, card, schema)
    for name in request.models or ():
        if schema.task not in MODELS[name].tasks:
            raise BadInput(f"Model '{name}' does not support {schema.task}: choose from {', '.join(MODELS)}.")
    weights_of(request.teachers or card.teachers, schema)
    usable = available_synthesizers(card, schema)
    for name in usable:
        if SYNTHESIZERS[name].needs:  # a wrong name in the card fails now, not in the first fold
            SYNTHESIZERS[name].build(card)
    for name in request.synthesizers or ():
        spec = SYNTHESIZERS[name]
        if spec.is_control:
            raise BadInput(f"'{name}' is a control and always runs: leave it out of --synthesizers.")
        if name not in usable:
            needs = f"needs `{spec.needs}` in the card" if spec.needs else f"does not support {schema.task}"
            raise BadInput(f"Synthesizer '{name}' {needs}: usable here are {', '.join(usable)}.")
    for ratio in request.ratios or ():
        if not 0 < ratio <= MAX_RATIO:
            raise BadInput(
                f"--ratios are synthetic rows per real row, above 0 and at most {MAX_RATIO}; got {ratio:g}. "
                "Real only (ratio 0) always runs."
            )


def weights_of(teachers: Iterable[str], schema: Schema) -> dict[str, str]:
    """Return the digest of each pretrained teacher's weights on this machine.

    Raises
    ------
    BadInput
        If a teacher is unknown, or its library or weights are missing.
    """
    files = {name: [str(path) for path in TEACHERS[name].weights(schema)] for name in teachers}
    return {name: " ".join(filter(None, digests_of(Path(), paths).values())) for name, paths in files.items()}


def available_synthesizers(card: DataCard, schema: Schema) -> list[str]:
    """Return the names of the synthesizers that can learn this table, without the controls."""
    return [
        name
        for name, spec in specs_for(SYNTHESIZERS, card).items()
        if not spec.is_control
        and schema.task in spec.tasks
        and (spec.needs is None or getattr(card, spec.needs))
    ]


def deciding_metric(request: StudyRequest, card: DataCard, schema: Schema) -> MetricSpec:
    """Return the metric that decides: log-loss or RMSE unless the request or the card names another."""
    default = "log_loss" if schema.is_classification else "rmse"
    spec = METRICS[request.metric or card.metric or default]
    if schema.task not in spec.tasks:
        known = [metric.name for metric in metrics_for(schema.task, card)]
        raise unknown_name(f"metric for {schema.task}", spec.name, known)
    return metric_for(spec.name, card)


def read_plan(path: Path) -> Plan:
    """Read a plan that is to be replayed.

    Raises
    ------
    BadInput
        If the file is missing or is no plan.
    """
    try:
        return Plan.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as err:
        raise BadInput(f"Cannot read the plan {path}: {err.strerror}. Check --plan.") from err
    except BadInput as err:
        raise BadInput(f"{path}: {err}") from err
    except (ValueError, RecursionError) as err:
        raise BadInput(
            f"{path} is no JSON; expected the plan.json of an earlier study. Give that file, or leave --plan out to "
            "make a new plan."
        ) from err


def shape_of(
    schema: Schema, card: DataCard, n_all: int, n_development: int, *, rarest_share: float = 1.0
) -> TableShape:
    """Describe a table of so many rows as far as the cost of a study depends on it."""
    return TableShape(
        n_all=n_all,
        n_development=n_development,
        n_columns=len(schema.features),
        n_classes=len(schema.classes) or 1,
        task=schema.task,
        rarest_share=rarest_share,
        has_time=schema.with_role("time") is not None,
        n_levels=sum(min(len(c.levels), MAX_LEVELS) + 2 for c in schema.features if c.is_categorical),
        has_slices=bool(card.protected),
        has_sensitive=bool(card.sensitive),
    )


def check_plan(plan: Plan, card: DataCard, schema: Schema, n_rows: int) -> None:
    """Refuse a plan that was made for another kind of table, of which there are `n_rows` rows here.

    Raises
    ------
    BadInput
        If the task differs, the card lacks what its metric needs or does not allow its learners, or columns by which
        the holdout was split are missing.
    """
    if plan.task != schema.task:
        raise BadInput(
            f"The plan is for {plan.task}, this table is for {schema.task}: pass the plan of this table."
        )
    for registry, names in (
        (SYNTHESIZERS, plan.synthesizers),
        (MODELS, plan.models),
        (METRICS, (plan.metric,)),
    ):
        for name in names:
            if name not in registry:
                raise BadInput(
                    f"The plan uses the {registry.kind} '{name}', which is not known here: give an unchanged plan, and "
                    f"name a plug-in as when the plan was made (module:SPEC on the command line, or `plugins` in the card)."
                )
    metric_for(plan.metric, card)
    here = weights_of((name for name in plan.teacher_models if name not in MODELS), schema)
    if other := sorted(name for name in here if here[name] != plan.pretrained.get(name)):
        raise BadInput(
            f"The plan was made with other weights of {', '.join(other)} than this machine has: install those, or "
            "leave --plan out to make a new plan."
        )
    if unknown := set(plan.on_gpu) - {*SYNTHESIZERS, *MODELS, *TEACHERS}:
        raise BadInput(
            f"The plan trains unknown plug-ins {sorted(unknown)} on a GPU: pass an unchanged plan."
        )
    missing = set(plan.holdout.columns) - {column.name for column in schema.columns}
    if missing:
        raise BadInput(
            f"The plan's holdout was split by columns {sorted(missing)}, which this table does not have: "
            "pass the plan of this table."
        )
    check_deployable(plan, MODELS, shape_of(schema, card, n_rows, plan.n_development), card)
