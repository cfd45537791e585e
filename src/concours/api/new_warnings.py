"""What a person should know of data for which a contest is written."""

from __future__ import annotations

from collections import Counter

from concours.contest.contest_text import toml
from concours.core.written import written
from concours.tasks.discovery import Findings
from concours.tasks.labels import likely_same

RARE = 0.2
"""The share of the rows below which a class of two is rare."""
LISTED = 8
"""Names in a line."""


def follows(findings: Findings) -> str:
    """What to say where rows follow in time and are not split by it."""
    said = (
        f"rows follow in time, by {', '.join(findings.follows)}: neighbours are alike, so rows drawn at random flatter"
    )
    if findings.group:
        group = findings.group.name
        return f"{said}; they are split by {group}. To judge on the latest, write time instead of group in split"
    if len(findings.follows) > 1:
        return f"{said}; to judge on the latest, write the time into one column and name it: time = … in split"
    return f"{said}; to judge on the latest, add time = {toml(findings.follows[0])} to split"


def class_warnings(findings: Findings) -> list[str]:
    """What to say of classes that are rare, or seem the same."""
    said = []
    counts = Counter(findings.classes)
    few = [f"{label} ({count})" for label, count in sorted(counts.items(), key=lambda item: item[1]) if count < 20]
    if few:
        said.append(f"rare classes, hard to learn and to judge: {cut(few)}")
    if len(counts) == 2 and min(counts.values()) < RARE * findings.rows:
        rare = min(counts, key=lambda label: counts[label])
        said.append(f"imbalance: {rare} is {share(counts[rare], findings.rows)} of the rows")
    return said + likely_same({written(label): count for label, count in counts.items()})


def column_warnings(findings: Findings) -> list[str]:
    """What to say of columns that tell nothing, or are mostly missing."""
    constant = [note.name for note in findings.drop if "every row" in note.why and "another" not in note.why]
    said = [f"constant columns, left out: {cut(constant)}"] if constant else []
    if findings.gaps:
        said.append(f"mostly missing: {cut([f'{note.name} ({note.why})' for note in findings.gaps])}")
    return said


def cut(items: list[str], join: str = ", ") -> str:
    """The first of some items, and how many more there are."""
    more = f"{join}and {len(items) - LISTED} more" if len(items) > LISTED else ""
    return join.join(items[:LISTED]) + more


def share(part: int, whole: int) -> str:
    """A part of a whole in percent."""
    percent = 100 * part / whole
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.2g}%"
