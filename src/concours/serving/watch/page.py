"""The page of a watch: one HTML document without scripts that requests nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from jinja2 import ChoiceLoader, PackageLoader

from concours.report.axis import NOTHING, short
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import counted
from concours.report.page import environment
from concours.report.picture import Row, interval_plot
from concours.serving.watch.standing import Measured, Moved, Standing

_DRAWN = 20
"""So many columns a picture has at most; the table below has all."""
_SHOWN = 6
"""Of so many columns that drifted the most, the bins are shown."""


def render(standing: Standing) -> str:
    """The page."""
    found = environment()
    loader = ChoiceLoader([PackageLoader("concours.serving.watch"), *([found.loader] if found.loader else [])])
    parts = [_performance(standing), *_drifts(standing)]
    page = found.overlay(loader=loader).get_template("watch.html.j2")
    return page.render(s=standing, lead=_lead(standing), warnings=_warnings(standing), sections=parts)


def _lead(standing: Standing) -> list[str]:
    moved, worse = _drifted(standing), [each.name for each in standing.measured if each.worse]
    if not standing.rows:
        return ["Nothing has been asked yet."]
    drift = "No drift is certain."
    if moved:
        drift = f"{len(moved)} of {len(standing.moved)} columns drifted, {_names(moved)} the furthest."
    by = "No feedback has come, so nobody knows how right the answers are."
    if standing.told:
        said = f"{_listed(worse)} {'is' if len(worse) == 1 else 'are'}" if worse else "nothing is certainly"
        by = f"By {counted(standing.told, 'row')} of feedback {said} worse than on the board."
    return [
        f"{drift} {by}",
        f"{counted(standing.rows, 'row')} were predicted, and are compared with {standing.trained:,} of training.",
    ]


def _warnings(standing: Standing) -> list[str]:
    said = []
    if standing.trouble:
        said.append(f"What comes in cannot all be written down: {standing.trouble}")
    if standing.lost:
        said.append(f"{counted(standing.lost, 'row')} were answered and are not in what follows")
    if standing.dropped:
        said.append(
            f"The oldest {counted(standing.dropped, 'row')} of the log made room: they are counted, but feedback on "
            "them is no longer taken"
        )
    return said


def _drifted(standing: Standing) -> list[Moved]:
    return sorted((each for each in standing.moved if each.drift), key=_certain, reverse=True)


def _certain(moved: Moved) -> float:
    return max(moved.whole.low, moved.recent.low if moved.recent else 0.0)


def _names(moved: Sequence[Moved]) -> str:
    return _listed([each.name for each in moved[:3]])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _performance(standing: Standing) -> Section:
    text = (
        "Scores of the rows whose truth came back, beside those on the board.",
        "Intervals are of 95% for everything on this page together, and hold however often you look.",
    )
    rows = tuple(
        (
            each.name,
            short(each.expected),
            f"{each.rows:,}",
            _number(each.value),
            _span(each.low, each.high),
            _late(each),
            "worse" if each.worse else NOTHING,
        )
        for each in standing.measured
    )
    head = ("metric", "on the board", "rows", "by feedback", "interval", "lately", "certain")
    table = Table(caption="Metrics by feedback", head=head, rows=rows, words=(6,))
    return Section(id="performance", title="Performance", text=text, tables=(table,) if rows else ())


def _late(measured: Measured) -> str:
    return f"{_number(measured.recent[1])}, {_span(*measured.recent[2:])}" if measured.recent else NOTHING


def _drifts(standing: Standing) -> list[Section]:
    """A section of what comes in and of what goes out."""
    found = []
    for side, title, what in (
        ("input", "What comes in", "columns, or traits, of the rows that were asked about"),
        ("output", "What goes out", "the predictions, against those for the training rows that models had not seen"),
    ):
        moved = sorted(
            (each for each in standing.moved if each.side == side),
            key=lambda each: (_certain(each), each.whole.index if isfinite(each.whole.index) else 0.0),
            reverse=True,
        )
        if not moved:
            continue
        text = (
            f"How far {what}, are from training, by the population stability index.",
            "0 is no drift. By the lower end of its interval it is called moderate above 0.1, and large above 0.25.",
        )
        figures = (_figure(moved[:_DRAWN]),) if standing.rows else ()
        bins = tuple(_bins(each, standing) for each in moved[:_SHOWN] if each.drift)
        found.append(Section(id=side, title=title, text=text, figures=figures, tables=(_table(title, moved), *bins)))
    return found


def _figure(moved: Sequence[Moved]) -> Figure:
    rows = [
        Row(
            name=each.name,
            role="single" if each.drift else "baseline",
            starred=False,
            value=each.whole.index,
            low=each.whole.low,
            high=each.whole.high,
            text=_number(each.whole.index),
            strong=bool(each.drift),
        )
        for each in moved
    ]
    drawing = Rows(plot=interval_plot(rows, greater_is_better=False), axis="population stability index")
    read = "A dot is the index of what was counted, the bar its interval. Blue ones drifted for certain."
    return Figure(title="How far, and how sure that is", read=read, drawing=drawing)


def _table(title: str, moved: Sequence[Moved]) -> Table:
    rows = tuple(
        (
            each.name,
            _number(each.whole.index),
            _span(each.whole.low, each.whole.high),
            f"{_number(each.recent.index)}, {_span(each.recent.low, each.recent.high)}" if each.recent else NOTHING,
            each.drift or NOTHING,
        )
        for each in moved
    )
    head = ("column", "index", "interval", "lately", "certain drift")
    return Table(caption=f"{title}, all of it, the furthest first", head=head, rows=rows, words=(4,))


def _bins(moved: Moved, standing: Standing) -> Table:
    rows = tuple(
        (name, _share(trained, standing.trained), _share(seen, standing.rows)) for name, trained, seen in moved.bins
    )
    return Table(caption=f"{moved.side} {moved.name}: shares of rows", head=("bin", "training", "since"), rows=rows)


def _share(count: int, rows: int) -> str:
    return f"{100 * count / rows:.1f}%" if rows else NOTHING


def _number(value: float) -> str:
    return short(value) if isfinite(value) else NOTHING


def _span(low: float, high: float) -> str:
    ends = [short(end) if isfinite(end) else "∞" for end in (low, high)]
    return f"{ends[0]} to {ends[1]}"
