from __future__ import annotations

import socket
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.snapshots import take_snapshot
from realmix.tasks.sources.sql import URL_VARIABLE, SqlSource
from tests.tasks.database import PASSWORD, customers, write_table


@pytest.fixture
def sqlite_url(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    write_table(url)
    monkeypatch.setenv(URL_VARIABLE, url)
    return url


def test_a_whole_sqlite_table_is_read(sqlite_url):
    frame = SqlSource("sql:customers").load()
    assert frame["Home Town"].tolist() == customers()["Home Town"].tolist()
    assert frame["age"].dtype == np.int64


def test_a_query_is_read_as_it_stands(sqlite_url):
    frame = SqlSource(
        "sql:SELECT age, bought FROM customers WHERE \"Home Town\" LIKE 'K%' AND ':x' <> ''"
    ).load()
    assert frame.columns.tolist() == ["age", "bought"]
    assert len(frame) == (customers()["Home Town"] == "Köln").sum()


def test_only_order_by_fixes_the_order_of_rows():
    for query in ("customers", "SELECT * FROM customers", "SELECT * FROM (SELECT 1 ORDER BY 1) AS t"):
        assert SqlSource(f"sql:{query}").describe()["row_order"] == "unspecified"
    assert SqlSource("sql:select * from customers order by age").describe()["row_order"] == "query"


def test_a_table_moved_within_the_database_keeps_its_snapshot(sqlite_url, tmp_path):
    shuffled, source = (
        "sql:SELECT * FROM (SELECT * FROM customers ORDER BY balance)",
        SqlSource("sql:customers"),
    )
    other = SqlSource(shuffled)
    taken = [take_snapshot(s.load(), tmp_path / "s", source=s.describe()) for s in (source, other)]
    assert taken[0].digest == taken[1].digest
    assert taken[0].read().equals(taken[1].read())


def test_a_whole_postgresql_table_is_read(postgresql_url, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, postgresql_url)
    source = SqlSource("sql:public.customers")
    frame = source.load()
    pd.testing.assert_frame_equal(frame, customers(), check_dtype=False)
    assert source.describe()["dialect"] == "postgresql"
    assert PASSWORD not in str(source.describe())


def test_postgresql_types_become_plain_columns(postgresql_url, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, postgresql_url)
    query = (
        "SELECT 1.50::numeric(8,2) AS price, DATE '2026-01-31' AS day, true AS flag, NULL::text AS nothing, "
        "now() AS moment, ARRAY[1,2] AS numbers, gen_random_uuid() AS id, 'a%b' AS percent, "
        "INTERVAL '1 day' AS wait"
    )
    frame = SqlSource(f"sql:{query}").load()
    assert frame["price"].tolist() == [1.5] and frame["wait"].tolist() == [86400.0]
    assert frame["day"][0] == pd.Timestamp("2026-01-31") and frame["moment"].dt.tz is None
    assert [type(frame[name][0]) for name in ("numbers", "id", "percent")] == [str, str, str]


@pytest.mark.parametrize("kind", ["BIGINT", "NUMERIC(20)"])
@pytest.mark.parametrize("database", ["sqlite_url", "postgresql_url"])
def test_whole_numbers_beyond_2_53_beside_missing_cells_are_exact(database, kind, request, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, request.getfixturevalue(database))
    keys = (9007199254740993, None, 9007199254740995)
    cells = " UNION ALL ".join(
        f"SELECT {i} AS n, CAST({'NULL' if key is None else key} AS {kind}) AS k, 7 AS small"
        for i, key in enumerate(keys)
    )
    frame = SqlSource(f"sql:SELECT n, k, small FROM ({cells}) AS t ORDER BY n").load()
    assert frame["k"].where(frame["k"].notna(), None).tolist() == [
        "9007199254740993",
        None,
        "9007199254740995",
    ]
    assert frame["n"].dtype == np.int64 and frame["small"].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("sql:costumers", ["no table 'costumers'", "did you mean 'customers'"]),
        ("sql:SELECT agee FROM customers", ["agee", "Correct the table or query"]),
        ("sql:SELECT age FRM customers", ["Correct the table or query"]),
        ("sql:DROP TABLE customers", ["no table"]),
        ("sql:SELECT age, age FROM customers", ["'age'", "2 times"]),
        ("sql:SELECT * FROM customers WHERE age > 500", ["no rows"]),
    ],
)
@pytest.mark.parametrize("database", ["sqlite_url", "postgresql_url"])
def test_a_wrong_table_or_query_is_one_sentence(database, location, words, request, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, request.getfixturevalue(database))
    with pytest.raises(BadInput) as caught:
        SqlSource(location).load()
    assert [word for word in words if word not in str(caught.value)] == []
    assert PASSWORD not in str(caught.value) and "\n" not in str(caught.value)
    assert len(SqlSource("sql:customers").load()) == 80


def test_a_query_that_fails_on_a_cell_does_not_quote_it(postgresql_url, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, postgresql_url)
    with pytest.raises(BadInput, match="SQLSTATE 22P02") as caught:
        SqlSource('sql:SELECT "Home Town"::integer FROM customers').load()
    assert "Köln" not in str(caught.value) and "Oulu" not in str(caught.value)


def test_a_wrong_password_is_refused_and_not_shown(postgresql_url, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, postgresql_url.replace(PASSWORD, "wr0ng-word"))
    with pytest.raises(BadInput, match="user and password") as caught:
        SqlSource("sql:customers").load()
    assert "wr0ng-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", ["REALMIX_SQL_URL is not set", "export"]),
        (f"//:{PASSWORD}@", ["no SQLAlchemy URL"]),
        (f"nosuch://me:{PASSWORD}@127.0.0.1/shop", ["'nosuch'", "not installed"]),
        (f"postgres://me:{PASSWORD}@127.0.0.1:1/shop", ["postgresql database", "does not answer"]),
        ("sqlite:////no/such/shop.db", ["no SQLite file"]),
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/shop", ["does not answer", "127.0.0.1:1/shop"]),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_sentence(url, words, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, url)
    with pytest.raises(BadInput) as caught:
        SqlSource("sql:customers").load()
    assert [word for word in words if word not in str(caught.value)] == []
    assert PASSWORD not in str(caught.value)


@pytest.mark.timeout(20)
def test_a_database_that_accepts_and_then_says_nothing_is_given_up(monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv(URL_VARIABLE, f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/shop")
        with pytest.raises(BadInput, match="does not answer"):
            SqlSource("sql:customers").load()


def test_a_file_that_is_no_database_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / "t.db"
    path.write_text("a,b\n1,2\n" * 200)
    monkeypatch.setenv(URL_VARIABLE, f"sqlite:///{path}")
    with pytest.raises(BadInput, match="not a database"):
        SqlSource("sql:customers").load()


def test_sqlite_itself_sees_the_rows(sqlite_url):
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT count(*) FROM customers").fetchone() == (80,)


WRITES = (
    "WITH gone AS (DELETE FROM customers RETURNING age) SELECT * FROM gone",
    "WITH gone AS (SELECT 1) DELETE FROM customers RETURNING age",
    "SELECT 1; DELETE FROM customers; COMMIT",
    "SELECT 1 AS a;DROP TABLE customers",
    r"SELECT '\'; DELETE FROM customers; COMMIT; --'",
)


@pytest.mark.parametrize("query", WRITES)
def test_a_query_that_would_write_is_refused_by_sqlite(sqlite_url, query):
    with pytest.raises(BadInput):
        SqlSource(f"sql:{query}").load()
    assert len(SqlSource("sql:customers").load()) == len(customers())


@pytest.mark.parametrize("query", (*WRITES, "SELECT nextval('numbers')"))
def test_a_query_that_would_write_is_refused_by_postgresql(postgresql_url, monkeypatch, query):
    from sqlalchemy import create_engine, text

    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SEQUENCE IF NOT EXISTS numbers"))
    engine.dispose()
    monkeypatch.setenv(URL_VARIABLE, postgresql_url)
    with pytest.raises(BadInput):
        SqlSource(f"sql:{query}").load()
    assert len(SqlSource("sql:customers").load()) == len(customers())


def test_a_semicolon_at_the_end_of_a_query_does_no_harm(sqlite_url):
    assert len(SqlSource("sql:SELECT age FROM customers; ").load()) == len(customers())
