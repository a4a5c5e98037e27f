"""What Alembic runs: the migrations, on the connection that `stores/migrate.py` hands over."""

from alembic import context

from hookflash.stores.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
