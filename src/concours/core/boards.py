"""Boards as text and as HTML: what `print(result.standings)` and a notebook show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import isfinite
from typing import TYPE_CHECKING

from concours.core.layout import Column, packed, text_table
from concours.core.marks import TOO_FEW, mark, unsure_notes
from concours.core.visible import visible

if TYPE_CHECKING:
    from concours.core.calls import Calls
    from concours.core.had import Had
    from concours.core.standings import Standing, Standings

NOTHING = "–"
TEST_ONLY = "test only"
"""Instead of a cross-validation score, of one whose predictions of the training part tell nothing."""
_NAME, _METRIC = 26, 20
_BAR = 140
_CELL = "padding:2px 10px 2px 0;border:0;background:none;white-space:nowrap"


def number(value: float | None, digits: int = 4) -> str:
    """A score as boards write it: four decimals of small ones, fewer of great ones; a dash for none."""
    if value is None:
        return NOTHING
    if value and (abs(value) >= 1e5 or abs(value) < 1e-4):
        return f"{value:.{digits - 1}g}"
    return f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.{max(digits - 2, 0)}f}"


def places(line: Standing) -> str:
    """The places that the data cannot rule out, `1–3`; empty where that is not known."""
    if line.rank is None or line.rank_best is None:
        return ""
    return f"{line.rank_best}–{line.rank_worst}" if line.rank_best != line.rank_worst else str(line.rank_best)


def cv_score(line: Standing) -> str:
    """The score on out-of-fold predictions, with its standard error, or that only the test part is counted."""
    if line.status == "test_only":
        return TEST_ONLY
    return f"{number(line.cv_score.score)} ± {line.cv_score.stderr:.2g}" if line.cv_score else NOTHING


Shown = tuple[str, str, int | None, str]
"""A ranked line as a board shows it: its name, its score, its tier, and the places that cannot be ruled out."""


def tier_note(lines: Sequence[Shown]) -> str:
    """Why a line stands in a tier below a later one's, or not in that of an equal score; empty where none does."""
    pairs = [(one, other) for place, one in enumerate(lines) for other in lines[place + 1 :]]
    for (name, score, tier, within), (other, worse, another, span) in sorted(pairs, key=lambda p: p[0][2] == p[1][2]):
        if tier and another and tier > another:
            what = f"{name} stands before {other}, but in tier {tier} and not {another}"
        elif score == worse and tier != another:
            what = f"{name} and {other} show one score in tiers {tier} and {another}"
        elif score == worse and within != span:
            what = f"{name} and {other} show one score with ranks {within} and {span}"
        else:
            continue
        return (
            f"{what}: pairs are compared row by row, and a difference that is much the same on all rows is surer than "
            "one that swings"
        )
    return ""


def shown(board: Standings) -> list[Shown]:
    """The ranked lines of a board, as it shows them."""
    ranked = [line for line in board.lines if line.rank is not None and line.score is not None and places(line)]
    return [(line.entrant.name, number(line.score), line.tier, places(line)) for line in ranked]


def board_text(board: Standings, width: int = 80) -> str:
    """A board in lines of at most `width` letters, with every metric; why some have no score stands last."""
    if not board.lines:
        return "nobody is on the board yet"
    lines = [line for line in board.lines if line.status != "dropped"]
    name = Column("name", tuple(line.entrant.name for line in lines), most=_NAME)
    blocks = packed(*_columns(board, lines, name), name, width)
    text = "\n\n".join("\n".join(text_table(block)) for block in blocks)
    return "\n".join([text, *map(visible, _notes(board, lines))])


def remarks(corrected: str, *, bag: bool) -> list[str]:
    """What is to be known of the scores of a board: what its choice flatters the default by, and that bags are better.

    Args:
        corrected: the default's score, as it is shown, less what having been chosen by the rows that judge flatters it;
            empty where other rows judge.
        bag: whether the bag of the folds' models predicts.
    """
    chosen = f"★ was chosen by the rows that judge: expect {corrected} on new ones; its interval allows for that"
    return [*([chosen] if corrected else []), *([BAGGED] if bag else [])]


BAGGED = (
    "cross-validation scores are of the models of single folds; the bag of them all, which predicts, is mostly better"
)
"""Said of boards of bags (Krogh and Vedelsby 1995)."""


def remarks_of(board: Standings) -> list[str]:
    """The same of a board."""
    found = next((line.corrected for line in board.lines if line.entrant.name == board.default), None)
    bag = board.final == "bag" and any(had.fitted for had in _had_by_singles(board))
    return remarks("" if found is None else number(found), bag=bag)


def among(singles: Iterable[Had]) -> str:
    """Among whom the default is the best by cross-validation, in words; empty where it is among all.

    Args:
        singles: how predictions are had, of each single entrant that has a cross-validation score.
    """
    return " of those that can predict new rows" if len({had.answers for had in singles}) > 1 else ""


def among_of(board: Standings) -> str:
    """The same of a board."""
    return among(_had_by_singles(board))


def _had_by_singles(board: Standings) -> list[Had]:
    """How predictions are had, of each single entrant that has a cross-validation score."""
    return [line.entrant.had for line in board.lines if line.cv_score and line.entrant.role == "single"]


def _notes(board: Standings, lines: Sequence[Standing]) -> list[str]:
    """What is said below a board: who is the default, why some have no score, why tiers and order differ."""
    chosen = f"best by cross-validation (out-of-fold){among_of(board)}"
    star = f"★ {board.default}: the default, {chosen}" if board.default else ""
    reasons = [f"{line.entrant.name}: {line.status.replace('_', ' ')}: {line.reason}" for line in lines if line.reason]
    unsure = unsure_notes([(line.entrant.name, line.unsure) for line in lines])
    asking = asking_notes((line.entrant.name, line.calls) for line in lines)
    return [note for note in (star, *remarks_of(board), *reasons, *unsure, *asking, tier_note(shown(board))) if note]


def _columns(board: Standings, lines: Sequence[Standing], name: Column) -> tuple[list[Column], list[Column]]:
    """The columns that lead the board, and those that may go into further blocks."""
    metrics = metrics_of(board)
    star = Column("", tuple("★" if line.entrant.name == board.default else "" for line in lines))
    first = [Column("rank", tuple(_rank(line) for line in lines)), star, name]
    evaluated = any(line.score is not None for line in lines)
    title = metrics[0] if metrics else "score"
    if evaluated:
        first += [Column(title, tuple(number(line.score) for line in lines), right=True, most=_METRIC)]
    rest = [_metric(name, lines) for name in metrics[1:] if evaluated]
    chosen = Column("cv score" if evaluated else f"cv score, {title}", tuple(cv_score(line) for line in lines))
    tiers = Column("tier", tuple(str(line.tier or "") for line in lines), right=True)
    interval = [Column("95% interval", tuple(_interval(line, title) for line in lines))] if evaluated else []
    tier = [tiers] if len({line.tier for line in lines if line.tier}) > 1 else []
    return first, [*interval, chosen, *tier, *rest, *asking_columns(lines)]


def _metric(name: str, lines: Sequence[Standing]) -> Column:
    return Column(name, tuple(score_of(line, name) for line in lines), right=True, most=_METRIC)


def score_of(line: Standing, metric: str) -> str:
    """A score of a line, marked where too few rows tell how sure it is."""
    return f"{number(line.metrics.get(metric))}{mark(line.unsure, metric)}"


def asking_columns(lines: Sequence[Standing]) -> list[Column]:
    """What asking in words takes, where somebody is asked: tokens of all rows, money of a thousand, seconds."""
    if not any(line.calls for line in lines):
        return []
    each = [line.calls for line in lines]
    columns = [
        Column("tokens in", tuple(_count(calls.tokens_in) if calls else "" for calls in each), right=True),
        Column("out", tuple(_count(calls.tokens_out) if calls else "" for calls in each), right=True),
        Column("s a request", tuple(_paced(calls) if calls else "" for calls in each), right=True),
    ]
    if any(line.row_money is not None for line in lines):
        money = ("" if m is None else f"{1000 * m:.4g}" for m in (line.row_money for line in lines))
        columns.insert(0, Column("money / 1,000 rows", tuple(money), right=True))
    return columns


def asking_notes(asked: Iterable[tuple[str, Calls | None]]) -> list[str]:
    """Whose answers came to nothing, by name, how many, and why."""
    notes = []
    for name, calls in asked:
        if calls and calls.in_vain:
            told = ", ".join(f"{count:,} {why}" for why, count in calls.in_vain.items())
            notes.append(f"{name}: of {calls.requests:,} answers {told}")
    return notes


def _count(tokens: int | None) -> str:
    return NOTHING if tokens is None else f"{tokens:,}"


def _paced(calls: Calls) -> str:
    """Seconds of a request, the median and the 95th percentile."""
    return NOTHING if calls.median_s is None else f"{calls.median_s:.2g} ({calls.slow_s or 0:.2g})"


def metrics_of(board: Standings) -> tuple[str, ...]:
    """The metrics of a board, the one that ranks first."""
    return board.metrics or tuple(dict.fromkeys(name for line in board.lines for name in line.metrics))


def _rank(line: Standing) -> str:
    within = places(line)
    return NOTHING if line.rank is None else f"{line.rank} ({within})" if within else str(line.rank)


def _interval(line: Standing, metric: str) -> str:
    if line.ci:
        return f"[{number(line.ci[0])}, {number(line.ci[1])}]"
    return TOO_FEW if mark(line.unsure, metric) else ""


def board_html(board: Standings) -> str:
    """The same for a notebook: it takes its colours from the page, light or dark, and runs no script."""
    lines = [line for line in board.lines if line.status != "dropped"]
    name = Column("name", tuple(line.entrant.name for line in lines))
    first, rest = _columns(board, lines, name)
    bars = Column("", tuple(_drawn(lines)))
    whole = [*first, *rest[:1], *([bars] if any(bars.cells) else []), *rest[1:]]
    head = "".join(_cell("th", column, escape(column.title)) for column in whole)
    rows = [
        "".join(
            _cell("td", column, column.cells[at] if column is bars else escape(column.cells[at])) for column in whole
        )
        for at in range(len(lines))
    ]
    faded = ["opacity:.6" if line.rank is None or line.entrant.role == "baseline" else "" for line in lines]
    body = "".join(f'<tr style="background:none;{fade}">{row}</tr>' for row, fade in zip(rows, faded, strict=True))
    told = "".join(f'<div style="opacity:.75;font-size:.9em">{escape(note)}</div>' for note in _notes(board, lines))
    style = "border-collapse:collapse;border:0;color:inherit;font-variant-numeric:tabular-nums"
    return (
        f'<div style="overflow-x:auto"><table style="{style}"><thead><tr style="background:none">{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{told}</div>"
    )


def _cell(tag: str, column: Column, content: str) -> str:
    side = "right" if column.right else "left"
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="{_CELL};text-align:{side}">{content}</{tag}>'


def _drawn(lines: Sequence[Standing]) -> Iterator[str]:
    """Intervals as lines on one scale, with the score as a dot; the baseline's, which would squeeze it, is cut off."""
    ends = [
        line.ci
        for line in lines
        if line.ci and all(map(isfinite, line.ci)) and (line.entrant.role != "baseline" or len(lines) == 1)
    ]
    low, high = (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 1.0)
    for line in lines:
        yield "" if not line.ci or line.score is None or not ends else _bar(*line.ci, line.score, low, high)


def _bar(first: float, last: float, score: float, low: float, high: float) -> str:
    def at(value: float) -> float:
        share = (value - low) / ((high - low) or 1.0)
        return round(4 + (_BAR - 8) * min(max(share, 0.0), 1.0), 1)

    said = f"{number(score)}, 95% interval {number(first)} to {number(last)}"
    dot = "" if not low <= score <= high else f'<circle cx="{at(score)}" cy="7" r="3.5" fill="currentColor"/>'
    return (
        f'<svg width="{_BAR}" height="14" role="img" aria-label="{said}" style="vertical-align:middle">'
        f'<line x1="{at(first)}" x2="{at(last)}" y1="7" y2="7" stroke="currentColor" stroke-width="2" opacity=".55"/>'
        f"{dot}</svg>"
    )
