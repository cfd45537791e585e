"""The content of `result.json` as the page speaks of it: its lines, and how their numbers are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any, Literal

from concours.core.boards import TEST_ONLY, among, asking_notes, remarks, tier_note
from concours.core.calls import Calls
from concours.core.had import Had, had_by
from concours.core.marks import TOO_FEW, mark, unsure_notes
from concours.core.standings import WELL
from concours.core.typed import typed
from concours.core.written import as_observations, counted
from concours.report.axis import NOTHING, decimals, fixed

_Z = 1.96
"""Standard errors to either side of a score that make an interval of 95%."""

_METRICS = {
    "rmse": "RMSE",
    "rmse_capped": "RMSE up to the cap",
    "phm08": "PHM08 score",
    "r2": "R²",
    "roc_auc": "ROC AUC",
    "f1_macro": "macro F1",
    "mae": "MAE",
    "ndcg@10": "nDCG@10",
    "map@10": "MAP@10",
    "mrr": "MRR",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entrant on the board. Numbers that are missing or not finite are None.

    Attributes:
        score, low, high: on the test part; before the evaluation, the cross-validation score and its normal interval.
        corrected: the score less what having been chosen by the same rows flatters it.
        money: of predicting a thousand rows.
        calls: what it took to ask it in words (`core.calls.Calls`); empty where nobody did.
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
    cv_score: float | None
    stderr: float | None
    metrics: Mapping[str, float | None]
    fit: float | None
    predict: float | None
    status: str
    reason: str
    note: str
    tier: int | None = None
    corrected: float | None = None
    unsure: Mapping[str, str] = field(default_factory=dict)
    money: float | None = None
    calls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def range(self) -> str:
        """The ranks that cannot be ruled out."""
        if self.best is None or self.worst is None:
            return NOTHING
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True)
class Report:
    """The content of `result.json`, and of `insights.json` where there is one, as the page speaks of them."""

    value: Mapping[str, Any]
    insights: Mapping[str, Any] = field(default_factory=dict)

    def insight(self, kind: str) -> Any:
        """What was found of this kind; none if nothing was."""
        return self.insights.get(kind)

    def missing(self, kind: str) -> str:
        """Why something was looked for and not found; empty where it was not looked for."""
        return str(self.insights.get("missing", {}).get(kind, ""))

    @cached_property
    def evaluated(self) -> bool:
        """Whether the board has scores of the test part."""
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
    def unranked_alike(self) -> list[list[Line]]:
        """The same, those together that have the same reason."""
        alike: dict[tuple[str, str], list[Line]] = {}
        for line in self.unranked:
            alike.setdefault((line.status, line.reason), []).append(line)
        return list(alike.values())

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
    def placed(self) -> list[Line]:
        """Those with a range of ranks, best first."""
        return [line for line in self.lines if line.best is not None and line.worst is not None]

    @property
    def called(self) -> list[Line]:
        """Those that were asked in words."""
        return [line for line in self.lines if line.calls]

    @property
    def asking_notes(self) -> list[str]:
        """Whose answers came to nothing, and why."""
        return asking_notes((line.name, typed(Calls, line.calls)) for line in self.called)

    @property
    def tier_note(self) -> str:
        """Why lines that show one score stand in different tiers or have different ranks; empty where none do."""
        return tier_note([(line.name, self.number(line.score), line.tier, line.range) for line in self.placed])

    @property
    def remarks(self) -> list[str]:
        """What is to be known of the scores, beside what the columns say."""
        corrected = self.leader.corrected if self.lines and self.leader.default else None
        bag = self.value.get("final") == "bag" and any(had.fitted for had in self._singles)
        return remarks("" if corrected is None else self.number(corrected), bag=bag)

    @property
    def unsure_notes(self) -> list[str]:
        """What cannot be said of scores, and why."""
        told = [
            (line.name, {words(name): why for name, why in line.unsure.items()})
            for line in self._all
            if line.status in WELL
        ]
        return unsure_notes(told)

    def chosen_by(self, line: Line) -> str:
        """The cross-validation score, or that only the test part is counted."""
        return TEST_ONLY if line.status == "test_only" else self.number(line.cv_score, "cv_score")

    def other(self, line: Line, metric: str) -> str:
        """A score by a metric that does not rank, marked where too few rows tell how sure it is."""
        return f"{self.number(line.metrics.get(metric), metric)}{mark(line.unsure, metric)}"

    @property
    def by_cv_score(self) -> list[Line]:
        """The ranked ones by cross-validation score, the best first; those without one are left out."""
        scored = [line for line in self.lines if line.cv_score is not None]
        return sorted(scored, key=lambda line: (line.cv_score or 0.0) * (-1 if self.greater else 1))

    @cached_property
    def _singles(self) -> list[Had]:
        """How predictions are had, of the single entrants that have a cross-validation score."""
        scored = {line.name for line in self._all if line.role == "single" and line.cv_score is not None}
        entrants = [entrant for entrant in self.value["lineup"] if entrant["name"] in scored]
        return [had_by(entrant["recipe"], frozen=entrant.get("frozen", False)) for entrant in entrants]

    @property
    def among(self) -> str:
        """Among whom the default is the best by cross-validation, in words; empty where it is among all."""
        return among(self._singles)

    @property
    def asked(self) -> bool:
        """Whether the default, where there is one, can be asked for new rows."""
        return self.value["default"] is not None and (not self._singles or any(h.answers for h in self._singles))

    @property
    def side(self) -> Literal["left", "right"]:
        """Where the better scores lie on an axis."""
        return "right" if self.greater else "left"

    @property
    def direction(self) -> str:
        """Which scores are better, in words."""
        return "higher is better" if self.greater else "lower is better"

    @property
    def classes(self) -> list[str]:
        """The class labels as texts; empty for numbers."""
        return [str(label) for label in self.value["task"]["classes"]]

    @property
    def on_rows(self) -> str:
        """Which rows judge, in words."""
        if not self.evaluated:
            return "by cross-validation"
        rows = self.rows_judging
        return f"on {counted(rows, 'test row')}" if self.rows_test else f"on {counted(rows, 'row')}, out of fold"

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

    @property
    def weighing(self) -> str:
        """How much rows of unequal weights tell, in words; empty where all weigh alike."""
        told = self.value["task"].get("rows_effective", {})
        effective = told.get("test" if self.rows_test else "train")
        if not told:
            return ""
        much = f": those that judge tell as much as {effective:,.0f} of equal weight" if effective else ""
        return f"Rows count by their weights in fits, scores, intervals and credit{much}."

    @property
    def observations(self) -> int | None:
        """As how many observations the rows that judge count; none where each is one."""
        return self._observations.get("count")

    @property
    def observing(self) -> str:
        """The same as a sentence; empty where each is one."""
        told = as_observations(self.rows_judging, self.observations, self._observations.get("of", ""))
        return f"{told[0].upper()}{told[1:]}." if told else ""

    @property
    def _observations(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.value["task"].get("observations", {})
        found: Mapping[str, Any] = told.get("test" if self.rows_test else "train", {})
        return found

    @property
    def rows_judging(self) -> int:
        """Rows of the test part: the test part, or without one the training part."""
        return self.rows_test or int(self.value["task"]["rows_train"])

    @cached_property
    def _all(self) -> list[Line]:
        default, metric = self.value["default"], self.value["task"]["metrics"][0]
        return [_line(item, default, self.evaluated, metric) for item in self.value["standings"]]

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
            "cv_score": decimals(errors, digits=2) if errors else own,
        }

    def number(self, value: float | None, column: str = "") -> str:
        """A number as its column shows it; by default a score."""
        return fixed(value, self.places[column])

    def interval(self, line: Line) -> str:
        """The interval of a line's score, if it has one, or that too few rows tell of it."""
        if line.low is None or line.high is None:
            return TOO_FEW if mark(line.unsure, self.value["task"]["metrics"][0]) else ""
        return f"{self.number(line.low)} to {self.number(line.high)}"


def words(metric: str) -> str:
    """The name of a metric as people write it."""
    return _METRICS.get(metric, metric.replace("_", " "))


def used(alliance: Mapping[str, Any]) -> str:
    """What an alliance of `result.json` uses of its limits, or whom it asks how often; empty where it has neither."""
    uses, asked = alliance.get("uses", {}), alliance.get("asked", {})
    limits = [f"{name} {uses[name]:g} of {limit:g}" for name, limit in alliance.get("limits", {}).items()]
    if limits:
        return f"uses {', '.join(limits)}"
    told = [f"{name} about {share:.1%}" for name, share in asked.items()]
    return f"asks {', '.join(told)} of the rows" if told else ""


def _line(item: Mapping[str, Any], default: str | None, evaluated: bool, metric: str) -> Line:
    ok, test_only = item["status"] in ("ok", "test_only"), item["status"] == "test_only"
    own = item["cv_score"] or {}
    middle, stderr = _finite(own.get("score")), _finite(own.get("stderr"))
    score, (low, high) = _finite(item["score"]), map(_finite, item["ci"] or (None, None))
    if not evaluated:
        score = middle
        low, high = (None, None) if middle is None or stderr is None else (middle - _Z * stderr, middle + _Z * stderr)
    return Line(
        name=item["name"],
        role=item["role"],
        default=item["name"] == default,
        rank=item["rank"],
        best=item["rank_best"],
        worst=item["rank_worst"],
        score=score if ok else None,
        low=low,
        high=high,
        cv_score=middle,
        stderr=stderr,
        metrics={name: _finite(number) for name, number in item["metrics"].items()},
        fit=_finite(item["fit_seconds"]),
        predict=_finite(item["predict_seconds"]),
        status=item["status"],
        note="; ".join(filter(None, [f"{TEST_ONLY}, as {item['reason']}" if test_only else "", item.get("note", "")])),
        tier=item.get("tier"),
        corrected=_finite(item.get("corrected")),
        unsure=item.get("unsure", {}),
        money=None if (row := _finite(item.get("row_money"))) is None else 1000 * row,
        calls=item.get("calls", {}),
        reason=_reason(item, metric, evaluated=evaluated),
    )


def _reason(item: Mapping[str, Any], metric: str, *, evaluated: bool) -> str:
    """Why a line has no score; one that the test part alone judges has none before that."""
    judged = item["status"] == "ok" or (item["status"] == "test_only" and evaluated)
    if not judged:
        return str(item["reason"])
    return str(item.get("unsure", {}).get(metric, "its score is not a finite number"))


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None
