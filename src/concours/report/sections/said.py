"""What language models said: answers that came to nothing, and how long they were against how right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.written import counted
from concours.report.axis import Axis, decimals, fixed, linear, logarithmic, short
from concours.report.figures import Curve, Excerpt, Figure, Plane, Planes, Question, Questions, Reply, Section, Table
from concours.report.lines import Report, words

_WHYS = {"cut": "cut off", "refused": "refused", "unparsed": "no answer found", "failed": "failed"}
_HUES = 8
_NOTHING_SAID = "(nothing)"


def said_section(r: Report) -> Section | None:
    """Failures by entrant with examples, and length against score; none where nobody was asked in words."""
    found = r.insight("answers")
    if not found or not found["in_vain"] or not r.lines:
        return None
    vain = {found["names"][int(place)]: one for place, one in found["in_vain"].items()}
    figures = [_examples(vain)] if any(one["examples"] for one in vain.values()) else []
    figures += [figure for tokens in (True, False) if (figure := _lengths(found, tokens=tokens))]
    return Section(
        id="said",
        title="How they said it",
        text=(_sentence(r, vain),),
        figures=tuple(figures),
        tables=(
            Table(
                caption="What became of the requests about the rows that judge",
                head=("Entrant", "requests", *_WHYS.values()),
                rows=tuple(
                    (name, f"{one['requests']:,}", *(f"{one['counts'][why]:,}" for why in _WHYS))
                    for name, one in vain.items()
                ),
            ),
        ),
    )


def _sentence(r: Report, vain: Mapping[str, Any]) -> str:
    total = sum(one["requests"] for one in vain.values())
    lost = {why: sum(one["counts"][why] for one in vain.values()) for why in _WHYS}
    which = "test rows" if r.rows_test else "rows"
    if not any(lost.values()):
        return f"All of {counted(total, 'answer')} about the {which} were whole, and an answer was found in each."
    told = ", ".join(f"{count:,} {_WHYS[why]}" for why, count in lost.items() if count)
    return (
        f"Of {counted(total, 'answer')} about the {which}: {told}. What was cut off may still hold an answer, and counts if it "
        "does; where none is found, it counts as wrong."
    )


def _examples(vain: Mapping[str, Any]) -> Figure:
    return Figure(
        title="Answers that came to nothing plain",
        read=(
            "How to read it: of each entrant the first two of each sort, with what was said. Where the answer is there and was not found, "
            "the rule of the task is to blame, or the prompt; where it was cut off, the longest answer that was allowed."
        ),
        drawing=Questions(
            tuple(
                Question(title=name, replies=tuple(_example(each) for each in one["examples"]))
                for name, one in vain.items()
                if one["examples"]
            )
        ),
    )


def _example(example: Mapping[str, Any]) -> Reply:
    said = Excerpt(**example["said"])
    return Reply(
        name=_WHYS[example["status"]],
        answer=Excerpt(text=f"row {example['row']}"),
        said=(("", said if said.text else Excerpt(text=_NOTHING_SAID)),),
    )


def _lengths(found: Mapping[str, Any], *, tokens: bool) -> Figure | None:
    """Length against score, of those whose lengths are in tokens, or of the others."""
    lines = {found["names"][int(place)]: one for place, one in found["by_length"].items() if one["tokens"] == tokens}
    if not lines:
        return None
    unit, by = ("tokens" if tokens else "characters"), words(found["by"])
    bands = [band for one in lines.values() for band in one["bands"]]
    x = logarithmic(f"length of what was said, in {unit}", [band["middle"] for band in bands])
    y = linear(by, [end for band in bands for end in band["ends"]])
    drawn = dict(list(lines.items())[:_HUES])
    left = f" Only the first {_HUES} entrants are drawn; the table has all." if len(lines) > _HUES else ""
    places = decimals([band["ends"][1] - band["ends"][0] for band in bands], digits=2)
    return Figure(
        title=f"{by} against length, in {unit}",
        read=(
            f"How to read it: each mark is a part of the questions by how long the entrant’s answer was; the bar is an interval of 95%. A "
            f"line that falls says that long answers are wrong more often: mostly because hard questions take more words.{left}"
        ),
        drawing=Planes((Plane(x=x, y=y, curves=_curves(drawn, x, y)),)),
        keys=tuple((hue, name) for hue, name in enumerate(drawn)),
        table=Table(
            caption=f"{by} by length in {unit}, and the correlation of the ranks of both over questions",
            head=("Entrant", "from", "to", "questions", by, "from", "to", "correlation"),
            rows=tuple(
                (
                    name,
                    *(short(band[key]) for key in ("low", "high")),
                    f"{band['rows']:,}",
                    *(fixed(value, places) for value in (band["score"], *band["ends"])),
                    short(one["correlation"], 2),
                )
                for name, one in lines.items()
                for band in one["bands"]
            ),
        ),
    )


def _curves(lines: Mapping[str, Any], x: Axis, y: Axis) -> tuple[Curve, ...]:
    found = []
    for hue, (name, one) in enumerate(lines.items()):
        points = tuple((x.at(band["middle"]), y.at(band["score"])) for band in one["bands"])
        bars = tuple((x.at(b["middle"]), y.at(b["ends"][0]), y.at(b["ends"][1])) for b in one["bands"])
        found.append(Curve(name=name, points=points, form="dots", hue=hue, band=bars))
        found.append(Curve(name=name, points=points, hue=hue))
    return tuple(found)
