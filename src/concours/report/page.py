"""The report: what came of a contest, as one HTML page that needs nothing else, or as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from concours.core.written import counted
from concours.report.axis import NOTHING
from concours.report.citing import bibtex, cited, usage
from concours.report.lines import Report, words
from concours.report.sections.all import sections
from concours.report.summary import summary
from concours.report.units import money, seconds

_STATES = {
    "failed": "failed",
    "skipped": "skipped",
    "out_of_time": "out of time",
    "dropped": "dropped",
    "running": "running",
    "cv_only": "cross-validation only",
}
_FINALS = {
    "refit": "fitted once more on the whole training part",
    "bag": "the average of the models of the folds",
}


def write_report(value: Mapping[str, Any], path: Path, insights: Mapping[str, Any] | None = None) -> None:
    """Writes the page for the content of a `result.json` and an `insights.json`, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(render_report(value, insights).encode("utf-8", "replace"))
    unfinished.replace(path)


def render_report(value: Mapping[str, Any], insights: Mapping[str, Any] | None = None, *, place: str = "DIR") -> str:
    """The page for the content of a `result.json`, and of an `insights.json` where there is one.

    One HTML document without scripts that requests nothing. `place` is the run folder that it tells to predict with.
    """
    report = Report(value, insights or {})
    template = environment().get_template("report.html.j2")
    shown = {"summary": summary(report), "sections": sections(report), "tier_note": report.tier_note}
    return template.render(r=report, **shown, usage=usage(value, place), cited=cited(value), bibtex=bibtex(value))


def environment() -> Environment:
    """Where the templates of pages are found."""
    found = Environment(
        loader=PackageLoader("concours.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"words": words, "seconds": seconds, "money": money, "params": _params}
    found.globals |= {"counted": counted, "STATES": _STATES, "FINALS": _FINALS}
    return found


def _params(params: Mapping[str, Any]) -> str:
    """Parameters as one writes them in Python."""
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in params.items()) or NOTHING
