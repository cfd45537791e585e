"""The summary: what a reader in a hurry should know, in three sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from concours.core.written import counted
from concours.report.lines import Line, Report

_FATES = {
    "failed": "failed",
    "skipped": "could not take part",
    "out_of_time": "ran out of time",
    "dropped": "dropped",
    "cv_only": "gave no test predictions",
}


def summary(report: Report) -> list[Markup]:
    """What a reader in a hurry should know, in three sentences, and what there was no time to look into; one sentence
    where nothing was scored.
    """
    if not report.lines:
        return [_nothing(report)]
    return [_best(report), _gain(report), _worth(report), *_late(report)]


def _late(report: Report) -> list[Markup]:
    late = report.insight("late") or []
    told = _listed([Markup("{}").format(words) for words in late], most=len(late))
    said = Markup("The time was up before all was looked into: {} {} missing here. This makes them: {}.")
    again = report.insight("again") or "concours report DIR"
    return (
        [said.format(told, "are" if len(late) > 1 else "is", Markup("<code>{}</code>").format(again))] if late else []
    )


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
    if line.corrected is not None:
        interval = f"expect {report.number(line.corrected)} on new ones, as these chose it; {interval}"
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
    count = len(report.by_cv_score if report.leader.default else report.lines)
    the = "So far, the" if report.running else "The"
    if len(report.lines) == 1:
        return f"{the} only model with a score is"
    if report.leader.default:
        of = report.among and f"{report.among} is"
        return f"{the} best by cross-validation{of}" if of else f"{the} best of {count} models by cross-validation is"
    return f"{the} first of {count} models on the board is"


def _kind(line: Line, report: Report) -> str:
    if line.role == "baseline":
        return ", the baseline"
    members = report.value["alliances"].get(line.name, {}).get("weights", {})
    return f", an alliance of {counted(len(members), 'model')}" if members else ""


def _where(report: Report) -> str:
    if not report.evaluated:
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
    alliance, single = _chosen(report, "alliance"), _chosen(report, "single")
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
        return "how sure that is, the evaluation at the end will say"
    gain = _ahead(alliance, single, report)
    sure = certain(alliance, single, len(report.lines))
    if sure is None:
        return f"their possible ranks, {alliance.range} and {single.range}, overlap, so neither is shown to be better"
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
    """The best by cross-validation score."""
    lines = [line for line in report.lines if line.role == role and line.cv_score is not None]
    sign = 1 if report.greater else -1
    return max(lines, key=lambda line: sign * (line.cv_score or 0.0), default=None)


def _named(line: Line) -> Markup:
    return Markup("<b><bdi>{}</bdi></b>").format(line.name)


def _strong(text: str) -> Markup:
    return Markup('<b class="n">{}</b>').format(text)


def _listed(names: Sequence[Markup], most: int = 3) -> Markup:
    """`a, b and c`, or `a, b and 4 others`."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], Markup(f"{len(names) - most + 1} others")]
    comma = Markup(", ")
    return comma.join(shown) if len(shown) < 2 else Markup("{} and {}").format(comma.join(shown[:-1]), shown[-1])
