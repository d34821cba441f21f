"""Alembic's entry: runs the migrations on the connection handed in by ``leadline.db.migrate``."""

from __future__ import annotations

from alembic import context

from leadline.db.models import metadata, schema_compatibility

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
    if connection.dialect.has_table(connection, schema_compatibility.name):  # it came with a revision, too
        connection.execute(schema_compatibility.delete())
        connection.execute(
            schema_compatibility.insert().values(oldest_program=context.config.attributes["oldest_program"])
        )
connection.commit()
