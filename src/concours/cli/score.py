"""`concours score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import Formulas, say, say_formulas, say_json
from concours.core.asked import asked_of_metrics
from concours.core.consent import granted
from concours.core.errors import ContestError

if TYPE_CHECKING:
    from concours.api.contest import Contest


def score(
    contest: Annotated[Path, typer.Argument(metavar="CONTEST.toml", help="The contest whose task was predicted.")],
    predictions: Annotated[
        Path | None,
        typer.Argument(
            metavar="PREDICTIONS",
            help="A table: `prediction`, or `p_CLASS` for each class, or both; and `id` unless all rows are there in "
            "order. Rows that are not of the test part are left out.",
        ),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write there which rows are the test part, by their ids, and score nothing."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=(1 << 63) - 1, help="The seed that split the data.", show_default="the contest's"),
    ] = None,
    formulas: Formulas = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Call metrics that are somebody's own functions.")] = False,
) -> None:
    """Score a file of predictions on the test part of a contest's task, or say which rows that part has."""
    from concours.api.contest import Contest
    from concours.cli.asking import ask_once

    if (predictions is None) == (rows is None):
        raise ContestError("score: a file of predictions was expected, or --rows FILE to have the ids to predict")
    task = Contest.from_file(contest).with_options(seed=seed)
    metrics = asked_of_metrics(task.task.metrics)
    ask_once(contest, metrics, trust)
    with granted(metrics):
        if rows is not None:
            _write_rows(task, rows, formulas=formulas)
        elif predictions is not None:
            _print_scores(task, predictions, as_json=as_json)


def _write_rows(task: Contest, file: Path, *, formulas: bool) -> None:
    from concours.api.score import rows_to_predict
    from concours.api.writing import check_form, write_table

    check_form(file)
    table = rows_to_predict(task)
    say_formulas(write_table(table, file, formulas=formulas))
    say(f"the {table.column_names[0]} of the {len(table)} rows of the test part are in {file}", err=True)


def _print_scores(task: Contest, predictions: Path, *, as_json: bool) -> None:
    from concours.api.score import score_predictions

    found = score_predictions(task, predictions)
    if as_json:
        say_json(found.to_json())
        return
    width = max(len(name) for name in (*(line.metric for line in found.scores), *found.not_scored))
    say(f"{found.name}: {found.rows} rows of the test part, scores with 95% intervals")
    for note in found.notes:
        say(f"  {note}")
    for line in found.scores:
        value = "not defined here" if line.score is None else f"{line.score:.6g}"
        between = f"  [{line.ci[0]:.6g}, {line.ci[1]:.6g}]" if line.ci else f"  {line.few}" if line.few else ""
        direction = "higher is better" if line.greater_is_better else "lower is better"
        say(f"  {line.metric:<{width}}  {value}{between}  ({direction})")
    for name, reason in found.not_scored.items():
        say(f"  {name:<{width}}  –  {reason}")
