"""How migrations are run: on the connection that they are given."""

from alembic import context

from concours.server.database import work_tables  # noqa: F401 (whose tables are of the same metadata)
from concours.server.database.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
