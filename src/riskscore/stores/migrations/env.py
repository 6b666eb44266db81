"""Runs the migrations inside the transaction that `open_database` opened, so that they are all applied or none."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
