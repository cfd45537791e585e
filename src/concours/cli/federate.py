"""`concours federate` and `concours site`: a federation of real sites, at its server and at a data owner's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.run import AsJson, EngineName, Out, hold, typed_words
from concours.cli.terminal import say
from concours.core.errors import ContestError
from concours.core.state import state_file

_KEY = "site.key"

SuperLink = Annotated[str, typer.Option("--superlink", help="host:port of a SuperLink of Flower's, with TLS.")]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root-certificates",
        help="Certificates (PEM) of whoever signed the SuperLink's.",
        show_default="those that the system trusts",
    ),
]


def federate(
    context: typer.Context,
    contest: Annotated[Path, typer.Argument(help="A contest file (TOML) with [federation].")],
    superlink: SuperLink,
    root_certificates: Root = None,
    sites: Annotated[
        Path | None,
        typer.Option(
            help="A folder of public keys, NAME.pub for each site.", show_default="whoever is registered already"
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds that a site which is not there is waited for.")] = 60.0,
    out: Out = None,
    engine: Annotated[
        EngineName, typer.Option(help="What is done here: by workers of their own, or in this process (no limits).")
    ] = EngineName.processes,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="Decides everything random.", show_default="0")
    ] = None,
    as_json: AsJson = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run what the contest names of code.")] = False,
) -> None:
    """Run a federation of real sites, or go on with it where it stopped."""
    from functools import partial

    from concours.api.contest import Contest
    from concours.api.federating import federate, require_flower
    from concours.cli.asking import ask_once

    require_flower()
    from concours.engine.sites.keys import public_keys

    made = Contest.from_file(contest).with_options(out=out, engine=engine.value, seed=seed, command=typed_words())
    ask_once(contest, made.named(), trust)
    root, keys = _read(root_certificates), public_keys(sites) if sites else None
    hold(
        made,
        as_json=as_json,
        began=context.obj(),
        run=partial(federate, made, superlink, root=root, keys=keys, wait_s=wait),
    )


def site(
    superlink: SuperLink,
    data: Annotated[Path, typer.Option(help="Your rows, as [task] data takes them. They do not leave.")],
    root_certificates: Root = None,
    key: Annotated[
        Path | None,
        typer.Option(help="Your private key; made where it is not there.", show_default="in your state folder"),
    ] = None,
    max_epsilon: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="The most that all training may ever tell of a row, as ε; then nothing of them leaves without noise.",
            show_default="whatever federations promise",
        ),
    ] = None,
    delta: Annotated[
        float, typer.Option(min=1e-300, max=0.5, help="At which δ what has been spent is counted.")
    ] = 1e-5,
) -> None:
    """Take part in a federation: rows stay here, weights and counts leave. Ctrl-C ends it."""
    from concours.api.federating import serve

    root = _read(root_certificates)
    try:
        serve(
            superlink,
            data,
            key or state_file(_KEY),
            root=root,
            max_epsilon=max_epsilon,
            delta=delta,
            told=lambda text: say(text),
        )
    except KeyboardInterrupt:
        say("left the federation")


def _read(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise ContestError(f"--root-certificates {file}: {error.strerror}") from None
