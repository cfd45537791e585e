"""`concours predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from concours.core.errors import DataError


def predict(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")],
    rows: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="New rows: a table, texts or pictures, as a file, a folder, an archive, or sklearn:NAME.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write.")],
    model: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A name on the board.", show_default="the starred one")
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Write a probability for each class as well.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that came with the folder.")] = False,
) -> None:
    """Predict new rows with the contest's default model, or with a named one."""
    from concours.api.contest import look
    from concours.api.trust import trusts

    result = look(run)

    def warn(text: str) -> None:
        typer.echo(f"warning: {text}", err=True)

    def agrees(sentence: str) -> bool:
        return trust or trusts(run) or (sys.stdin.isatty() and typer.confirm(f"{sentence}. Do you trust it?", err=True))

    predictions = result.predict(rows, model=model, proba=proba, trust=agrees, told=warn)
    columns = {"prediction": predictions}
    if proba:
        classes = result.setup.problem.classes
        shares = {f"p_{label}": predictions[:, code] for code, label in enumerate(classes)}
        columns = {"prediction": result.named(predictions, model=model), **shares}
    _write(columns, output)
    typer.echo(f"{len(columns['prediction'])} predictions of {model or result.default} are in {output}", err=True)


def _write(columns: dict[str, Any], output: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv

    try:
        pyarrow.csv.write_csv(pa.table(columns), output)
    except OSError as error:
        raise DataError(f"{output} cannot be written: {error.strerror or error}") from None
