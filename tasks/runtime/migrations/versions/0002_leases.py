"""Add leases and the home of batches and studies; keep decisions append-only on PostgreSQL, too."""

import sqlalchemy as sa
from alembic import context, op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Add what several homes on one database need."""
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    home = context.config.attributes["home"]
    op.add_column("batches", sa.Column("home", sa.Text, nullable=False, server_default=""))
    op.execute(sa.text("UPDATE batches SET home = :home").bindparams(home=home))
    op.rename_table("studies", "former_studies")
    op.create_table(
        "studies",
        sa.Column("home", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Text, nullable=False),
    )
    move = sa.text("INSERT INTO studies SELECT :home, path, table_name, finished_at FROM former_studies")
    op.execute(move.bindparams(home=home))
    op.drop_table("former_studies")
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement)


STATEMENTS = {
    # INSERT OR REPLACE removes a row without the trigger of DELETE.
    "sqlite": [
        """CREATE TRIGGER decisions_are_appended BEFORE INSERT ON decisions
        WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'a decision cannot be changed'); END"""
    ],
    "postgresql": [
        """CREATE FUNCTION keep_decisions() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a decision cannot be changed or removed'; END $$""",
        """CREATE TRIGGER decisions_stay BEFORE UPDATE OR DELETE ON decisions
        FOR EACH ROW EXECUTE FUNCTION keep_decisions()""",
        """CREATE TRIGGER decisions_remain BEFORE TRUNCATE ON decisions
        FOR EACH STATEMENT EXECUTE FUNCTION keep_decisions()""",
    ],
}
