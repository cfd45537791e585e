"""Reports: what came of a contest, written for people or for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from concours.core import consent
from concours.core.asked import asked_of_metrics, asked_of_recipe
from concours.core.errors import DataError
from concours.core.ports import Listener, ignore
from concours.report.markdown import render_markdown
from concours.report.page import render_report
from concours.runs.insights import explain
from concours.runs.predict import asked_of_models
from concours.runs.result import Result
from concours.runs.session import EngineName
from concours.runs.trust import Trust, permitted

Format = Literal["html", "md", "json"]
FORMATS: tuple[Format, ...] = ("html", "md", "json")


def write_report(
    result: Result,
    path: Path | str | None = None,
    *,
    format: Format = "html",
    listener: Listener = ignore,
    engine: EngineName = "processes",
    trust: Trust | None = None,
    until: float | None = None,
) -> Path:
    """Looks into a contest and writes its report: by default `report.html` in its folder.

    A contest that has not come to its end is reported as far as it is; nothing is looked into then, nor where the
    folder has no data, as that of an estimator that was pickled. Of a folder of an earlier form that is told which was
    found then.

    Args:
        trust: asked, with a sentence, before code runs that was not agreed to when the folder was made here; by default
            it is refused.
        until: on `time.monotonic`, when to stop looking; what there was no time for the report names.

    Returns:
        Where it was written.

    Raises:
        DataError: there is no such format, or the file cannot be written.
        TrustError: code was not to be run.
        RunFolderError: somebody else is writing to the folder.
    """
    if format not in FORMATS:
        raise DataError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
    insights: Mapping[str, Any] = {}
    if not result.folder.is_current:
        insights = result.folder.read("insights.json") or {}
    elif result.complete and result.default and result.setup.problem.train.x in result.folder.store:
        who = f"looking into {result.folder.path} runs"
        with consent.granted(permitted(_asked(result), known=result.agreed, who=who, trust=trust)):
            insights = explain(result, listener=listener, engine=engine, until=until)
    text = rendered(result.to_json(), insights, format, place=_shown(result.folder.path))
    name = f"report.{format}"
    if path is None:
        result.folder.write_text(name, text)
        return result.folder.path / name
    place = Path(path)
    try:
        unfinished = place.with_name(f".{place.name}.{os.getpid()}.part")
        unfinished.write_bytes(text.encode("utf-8", "replace"))
        unfinished.replace(place)
    except OSError as error:
        raise DataError(f"{place} cannot be written: {error.strerror or error}") from None
    return place


def _asked(result: Result) -> frozenset[str]:
    """What looking runs: the models that are kept, the entrants that learning curves fit, and the metrics."""
    fitted = [c for c in result.candidates.values() if c.entrant.role == "single"]
    return asked_of_models(result, result.candidates).union(
        asked_of_metrics(metric.name for metric in result.setup.problem.metrics),
        *(asked_of_recipe(c.entrant.recipe, c.entrant.params, code=c.code) for c in fitted),
    )


def _shown(folder: Path) -> str:
    """A run folder as its report names it: as it was given, but for the way to it on this machine."""
    return folder.name if folder.is_absolute() else str(folder)


def rendered(value: Mapping[str, Any], insights: Mapping[str, Any], format: Format, *, place: str) -> str:
    """The text of a report in a format; `place` is the run folder that it tells to predict with."""
    if format == "html":
        return render_report(value, insights, place=place)
    if format == "md":
        return render_markdown(value, insights, place=place)
    return json.dumps({"result": dict(value), "insights": dict(insights)}, indent=2, ensure_ascii=False) + "\n"
