"""A digest finds its place in the chain from raw rows to a decision, and the chain reads in both forms."""

from __future__ import annotations

import json

import pytest

from realmix.tasks.core.lifecycle.records import Decision
from realmix.tasks.core.provenance.lineage import Chain, Lineage, chain_lines, entries_about, to_prov

LINEAGE = Lineage.build(
    {
        "schema_version": 1,
        "kind": "study",
        "study": "calls-0001",
        "table": "calls",
        "realmix_version": "0.1.0",
        "raw": {"digest": "raw", "source": "calls.csv", "n_rows": 1200},
        "split": {"holdout": "rule", "folds": "folds", "n_development": 960, "n_holdout": 240},
        "pools": [
            {"scope": "fold-0-0", "synthesizer": "smote", "n_rows": 800, "sha256": "pool"},
            {"scope": "fold-0-1", "synthesizer": "smote", "n_rows": 800, "sha256": None},
        ],
        "training": {
            "sha256": "train",
            "n_real": 1200,
            "n_synthetic": 600,
            "synthesizer": "smote",
            "seed": 7,
        },
        "models": {"model": "shipped", "real_only": "real"},
        "decision": {"word": "proven", "sentence": "It is proven."},
        "files": {"verdict.json": "verdict", "model/MLmodel": "mlmodel"},
    }
)


def entry(kind, digest="entry", **document):
    return Decision("calls", "2026-01-01", kind, document, digest)


@pytest.mark.parametrize(
    ("digest", "role"),
    [("raw", "raw snapshot"), ("rule", "holdout rule"), ("folds", "folds"), ("pool", "pool smote of fold-0-0"),
     ("train", "training table"), ("shipped", "model model"), ("verdict", "verdict.json"),
     ("mlmodel", "model/MLmodel"), ("another", None)],
)  # fmt: skip
def test_every_link_is_found_by_its_digest(digest, role):
    assert LINEAGE.role_of(digest) == role


def test_the_text_goes_from_the_raw_rows_to_the_decision():
    chain = Chain("training table", LINEAGE, (entry("promotion"),))
    lines = list(chain_lines(chain))
    steps = [line.split()[0] for line in lines[1:]]
    assert steps == [
        "raw",
        "holdout",
        "folds",
        "pool",
        "pool",
        "training",
        "model",
        "model",
        "decision",
        "record",
    ]
    assert "600 drawn by smote with seed 7" in "\n".join(lines) and "kept by another machine" in "\n".join(
        lines
    )


def test_entries_are_those_of_the_study_and_of_the_versions_that_it_made():
    mine = [
        entry("retraining", study="calls-0001", version="3"),
        entry("promotion", version="3", replaces="2"),
        entry("rollback", version="2", replaces="3"),
        entry("forgotten", studies=["calls-0001"], versions=[]),
    ]
    others = [
        entry("retraining", study="calls-0002", version="4"),
        entry("promotion", version="4", replaces="1"),
    ]
    assert entries_about([*mine, *others], "calls-0001") == tuple(mine)


def test_prov_json_can_be_read_by_prov_and_leads_back_to_the_raw_rows():
    model = pytest.importorskip("prov.model")
    text = json.dumps(to_prov([Chain("training table", LINEAGE, (entry("promotion"),))]))
    document = model.ProvDocument.deserialize(content=text, format="json")
    edges: dict[str, set[str]] = {}
    for record in document.get_records(model.ProvDerivation):
        made, source = (str(value) for _, value in record.formal_attributes[:2])
        edges.setdefault(made, set()).add(source)
    reached, todo = set(), ["sha256:entry"]
    while todo:
        place = todo.pop()
        reached.add(place)
        todo += edges.get(place, set()) - reached
    wanted = {"raw", "rule", "folds", "pool", "train", "shipped", "verdict", "entry"}
    assert {f"sha256:{name}" for name in wanted} <= reached
    kinds = {type(record).__name__ for record in document.get_records()}
    assert {
        "ProvEntity",
        "ProvActivity",
        "ProvAgent",
        "ProvGeneration",
        "ProvUsage",
        "ProvAssociation",
    } <= kinds


def test_a_lineage_is_read_back_as_it_was():
    assert Lineage.read(LINEAGE.to_dict()) == LINEAGE


def test_the_rows_of_a_release_are_a_shared_table():
    fields = {
        "kind": "release",
        "split": None,
        "pools": [],
        "models": {},
        "decision": {"word": "released", "sentence": "released: 600 rows"},
        "files": {"release.json": "document"},
    }
    release = Lineage.build(LINEAGE.to_dict() | fields)
    assert release.role_of("train") == "shared table" and release.role_of("document") == "release.json"
    lines = list(chain_lines(Chain("shared table", release)))
    assert [line.split()[0] for line in lines[1:]] == ["raw", "shared", "decision"]
