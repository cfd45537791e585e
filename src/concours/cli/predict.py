"""`concours predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from concours.api.result import Result


def predict(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")],
    rows: Annotated[
        str, typer.Argument(metavar="INPUT", help="New rows: a CSV file, pictures as .npy, or sklearn:NAME.")
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

    def agrees(sentence: str) -> bool:
        return trust or trusts(run) or (sys.stdin.isatty() and typer.confirm(f"{sentence}. Do you trust it?", err=True))

    columns = _columns(result, result.predict(rows, model=model, proba=proba, trust=agrees), proba)
    _write(columns, output)
    typer.echo(f"{len(columns['prediction'])} predictions of {model or result.default} are in {output}", err=True)


def _columns(result: Result, predictions: Any, proba: bool) -> dict[str, Any]:
    if not proba:
        return {"prediction": predictions}
    import numpy as np

    classes = result.setup.problem.classes
    labels = np.asarray(classes)[predictions.argmax(axis=1)]
    return {"prediction": labels, **{f"p_{label}": predictions[:, code] for code, label in enumerate(classes)}}


def _write(columns: dict[str, Any], output: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv

    pyarrow.csv.write_csv(pa.table(columns), output)
