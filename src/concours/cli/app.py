"""The program: its commands, and what a person sees when something is wrong."""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Annotated

import click
import typer

import concours
from concours.cli import (
    admin,
    advise,
    ask,
    backups,
    challenge,
    compare,
    continue_,
    federate,
    gateway,
    host,
    import_,
    inspect,
    judges,
    merge,
    new,
    platform,
    play,
    predict,
    rate,
    report,
    run,
    score,
    serve,
    up,
    verify,
    worker,
)
from concours.cli.apart import go_apart
from concours.cli.run import STOPPED
from concours.cli.terminal import say
from concours.core.consent import granted
from concours.core.errors import ConcoursError
from concours.core.visible import shortened

app = typer.Typer(
    name="concours",
    help="AI models compete, and cooperate: a board with intervals, a joint model, and what to use of it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(new.new)
app.command("import")(import_.bring)
app.command("continue")(continue_.go_on)
app.command("list")(platform.list_)
for command in (
    run.run,
    run.demo,
    advise.advise,
    inspect.show,
    predict.predict,
    play.play,
    serve.serve,
    serve.deploy,
    ask.ask,
    judges.judges,
    merge.merge,
    report.report,
    score.score,
    verify.verify,
    compare.compare,
    rate.rate,
    rate.pair,
    rate.audit,
    federate.federate,
    federate.site,
    challenge.challenge,
    gateway.gateway,
    up.up,
    backups.backup,
    backups.restore,
    backups.migrate,
    worker.worker,
    platform.login,
    platform.logout,
    platform.join,
    platform.data,
    platform.submit,
    platform.submissions,
    platform.board,
    platform.choose,
    inspect.gc,
    inspect.doctor,
    admin.audit_log,
):
    app.command()(command)
app.add_typer(host.host)


def _version(asked: bool) -> None:
    if asked:
        say(f"concours {concours.__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command; they stand before its name."""


def main(began: Callable[[], float] = time.monotonic, *, apart: bool = False) -> None:
    """Runs the command line. Exit codes: 0 well, 1 a defect, 2 bad input or nothing fitted, 130 stopped by Ctrl-C.

    Args:
        began: gives the second on `time.monotonic` from which the budget of a contest counts.
        apart: whether this process is the program's own, so that commands may run in one below it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a letter that the terminal's encoding lacks is no defect
    try:
        if apart:
            go_apart(sys.argv[1:])
        with granted(()):  # what nobody has been asked about does not run
            sys.exit(app(obj=began, standalone_mode=False))
    except ConcoursError as error:
        _leave(str(error), error.exit_code)
    except click.ClickException as error:
        _leave(_usage(error), error.exit_code)
    except click.Abort:  # the question was not answered
        _leave("stopped", STOPPED)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _leave(f"{where}{error.strerror or error}", 2)
    except Exception as error:  # noqa: BLE001 (the last resort of the program)
        _leave(*_last_word(error))


def _last_word(error: Exception) -> tuple[str, int]:
    """What is said of what nobody has foreseen, and the exit code."""
    if isinstance(error, MemoryError):
        return "there is not enough memory: use fewer rows, or a machine with more", 2
    return f"unexpected {type(error).__name__}: {error} (a defect of Concours: concours --debug … shows where)", 1


def _usage(error: click.ClickException) -> str:
    """What is wrong with the words of a command, and where it is told what they are."""
    context = getattr(error, "ctx", None)
    return f"{error.format_message()} (see {context.command_path} --help)" if context else error.format_message()


def _leave(message: str, code: int) -> None:
    if "--debug" in sys.argv[1:2]:
        say(*traceback.format_exc().splitlines(), err=True)
    if message:
        say(f"concours: {shortened(message)}", err=True)
    sys.exit(code)
