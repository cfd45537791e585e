"""`concours predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import Formulas, say, say_formulas


def predict(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")],
    rows: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="New rows: a table, texts or pictures, as a file, a folder, an archive, or sklearn:NAME; "
            "of pictures that are drawn also how many.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write: .csv, .tsv, .json, .jsonl, .parquet; .gz too. Of pictures also a folder.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A name on the board.", show_default="the starred one")
    ] = None,
    proba: Annotated[
        bool,
        typer.Option("--proba", help="Write a probability for each class as well; with --like, in its one column."),
    ] = False,
    like: Annotated[
        Path | None,
        typer.Option(metavar="SAMPLE", help="A sample_submission: its columns and rows are written, found by its ids."),
    ] = None,
    formulas: Formulas = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that came with the folder.")] = False,
) -> None:
    """Predict new rows with the contest's default model, or with a named one."""
    from concours.api.looking import look
    from concours.api.writing import check_folder, check_form, write_folder, write_table
    from concours.cli.asking import asking
    from concours.core.written import counted
    from concours.runs.predictions import predictions
    from concours.tasks.outputs.table import output_valued

    result = look(run)
    separate = output_valued(result.setup.problem.output).separate and not output.suffix
    (check_folder if separate else check_form)(output)

    def warn(text: str) -> None:
        say(f"warning: {text}", err=True)

    found = predictions(
        result, rows, model=model, proba=proba, like=like, separate=separate, trust=asking(trust), told=warn
    )
    if separate:
        write_folder(found.table, found.files, output)
    else:
        say_formulas(write_table(found.table, output, formulas=formulas))
    for note in found.notes:
        say(note, err=True)
    count, name = len(found.table), model or result.default
    say(f"{counted(count, 'prediction')} of {name} {'is' if count == 1 else 'are'} in {output}", err=True)
