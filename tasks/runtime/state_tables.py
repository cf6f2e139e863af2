"""The tables of the state database; `migrations/` makes them, and a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

tables = Table(
    "tables",
    metadata,
    Column("name", Text, primary_key=True),
    Column("card", Text, nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("unlabelled", Text),
    Column("decided", Text),
)
# Their rows lie in the home that found them.
batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("n_rows", Integer, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("outcome", Text),
    Column("home", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('waiting', 'admitted', 'refused')"),
    UniqueConstraint("table_name", "digest"),
    sqlite_autoincrement=True,
)
cursors = Table(
    "cursors",
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_autoincrement=True,
)
# Studies that MLflow lacks; their paths are those of one home.
studies = Table(
    "studies",
    metadata,
    Column("home", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("finished_at", Text, nullable=False),
)
holdout_readers = Table(
    "holdout_readers",
    metadata,
    Column("registration", Text, primary_key=True),
    Column("reader", Text, primary_key=True),
)
holdout_reads = Table(
    "holdout_reads",
    metadata,
    Column("registration", Text, primary_key=True),
    # Not Integer: SQLite would make it the number of the row, PostgreSQL too small.
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("n_reads", Integer, nullable=False),
    sqlite_with_rowid=False,
)
# Who works on what, until when: seconds since 1970 by the database's clock.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
)
