"""Scores with their intervals, and who may be first."""

from __future__ import annotations

from markupsafe import Markup

from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Line, Report
from concours.report.picture import Row, interval_plot, rank_plot


def scores_section(r: Report) -> Section | None:
    """The score of each model with its interval; none before anybody has one."""
    if not r.lines:
        return None
    plot = interval_plot([_scored(line, r) for line in r.lines], greater_is_better=r.greater)
    cut = (
        " The axis is cut: an arrow points to a score beyond its end, which is the number beside it."
        if plot.cut
        else ""
    )
    return Section(
        id="scores",
        title="Scores and how sure they are",
        text=tuple(text for text in (r.weighing, r.observing) if text),
        figures=(
            Figure(
                title=f"{r.metric} of each model with its interval",
                read=(
                    f"How to read it: a row is a model, its mark the {r.metric} {r.on_rows}, its bar an interval of 95%; further "
                    f"{r.side} is better.{cut} Since all models are compared on the same rows, two bars can overlap although "
                    "one model is certainly better."
                ),
                drawing=Rows(plot=plot, axis=r.metric, better=r.side),
                roles=True,
                table=Table(
                    caption=f"{r.metric} of each model, and the ends of its interval of 95%",
                    head=("Model", r.metric, "from", "to"),
                    rows=tuple(
                        (line.name, r.number(line.score), r.number(line.low), r.number(line.high)) for line in r.lines
                    ),
                ),
            ),
        ),
    )


def ranks_section(r: Report) -> Section | None:
    """The ranks that the data cannot rule out; none before the evaluation, or of one alone."""
    lines = r.placed
    if len(lines) < 2:
        return None
    return Section(
        id="ranks",
        title="Who may be first",
        text=(_contenders(r), *_tiers(r)),
        figures=(
            Figure(
                title="Possible ranks of each model",
                read=(
                    "How to read it: each bar spans the ranks that a model may have, as far as these data can tell, and its mark "
                    "is the rank it has on the board. Bars that begin at 1 are of models that may be the best."
                ),
                drawing=Rows(plot=rank_plot([_ranked(line) for line in lines]), axis="rank", kind="ranks", better="left"),
                table=Table(
                    caption="Rank of each model, and the ranks that the data cannot rule out",
                    head=("Model", "rank", "best", "worst", "tier"),
                    rows=tuple(
                        (line.name, str(line.rank), str(line.best), str(line.worst), str(line.tier or "")) for line in lines
                    ),
                ),
            ),
        ),
    )  # fmt: skip


def _scored(line: Line, r: Report) -> Row:
    value = line.score or 0.0
    return Row(
        name=line.name,
        role=line.role,
        starred=line.default,
        value=value,
        low=value if line.low is None else line.low,
        high=value if line.high is None else line.high,
        text=r.number(value),
    )


def _ranked(line: Line) -> Row:
    best, worst = line.best or 0, line.worst or 0
    return Row(
        name=line.name,
        role=line.role,
        starred=line.default,
        value=line.rank or best,
        low=best,
        high=worst,
        text=line.range,
        strong=best == 1,
    )


def _contenders(r: Report) -> Markup:
    first = r.contenders
    others = len(r.lines) - len(first)
    if len(first) == 1:
        told = Markup("Only {}: for each of the others there is a model that is certainly better.").format(
            _named(first[0])
        )
    else:
        names = [_named(line) for line in first]
        listed = Markup("{} and {}").format(Markup(", ").join(names[:-1]), names[-1])
        rest = "the other one" if others == 1 else f"each of the other {others}"
        told = Markup(
            "These {} cannot be told apart for the first place, since no model is certainly better than any of them: {}.{} "
            "More {}{} would narrow this down."
        ).format(
            len(first),
            listed,
            f" For {rest} there is a model that is certainly better." if others else "",
            "test " if r.rows_test else "",
            "rows" if r.observations is None else f"observations than these {r.observations:,}",
        )
    if r.leader.default and r.leader.best != 1:
        among = "them" if len(first) > 1 else "these"
        told += Markup(" The default, {}, is not among {}: it was chosen without these rows.").format(
            Markup("<b><bdi>{}</bdi></b>").format(r.leader.name), among
        )
    return told


def _tiers(r: Report) -> tuple[str, ...]:
    """What tiers there are, and what standing first is worth."""
    tiers = {line.tier for line in r.placed if line.tier}
    first = r.placed[0]
    selected = (
        f"{first.name} stands first of {len(r.placed)} on these rows. The best score of several is partly luck, so on new rows "
        "expect a little less of it than its score here."
        if not first.default
        else ""
    )
    told = (
        f"There {'is one tier' if len(tiers) == 1 else f'are {len(tiers)} tiers'}: no member of a tier can be told apart from the "
        "one that heads it."
        if tiers
        else ""
    )
    return tuple(text for text in (told, selected) if text)


def _named(line: Line) -> Markup:
    star = (
        Markup('<span class="star" aria-hidden="true">★</span><span class="unseen"> (default)</span>')
        if line.default
        else Markup("")
    )
    return Markup("<b><bdi>{}</bdi></b>{}").format(line.name, star)
