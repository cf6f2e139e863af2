"""Cards, addresses and batches of an attacker: data, never code, and never a way out of the home."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from realmix.flows.terminal.tables import NAME
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.table.card import DataCard, read_card
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.core.table.hints.find_hints import find_hints
from realmix.tasks.core.table.infer_card import card_to_yaml, infer_card
from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.table.rules import repair_rows, violations
from realmix.tasks.landing.folder import read_folder
from realmix.tasks.sources import open_source
from realmix.tasks.study.request import table_name
from realmix.tasks.synthesizers.simulation import load_simulation
from tests.redteam.fuzzing import in_time
from tests.redteam.malformed_documents import ODD_EXPRESSIONS, ODD_PATTERNS
from tests.redteam.malformed_tables import SECRET, malformed_table

TAGS = [
    "!!python/object/apply:os.system ['touch RAN']",
    "!!python/object/new:os.system ['touch RAN']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!<tag:yaml.org,2002:python/object/apply:subprocess.check_output> [['touch', 'RAN']]",
    "!custom x",
]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_of_a_card_makes_nothing(tag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.yaml").write_text(f"target: {tag}\n")
    with pytest.raises(RealmixError):
        read_card(tmp_path / "card.yaml")
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize("line_end", ["\n", "\x85", "\u2028", "\r"])
def test_the_name_of_a_column_does_not_become_a_field_of_the_card_that_is_made(line_end, tmp_path):
    hostile = f"x{line_end}simulate: os:system{line_end}plugins: ['os:SPEC']{line_end}#"
    raw = frame().assign(**{hostile: lambda rows: rows["bought"].map({"yes": "y", "no": "n"})})
    inferred = infer_card(raw, "bought", "table.csv")
    schema = infer_schema(raw, "bought")
    hints = find_hints(raw, schema, inferred)
    assert any(hostile in hint.columns for hint in hints), "no comment names the column: nothing was tested"
    (tmp_path / "card.yaml").write_text(card_to_yaml(inferred, schema, hints), encoding="utf-8")
    card = read_card(tmp_path / "card.yaml")
    assert card.columns == inferred.columns and card.simulate is None and card.plugins == ()


@pytest.mark.parametrize(
    "location",
    ["os:system", "subprocess:check_output", "shutil:rmtree", "builtins:exec", "os:remove", "pathlib:Path"],
)
def test_a_function_of_a_library_is_no_simulation(location):
    with pytest.raises(RealmixError, match="no function of"):
        load_simulation(location)


@pytest.mark.parametrize(
    "name", ["../../x", "..", ".", "/etc/x", "a/b", "a\nb", "", "x" * 61, "a b", "-rf\0"]
)
def test_a_name_does_not_lead_out_of_the_home(name):
    assert not NAME.fullmatch(name) or "/" not in name
    derived = table_name(DataCard(target="y"), StudyRequest(table=f"folder/{name}", out=""))
    assert "/" not in derived and not derived.startswith(".") and derived


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [20, 40, None] * 30,
            "income": [0.0, 5.0, 7.0] * 30,
            "city": ["Ulm", None, "Bonn"] * 30,
            "day": pd.to_datetime(["2024-01-01", "2024-02-01", None] * 30),
            "bought": ["yes", "no", "no"] * 30,
        }
    )


@pytest.mark.parametrize("expression", ODD_EXPRESSIONS)
def test_an_expression_of_a_rule_is_evaluated_or_refused_and_soon(expression):
    for rule in (
        {"kind": "dependency", "when": expression, "then": "income == 0"},
        {"kind": "dependency", "when": "age < 18", "then": expression},
        {"kind": "derived", "column": "income", "expression": expression},
    ):
        card = DataCard(target="bought", rules=(rule,))
        with in_time():
            try:
                violations(repair_rows(frame(), card.rules), card.rules)
            except RealmixError as err:
                assert str(err).endswith(".") and len(str(err)) < 3_000


@pytest.mark.parametrize("pattern", ODD_PATTERNS[:-1])
def test_a_pattern_is_matched_or_refused_and_soon(pattern):
    try:
        card = DataCard(target="bought", rules=({"kind": "pattern", "column": "city", "pattern": pattern},))
    except ValueError:
        return
    long = frame().assign(city="a" * 10_000 + "!")
    with in_time():
        try:
            violations(long, card.rules)
        except RealmixError as err:
            assert str(err).endswith(".")


ADDRESSES = [
    "sql:SELECT 1; DROP TABLE t", "sql:", "sql:\0", "sql:t; --", "sql:'", 'sql:"', "http://[::1", "http://", "https://\0", "s3://", "s3:///", "ftp://127.0.0.1:1/x", "file:///etc/passwd",
    "reference://", "dir://", "github://", "memory://x", "zip://x::http://y", "filecache::http://y", "simplecache::s3://b/k", "~nosuchuser/x", "\0", "", " ", "/dev/zero",
    "/dev/stdin", "/proc/self/mem", "bundled:../../etc/passwd", "bundled:x", "table:../../x", "table:", "book.xlsx#../x", "x#", "jar:file:x!/y", "git://x", "libarchive://x", "arrow_hdfs://x",
    "data:text/csv,a,b", "python://os", "blockcache::x", "local:///etc/passwd", "oci://x", "javascript:alert(1)", "http://127.0.0.1:1/x", "http://127.0.0.1:99999/x", "\u202ehttp://x",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_leads_nowhere_good_is_one_sentence(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REALMIX_SQL_URL", f"sqlite:///{tmp_path}/none.db")
    with in_time(), pytest.raises(RealmixError) as caught:
        source = open_source(address)
        getattr(source, "read", source.load)()
    assert "\n" not in str(caught.value)
    # The state of the home, and the database that an address may open, are made where they are named.
    assert {path.name for path in tmp_path.iterdir()} <= {"home", "none.db"}


NAMES = [
    "-rf.csv",
    "a b.csv",
    "a'b.csv",
    'a";x.csv',
    "\u202ecsv.exe.csv",
    "$(touch RAN).csv",
    "`touch RAN`.csv",
    "a\nb.csv",
    "%2e%2e.csv",
    "x" * 200 + ".csv",
    "=1+1.csv",
]


def test_batches_of_any_name_and_content_are_read_or_refused_each_by_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "incoming"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(malformed_table(number).content)
    (folder / "link.csv").symlink_to("/etc/passwd")
    (folder / "folder.csv").mkdir()
    for path in folder.iterdir():
        Path(folder / f"{path.name}._SUCCESS").touch()
    landed = [each for each in read_folder(str(folder), Operation(), None) if each.name]
    assert {each.name for each in landed} == set(NAMES), "a link or a folder is no batch; each file is one"
    assert all((each.rows is None) != (each.refusal is None) for each in landed)
    assert not [each for each in landed if SECRET in str(each.refusal)]
    assert not (tmp_path / "RAN").exists()
