"""Commands for whoever runs a platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import say, say_json

if TYPE_CHECKING:
    from concours.server.database.opened import Database

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="The folder that `concours up` was given.")]
Url = Annotated[str, typer.Option("--database", metavar="URL", help="The database, where `concours up` was given one.")]


def audit_log(
    data: Data = Path("concours-data"),
    database: Url = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that no row of a platform's audit log was changed, removed or added. Exits with 2 where one was."""
    from concours.server.audit import verify

    with there(data, database) as opened, opened.reading() as db:
        found = verify(db)
    if as_json:
        say_json({"rows": found.rows, "digest": found.digest, "fault": found.fault})
    elif found.fault:
        say(f"the audit log does NOT hold: {found.fault}; the {found.rows:,} before it hold, up to {found.digest}")
    else:
        say(f"the audit log holds: {found.rows:,} rows, up to {found.digest}; note it elsewhere to see if all is anew")
    if found.fault:
        raise typer.Exit(2)


@contextmanager
def there(data: Path, url: str) -> Iterator[Database]:
    """The database of a platform that was started before. Raises ContestError: there is none, or it cannot be read."""
    from sqlalchemy import inspect

    from concours.core.errors import ContestError
    from concours.server.database.opened import Database
    from concours.server.database.tables import USERS
    from concours.server.settings import Settings

    settings = Settings.of(data, database=url)
    if not url and not (data / "concours.db").exists():
        raise ContestError(f"{data} holds no platform: expected the folder that `concours up --data` was given")
    found = Database.at(settings.database)
    try:
        if not inspect(found.engine).has_table(USERS.name):
            raise ContestError("this database holds no platform: expected that of `concours up --database`")
        yield found
    finally:
        found.close()
