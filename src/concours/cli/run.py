"""`concours run` and `concours demo`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import console, say, say_json
from concours.core.consent import granted
from concours.core.errors import NothingFitted

if TYPE_CHECKING:
    from concours.api.contest import Contest
    from concours.runs.result import Result

STOPPED = 130
_WRITING_S = 1.0
"""Seconds that writing the report takes, about, once all is known."""


class EngineName(StrEnum):
    """How jobs are run."""

    processes = "processes"
    inline = "inline"
    ray = "ray"


Out = Annotated[Path | None, typer.Option("--out", help="The run folder.", show_default="runs/ and the file's name")]
AsJson = Annotated[bool, typer.Option("--json", help="Print result.json and nothing else on standard output.")]


def run(
    context: typer.Context,
    contest: Annotated[Path, typer.Argument(help="A contest file (TOML).")],
    out: Out = None,
    engine: Annotated[
        EngineName, typer.Option(help="Workers of their own, this process (no limits), or a Ray cluster.")
    ] = EngineName.processes,
    address: Annotated[
        str | None,
        typer.Option(
            help="The cluster: HOST or HOST:PORT of its head, or auto.", show_default="auto, with --engine ray"
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Where content lies: a folder that all nodes see, or s3://BUCKET/PREFIX.",
            show_default="the run folder",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Jobs at a time.", show_default="the machine's cores")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Wall time for the whole contest, over all its sessions.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, help="Decides the split and everything random.", show_default="0"),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Money that asking language models may take, over all sessions.")
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option(min=0, help="Requests that it may take, over all sessions.")
    ] = None,
    as_json: AsJson = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run what the contest names of code.")] = False,
) -> None:
    """Run a contest, or go on with it where it stopped."""
    from concours.api.contest import Contest
    from concours.cli.asking import ask_once

    made = Contest.from_file(contest).with_options(
        out=out,
        engine=engine.value,
        address=address,
        store=store,
        workers=workers,
        seconds=seconds,
        seed=seed,
        max_cost=max_cost,
        max_requests=max_requests,
        command=typed_words(),
    )
    ask_once(contest, made.named(), trust)
    hold(made, as_json=as_json, began=context.obj())


def demo(context: typer.Context, out: Out = None, as_json: AsJson = False) -> None:
    """Nine models read handwritten digits, then join. About a minute on two cores."""
    from concours.api.contest import Contest

    file = Path(__file__).with_name("demo.toml")
    made = Contest.from_file(file).with_options(out=out or Path("runs/demo"), command=typed_words())
    hold(made, as_json=as_json, began=context.obj())


def typed_words() -> str:
    """What was typed."""
    return shlex.join(["concours", *sys.argv[1:]])


def hold(contest: Contest, *, as_json: bool, began: float, run: Callable[..., Result] | None = None) -> None:
    """Runs a contest whose code was agreed to, shows how far it is, and prints its board.

    Args:
        run: takes `listener` and `began`; by default the contest's own.
    """
    from concours.cli.progress import watching

    with granted(contest.asked()):
        try:
            with watching(contest.seconds) as listener:
                result = (run or contest.run)(listener=listener, began=began)
        except KeyboardInterrupt:
            say("", f"stopped; what has finished is kept, and the same command goes on: {typed_words()}", err=True)
            raise typer.Exit(STOPPED) from None
        _print(result, as_json)
        _report(result, contest, as_json)
    if result.default is None and not any(line.status == "test_only" for line in result.standings):
        raise NothingFitted(_why_nothing(result, contest))


def _why_nothing(result: Result, contest: Contest) -> str:
    """Why no entrant could be fitted, and what to do, in one line."""
    failed = [line for line in result.standings if line.status in ("failed", "skipped")]
    late = [line for line in result.standings if line.status == "out_of_time"]
    if late or not failed:
        seconds = contest.seconds or 0.0
        return f"no entrant could be fitted in {seconds:g} s; give more time, e.g. --seconds {max(4 * seconds, 60):g}"
    return f"no entrant could be fitted: {failed[0].entrant.name}: {failed[0].reason}"


def _print(result: Result, as_json: bool) -> None:
    if as_json:
        say_json(result.to_json())
        return
    from concours.cli.board import print_result

    print_result(result)


def _report(result: Result, contest: Contest, as_json: bool) -> None:
    """The report, once the board stands and is printed: it takes a while, and can be stopped without loss."""
    from concours.cli.board import next_commands
    from concours.cli.progress import watching
    from concours.report.sections import drawings, samples
    from concours.runs.report import write_report

    try:
        with watching(None) as listener:
            until = None if result.until is None else result.until - _WRITING_S
            write_report(
                result, listener=listener, engine="inline" if contest.engine == "inline" else "processes", until=until
            )
    except KeyboardInterrupt:
        again = f"concours report {shlex.quote(str(result.folder.path))}"
        say("", f"the board stands; the report was stopped, and goes on with: {again}", err=True)
        raise typer.Exit(STOPPED) from None
    found = result.folder.read("insights.json") or {}
    if late := found.get("late"):
        again = f"concours report {shlex.quote(str(result.folder.path))}"
        say(f"the report is without {', '.join(late)}, for which there was no time: {again}", err=True)
    if not as_json:
        for sentence in (*samples.sentences(found), *drawings.sentences(found)):
            console().print(sentence, markup=False, highlight=False)
        next_commands(result, console())
