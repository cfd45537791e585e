"""`concours backup`, `concours restore`, `concours migrate`: for whoever runs a platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say
from concours.core.written import counted

_Data = Annotated[Path, typer.Option(metavar="DIR", help="Where the platform lies.")]
_Database = Annotated[str, typer.Option(metavar="URL", help="postgresql://…; by default SQLite in the folder.")]
_Store = Annotated[str, typer.Option(metavar="URL", help="s3://BUCKET/PREFIX; by default in the folder.")]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    data: _Data = Path("concours-data"),
    database: _Database = "",
    store: _Store = "",
) -> None:
    """Write all of a platform to one file, while it goes on: accounts, competitions, submissions, secrets and all."""
    from concours.server.backup import backup as back_up
    from concours.server.platform import Platform
    from concours.server.settings import Settings

    platform = Platform.opened(Settings.of(data, database=database, store=store))
    try:
        found = back_up(platform, file)
    finally:
        platform.close()
    say(
        f"{file}: {counted(found.rows, 'row')}, {counted(found.objects, 'object')} of {found.bytes / 1e6:,.1f} MB. It "
        "holds secret truth and everybody's accounts: keep it as safe as the platform."
    )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that concours backup wrote.")],
    data: _Data = Path("concours-data"),
    database: _Database = "",
    store: _Store = "",
) -> None:
    """Make a platform of a backup, where there is none; its database and store may be others than before."""
    from concours.server.backup import restore as bring_back
    from concours.server.settings import Settings

    found = bring_back(file, Settings.of(data, database=database, store=store))
    say(f"{counted(found.rows, 'row')} and {counted(found.objects, 'object')} are back; start it with concours up")


def migrate(data: _Data = Path("concours-data"), database: _Database = "") -> None:
    """Bring a platform's database to the form of this version of Concours; make a backup first."""
    from concours.server.database.opened import Database
    from concours.server.settings import Settings

    opened = Database.at(Settings.of(data, database=database).database)
    try:
        with opened.reading() as db:
            before = opened.form(db)
        opened.upgrade()
        with opened.reading() as db:
            after = opened.form(db)
    finally:
        opened.close()
    say(f"the database has form {after}" + ("" if before == after else f", and had {before or 'none'}"))
