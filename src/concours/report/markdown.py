"""The report as Markdown: the same sentences and numbers, without pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from concours.report.citing import bibtex, usage
from concours.report.figures import Cards, Excerpt, Figure, Grid, Question, Questions, Replay, Section, Table
from concours.report.lines import Line, Report, words
from concours.report.sections.all import sections
from concours.report.summary import summary
from concours.report.units import seconds

_MOST = 30
"""Rows of a table that are written."""


def render_markdown(value: Mapping[str, Any], insights: Mapping[str, Any] | None = None, *, place: str = "DIR") -> str:
    """The report for the content of a `result.json`, and of an `insights.json` where there is one, as Markdown."""
    report = Report(value, insights or {})
    return "\n".join((*_page(report), *_ending(value, place))).rstrip() + "\n"


def _ending(value: Mapping[str, Any], place: str) -> Iterator[str]:
    """The lines to predict with, and to cite."""
    yield "\n## Use it, and cite it\n"
    for lines in (*usage(value, place), bibtex(value)):
        yield f"```text\n{lines}\n```\n"


def _page(r: Report) -> Iterator[str]:
    yield f"# {_plain(r.title)}\n"
    for sentence in summary(r):
        yield f"{_text(sentence)}\n"
    yield "## Board\n"
    if r.lines:
        yield from _table(_board(r))
        yield f"★ is the default, the best by cross-validation{r.among}. {r.metric}: {r.direction}, {r.on_rows}.\n"
        yield from (f"{_plain(remark)}.\n" for remark in r.remarks)
        yield from (f"{_plain(note)}.\n" for note in r.unsure_notes)
        yield from (f"**{_plain(line.name)}**: {_plain(line.note)}.\n" for line in r.lines if line.note)
    for line in r.unranked:
        yield f"- **{_plain(line.name)}**: {line.status.replace('_', ' ')}: {_plain(line.reason)}"
    if r.unranked:
        yield ""
    for section in sections(r):
        yield from _section(section)
    yield "## Receipt\n"
    yield f"- Result: `{r.value['digest']}`\n- Task: `{r.value['task']['digest']}`\n- Seed: {r.value['seed']}"
    yield f"- Versions: {', '.join(f'{name} {version}' for name, version in r.value['versions'].items())}"


def _board(r: Report) -> Table:
    return Table(
        caption="",
        head=("Model", "rank", "possible", r.metric, "interval", *map(words, r.others), "cross-validation", "fit"),
        rows=tuple(_line(line, r) for line in r.lines),
    )


def _line(line: Line, r: Report) -> tuple[str, ...]:
    return (
        f"{line.name}{' ★' if line.default else ''}",
        str(line.rank or ""),
        line.range,
        r.number(line.score),
        r.interval(line),
        *(r.other(line, other) for other in r.others),
        r.chosen_by(line),
        seconds(line.fit),
    )


def _section(section: Section) -> Iterator[str]:
    yield f"## {_plain(section.title)}\n"
    for sentence in section.text:
        yield f"{_text(sentence)}\n"
    for figure in section.figures:
        yield from _figure(figure)
    for table in section.tables:
        yield from _table(table)


def _figure(figure: Figure) -> Iterator[str]:
    yield f"### {_plain(figure.title)}\n"
    if figure.table:
        yield from _table(figure.table)
    elif isinstance(figure.drawing, Grid):
        grid = figure.drawing
        rows = tuple((name, *cells) for name, cells in zip(grid.names, grid.cells, strict=True))
        yield from _table(Table(caption="", head=(grid.corner, *grid.head), rows=rows))
    elif isinstance(figure.drawing, Cards):
        for card in figure.drawing.cards:
            said = ", ".join(f"{key} {value}" for key, value in (*card.said, *card.fields))
            quote = " ".join(word for word, _ in card.words)
            yield f"- {_plain(card.title)}: {_plain(said)}{f': “{_plain(quote)}”' if quote else ''}"
        yield ""
    elif isinstance(figure.drawing, Replay):
        yield from (f"{number}. {_plain(step.text)}" for number, step in enumerate(figure.drawing.steps, 1))
        yield ""
    elif isinstance(figure.drawing, Questions):
        for question in figure.drawing.questions:
            yield from _question(question)
        yield "What was said in full is in the report as a page.\n"


def _question(question: Question) -> Iterator[str]:
    yield f"**{_plain(question.title)}**\n"
    yield from (f"> {_plain(name)}: {_plain(_excerpt(value))}\n" for name, value in question.fields)
    if question.right:
        yield f"Right answer: {_plain(_excerpt(question.right))}\n"
    for reply in question.replies:
        mark = f" ({_plain(reply.mark)})" if reply.mark else ""
        yield f"- {_plain(reply.name)}: {_plain(_excerpt(reply.answer))}{mark}"
    yield ""


def _excerpt(text: Excerpt) -> str:
    """A text of somebody else; whatever is missing of it is said."""
    return f"{text.text} [{text.left_out:,} characters are left out here] {text.end}" if text.left_out else text.text


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield f"{_plain(table.caption)}:\n"
    yield f"| {' | '.join(map(_plain, table.head))} |"
    yield f"|{'|'.join(':--' if i == 0 or i in table.words else '--:' for i in range(len(table.head)))}|"
    for row in table.rows[:_MOST]:
        yield f"| {' | '.join(map(_plain, row))} |"
    if len(table.rows) > _MOST:
        yield f"\n{len(table.rows) - _MOST} more rows are left out."
    yield ""


def _text(sentence: str) -> str:
    """A sentence, its bold words kept."""
    if not hasattr(sentence, "__html__"):
        return _plain(sentence)
    parts = re.split(r"</?b(?: [^>]*)?>", str(sentence))
    return "**".join(_plain(unescape(re.sub(r"<[^>]+>", "", part)), around=True) for part in parts)


def _plain(text: str, *, around: bool = False) -> str:
    """A text in one line, with nothing that Markdown would take for its own; perhaps with the spaces around it."""
    line = re.sub(r"\s+", " ", str(text)) if around else " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", line)
