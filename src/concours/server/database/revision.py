"""Writes the next migration: `python -m concours.server.database.revision "what a platform has from then on"`.

It compares the tables of the code with those that migrations lead to, in a database of its own, and writes what is
between them as operations, to be read and mended by whoever changes the tables.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from concours.server.database.opened import MIGRATIONS, Database

_USAGE: Final = f"{__doc__}".splitlines()[0]


def revise(what: str, folder: Path = MIGRATIONS) -> Path:
    """Writes a migration from the newest one to the tables of the code; its file.

    Args:
        what: is its first line, and by it the file is called.
        folder: of the migrations.
    """
    number = sum(1 for _ in ScriptDirectory(str(folder)).walk_revisions()) + 1
    with tempfile.TemporaryDirectory() as aside:
        database = Database.at(f"sqlite:///{aside}/concours.db")
        try:
            if number > 1:
                database.upgrade(migrations=folder)
            config = Config()
            config.set_main_option("script_location", str(folder))
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            with database.writing() as db:
                config.attributes["connection"] = db
                made = command.revision(config, what, autogenerate=True, rev_id=f"{number:04}")
        finally:
            database.close()
    return Path(made.path)  # type: ignore[union-attr,arg-type]


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit(_USAGE)
    print(revise(sys.argv[1]))  # noqa: T201
