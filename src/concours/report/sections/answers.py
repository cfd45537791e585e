"""Answers to questions side by side: where models disagree, what the best gets wrong, and who is right where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, decimals, fixed
from concours.report.figures import Excerpt, Figure, Grid, Question, Questions, Reply, Rows, Section, Table
from concours.report.lines import Report, words
from concours.report.picture import Row, interval_plot
from concours.report.units import share

_STATES = {
    "cut": "cut off at its longest",
    "refused": "refused",
    "unparsed": "no answer found in it",
    "failed": "failed",
}
"""What is to be known of what was said."""


def answers_section(r: Report) -> Section | None:
    """Questions with everybody's answer; none where that was not looked at."""
    found = r.insight("answers")
    if not found or not r.lines:
        return None
    sorts = (
        (
            "apart",
            "Where they disagree",
            "entrants say the most different things, first those that half of them get right",
        ),
        (
            "wrong",
            f"What {found['names'][found['best']]} gets wrong",
            "the default is wrong, first those that most others get right",
        ),
    )
    figures = [_side_by_side(found, *sort) for sort in sorts if found[sort[0]]]
    return Section(
        id="answers",
        title="What they answered",
        text=_text(r, found),
        figures=tuple(figure for figure in (_against(r, found), _categories(found), *figures) if figure),
    )


def _text(r: Report, found: Mapping[str, Any]) -> tuple[str, ...]:
    told, by = found["shares"], words(found["by"])
    right = f"An answer is right here if its {by} is 1."
    if told["models"] < 2:
        return (right,)
    which = counted(told["rows"], "test question" if r.rows_test else "question")
    same, somebody = (share(told[key] / told["rows"]) for key in ("same", "somebody"))
    spread = (
        f"Of {which}, the {told['models']} single entrants all answer the same on {same}; one of them at least is right on "
        f"{somebody}, which is what choosing the right one each time would reach."
    )
    return spread, right


def _side_by_side(found: Mapping[str, Any], sort: str, title: str, which: str) -> Figure:
    return Figure(
        title=title,
        read=(
            f"How to read it: the {counted(len(found[sort]), 'question')} where {which}. ✓ is a right answer, ✗ a wrong one. Whoever was "
            "asked in words has what it said behind a fold; texts that are long are cut in the middle, which is said there, and lie whole "
            "in the run folder."
        ),
        drawing=Questions(tuple(_question(found, found["rows"][place]) for place in found[sort])),
    )


def _question(found: Mapping[str, Any], row: Mapping[str, Any]) -> Question:
    return Question(
        title=f"row {row['id']}",
        fields=tuple((name, Excerpt(**text)) for name, text in row["fields"]),
        right=Excerpt(**row["right"]),
        replies=tuple(_reply(found, row, place) for place in range(len(found["names"]))),
    )


def _reply(found: Mapping[str, Any], row: Mapping[str, Any], place: int) -> Reply:
    score, said = row["scores"][place], row["said"].get(str(place), {"samples": [], "more": 0})
    return Reply(
        name=found["names"][place],
        answer=Excerpt(**row["answers"][place]),
        mark={1.0: "right", 0.0: "wrong"}.get(score, f"{score:.2f}"),
        starred=place == found["best"],
        said=tuple(_said(said["samples"], place) for place in range(len(said["samples"]))),
        more=said["more"],
    )


def _said(samples: Sequence[Mapping[str, Any]], place: int) -> tuple[str, Excerpt]:
    """What was said in one sample, and what is to be known of it."""
    sample = samples[place]
    number = f"sample {place + 1}" if len(samples) > 1 else ""
    note = ", ".join(filter(None, [number, _STATES.get(sample["status"], "")]))
    return note, Excerpt(**{key: sample[key] for key in ("text", "left_out", "end")})


def _against(r: Report, found: Mapping[str, Any]) -> Figure | None:
    """The default against each other one, by the same questions."""
    lines = [line for line in found["against_best"] if line["low"] is not None]
    if not lines:
        return None
    best, by = found["names"][found["best"]], words(found["by"])
    places = decimals([line["high"] - line["low"] for line in lines], digits=2)
    roles = {line.name: line.role for line in r.lines}
    rows = [
        Row(
            name=found["names"][line["model"]],
            role=roles.get(found["names"][line["model"]], "single"),
            starred=False,
            value=line["difference"],
            low=line["low"],
            high=line["high"],
            text=fixed(line["difference"], places),
            strong=line["certain"],
        )
        for line in lines
    ]
    return Figure(
        title=f"{best} against each other one",
        read=(
            f"How to read it: by how much the mean {by} of {best} is above that of the other on the same questions, with a paired interval "
            "of 95% of each by itself. Those in bold differ for certain, all of them tested together (Holm). The table has who alone of "
            "the two is right how often, and McNemar’s exact test of that."
        ),
        drawing=Rows(
            plot=interval_plot(rows, greater_is_better=True, whole=True), axis=f"difference in {by}", better="right"
        ),
        table=Table(
            caption=f"{best} less the other one",
            head=(
                "Other",
                "difference",
                "from",
                "to",
                "certain",
                f"only {best} right",
                "only the other right",
                "McNemar, p",
            ),
            rows=tuple(
                (
                    found["names"][line["model"]],
                    *(fixed(line[key], places) for key in ("difference", "low", "high")),
                    "yes" if line["certain"] else "",
                    f"{line['ahead']:,}",
                    f"{line['behind']:,}",
                    NOTHING if line["exact"] is None else f"{line['exact']:.3g}",
                )
                for line in lines
            ),
        ),
    )


def _categories(found: Mapping[str, Any]) -> Figure | None:
    """Everybody's score on parts of the questions that have a name."""
    whole, parts, more = (found["by_category"][name] for name in ("whole", "parts", "more"))
    if not parts:
        return None
    by = words(found["by"])
    left = f" {counted(more, 'other part')} {'is' if more == 1 else 'are'} left out." if more else ""
    return Figure(
        title=f"{by} by category",
        read=(
            f"How to read it: each row is a part of the questions, each column an entrant, each cell its mean {by} there; the darker, the "
            "further above the entrant’s own mean over all questions in blue, or below it in orange. Of few questions such differences are "
            f"mostly chance, and none is tested here.{left}"
        ),
        drawing=Grid(
            corner="",
            head=tuple(found["names"]),
            names=tuple(f"{part['column']}: {part['value']} ({counted(part['rows'], 'question')})" for part in parts),
            cells=tuple(tuple(fixed(score, 2) for score in part["scores"]) for part in parts),
            shades=tuple(_shades(part["scores"], whole) for part in parts),
        ),
    )


def _shades(scores: Sequence[float], means: Sequence[float]) -> tuple[float, ...]:
    """A quarter more or less is as dark as it gets."""
    return tuple(max(-1.0, min(1.0, 4 * (score - mean))) for score, mean in zip(scores, means, strict=True))
