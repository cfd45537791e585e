"""Taking part in competitions of a platform: logging in, joining, fetching data, submitting, boards."""

from __future__ import annotations

import platform as machine
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import agreed, say, say_json

if TYPE_CHECKING:
    from concours.api.client import Client
    from concours.api.client.packing import Packed
    from concours.api.client.records import Board, Left, Log, Row, Submission
    from concours.core.layout import Column

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The competition, as `concours list` has it.")]
_STOPPED = 130
_SHOWN = 10
_RANKED_S = 3.0


@contextmanager
def _client(url: str | None = None, token: str | None = None) -> Iterator[Client]:
    from concours.api.client import Client

    with Client(url, token) as client:
        yield client


# Who


def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="The platform, such as https://compete.example.org.")],
) -> None:
    """Log in to a platform, for the commands that follow.

    It asks for your name and password, and keeps a token that is made with them. Where standard input is no terminal,
    it reads a token from there, of those that you make on your profile.
    """
    from concours.api.client import logins
    from concours.core.errors import ConcoursError, ContestError

    url = url.rstrip("/")
    if sys.stdin.isatty():
        with _client(url, "") as client:
            name = typer.prompt("Name", err=True)
            password = typer.prompt("Password", hide_input=True, err=True)
            token = client.new_token(name, password, f"concours on {machine.node() or 'a machine'}"[:80])
    else:
        token = sys.stdin.readline().strip()
        if not token:
            raise ContestError("no token came on standard input: echo TOKEN | concours login URL")
    with _client(url, token) as client:
        try:
            name = client.me()
        except ConcoursError as error:
            if sys.stdin.isatty():
                raise
            raise ContestError(f"what came on standard input is no token of {url}: {error}") from None
    logins.keep(url, token)
    say(f"{name} is logged in to {url}; concours list shows its competitions")


def logout() -> None:
    """Forget the token of the platform that you logged in to last."""
    from concours.api.client import logins

    url = logins.known().last
    if not url:
        say("nobody is logged in")
        return
    logins.forget(url)
    say(f"the token for {url} is forgotten here; your profile there takes it back for good")


# Competitions


def list_(
    words: Annotated[str, typer.Argument(metavar="[WORDS]", help="What title or name contain.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you take part in, or host.")] = False,
) -> None:
    """List the competitions of the platform, the next to end first."""
    with _client() as client:
        found = client.competitions(words, mine=mine)
    if not found.competitions:
        say("there is no such competition" if words or mine else "there is no competition yet")
        return
    rows = found.competitions
    _print_table(
        ("name", [one.slug for one in rows], False),
        ("", ["joined" if one.member else "" for one in rows], False),
        ("stage", [one.stage for one in rows], False),
        ("ends", [_day(one.ends) for one in rows], False),
        ("teams", [f"{one.teams:,}" for one in rows], True),
        ("title", [one.title for one in rows], False),
    )
    if found.total > len(rows):
        say(f"these are {len(rows)} of {found.total:,}: name words of the one that you look for")


def join(name: _Name) -> None:
    """Take part in a competition; its rules are shown, and have to be accepted."""
    from concours.core.errors import ContestError

    with _client() as client:
        competition = client.competition(name)
        rules = client.rules(competition.slug)
        if rules.version and rules.accepted != rules.version:
            say(*rules.text.splitlines(), "")
            if not agreed("Do you accept these rules?"):
                raise ContestError("not joined: the rules were not accepted")
        team = client.join(competition.slug, rules.version)
    say(f"you take part in {competition.title} as {team.team_name}; concours data {name} fetches the data")


def data(
    name: _Name,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The folder; by default one of the competition's name.")
    ] = None,
) -> None:
    """Fetch the data of a competition. What was begun before goes on; what is there already stays."""
    folder = out or Path(name)
    with _client() as client, _progress() as shown:
        found = client.download(name, folder, told=shown)
    size = sum(path.stat().st_size for path in found)
    say(f"{len(found)} files, {size:,} bytes, in {folder}" if found else "the competition has no files to fetch")


# Submissions


def submit(
    name: _Name,
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Predictions, code, or a folder with code.")],
    message: Annotated[str, typer.Option("-m", metavar="TEXT", help="What is to be remembered of it.")] = "",
    phase: Annotated[str, typer.Option(metavar="KEY", help="The phase; by default the one that is open.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the score; show the log of code meanwhile.")] = False,
) -> None:
    """Send a submission.

    A folder is sent as an archive, without what is hidden, caches, and environments of Python. With --wait the exit
    code tells whether there is a score: 0, or 2.
    """
    with _client() as client:
        competition = client.competition(name)
        with _progress() as shown:
            sent = client.submit(
                competition.slug,
                path,
                message=message,
                phase=phase,
                told=lambda done, size: shown(path.name, done, size),
                packed=_say_packed,
            )
        say(f"submission {sent.id} is sent ({sent.called}, {sent.brings}, phase {sent.phase})")
        if wait:
            _wait(client, competition.slug, sent)
        else:
            say(_left(client.left(competition.slug, sent.phase)))


def submissions(name: _Name) -> None:
    """List what your team has sent, the latest first."""
    with _client() as client:
        found = client.submissions(client.competition(name).slug)
        left = client.left(name)
    if not found:
        say(f"nothing yet: concours submit {name} FILE", _left(left))
        return
    metrics = tuple(dict.fromkeys(metric for one in found for metric in (*one.metrics, *one.private)))
    private = any(one.private for one in found)
    _print_table(
        ("id", [str(one.id) for one in found], True),
        ("", ["★" if one.final else "" for one in found], False),
        ("sent", [_moment(one.at) for one in found], False),
        ("state", [one.state for one in found], False),
        *((metric, [_number(one.metrics.get(metric)) for one in found], True) for metric in metrics[:1]),
        *((f"private {metric}", [_number(one.private.get(metric)) for one in found], True)
          for metric in metrics[:1] if private),
        ("file", [one.called for one in found], False),
        ("message", [one.message for one in found], False),
        *((metric, [_number(one.metrics.get(metric)) for one in found], True) for metric in metrics[1:]),
    )  # fmt: skip
    for one in found:
        if one.reason and one.state == "failed":
            say(f"{one.id}: {one.reason}")
    if any(one.final for one in found):
        say("★ chosen: your team is ranked by these in the end")
    say(_left(left))


def choose(
    name: _Name,
    ids: Annotated[list[int], typer.Argument(metavar="ID [ID]", help="Numbers of submissions that have a score.")],
) -> None:
    """Choose up to two submissions by which your team is ranked in the end; by default it is the best public one."""
    with _client() as client:
        found = client.choose(client.competition(name).slug, *ids)
    say(f"chosen in phase {found.phase}: {', '.join(map(str, found.chosen))}")


# Boards


def board(
    name: _Name,
    phase: Annotated[str, typer.Option(metavar="KEY", help="The phase; by default the one that is open.")] = "",
    key: Annotated[str, typer.Option("--board", metavar="KEY", help="Another board of the phase.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for spreadsheets.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the board of a competition, with intervals and the places that the data cannot rule out."""
    from concours.core.errors import ContestError

    if csv and json:
        raise ContestError("--csv and --json exclude each other")
    with _client() as client:
        slug = client.competition(name).slug
        if csv:
            say(*client.board_csv(slug, phase=phase, key=key).splitlines())
            return
        shown = client.board(slug, phase=phase, key=key)
    if json:
        from dataclasses import asdict

        say_json(asdict(shown))
        return
    _print_board(shown)


def _print_board(shown: Board) -> None:
    say(f"{shown.competition}: {shown.title}, phase {shown.phase_title} ({shown.part} rows)", "")
    if not shown.rows:
        say("nobody is on the board yet")
        return
    rows, metrics = shown.rows, shown.metrics
    mean = shown.rank_by == "mean of ranks"
    moved = any(row.moved for row in rows)
    _print_table(
        ("rank", [_rank(row) for row in rows], False),
        *([("moved", [_moved(row) for row in rows], True)] if moved else []),
        ("team", [row.name for row in rows], False),
        *([("mean rank", [_number(row.score) for row in rows], True)] if mean else []),
        *((metric.name, [_number(row.metrics.get(metric.name)) for row in rows], True) for metric in metrics[:1]),
        *([] if mean else [("95% interval", [_interval(row) for row in rows], False)]),
        ("entries", [f"{row.entries:,}" if not row.baseline else "" for row in rows], True),
        *((metric.name, [_number(row.metrics.get(metric.name)) for row in rows], True) for metric in metrics[1:]),
    )
    for row in rows:
        if row.reason:
            say(f"{row.name}: {row.reason}")
    if metrics:
        say(f"{metrics[0].name}: {'higher' if metrics[0].greater_is_better else 'lower'} is better")
    if shown.alliance and isinstance(score := shown.alliance.get("score"), (int, float)):
        say(f"alliance: {_number(float(score))}, what the best entries achieve together")
    say("rank: place, and those that the data cannot rule out (95%, all pairs together)")


# While somebody waits


def _wait(client: Client, name: str, sent: Submission) -> None:
    from concours.core.errors import PlatformRefused

    state = sent.state

    def told(found: Submission, log: Log | None) -> None:
        nonlocal state
        if log and log.text:
            say(*log.text.rstrip("\n").split("\n"))
        if found.state != state and not found.ended:
            say(f"submission {found.id} is {found.state}", err=True)
        state = found.state

    try:
        ended = client.wait(name, sent.id, told=told)
    except KeyboardInterrupt:
        say(f"submission {sent.id} goes on; concours submissions {name} shows what becomes of it", err=True)
        raise typer.Exit(_STOPPED) from None
    left = _left(client.left(name, ended.phase))
    if ended.state != "scored":
        say(left)
        raise PlatformRefused(f"submission {ended.id} {ended.state}{': ' if ended.reason else ''}{ended.reason}")
    for metric, value in ended.metrics.items():
        ends = ended.intervals.get(metric)
        within = f"  [{_number(ends[0])}, {_number(ends[1])}]" if ends else ""
        say(f"{metric}: {_number(value)}{within}")
    if not ended.metrics:
        say("it has a score, which is shown when the phase has ended")
    _say_place(client, name, ended)
    say(left)


def _say_place(client: Client, name: str, ended: Submission) -> None:
    """Where the team stands, once this submission has been ranked with the others."""
    from concours.core.errors import PlatformRefused

    until = time.monotonic() + _RANKED_S
    while True:
        try:
            shown = client.board(name, phase=ended.phase)
        except PlatformRefused:  # it is hidden
            return
        row = next((row for row in shown.rows if row.team == ended.team and row.rank is not None), None)
        if row or time.monotonic() > until:
            break
        time.sleep(_RANKED_S / _SHOWN)
    if row:
        ranked = sum(1 for other in shown.rows if other.rank is not None)
        best = "" if row.entry == ended.id else f", by submission {row.entry}, which is better"
        say(f"your team is at rank {_rank(row)} of {ranked}{best}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Shows how much has gone or come, in a terminal; nothing elsewhere."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from concours.cli.terminal import console, escape

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        tasks: dict[str, int] = {}

        def told(name: str, done: int, size: int) -> None:
            if name not in tasks:
                tasks[name] = shown.add_task(escape(name), total=size)
            shown.update(tasks[name], completed=done, total=size)  # type: ignore[arg-type]

        yield told


def _say_packed(packed: Packed) -> None:
    say(f"{len(packed.files):,} files are sent as an archive", err=True)
    if packed.left_out:
        some = ", ".join(packed.left_out[:_SHOWN])
        more = f" and {len(packed.left_out) - _SHOWN:,} more" if len(packed.left_out) > _SHOWN else ""
        say(f"left out: {some}{more}", err=True)


# How things are written


def _print_table(*columns: tuple[str, list[str], bool]) -> None:
    """Columns of a title, its cells, and whether they stand at the right, in lines of 80 letters."""
    from concours.core.layout import Column, packed, text_table

    made = [Column(title, tuple(cells), right=right, most=36) for title, cells, right in columns]
    name = next(column for column in made if column.title in ("name", "team", "id"))
    fit, rest = _fitting(made)
    for place, block in enumerate(packed(fit, rest, name, _WIDTH)):
        say(*([""] if place else []), *text_table(block))


_WIDTH = 80


def _fitting(columns: list[Column]) -> tuple[list[Column], list[Column]]:
    """The first columns, as many as fit into a line, and the rest."""
    from concours.core.layout import GAP

    taken = 0
    for place, column in enumerate(columns):
        taken += column.width + GAP
        if taken - GAP > _WIDTH:
            return columns[:place], columns[place:]
    return columns, []


def _left(left: Left) -> str:
    if left.why:
        return f"no more now: {left.why}"
    rests = [
        text
        for text in (
            f"{left.per_day - left.used_today} of {left.per_day} left today" if left.per_day is not None else "",
            f"{left.total - left.used} of {left.total} left in all" if left.total is not None else "",
        )
        if text
    ]
    return f"phase {left.phase}: {', '.join(rests) or 'as many as you like'}"


def _rank(row: Row) -> str:
    if row.rank is None:
        return "–"
    if row.best is None or row.best == row.worst:
        return str(row.rank)
    return f"{row.rank} ({row.best}–{row.worst})"


def _moved(row: Row) -> str:
    return f"{row.moved:+d}" if row.moved else ""


def _interval(row: Row) -> str:
    return f"[{_number(row.interval[0])}, {_number(row.interval[1])}]" if row.interval else ""


def _number(value: float | None) -> str:
    from concours.core.boards import number

    return number(value)


def _day(moment: str) -> str:
    return moment[:10] or "open end"


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]}"
