"""`concours host`: a competition as a folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import agreed, say, say_json

if TYPE_CHECKING:
    from concours.api.client import Client
    from concours.server.hosting.check import Checked
    from concours.server.hosting.competition import Competition
    from concours.server.hosting.made import Made

host = typer.Typer(name="host", help="Make, check and publish a competition, which is a folder.", no_args_is_help=True)

_WIDTH = 80
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The competition's folder, with `competition.toml`.")]


@host.command("new")
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write; a new one.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="Data, a file or a folder, which is divided; or a competition of another platform: a bundle of "
            "Codabench, a challenge of EvalAI, a kit of RAMP, a metric of Kaggle, a grader of mle-bench. By default a "
            "few invented rows.",
        ),
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="The column to predict; by default found.")] = None,
) -> None:
    """Write a competition's folder that passes `concours host check` at once."""
    from datetime import UTC, datetime

    from concours.server.hosting.new import new as made

    _say_made(made(folder, source=source, target=target, now=datetime.now(UTC)))


@host.command("check")
def check(
    folder: Folder = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Say what publishing would refuse, and show the board of the baselines. Exits with 2 where it does not pass."""
    from concours.server.hosting.check import check as looked

    found = looked(folder)
    if json:
        say_json(found.to_json())
    else:
        _say_checked(found, folder)
    if not found.passes:
        raise typer.Exit(2)


@host.command("publish")
def publish(
    folder: Folder = Path(),
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="The platform; by default that of your last `concours login`."),
    ] = None,
) -> None:
    """Check a competition, send it to a platform, have it checked there, and publish it when you say so.

    Until then it is a draft, which its hosts alone see; the same command brings it up to date. Exits with 2 where it
    does not pass.
    """
    from concours.api.client import Client
    from concours.server.hosting.check import check as looked

    with Client(server) as client:
        found = looked(folder)
        _say_checked(found, folder)
        if not found.passes or found.competition is None:
            raise typer.Exit(2)
        _bring(client, folder, found.competition)


def _bring(client: Client, folder: Path, competition: Competition) -> None:
    from tempfile import TemporaryDirectory

    from concours.server.hosting.archive import archive_of

    name = competition.slug
    with TemporaryDirectory() as aside:
        archive = archive_of(folder, Path(aside) / f"{name}.zip")
        say(f"{archive.stat().st_size:,} bytes are sent to {client.url}")
        client.bring(name, archive)
    say("the platform reads them")
    checked = client.check(name)
    if checked.checked is None:
        say(f"refused: {checked.complaint or 'somebody has changed it meanwhile; run this again'}")
        raise typer.Exit(2)
    say(*(f"look: {line}" for line in checked.checked.get("warnings", ())))
    address = f"{client.url}/c/{name}"
    who = "everybody" if competition.visibility == "all" else "its members"
    say(f"{competition.title} is a draft at {address}, which its hosts see")
    if agreed(f"Publish it, so that {who} can see it from now on?"):
        client.publish(name)
        say(f"{competition.title} is published: {address}")
    else:
        say("it stays a draft; publish it there, or by this command")


def _say_made(made: Made) -> None:
    from concours.contest.contest_text import comment, toml

    width = max(len(path) for path in made.files)
    for setting in made.settings:
        value = setting.value if isinstance(setting.value, str) else toml(setting.value)
        why = f"  ({setting.why})" if setting.why else ""
        say(f"  {setting.key:<{width}}  {comment(f'{value}{why}')}")
    for path, what in made.files.items():
        say(f"  {path:<{width}}  {what}")
    if made.left:
        say("", "Not carried over, or not as it was:", *(f"  {comment(f'{what}: {why}')}" for what, why in made.left))
    folder = shlex.quote(str(made.folder))
    say("", f"{folder} is written. Read competition.toml and fill in the pages. Next:", "")
    say(f"    concours host check {folder}")


def _say_checked(found: Checked, folder: Path) -> None:
    from textwrap import wrap

    from concours.core.boards import board_text

    if found.competition:
        competition = found.competition
        phases = ", ".join(phase.title for phase in competition.phases)
        say(f"{competition.title} ({competition.slug}), {competition.kind}: {phases}")
    if found.opened:
        for file in found.opened.files:
            table = f", {file.rows:,} rows, {file.columns} columns" if file.rows is not None else ""
            say(f"  {file.path}: {file.bytes:,} bytes{table}")
    for board in found.boards:
        say("", f"Baselines of {board.phase!r}, scored as the platform scores:", "")
        say(*board_text(board.standings, _WIDTH).split("\n"))
        say(*(f"  {name}: {why}" for name, why in board.waiting.items()))
    if found.findings:
        say("")
    for one in found.findings:
        first = f"{'refused' if one.level == 'error' else 'look'}: {one.where}: {one.what}"
        say(*wrap(first, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False))
    count = sum(one.level == "error" for one in found.findings)
    said = "it can be published" if found.passes else f"{count} to mend before it can be published"
    say("", f"{folder}: {said}")
