"""The data card: what the columns, texts or pictures are like, and the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from concours.core.written import counted
from concours.report.axis import short
from concours.report.figures import Card, Cards, Figure, Planes, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.sections.predictions import histogram
from concours.report.units import share

_MOST_CLASSES = 30
_RARE = 0.02
"""Below this share a value is told in tenths of a percent."""


def card_section(r: Report) -> Section | None:
    """What the data is like, of the training part; none where that was not looked at."""
    found = r.insight("card")
    if not found:
        return None
    figures = [_target(r, found["target"])]
    tables: list[Table] = []
    if found.get("columns"):
        tables.append(_columns(found["columns"]))
    if found.get("texts"):
        figures.append(_texts(found["texts"]))
    if found.get("pictures"):
        figures += _pictures(r, found["pictures"])
    return Section(
        id="card",
        title="Data card",
        text=(*r.value.get("reading", ()), *_sentences(found)),
        figures=tuple(figure for figure in figures if figure),
        tables=tuple(tables),
    )


def _sentences(found: Mapping[str, Any]) -> list[str]:
    columns = found.get("columns") or []
    if not columns:
        return ["What follows is about the training part."]
    kinds = {
        kind: sum(column["kind"] == kind for column in columns)
        for kind in ("number", "category", "date", "text", "boolean")
    }
    what = ", ".join(
        f"{count} of {kind}s" if kind != "category" else f"{count} of categories"
        for kind, count in kinds.items()
        if count
    )
    gaps = [column for column in columns if column["missing"]]
    most = max(gaps, key=lambda column: column["missing"], default=None)
    first = len(columns) < found.get("columns_all", 0)
    whole = f", the first of {found['columns_all']:,}" if first else ""
    told = f"{counted(len(columns), 'column')} in the training part{whole}: {what}."
    if most is None:
        return [f"{told} No value is missing."]
    return [f"{told} {counted(len(gaps), 'column')} {'has' if len(gaps) == 1 else 'have'} gaps, most of them {most['name']} ({share(most['missing'])})."]  # fmt: skip


def _target(r: Report, found: Mapping[str, Any]) -> Figure | None:
    if "counts" not in found:
        return None
    if "edges" not in found:
        return _class_counts(r, found)
    return Figure(
        title="Target",
        narrow=True,
        read="How to read it: how many training rows have a target from here to there.",
        drawing=Planes((histogram(found.get("of", "target"), "rows", found["edges"], found["counts"]),)),
        table=Table(
            caption="Training rows by target",
            head=("From", "to", "rows"),
            rows=tuple(
                (short(low, 4), short(high, 4), f"{count:,}")
                for (low, high), count in zip(pairwise(found["edges"]), found["counts"], strict=True)
            ),
        ),
    )


def _class_counts(r: Report, found: Mapping[str, Any]) -> Figure | None:
    counts, test = found["counts"], found.get("test")
    total, order = sum(counts), sorted(range(len(counts)), key=lambda code: -counts[code])[:_MOST_CLASSES]
    if len(counts) < 2 or not total:
        return None
    rows = [
        Row(
            name=r.classes[code],
            role="single",
            starred=False,
            value=counts[code] / total,
            low=0.0,
            high=counts[code] / total,
            text=f"{counts[code]:,} · {share(counts[code] / total)}",
        )
        for code in order
    ]
    return Figure(
        title="Classes",
        read="How to read it: how many training rows are of each class.",
        drawing=Rows(plot=interval_plot(rows, greater_is_better=True, whole=True), axis="share of the rows"),
        table=Table(
            caption="Rows a class",
            head=("Class", "training rows", "share", *(("test rows",) if test else ())),
            rows=tuple(
                (
                    r.classes[code],
                    f"{counts[code]:,}",
                    share(counts[code] / total),
                    *((f"{test[code]:,}",) if test else ()),
                )
                for code in order
            ),
        ),
    )


def _columns(columns: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        caption="The columns",
        head=("Column", "kind", "missing", "different values", "what is in it"),
        words=(1, 4),
        rows=tuple(
            (column["name"], column["kind"], _missing(column), f"{column['distinct']:,}", _content(column))
            for column in columns
        ),
    )  # fmt: skip


def _missing(column: Mapping[str, Any]) -> str:
    """The share of cells that are missing, and by which words besides blanks."""
    if not column["missing"]:
        return ""
    words = column.get("missing_as", [])
    return share(column["missing"]) + (
        f" (also as {', '.join(words[:4])}{', …' if len(words) > 4 else ''})" if words else ""
    )


def _content(column: Mapping[str, Any]) -> str:
    if column.get("frequent"):
        shown = [f"{value} {share(part, 0 if part >= _RARE else 1)}" for value, part in column["frequent"][:4]]
        return ", ".join(shown) + (", …" if column["distinct"] > len(shown) else "")
    if column.get("low") is None:
        return ""
    low, middle, high = (_shown(column.get(key)) for key in ("low", "middle", "high"))
    bars = _spark(column.get("histogram") or [])
    return f"{low} to {high}, middle {middle}  {bars}".rstrip()


def _spark(counts: Sequence[int]) -> str:
    """A histogram in a line of text."""
    most = max(counts, default=0)
    return "".join("▁▂▃▄▅▆▇█"[min(7, round(7 * count / most))] for count in counts) if most else ""


def _shown(value: Any) -> str:
    return short(value, 4) if isinstance(value, int | float) else str(value)


def _texts(found: Mapping[str, Any]) -> Figure:
    words = found["words"]
    counts = words["histogram"]
    low, high = words["edges"]
    edges = [low + (high - low) * i / len(counts) for i in range(len(counts) + 1)]
    return Figure(
        title="Length of the texts",
        narrow=True,
        read=f"How to read it: how many texts have so many words. The middle one has {short(words['middle'], 3)}.",
        drawing=Planes((histogram("words", "texts", edges, counts),)),
        table=Table(
            caption="Texts by their number of words",
            head=("From", "to", "texts"),
            rows=tuple((short(a), short(b), f"{n:,}") for (a, b), n in zip(pairwise(edges), counts, strict=True)),
        ),
    )  # fmt: skip


def _pictures(r: Report, found: Mapping[str, Any]) -> list[Figure]:
    inputs = r.insight("examples") or {}
    cards = tuple(
        Card(title=known["label"], said=(), picture=known["picture"], wide=bool(known.get("wide")))
        for row in found.get("examples", [])
        if (known := inputs.get(str(row)))
    )
    if not cards:
        return []
    shape = " × ".join(str(length) for length in found["shape"])
    return [
        Figure(
            title="Examples",
            read=f"How to read it: some training pictures of each class; each is {shape} (height × width × colours).",
            drawing=Cards(cards),
        )
    ]
