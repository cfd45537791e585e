"""`concours serve` and `concours deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from concours.cli.terminal import say

if TYPE_CHECKING:
    from concours.serving.worker import Spec

Form = Literal["onnx"]
Token = Annotated[
    list[str] | None,
    typer.Option(
        "--token",
        metavar="[SCOPES=]TEXT",
        envvar="CONCOURS_TOKEN",
        help="Who sends it may ask: everything, or what the scopes say (predict, feedback, watch, deploy). Can be "
        "given several times.",
    ),
]


def serve(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders of contests.")],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME",
            help="A name on the board, of each run in their order.",
            show_default="the starred one",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen at; on others than this machine give a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65534, help="The port of HTTP; gRPC has the next one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes of each model.")] = 1,
    batch_ms: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds for which a request waits for others; 0: none.")
    ] = 0.0,
    within: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.01,
            help="How far an answer may be from that of predict, so that requests can be answered together.",
        ),
    ] = 0.0,
    export: Annotated[
        Form | None,
        typer.Option(
            help="Answer by one graph of the whole model of a table, which is quicker, within 1e-5 of predict."
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Keep what is asked and answered, in the run folder, and say what changes."),
    ] = False,
    shadow: Annotated[
        list[str] | None,
        typer.Option(
            "--shadow",
            metavar="NAME",
            help="A challenger on the board, of each run in their order; the watch hears it.",
        ),
    ] = None,
    token: Token = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that came with a folder.")] = False,
) -> None:
    """Serve models of contests: over HTTP, the Open Inference Protocol (HTTP and gRPC), and OpenAI's."""
    from concours.core.errors import ContestError
    from concours.serving.serve import Serving, serve

    names, shadows = models or [], shadow or []
    for option, given in (("--with", names), ("--shadow", shadows)):
        if given and len(given) != len(runs):
            raise ContestError(
                f"{option} is given {len(given)} times, for {len(runs)} runs; give it once for each, or never"
            )
    if shadows and not watch:
        raise ContestError("--shadow: only a watch hears a challenger; add --watch")
    specs: dict[str, Spec] = {}
    for place, run in enumerate(runs):
        name = run.resolve().name
        if name in specs:
            raise ContestError(f"two runs are called {name!r}, by which requests name them; rename a folder")
        specs[name] = _spec(
            run, names[place] if names else None, within=within, export=export or "", watched=watch, trust=trust
        )
        if shadows and shadows[place] == specs[name].model:
            raise ContestError(f"--shadow {shadows[place]}: {name} is served by it already; name a challenger")
    serving = Serving(
        specs=specs,
        shadows=dict(zip(specs, shadows, strict=False)),
        host=host,
        port=port,
        processes=workers,
        wait=batch_ms / 1000,
        tokens=tuple(token or ()),
    )
    serve(serving, lambda text: say(text, err=True))


def _spec(run: Path, model: str | None, *, within: float, export: str, watched: bool, trust: bool) -> Spec:
    """What a process is to serve, once somebody has agreed to what it runs."""
    from concours.cli.asking import asking
    from concours.runs.predict import asked_of_models
    from concours.runs.result import Result
    from concours.runs.trust import permitted
    from concours.serving.model import Served
    from concours.serving.worker import Spec

    result = Result.load(run)
    served = Served.of(result, model)
    who = f"{served.name} of {run} runs"
    agreed = permitted(asked_of_models(result, [served.name]), known=result.agreed, who=who, trust=asking(trust))
    return Spec(run=run.resolve(), model=served.name, agreed=agreed, within=within, export=export, watched=watched)


def deploy(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder of a contest.")],
    server: Annotated[str, typer.Option(metavar="URL", help="A running `concours serve`.")],
    model: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A name on the board.", show_default="the starred one")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What requests call it.", show_default="the folder's name")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", metavar="TEXT", envvar="CONCOURS_TOKEN", help="What the server asks for.")
    ] = None,
) -> None:
    """Send a model to a running server, as the first or the next version of its name; nobody who asks notices."""
    from concours.runs.packing import packed
    from concours.runs.result import Result
    from concours.serving.deploying import deployed

    result = Result.load(run)
    content = packed(result, model, rows=True)
    told = deployed(server, name or run.resolve().name, result.candidate(model).entrant.name, content, token=token)
    for note in told["notes"]:
        say(note, err=True)
    say(f"{told['name']}: {told['model']} answers as version {told['version']} on {server}", err=True)
