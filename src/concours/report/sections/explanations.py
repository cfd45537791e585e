"""What the default model looks at: columns that matter and how, or the words and parts of pictures that move it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import Axis, Tick, decimals, fixed, linear, percent, short
from concours.report.figures import Bar, Card, Cards, Curve, Figure, Plane, Planes, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.units import share

_MOST = 20

_COVERED = (
    "Part by part",
    (
        "How to read it: a part of the picture is painted over, and the stronger its frame is filled, the more the probability of the "
        "class that was named falls. Parts in the other colour spoke against it."
    ),
)
_BY_GRADIENTS = (
    "What a network looks at",
    (
        "How to read it: from a picture of one colour to the picture itself, {name} is asked at each step what a little more of a "
        "part changes (integrated gradients). The stronger a part is filled, the more it adds to {named}. Parts "
        "in the other colour speak against it."
    ),
)

_NAMED = {
    "rows": "the class that {name} names",
    "pixels": "the pixels that {name} takes for the label below, all of them together",
}
"""What is added to, by what has a class."""


def explanations_section(r: Report) -> Section | None:
    """Importance and dependence of columns, or occlusion; none where that was not looked at."""
    if not r.lines:
        return None
    importance, dependence, occlude, gradients = (
        r.insight(kind) for kind in ("importance", "dependence", "occlude", "gradients")
    )
    figures = [
        _importance(r, importance) if importance and importance["columns"] else None,
        _dependence(r, dependence) if dependence and dependence["columns"] else None,
        _words(r, occlude["words"]) if occlude and occlude.get("words") else None,
        _texts(r, occlude) if occlude and occlude.get("tokens") else None,
        _maps(r, occlude, _COVERED) if occlude and occlude.get("maps") else None,
        _maps(r, gradients, _BY_GRADIENTS) if gradients and gradients.get("maps") else None,
    ]
    shown = tuple(figure for figure in figures if figure)
    lacks = (gradients or {}).get("lacks")
    if not shown and not lacks:
        return None
    asked = any((importance, dependence, occlude))
    return Section(
        id="explanations",
        title="What the model looks at",
        text=(
            *(
                (f"{r.leader.name}, the default model, was asked again about rows that were changed a little.",)
                if asked
                else ()
            ),
            *(
                ()
                if r.rows_test
                else ("There is no test part, so these are rows that it was fitted on, which flatters.",)
            ),
            *((f"What a network looks at can be told by its gradients too: {lacks}",) if lacks else ()),
        ),
        figures=shown,
    )


def _importance(r: Report, found: Mapping[str, Any]) -> Figure:
    order = sorted(range(len(found["columns"])), key=lambda i: -found["drop"][i])[:_MOST]
    errors = [1.96 * (found["stderr"][i] or 0.0) for i in order]
    places = decimals([found["drop"][i] for i in order[:5]], digits=3)
    rows = [
        Row(
            name=found["columns"][i],
            role="single",
            starred=False,
            value=found["drop"][i],
            low=found["drop"][i] - error,
            high=found["drop"][i] + error,
            text=fixed(found["drop"][i], places),
            strong=found["drop"][i] > error,
        )
        for i, error in zip(order, errors, strict=True)
    ]
    more = len(found["columns"]) - len(order) + found["left_out"]
    return Figure(
        title="Columns that matter",
        read=(
            f"How to read it: the values of one column are shuffled among {counted(found['rows'], 'row')}, and the mark says by "
            f"how much the {r.metric} gets worse; bars are intervals of 95%. Around 0 the model does without the column. Columns "
            "that say the same share their worth, since the other one still tells it."
            + (f" {counted(more, 'column')} of less weight {'is' if more == 1 else 'are'} left out." if more else "")
        ),
        drawing=Rows(plot=interval_plot(rows, greater_is_better=True, whole=True), axis=f"{r.metric} gets worse by"),
        table=Table(
            caption=f"By how much the {r.metric} gets worse without a column",
            head=("Column", "worse by", "± error"),
            rows=tuple(
                (found["columns"][i], fixed(found["drop"][i], places), fixed(found["stderr"][i], places)) for i in order
            ),
        ),
    )


def _dependence(r: Report, found: Mapping[str, Any]) -> Figure:
    outputs = list(found["outputs"])
    ends = [
        value
        for column in found["columns"]
        for key in ("mean", *(("low", "high") if len(outputs) == 1 else ()))
        for point in column[key]
        for value in point
    ]
    named = [r.classes[code] for code in outputs] if r.classes else found.get("named", ["prediction"])
    told = named[0] if len(named) == 1 else "prediction"
    what = told if not r.classes else f"probability of {told}" if len(r.classes) == 2 else "probability"
    y = linear(what, ends)
    planes = tuple(_dependent(column, outputs, y) for column in found["columns"])
    shade = " and the shade holds eight of ten rows" if len(outputs) == 1 else ""
    return Figure(
        title="How they matter",
        read=(
            "How to read it: if every row had this value of the column and all else stayed, the model would on average say what "
            f"the line says{shade}. It tells what the model does, not what would happen in the world. Marks on the "
            "axis are tenths of the rows: where there are none, the line is a guess."
        ),
        drawing=Planes(planes),
        keys=tuple(enumerate(named)) if len(named) > 1 else (),
        table=Table(
            caption=f"Mean {what} by the value of a column",
            head=("Column", "value", *(named if len(named) > 1 else (what,))),
            words=(1,),
            rows=tuple(
                (column["name"], _value(value), *(short(m) for m in means))
                for column in found["columns"]
                for value, means in zip(column["grid"], column["mean"], strict=True)
            ),
        ),
    )


def _dependent(column: Mapping[str, Any], outputs: Sequence[int], y: Axis) -> Plane:
    numbers = column["kind"] == "number"
    grid = column["grid"]
    x = linear(column["name"], grid, fit=True) if numbers else _named(column["name"], grid, column["kind"])
    places = [x.at(value) for value in grid] if numbers else [x.at(index + 0.5) for index in range(len(grid))]
    curves = []
    for hue in range(len(outputs)):
        points = tuple((at, y.at(means[hue])) for at, means in zip(places, column["mean"], strict=True))
        ends = zip(places, column["low"], column["high"], strict=True)
        band = tuple((at, y.at(low[hue]), y.at(high[hue])) for at, low, high in ends) if len(outputs) == 1 else ()
        curves.append(Curve(name=str(hue), hue=hue, points=points, band=band, form="line" if numbers else "dots"))
    rug = tuple(
        Bar(low=x.at(value) - 0.2, high=x.at(value) + 0.2, height=2.5, text=short(value))
        for value in column.get("rug") or ()
        if numbers
    )
    return Plane(x=x, y=y, curves=tuple(curves), bars=rug, caption=column["name"])  # fmt: skip


def _named(name: str, values: Sequence[Any], kind: str) -> Axis:
    """An axis of names, one a unit of its length; of dates the first, the middle and the last are told."""
    told = {0, len(values) // 2, len(values) - 1} if kind == "date" else set(range(len(values)))
    letters = max(3, 44 // len(told))
    texts = [text if len(text := _value(value)) <= letters else f"{text[: letters - 1]}…" for value in values]
    ticks = tuple(Tick(percent(i + 0.5, 0, len(values)), text) for i, text in enumerate(texts) if i in told)
    return Axis(name=name, low=0.0, high=float(len(values)), ticks=ticks)


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    return short(value, 4) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _words(r: Report, found: Sequence[Mapping[str, Any]]) -> Figure:
    by_class: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for word in found:
        by_class[word["class"]].append(word)
    shown = [word for words in by_class.values() for word in sorted(words, key=lambda w: -w["effect"])[:12]]
    rows = [
        Row(
            name=f"{word['word']} → {r.classes[word['class']]}",
            role="single",
            starred=False,
            value=word["effect"],
            low=word["effect"],
            high=word["effect"],
            text=share(word["effect"]),
        )
        for word in shown
    ]
    return Figure(
        title="Words that matter",
        read=(
            "How to read it: the mark says by how much, on average over the texts that have the word, the probability of the class "
            "falls when the word is left out."
        ),
        drawing=Rows(plot=interval_plot(rows, greater_is_better=True, whole=True), axis="fall of the probability"),
        table=Table(
            caption="Words, and the class that they speak for",
            head=("Word", "class", "fall of its probability", "texts"),
            words=(1,),
            rows=tuple((w["word"], r.classes[w["class"]], share(w["effect"]), f"{w['count']:,}") for w in shown),
        ),
    )


def _texts(r: Report, found: Mapping[str, Any]) -> Figure:
    diagnose = (r.insight("diagnose") or {}).get("mistakes", {"rows": []})
    true = dict(zip(diagnose["rows"], diagnose.get("true", []), strict=False))
    cards = []
    texts = zip(found["rows"], found["class"], found["tokens"], found["weights"], strict=True)
    for row, code, tokens, weights in texts:
        most = max((abs(weight) for weight in weights), default=0.0) or 1.0
        said = [("truly", r.classes[true[row]])] if row in true else []
        said.append(("taken for", r.classes[code]))
        words = tuple((token, weight / most) for token, weight in zip(tokens, weights, strict=True))
        cards.append(Card(title=_id(r, row), said=tuple(said), words=words, wide=True))
    return Figure(
        title="Word by word",
        read=(
            "How to read it: the darker a word, the more the probability of the class that was named falls when the word is left "
            "out. Words in the other colour spoke against it."
        ),
        drawing=Cards(tuple(cards)),
    )


def _maps(r: Report, found: Mapping[str, Any], words: tuple[str, str]) -> Figure:
    title, read = words
    inputs = r.insight("inputs") or {}
    cards = []
    for row, code, cells in zip(found["rows"], found["class"], found["maps"], strict=True):
        most = max((abs(value) for line in cells for value in line), default=0.0) or 1.0
        known = inputs.get(str(row), {})
        cards.append(
            Card(
                title=_id(r, row),
                said=(("taken for", r.classes[code]),),
                picture=known.get("plain") or known.get("picture", ""),
                wide=bool(known.get("wide")) and "plain" not in known,
                cells=tuple(tuple(value / most for value in line) for line in cells),
            )
        )
    return Figure(
        title=title,
        read=read.format(name=found.get("name"), named=_NAMED[found.get("of", "rows")].format(name=found.get("name"))),
        drawing=Cards(tuple(cards)),
    )


def _id(r: Report, row: int) -> str:
    return f"row {(r.insight('inputs') or {}).get(str(row), {}).get('id', row)}"
