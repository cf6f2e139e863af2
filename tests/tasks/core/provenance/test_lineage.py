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
        "raw": {"digest": "raw", "source": "calls.csv", "n_rows": 1200, "source_sha256": "file"},
        "split": {"holdout": "rule", "folds": "folds", "n_development": 960, "n_holdout": 240},
        "pools": [
            {"scope": "fold-0-0", "synthesizer": "smote", "n_rows": 800, "sha256": "pool"},
            {"scope": "fold-0-1", "synthesizer": "smote", "n_rows": 800, "sha256": None},
            {"scope": "evaluated", "synthesizer": "smote", "n_rows": 900, "sha256": "measured"},
            {"scope": "shipped", "synthesizer": "smote", "n_rows": 1000, "sha256": "mixed"},
        ],
        "training": {
            "sha256": "train",
            "n_real": 1200,
            "n_synthetic": 600,
            "synthesizer": "smote",
            "seed": 7,
        },
        "models": {"model": "shipped", "real_only": "real", "evaluated/model": "tested"},
        "decision": {"word": "proven", "sentence": "It is proven."},
        "files": {"verdict.json": "verdict", "model/MLmodel": "mlmodel"},
    }
)


def entry(kind, digest="entry", **document):
    return Decision("calls", "2026-01-01", kind, document, digest)


@pytest.mark.parametrize(
    ("digest", "role"),
    [("file", "source file"), ("raw", "raw snapshot"), ("rule", "holdout rule"), ("folds", "folds"), ("pool", "pool smote of fold-0-0"),
     ("train", "training table"), ("shipped", "folder model/"), ("verdict", "verdict.json"),
     ("mlmodel", "model/MLmodel"), ("another", None)],
)  # fmt: skip
def test_every_link_is_found_by_its_digest(digest, role):
    assert LINEAGE.role_of(digest) == role


def test_the_text_goes_from_the_raw_rows_to_the_decision():
    chain = Chain("training table", LINEAGE, (entry("promotion"),))
    lines = list(chain_lines(chain))
    steps = [line.split()[0] for line in lines[1:]]
    assert steps == [
        "source", "raw", "holdout", "folds", "pool", "compared", "training", "model", "model", "model", "decision", "record",
    ]  # fmt: skip
    assert lines[0].endswith("this is its training table")
    assert "mixed  1,000 rows of smote, shipped" in lines[5]
    assert lines[6].split(maxsplit=1)[1] == "2,500 rows of smote in 3 pools, not in the training table"
    assert "600 drawn by smote with seed 7" in lines[7] and lines[8].endswith("shipped  model/")


def test_pools_of_a_study_that_ships_real_rows_only_are_in_no_table():
    real = LINEAGE.training.model_copy(update={"n_synthetic": 0, "synthesizer": None, "seed": None})
    study = LINEAGE.model_copy(update={"training": real})
    lines = list(chain_lines(Chain("folder model/", study)))
    assert "this is its folder model/" in lines[0]
    assert not [line for line in lines if line.startswith("  pool")]
    assert "3,500 rows of smote in 4 pools, not in the training table" in "\n".join(lines)
    sources = sources_of(study)
    assert sources["sha256:train"] == {"sha256:raw"} and sources["sha256:shipped"] == {"sha256:train"}


def test_a_pool_that_another_machine_kept_is_named_without_its_digest():
    elsewhere = LINEAGE.pools[-1].model_copy(update={"sha256": None})
    lines = chain_lines(Chain("training table", LINEAGE.model_copy(update={"pools": (elsewhere,)})))
    assert "  pool            kept by another machine  1,000 rows of smote, shipped" in list(lines)


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


def sources_of(lineage):
    """The sources of each entity in PROV-JSON, as `prov` reads them."""
    return derived(prov_of(lineage))


def prov_of(lineage):
    model = pytest.importorskip("prov.model")
    text = json.dumps(to_prov([Chain("training table", lineage, (entry("promotion"),))]))
    return model.ProvDocument.deserialize(content=text, format="json")


def derived(document):
    model = pytest.importorskip("prov.model")
    edges: dict[str, set[str]] = {}
    for record in document.get_records(model.ProvDerivation):
        made, source = (str(value) for _, value in record.formal_attributes[:2])
        edges.setdefault(made, set()).add(source)
    return edges


def test_prov_json_derives_each_table_and_model_from_what_it_learned_alone():
    sources = sources_of(LINEAGE)
    assert sources["sha256:train"] == {"sha256:raw", "sha256:mixed"}
    assert sources["sha256:shipped"] == {"sha256:train"} and sources["sha256:real"] == {"sha256:raw"}
    assert sources["sha256:tested"] == {"sha256:rule", "sha256:measured"}
    assert sources["sha256:mixed"] == {"sha256:raw"} and sources["sha256:measured"] == {"sha256:rule"}
    assert sources["sha256:pool"] == {"sha256:folds"} and "sha256:pool" in sources["sha256:verdict"]


def test_prov_json_can_be_read_by_prov_and_leads_back_to_the_raw_rows():
    document = prov_of(LINEAGE)
    edges = derived(document)
    reached, todo = set(), ["sha256:entry"]
    while todo:
        place = todo.pop()
        reached.add(place)
        todo += edges.get(place, set()) - reached
    wanted = {
        "file",
        "raw",
        "rule",
        "folds",
        "pool",
        "mixed",
        "measured",
        "train",
        "shipped",
        "verdict",
        "entry",
    }
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


def test_a_lineage_of_an_earlier_release_names_no_source_file():
    written = LINEAGE.to_dict()
    del written["raw"]["source_sha256"]
    earlier = Lineage.read(written)
    assert earlier.raw.source_sha256 is None and earlier.role_of("file") is None
    assert not [line for line in chain_lines(Chain("raw snapshot", earlier)) if "source file" in line]


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
    assert [line.split()[0] for line in lines[1:]] == ["source", "raw", "shared", "decision"]
