"""The report: what came of a contest, as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from concours.report.picture import NOTHING, Plot, Row, decimals, fixed, interval_plot, rank_plot

_Z = 1.96
"""Standard errors to either side of a score that make an interval of 95%."""

_METRICS = {"rmse": "RMSE", "r2": "R²", "roc_auc": "ROC AUC", "f1_macro": "macro F1"}
_STATES = {"failed": "failed", "skipped": "skipped", "out_of_time": "out of time", "running": "running"}
_FATES = {"failed": "failed", "skipped": "could not take part", "out_of_time": "ran out of time"}
_STRATEGIES = {
    "average": "the plain mean of the members’ predictions",
    "vote": "each member has one vote",
    "greedy": "members are added one at a time, each time the one that helps most (Caruana et al. 2004)",
}
_FINALS = {
    "refit": "fitted once more on the whole training part",
    "bag": "the average of the models of the folds",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entrant on the board. Numbers that are missing or not finite are None.

    Attributes:
        score, low, high: on the part that judges; before the judgement, the selection score and its normal interval.
    """

    name: str
    role: str
    default: bool
    rank: int | None
    best: int | None
    worst: int | None
    score: float | None
    low: float | None
    high: float | None
    selection: float | None
    stderr: float | None
    metrics: Mapping[str, float | None]
    fit: float | None
    predict: float | None
    status: str
    reason: str

    @property
    def range(self) -> str:
        """The ranks that cannot be ruled out."""
        if self.best is None or self.worst is None:
            return NOTHING
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True)
class Report:
    """The content of `result.json`, as the page speaks of it."""

    value: Mapping[str, Any]

    @cached_property
    def judged(self) -> bool:
        """Whether the board has scores of the part that judges."""
        return any(item["score"] is not None for item in self.value["standings"])

    @cached_property
    def lines(self) -> list[Line]:
        """The ranked ones, best first."""
        return [line for line in self._all if line.score is not None]

    @cached_property
    def unranked(self) -> list[Line]:
        """Those without a score, with the reason."""
        return [line for line in self._all if line.score is None]

    @property
    def running(self) -> bool:
        """Whether more is to come; where all have failed, nothing is."""
        waiting = any(line.status == "running" for line in self.unranked)
        return not self.value["complete"] and (bool(self.lines) or waiting)

    @property
    def leader(self) -> Line:
        """The default model; without one, the first on the board."""
        return next((line for line in self.lines if line.default), self.lines[0])

    @property
    def contenders(self) -> list[Line]:
        """Those that nobody is certainly better than."""
        return [line for line in self.lines if line.best == 1]

    @property
    def title(self) -> str:
        """The task's name, or its kind."""
        return str(self.value["task"]["name"] or self.value["task"]["kind"])

    @property
    def metric(self) -> str:
        """The metric that ranks, in words."""
        return words(self.value["task"]["metrics"][0])

    @property
    def others(self) -> list[str]:
        """The metrics that do not rank."""
        return list(self.value["task"]["metrics"][1:])

    @property
    def greater(self) -> bool:
        """Whether greater scores are better."""
        return bool(self.value["greater_is_better"])

    @property
    def rows_test(self) -> int:
        """Rows of the test part; 0 where there is none."""
        return int(self.value["task"]["rows_test"])

    @cached_property
    def _all(self) -> list[Line]:
        return [_line(item, self.value["default"], self.judged) for item in self.value["standings"]]

    @cached_property
    def places(self) -> dict[str, int]:
        """Decimals of each column: as many as its typical uncertainty, or else its typical size, deserves."""
        halves = [(line.high - line.low) / 2 for line in self.lines if line.high is not None and line.low is not None]
        errors = [line.stderr for line in self.lines if line.stderr]
        scores = [line.score for line in self.lines if line.score is not None]
        own = decimals(halves, digits=2) if any(halves) else decimals(scores, digits=3)
        sizes = {name: [line.metrics.get(name) or 0.0 for line in self.lines] for name in self.others}
        return {
            **{name: decimals(values, digits=3) for name, values in sizes.items()},
            "": own,
            "selection": decimals(errors, digits=2) if errors else own,
        }

    def number(self, value: float | None, column: str = "") -> str:
        """A number as its column shows it; by default a score."""
        return fixed(value, self.places[column])

    def interval(self, line: Line) -> str:
        """The interval of a line's score, if it has one."""
        if line.low is None or line.high is None:
            return ""
        return f"{self.number(line.low)} to {self.number(line.high)}"


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


def summary(report: Report) -> list[Markup]:
    """What a reader in a hurry should know, in three sentences; one where nothing was scored."""
    if not report.lines:
        return [_nothing(report)]
    return [_best(report), _gain(report), _worth(report)]


def words(metric: str) -> str:
    """The name of a metric as people write it."""
    return _METRICS.get(metric, metric.replace("_", " "))


def counted(count: int, noun: str) -> str:
    """A number of things, e.g. `1 row`, `2 classes`."""
    plural = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{plural}"


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


def _line(item: Mapping[str, Any], default: str | None, judged: bool) -> Line:
    selection = item["selection"] or {}
    middle, stderr = _finite(selection.get("score")), _finite(selection.get("stderr"))
    score, (low, high) = _finite(item["score"]), map(_finite, item["ci"] or (None, None))
    if not judged:
        score = middle
        low, high = (None, None) if middle is None or stderr is None else (middle - _Z * stderr, middle + _Z * stderr)
    return Line(
        name=item["name"],
        role=item["role"],
        default=item["name"] == default,
        rank=item["rank"],
        best=item["rank_best"],
        worst=item["rank_worst"],
        score=score if item["status"] == "ok" else None,
        low=low,
        high=high,
        selection=middle,
        stderr=stderr,
        metrics={name: _finite(number) for name, number in item["metrics"].items()},
        fit=_finite(item["fit_seconds"]),
        predict=_finite(item["predict_seconds"]),
        status=item["status"],
        reason=item["reason"] or ("its score is not a finite number" if item["status"] == "ok" else ""),
    )


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _nothing(report: Report) -> Markup:
    if report.running:
        return Markup("No entrant has been scored yet; come back when the first ones are fitted.")
    if not report.unranked:
        return Markup("Nobody took part in this contest.")
    fates = Counter(_FATES.get(line.status, "ended without a score") for line in report.unranked)
    told = _listed([Markup(f"{count} {fate}") for fate, count in fates.most_common()], most=len(fates))
    return Markup("No model came out of this contest: of {}, {}. The reasons are below.").format(
        counted(len(report.unranked), "entrant"), told
    )


def _best(report: Report) -> Markup:
    line = report.leader
    interval = f"95% interval {report.interval(line)}; " if line.low is not None else ""
    return Markup("{} {}{}; {} its {} is {} ({}{} is better){}.").format(
        _which(report),
        _named(line),
        _kind(line, report),
        _where(report),
        report.metric,
        _strong(report.number(line.score)),
        interval,
        "higher" if report.greater else "lower",
        _certainty(line, report),
    )


def _which(report: Report) -> str:
    count = len(report.lines)
    the = "So far, the" if report.running else "The"
    if count == 1:
        return f"{the} only model with a score is"
    if report.leader.default:
        return f"{the} best of {count} models by cross-validation is"
    return f"{the} first of {count} models on the board is"


def _kind(line: Line, report: Report) -> str:
    if line.role == "baseline":
        return ", the baseline"
    members = report.value["alliances"].get(line.name, {}).get("weights", {})
    return f", an alliance of {counted(len(members), 'model')}" if members else ""


def _where(report: Report) -> str:
    if not report.judged:
        return "on training rows that each model had not seen when it predicted them,"
    if report.rows_test:
        return f"on {counted(report.rows_test, 'row')} that nothing was chosen by,"
    return f"on {counted(report.value['task']['rows_train'], 'row')}, each predicted by a model that had not seen it,"


def _certainty(line: Line, report: Report) -> Markup:
    """How sure the first place is; all pairs were tested together, so a range says who is certainly ahead."""
    rivals = [_named(other) for other in report.contenders if other is not line]
    if line.best is None or len(report.lines) == 1:
        return Markup("")
    if line.best > 1:
        ahead = line.best - 1
        return Markup("; there {} certainly better").format("one other is" if ahead == 1 else f"{ahead} others are")
    if rivals:
        return Markup("; it cannot be told apart from {}").format(_listed(rivals))
    return Markup(", certainly ahead of every other" if line.worst == 1 else ", and no other can claim the first place")


def _gain(report: Report) -> Markup:
    """What the best alliance adds over the best single entrant, both chosen without the rows that judge."""
    alliance, single = _chosen(report, "alliance"), _chosen(report, "entrant")
    if not alliance or not single:
        made = "No alliance has been made yet" if report.running else "No alliance was made"
        return Markup(made + ", so there is no joint model to compare.")
    return Markup("The best alliance, {}, has {} where the best single entrant, {}, has {}; {}.").format(
        _named(alliance),
        _strong(report.number(alliance.score)),
        _named(single),
        _strong(report.number(single.score)),
        _difference(alliance, single, report),
    )


def _difference(alliance: Line, single: Line, report: Report) -> str:
    """What the difference between an alliance and an entrant shows."""
    if alliance.score == single.score:
        return "there is no difference"
    if alliance.best is None or single.best is None:
        return "how sure that is, the judgement at the end will say"
    gain = _ahead(alliance, single, report)
    sure = certain(alliance, single, len(report.lines))
    if sure is None:
        what = "the gain" if gain else "that"
        return f"their possible ranks, {alliance.range} and {single.range}, overlap, so {what} is not certain"
    if sure:
        return f"{'the gain is' if gain else 'here joining does harm, by'} more than chance explains"
    return f"the difference is within the noise, so it is not shown that joining {'helps' if gain else 'harms'}"


def certain(first: Line, second: Line, count: int) -> bool | None:
    """Whether one of two entrants is certainly better than the other, as far as their ranges of ranks tell.

    Ranges that do not overlap: yes. Nobody is certainly better than the worse one, or worse than the better one: no.
    """
    if first.best is None or first.worst is None or second.best is None or second.worst is None:
        return None
    if first.worst < second.best or second.worst < first.best:
        return True
    ahead, behind = (first, second) if (first.rank or 0) <= (second.rank or 0) else (second, first)
    return False if behind.best == 1 or ahead.worst == count else None


def _worth(report: Report) -> Markup:
    """How the leader stands to the baseline."""
    line = report.leader
    baseline = next((other for other in report.lines if other.role == "baseline"), None)
    if baseline is None:
        return Markup("There is no baseline on the board to compare with.")
    if baseline is line:
        return Markup("A baseline is what a model must beat to be of use, and by cross-validation none does.")
    return Markup("The baseline, {}, which a model must beat to be of use, has {}; {} {}.").format(
        _named(baseline), _strong(report.number(baseline.score)), _named(line), _beats(line, baseline, report)
    )


def _beats(line: Line, baseline: Line, report: Report) -> str:
    if not _ahead(line, baseline, report):
        return "does not beat it"
    by = _share(line, baseline, report)
    sure = certain(line, baseline, len(report.lines))
    if sure is None:
        return f"is better{by}"
    return f"is certainly better{by}" if sure else f"is better{by}, but within the noise"


def _ahead(line: Line, other: Line, report: Report) -> bool:
    difference = (line.score or 0.0) - (other.score or 0.0)
    return difference > 0 if report.greater else difference < 0


def _share(line: Line, baseline: Line, report: Report) -> str:
    """By how much of a loss a model beats the baseline; nothing where shares make no sense."""
    if report.greater or not baseline.score or line.score is None or baseline.score < 0 or line.score < 0:
        return ""
    return f", by {min(99, int(100 * (1 - line.score / baseline.score)))}%"


def _chosen(report: Report, role: str) -> Line | None:
    """The best by selection score."""
    lines = [line for line in report.lines if line.role == role and line.selection is not None]
    sign = 1 if report.greater else -1
    return max(lines, key=lambda line: sign * (line.selection or 0.0), default=None)


def _named(line: Line) -> Markup:
    return Markup("<b><bdi>{}</bdi></b>").format(line.name)


def _strong(text: str) -> Markup:
    return Markup('<b class="n">{}</b>').format(text)


def _listed(names: Sequence[Markup], most: int = 3) -> Markup:
    """`a, b and c`, or `a, b and 4 others`."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], Markup(f"{len(names) - most + 1} others")]
    comma = Markup(", ")
    return comma.join(shown) if len(shown) < 2 else Markup("{} and {}").format(comma.join(shown[:-1]), shown[-1])


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
    """An alliance as a list of members: name, weight in percent, and the length of its bar, the greatest first."""

    line: Line | None
    name: str
    strategy: str
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
