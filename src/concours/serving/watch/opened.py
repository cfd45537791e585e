"""The watch of a served model, whose log lies in its run folder."""

from __future__ import annotations

from pathlib import Path

from concours.runs.result import Result
from concours.serving.watch.reference import Reference
from concours.serving.watch.watch import Watch


def log_of(run: Path, model: str, default: str | None) -> Path:
    """Where the log of a model lies: of the default in `watch.db`."""
    return run / ("watch.db" if model == default else f"watch-{model}.db")


def watch_of(run: Path, model: str) -> Watch:
    """The watch, going on where its log ends. Raises DataError as `Watch.open` does."""
    result = Result.load(run)
    return Watch.open(log_of(run, model, result.default), Reference.of(result, model))
