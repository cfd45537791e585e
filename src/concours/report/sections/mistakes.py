"""The rows that the default model is most wrong about, as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.axis import short
from concours.report.figures import Card, Cards, Figure, Section
from concours.report.lines import Report
from concours.report.units import share

_LONGEST = 600
_LONG = 60
"""Letters of a value beside which a name still stands in a line."""
_FEW = 5
"""Labels of a list that are shown."""
_COLUMNS = 14
"""Columns of a row that are shown: of more, those that matter most."""


def mistakes_section(r: Report) -> Section | None:
    """The worst mistakes with their inputs; none where that was not looked at, or nothing was wrong.

    Answers to questions are shown beside those of others instead (`sections.answers`).
    """
    found = (r.insight("diagnose") or {}).get("mistakes")
    if not found or not found["rows"] or not r.lines or r.insight("answers"):
        return None
    inputs = r.insight("inputs") or {}
    wrong = [i for i in range(len(found["rows"])) if found["true"][i] != found["named"][i]]
    if not wrong:
        return None
    cards = tuple(
        _card(
            r,
            {key: values[index] for key, values in found.items() if values},
            inputs.get(str(found["rows"][index]), {}),
        )
        for index in wrong
    )
    by = "the surest of its wrong answers" if found["sure"] else "what is furthest off"
    return Section(
        id="mistakes",
        title="Worst mistakes",
        text=(
            f"The {len(cards)} {'test ' if r.rows_test else ''}rows that {r.leader.name} is most wrong about: {by}.",
        ),
        figures=(
            Figure(
                title="Rows with the greatest loss",
                read=(
                    "How to read it: each card is a row, the worst first. Where several have something in common, or their "
                    f"labels look wrong, there is something to mend in the data. {r.insight('drawing') or ''}".rstrip()
                ),
                drawing=Cards(cards),
            ),
        ),
    )


def _card(r: Report, row: Mapping[str, Any], known: Mapping[str, Any]) -> Card:
    if isinstance(row["true"], str):
        said = [("actual", row["true"]), ("predicted", row["named"])]
    elif isinstance(row["true"], list):
        said = [("actual", _few(r, row["true"])), ("predicted", _few(r, row["named"]))]
    elif r.classes:
        said = [("truly", r.classes[row["true"]]), ("taken for", r.classes[row["named"]])]
        said += [("how sure", share(row["sure"]))] if row.get("sure") is not None else []
    else:
        said = [("actual", short(row["true"], 5)), ("predicted", short(row["named"], 5))]
        said += [("off by", short(abs(row["true"] - row["named"]), 3))]
    text = known.get("text", "")
    fields = tuple((name, value) for name, value in known.get("fields", {}).items() if name in _columns(r))
    long = any(len(value) > _LONG for _, value in (*said, *fields))
    return Card(
        title=f"row {known.get('id', row['rows'])}",
        said=tuple(said),
        picture=known.get("picture", ""),
        sound=known.get("sound", ""),
        fields=fields,
        words=((text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …", 0.0),) if text else (),
        wide=bool(text) or bool(known.get("wide")) or long,
        long=long,
    )


def _few(r: Report, codes: Sequence[int]) -> str:
    """The first of some labels, and how many more there are."""
    told = ", ".join(r.classes[code] for code in codes[:_FEW]) or "nothing"
    return told if len(codes) <= _FEW else f"{told} and {len(codes) - _FEW} more"


def _columns(r: Report) -> set[str]:
    """The columns that are shown."""
    importance = r.insight("importance")
    names = [column["name"] for column in (r.insight("card") or {}).get("columns", [])]
    if len(names) <= _COLUMNS or not importance:
        return set(names[:_COLUMNS])
    drops = zip(importance["columns"], importance["drop"], strict=True)
    return {name for name, _ in sorted(drops, key=lambda pair: -pair[1])[:_COLUMNS]}
