"""Make the tables of the first release, as it made them itself."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Make the tables, and the triggers that keep decisions as they are."""
    op.create_table(
        "tables",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("registered_at", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("unlabelled", sa.Text),
        sa.Column("decided", sa.Text),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("n_rows", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="waiting"),
        sa.Column("outcome", sa.Text),
        sa.CheckConstraint("status IN ('waiting', 'admitted', 'refused')"),
        sa.UniqueConstraint("table_name", "digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cursors",
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "studies",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Text, nullable=False),
    )
    op.create_table(
        "holdout_readers",
        sa.Column("registration", sa.Text, primary_key=True),
        sa.Column("reader", sa.Text, primary_key=True),
    )
    op.create_table(
        "holdout_reads",
        sa.Column("registration", sa.Text, primary_key=True),
        sa.Column("unit", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("n_reads", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        for name, change, word in (
            ("decisions_stay", "UPDATE", "changed"),
            ("decisions_remain", "DELETE", "removed"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {change} ON decisions "
                f"BEGIN SELECT RAISE(ABORT, 'a decision cannot be {word}'); END"
            )
