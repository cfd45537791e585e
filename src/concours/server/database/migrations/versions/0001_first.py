"""The first form of the tables."""

from alembic import op

from concours.server.database.tables import METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
