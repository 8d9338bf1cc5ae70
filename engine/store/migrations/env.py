"""Alembic's environment: the connection comes from `engine.store.schema`."""

from alembic import context

from engine.store.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    msg = "migrations run through `flowledger db upgrade`"
    raise SystemExit(msg)
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
