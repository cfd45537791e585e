"""`concours score`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def score(
    contest: Annotated[Path, typer.Argument(metavar="CONTEST.toml", help="The contest whose task was predicted.")],
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS",
            help="CSV, Parquet or JSON Lines: `prediction`, or `p_CLASS` for each class, or both; and `id` unless all "
            "rows are there in order.",
        ),
    ],
    seed: Annotated[
        int | None, typer.Option(help="The seed that split the data.", show_default="the contest's")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a file of predictions on the test part of a contest's task."""
    from concours.api.contest import Contest
    from concours.api.score import score_predictions

    found = score_predictions(Contest.from_file(contest).with_options(seed=seed), predictions)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        return
    width = max(len(name) for name in (*(line.metric for line in found.scores), *found.not_scored))
    typer.echo(f"{found.name}: {found.rows} rows of the test part, scores with 95% intervals")
    for line in found.scores:
        value = "not defined here" if line.score is None else f"{line.score:.6g}"
        between = f"  [{line.ci[0]:.6g}, {line.ci[1]:.6g}]" if line.ci else ""
        direction = "higher is better" if line.greater_is_better else "lower is better"
        typer.echo(f"  {line.metric:<{width}}  {value}{between}  ({direction})")
    for name, reason in found.not_scored.items():
        typer.echo(f"  {name:<{width}}  –  {reason}")
