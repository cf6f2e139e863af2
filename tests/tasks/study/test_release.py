"""The whole way of a release, on the command line: shared, refused, and differentially private from end to end."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realmix.flows.terminal.cli import app
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.lifecycle.entries import RESPONSIBILITY
from realmix.tasks.core.release import document as release_document
from realmix.tasks.core.release.document import ReleaseDocument
from realmix.tasks.lifecycle.forget import forget
from realmix.tasks.lifecycle.lineage import trace
from realmix.tasks.runtime.cache_keys import file_digest
from realmix.tasks.runtime.database import decisions
from realmix.tasks.sources import open_source
from tests.log import log_put_back
from tests.tasks.versions import WARNINGS, registry

pytestmark = WARNINGS

README = Path(release_document.__file__).parent / "README.md"
CARD = README.parent / "bank_marketing.yaml"


@pytest.fixture(autouse=True, scope="module")
def log_of_module():
    """Commands show progress in this process: what they do to the log ends here."""
    with log_put_back():
        yield


def run(monkeypatch, *arguments):
    """The exit code of a command, with its error where the terminal prints it."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    try:
        app([str(argument) for argument in arguments], result_action="return_value")
    except RealmixError as err:
        print(err, file=sys.stderr)
        return err.exit_code
    return 0


def read(out):
    return ReleaseDocument.read(json.loads((out / "release.json").read_text(encoding="utf-8")))


@pytest.fixture
def table(tmp_path, monkeypatch):
    """1,200 customers with names, a key, one odd income and a formula for a town."""
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    raw = (
        open_source("bundled:bank_marketing?rows=2000")
        .load()
        .iloc[:1200][["age", "job", "balance", "housing", "y"]]
    )
    rng = np.random.default_rng(0)
    raw.insert(0, "customer", [f"K{place:05d}" for place in range(len(raw))])
    raw["town"] = rng.choice(["=Berlin", "Bonn"], len(raw))
    raw["twice"] = 2 * raw["balance"]
    raw.loc[3, "balance"], raw.loc[3, "twice"] = 9_876_543, 2 * 9_876_543
    raw.loc[5, "job"] = "astronaut"
    path = tmp_path / "customers.csv"
    raw.to_csv(path, index=False)
    card = tmp_path / "card.yaml"
    card.write_text(
        "target: y\nkey: customer\nsensitive: [job]\n"
        "provenance: {owner: Ward 3, licence: for research, purpose: to plan calls, consent_basis: contract, retention: 2099-12-31}\n"
        "columns: {job: categorical, town: categorical}\nrules:\n"
        "- {kind: derived, column: twice, expression: 2 * balance}\n"
        "- {kind: pattern, column: customer, pattern: 'K[0-9]{5}'}\n"
        '- {kind: dependency, when: "age < 25", then: "housing == \'no\'"}\n',
        encoding="utf-8",
    )
    return raw, path, card


def test_a_shared_table_shows_no_rare_cell_no_name_and_no_formula_and_keeps_the_rules(
    table, tmp_path, monkeypatch, capsys
):
    raw, path, card = table
    out = tmp_path / "out"
    assert not run(
        monkeypatch, "release", path, "--card", card, "--synthesizer", "gaussian-copula", "--out", out
    )
    shared = pd.read_csv(out / "share" / "synthetic.csv")
    assert list(shared.columns) == list(raw.columns) and len(shared) == 720
    assert not set(shared["customer"]) & set(raw["customer"])
    assert "astronaut" not in set(shared["job"]) and set(shared["town"]) == {"'=Berlin", "Bonn"}
    assert shared["balance"].max() < 100_000
    assert (shared["twice"] == 2 * shared["balance"]).all() and (
        shared[shared["age"] < 25]["housing"] == "no"
    ).all()
    found = read(out)
    assert (
        found.is_released
        and found.rule_violations == 0
        and found.replaced == {"customer": "holds made-up labels"}
    )
    assert {"KSComplement", "TVComplement"} <= {score.name for score in found.fidelity}
    assert [score.name for score in found.utility] == ["log_loss", "roc_auc"]
    assert "No leak found" in capsys.readouterr().out and not (out / "share" / "release.json").exists()
    described = json.loads((out / "share" / "croissant.json").read_text(encoding="utf-8"))
    assert described["rai:hasSyntheticData"] and described["creator"]["name"] == "Ward 3"
    assert described["distribution"][0]["sha256"] == file_digest(out / "share" / "synthetic.csv")
    (chain,) = trace(str(out / "share" / "synthetic.csv"))
    assert (chain.role, chain.lineage.kind, chain.lineage.decision.word) == (
        "shared table",
        "release",
        "released",
    )
    assert described["prov:wasDerivedFrom"][0]["identifier"] == chain.lineage.raw.digest
    copy = tmp_path / "another name"
    copy.write_bytes(path.read_bytes())
    assert [chain.role for chain in trace(str(copy))] == ["source file"]
    assert {"release.json", "release.txt", "share/croissant.json"} == chain.lineage.files.keys()


def test_what_the_card_does_not_permit_to_share_is_refused_before_anything_is_drawn(
    table, tmp_path, monkeypatch, capsys
):
    _, path, card = table
    card.write_text(
        card.read_text().replace("retention: 2099-12-31", "permits: [synthesize]"), encoding="utf-8"
    )
    arguments = ("release", path, "--card", card, "--synthesizer", "smote", "--out", tmp_path / "out")
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert "does not permit to share" in said and "`provenance.permits` does not name share" in said
    assert not (tmp_path / "out").exists()
    # Whoever answers for it is recorded; the other vetoes stand.
    assert run(monkeypatch, *arguments, "--i-am-responsible", "the ethics board agreed") == 3
    found = read(tmp_path / "out")
    assert found.responsible == "the ethics board agreed" and len(found.not_permitted) == 2
    (entry,) = decisions("customers", RESPONSIBILITY)
    assert entry.document["use"] == "share" and entry.document["study"] == "out"
    assert (
        "somebody answers for it: the ethics board agreed" in (tmp_path / "out" / "release.txt").read_text()
    )


def test_a_release_of_a_registered_table_is_named_when_a_person_is_forgotten(table, tmp_path, monkeypatch):
    _, path, card = table
    with registry(tmp_path / "home"):
        card.write_text(f"source: {path}\n" + card.read_text(), encoding="utf-8")
        assert not run(monkeypatch, "register", card, "--name", "customers")
        out = tmp_path / "given away"
        arguments = ("table:customers", "--synthesizer", "gaussian-copula", "--out", out)
        assert not run(monkeypatch, "release", *arguments)
        lines = "\n".join(forget("customers", ["K00007"]))
    digest = file_digest(out / "share" / "synthetic.csv")
    assert f"shared table of given away  {digest}" in lines and "release.json of given away" in lines
    assert "The release 'given away' was drawn from a model of the rows" in lines and str(out) in lines


@pytest.mark.parametrize("name", ["smote", "neighbour-swap", "duplicates"])
def test_what_repeats_real_rows_by_design_is_refused_with_its_reason_and_exit_code_3(
    table, tmp_path, monkeypatch, capsys, name
):
    _, path, card = table
    assert (
        run(monkeypatch, "release", path, "--card", card, "--synthesizer", name, "--out", tmp_path / "out")
        == 3
    )
    assert "never to be shared" in capsys.readouterr().err
    assert not (tmp_path / "out" / "share").exists() and not read(tmp_path / "out").is_released


def test_a_synthesizer_that_copies_rows_is_found_out(table, tmp_path, monkeypatch, capsys):
    from dataclasses import replace

    from realmix.tasks.synthesizers import SYNTHESIZERS

    _, path, card = table
    # The control, passed off as harmless.
    monkeypatch.setitem(
        SYNTHESIZERS._load(), "duplicates", replace(SYNTHESIZERS["duplicates"], releasable=True)
    )
    assert (
        run(
            monkeypatch,
            "release",
            path,
            "--card",
            card,
            "--synthesizer",
            "duplicates",
            "--out",
            tmp_path / "out",
        )
        == 3
    )
    assert "a leak was found" in capsys.readouterr().err
    found = read(tmp_path / "out")
    assert found.privacy.assessment.is_leaking and not (tmp_path / "out" / "share").exists()


def test_data_in_which_nearly_everything_is_rare_is_refused_as_exhausted(
    table, tmp_path, monkeypatch, capsys
):
    _, path, card = table
    card.write_text(
        card.read_text() + "sharing: {min_rows: 200, identifying: [age, town, housing]}\n", encoding="utf-8"
    )
    assert (
        run(
            monkeypatch,
            "release",
            path,
            "--card",
            card,
            "--synthesizer",
            "gaussian-copula",
            "--out",
            tmp_path / "out",
        )
        == 3
    )
    assert "The data is exhausted" in capsys.readouterr().err


def test_too_few_rows_to_find_a_leak_are_refused(table, tmp_path, monkeypatch, capsys):
    raw, path, card = table
    raw.groupby("y").head(75).to_csv(path, index=False)
    assert (
        run(
            monkeypatch,
            "release",
            path,
            "--card",
            card,
            "--synthesizer",
            "gaussian-copula",
            "--out",
            tmp_path / "out",
        )
        == 3
    )
    assert "Privacy cannot be assessed" in capsys.readouterr().err


def test_only_dp_can_promise_what_fixed_mix_asks_for(table, tmp_path, monkeypatch, capsys):
    _, path, card = table
    code = run(
        monkeypatch,
        "release",
        path,
        "--card",
        card,
        "--synthesizer",
        "ctgan",
        "--fixed-mix",
        "--out",
        tmp_path / "out",
    )
    assert code == 2 and "choose --synthesizer dp" in capsys.readouterr().err


def test_the_example_of_the_readme_ends_as_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(Path(__file__).parents[3])
    command = re.search(
        r"^realmix (release .*--fixed-mix) --out (\S+)$", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert not run(monkeypatch, *command[1].split(), "--out", tmp_path / command[2])
    out, printed = tmp_path / command[2], capsys.readouterr().out
    shared, found = pd.read_csv(out / "share" / "synthetic.csv"), read(out)
    assert found.dp.end_to_end and 2.9 < found.dp.epsilon <= 3 and found.dp.audit.lower_bound < 3
    assert 1_800 < len(shared) < 2_200 and set(shared["year"]) == {2008, 2009, 2010, 2011}
    assert "differentially private from end to end" in printed and "is outside epsilon" in printed
    described = json.loads((out / "share" / "croissant.json").read_text(encoding="utf-8"))
    assert described["prov:wasDerivedFrom"] == [], "a digest of the real rows follows from them without noise"
    assert (
        "Differentially private: epsilon 3" in described["description"]
        or "epsilon 2.9" in described["description"]
    )
    assert len(trace(str(out / "share" / "synthetic.csv"))[0].lineage.raw.digest) == 64
    auc = {score.name: score for score in found.utility}["roc_auc"]
    assert 0.6 < auc.synthetic < auc.real and auc.without_noise is not None


def test_two_releases_from_end_to_end_have_noise_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    tables = []
    for name in ("one", "other"):
        arguments = (
            "bundled:bank_marketing?rows=2000",
            "--card",
            CARD,
            "--synthesizer",
            "dp",
            "--fixed-mix",
            "--rows",
            300,
        )
        assert not run(monkeypatch, "release", *arguments, "--out", tmp_path / name)
        tables.append((tmp_path / name / "share" / "synthetic.csv").read_text())
    assert tables[0] != tables[1], "whoever knows the seed must not know the noise"
