"""The next migration is written from what the tables of the code have and migrations have not."""

from __future__ import annotations

import re
import shutil

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from concours.server.database.opened import MIGRATIONS, Database
from concours.server.database.revision import revise
from concours.server.database.tables import METADATA


def test_a_column_and_a_table_that_are_new(tmp_path):
    """What is written brings a database that lacks them to the form of the code, and loses no row."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=lambda _, names: [one for one in names if re.match("000[2-9]|__", one)])
    first = folder / "versions" / "0001_first.py"
    text = first.read_text()
    without = text.replace('        sa.Column("about", sa.Text(), nullable=False),\n', "")
    without = re.sub(r'    op\.create_table\(\n        "counters",\n.*?\n    \)\n', "", without, flags=re.S)
    assert len(without) < len(text) - 100
    first.write_text(without)
    made = revise("people say who they are", folder)
    assert made.name == "0002_people_say_who_they_are.py"
    said = made.read_text()
    assert 'create_table("counters"' in said.replace("'", '"') and "about" in said and "downgrade" not in said
    made.write_text(said.replace("nullable=False))\n", "nullable=False, server_default=''))\n"))
    database = Database.at(f"sqlite:///{tmp_path}/concours.db")
    try:
        database.upgrade("0001", migrations=folder)
        with database.writing() as db:
            values = "'ann', 'Ann', '2026-01-01', 0"
            db.exec_driver_sql(f"INSERT INTO users (name, display, created, administrator) VALUES ({values})")
        database.upgrade(migrations=folder)
        with database.reading() as db:
            assert compare_metadata(MigrationContext.configure(db), METADATA) == []
            assert db.exec_driver_sql("SELECT name, about FROM users").all() == [("ann", "")]
    finally:
        database.close()
