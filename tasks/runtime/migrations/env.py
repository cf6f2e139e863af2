"""Run migrations on the connection, and within the transaction, that the caller hands over."""

from alembic import context

# Alembic loads this file by this name; nothing else may run it.
if __name__ == "env_py":
    context.configure(
        connection=context.config.attributes["connection"],
        version_table=context.config.attributes["version_table"],
    )
    with context.begin_transaction():
        context.run_migrations()
