"""The report: what came of a contest, as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from concours.report.lines import Line, Report, counted, used, words
from concours.report.picture import NOTHING, Plot, Row, interval_plot, rank_plot
from concours.report.summary import summary

_STATES = {"failed": "failed", "skipped": "skipped", "out_of_time": "out of time", "running": "running"}
_STRATEGIES = {
    "average": "the plain mean of the members’ predictions",
    "vote": "each member has one vote",
    "stack": "weights with which the members together lose least: a pool of log probabilities, or a sum of numbers",
    "stack-boosted": "trees boosted on the members’ predictions; shares are of what their splits gained",
    "light": "members are added one at a time, within declared limits of what predicting costs",
    "greedy": "members are added one at a time, each time the one that helps most (Caruana et al. 2004)",
}
_FINALS = {
    "refit": "fitted once more on the whole training part",
    "bag": "the average of the models of the folds",
}


def write_report(value: Mapping[str, Any], path: Path) -> None:
    """Writes the page for the content of a `result.json`, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(render_report(value).encode("utf-8", "replace"))
    unfinished.replace(path)


def render_report(value: Mapping[str, Any]) -> str:
    """The page for the content of a `result.json`: one HTML document without scripts that requests nothing."""
    report = Report(value)
    rows = [_row(line, report) for line in report.lines]
    template = _environment().get_template("report.html.j2")
    return template.render(
        r=report,
        summary=summary(report),
        scores=interval_plot(rows, greater_is_better=report.greater) if rows else None,
        ranks=_ranks(report),
        alliances=_alliances(report),
    )


def seconds(value: float | None) -> str:
    """A duration, in the unit that suits it."""
    if value is None:
        return NOTHING
    if value < 0.0995:
        return f"{1000 * value:.2g} ms"
    if value < 99.5:
        return f"{value:.{2 if value < 0.995 else 1 if value < 9.95 else 0}f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("concours.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": words, "seconds": seconds, "params": _params}
    environment.globals |= {"counted": counted, "STATES": _STATES, "STRATEGIES": _STRATEGIES, "FINALS": _FINALS}
    return environment


def _row(line: Line, report: Report) -> Row:
    value = line.score or 0.0
    return Row(
        name=line.name,
        role=line.role,
        starred=line.default,
        value=value,
        low=value if line.low is None else line.low,
        high=value if line.high is None else line.high,
        text=report.number(value),
    )


def _ranks(report: Report) -> Plot | None:
    """The ranges of ranks; none before the judgement."""
    rows = [
        Row(
            name=line.name,
            role=line.role,
            starred=line.default,
            value=line.rank or line.best,
            low=line.best,
            high=line.worst,
            text=line.range,
            strong=line.best == 1,
        )
        for line in report.lines
        if line.best is not None and line.worst is not None
    ]
    return rank_plot(rows) if len(rows) > 1 else None


@dataclass(frozen=True, kw_only=True)
class Alliance:
    """An alliance as a list of members: name, weight in percent, and the length of its bar, the greatest first.

    Attributes:
        uses: what it uses of its limits, where it has any.
    """

    line: Line | None
    name: str
    strategy: str
    uses: str
    members: tuple[tuple[str, str, float], ...]


def _alliances(report: Report) -> list[Alliance]:
    """In the order of the board; all bars have one scale."""
    lines = {line.name: line for line in report.lines}
    places = {name: place for place, name in enumerate(lines)}
    known = sorted(report.value["alliances"].items(), key=lambda item: places.get(item[0], len(places)))
    longest = max((weight for _, alliance in known for weight in alliance["weights"].values()), default=1.0) or 1.0
    return [
        Alliance(
            line=lines.get(name),
            name=name,
            strategy=alliance["strategy"],
            uses=used(alliance),
            members=tuple(
                (member, f"{100 * weight:.1f}%".replace("-", "−"), round(max(0.0, 100 * weight / longest), 1))
                for member, weight in sorted(alliance["weights"].items(), key=lambda item: -item[1])
            ),
        )
        for name, alliance in known
    ]


def _params(params: Mapping[str, Any]) -> str:
    """Parameters as one writes them in Python."""
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in params.items()) or NOTHING
