"""`concours verify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import console, escape, say_json

if TYPE_CHECKING:
    from concours.cli.console import Console
    from concours.core.ports import Listener, Notice
    from concours.runs.verify import Progress, Verified

_MARKS = {"ok": "[green]✓[/]", "told": "[yellow]·[/]", "fault": "[red]✗[/]"}
_LONG = 30
_BIG = 50_000_000


def verify(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")],
    rerun: Annotated[
        list[str] | None,
        typer.Option(
            "--rerun",
            metavar="JOB",
            help="Run a job again and compare: an entrant, a joint model, `evaluate`, a job's label or digest, `all`; "
            "a name that is none lists the choices. May be given more than once.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="With --rerun: run code that the folder brings or names.")
    ] = False,
) -> None:
    """Check that a contest's receipt holds: its files, its journal, its scores, and on request its jobs."""
    from concours.cli.asking import asking
    from concours.runs.verify import verify as check

    with _watching() as (progress, listener):
        found = check(run, again=rerun or (), trust=asking(trust), progress=progress, listener=listener)
    if as_json:
        say_json(found.to_json(), default=str)
    else:
        _print(found, console())
    if not found.holds:
        raise typer.Exit(1)


def _print(found: Verified, out: Console) -> None:
    from rich.table import Table

    out.print(f"\n[bold]{escape(found.name)}[/]  {escape(str(found.folder))}")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for finding in found.findings:
        cure = f"\n[dim]→ {escape(finding.cure)}[/]" if finding.cure else ""
        table.add_row(_MARKS[finding.state], escape(finding.subject), escape(finding.text) + cure)
    out.print(table)
    if found.reruns:
        _print_reruns(found, out)
    out.print(_verdict(found), soft_wrap=True)


def _print_reruns(found: Verified, out: Console) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("run again", no_wrap=True)
    table.add_column("then s", justify="right", no_wrap=True)
    table.add_column("now s", justify="right", no_wrap=True)
    table.add_column("")
    shown = found.reruns if len(found.reruns) <= _LONG else [done for done in found.reruns if not done.same]
    for done in shown:
        what = "[green]the same[/]" if done.same else f"[red]different[/]  {escape(done.text)}"
        table.add_row(escape(done.label), f"{done.first_s:.2f}", f"{done.wall_s:.2f}", what)
    out.print()
    if shown:
        out.print(table)
    same = sum(done.same for done in found.reruns)
    if len(found.reruns) > 1:
        seconds = sum(done.wall_s for done in found.reruns)
        out.print(f"[dim]{same} of {len(found.reruns)} jobs yield the same, bit by bit, in {seconds:.1f} s[/]")


def _verdict(found: Verified) -> str:
    from concours.cli.board import size
    from concours.core.written import counted

    checked = f"{counted(found.objects, 'object')} ({size(found.bytes)}) and {counted(found.jobs, 'job')} checked"
    if found.reruns:
        checked += f", {len(found.reruns)} run again"
    if found.holds and not found.finished:
        return f"\n[bold yellow]So far it holds[/], and is not finished: {checked}."
    if found.holds:
        return f"\n[bold green]The receipt HOLDS[/]: {checked}.  [dim]{escape(str(found.digest))}[/]"
    broken = [counted(len(found.faults), "fault")] if found.faults else []
    differ = sum(not done.same for done in found.reruns)
    broken += [f"{counted(differ, 'job')} with another outcome"] if differ else []
    return f"\n[bold red]The receipt does NOT hold[/]: {' and '.join(broken)}; {checked}."


@contextmanager
def _watching() -> Iterator[tuple[Progress, Listener]]:
    """Shows on standard error, in a terminal, how far long work has come."""
    out = console(stderr=True)
    with out.status("reading the journal") as status:
        ended = 0

        def progress(done: int, everything: int) -> None:
            if everything > _BIG:
                status.update(f"reading objects: {done / 1e6:,.0f} of {everything / 1e6:,.0f} MB")

        def listener(notice: Notice) -> None:
            nonlocal ended
            if notice.topic == "started" and notice.job:
                ended += 1
                status.update(f"running again, number {ended}: {escape(notice.job.label)}")
            elif notice.topic == "warning":
                out.print(escape(notice.text))

        yield progress, listener
