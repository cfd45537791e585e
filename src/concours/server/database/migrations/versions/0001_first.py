"""The first form of the tables."""

from alembic import op

from concours.server.audit import FIRST
from concours.server.database import work_tables  # noqa: F401 (whose tables are of the same metadata)
from concours.server.database.tables import AUDIT_HEAD, METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
    op.bulk_insert(AUDIT_HEAD, [{"id": 1, "number": 0, "digest": FIRST}])
