"""A board, its alliances and what to do next, in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from concours.cli.adversarial import print_adversarial
from concours.cli.console import Console
from concours.cli.deployed import print_deployed
from concours.cli.duels import print_arena, print_tournament
from concours.cli.knockout import print_knockout
from concours.cli.matches import print_matches
from concours.cli.plot import IntervalPlot
from concours.cli.population import print_population
from concours.cli.terminal import console, escape
from concours.contest.credit import Credit
from concours.core import boards
from concours.core.boards import (
    NOTHING,
    among_of,
    asking_columns,
    asking_notes,
    cv_score,
    number,
    places,
    remarks_of,
    score_of,
    tier_note,
)
from concours.core.layout import GAP, Column, letters, packed
from concours.core.lineage import unanswering
from concours.core.marks import TOO_FEW, mark, unsure_notes
from concours.core.problem import Part
from concours.core.standings import WELL, Standing
from concours.core.visible import visible
from concours.report.axis import decimals, fixed
from concours.report.citing import cited
from concours.report.lines import used
from concours.runs.result import Result
from concours.tasks.outputs.table import output_valued

_FORMATS = {
    "population": print_population,
    "deployed": print_deployed,
    "adversarial": print_adversarial,
    "halving": print_knockout,
    "asha": print_knockout,
    "arena": print_arena,
    "tournament": print_tournament,
    "matches": print_matches,
}
"""What a way to compete leaves, below the board."""

_BAR, _LEAST_BAR = 30, 4
_INDENT = 2
_PLOT, _WIDEST = 10, 32
"""Letters of the plot of intervals, at least and at most."""
_NAME, _LEAST_NAME, _LEAST_MEMBER = 28, 12, 6
_METRIC = 20
"""Letters of a metric's name above which it takes another line."""
_STYLES = {"alliance": "cyan", "baseline": "dim", "single": ""}


def print_result(result: Result, out: Console | None = None) -> None:
    """The board, the alliances, and what is to be known of them."""
    out = out or console()
    out.print(_headline(result))
    for told in _counting(result.setup.problem.test or result.setup.problem.train):
        out.print(escape(told))
    _print_board(result, out)
    out.print(_legend(result))
    if note := tier_note(boards.shown(result.standings)):
        out.print(f"[dim]{escape(note)}.[/]")
    unsure = unsure_notes([(line.entrant.name, line.unsure) for line in result.standings if line.status in WELL])
    for note in (*unsure, *asking_notes((line.entrant.name, line.calls) for line in result.standings)):
        out.print(f"[yellow]{escape(note)}[/]")
    late = [line.entrant.name for line in result.standings if line.status == "out_of_time"]
    if len(late) > 1:
        out.print(f"  [red]out of time[/]: {escape(', '.join(late))}; with more seconds they take part")
    for line in result.standings:
        if line.reason and line.status != "dropped" and (line.status != "out_of_time" or len(late) == 1):
            color = "yellow" if line.status in WELL else "red"
            what = line.status.replace("_", " ")
            out.print(f"  [{color}]{escape(line.entrant.name)}[/]: {what}: {escape(line.reason)}")
        if line.note:
            out.print(f"  [dim]{escape(line.entrant.name)}: {escape(line.note)}[/]")
    for warning in result.warnings:
        out.print(f"  [yellow]warning[/]: {escape(warning)}")
    shown = _FORMATS.get(result.format.get("name", ""))
    if shown:
        shown(result.format, out)
    _print_alliances(result, out)


def next_commands(result: Result, out: Console) -> None:
    """What a person is likely to want now."""
    folder, written = escape(shlex.quote(str(result.folder.path))), escape(repr(str(result.folder.path)))
    separate = output_valued(result.setup.problem.output).separate
    example, where = ("100", "drawn") if separate else ("NEW_ROWS", "predictions.csv")
    out.print(f"\n[bold]Next[/]  ({size(result.folder.size())} in {folder})")
    known = {one.entrant.digest: one for one in result.candidates.values()}
    if "meet" in result.setup.problem.output.can:
        out.print(f"  concours play {folder}  [dim]asks {escape(result.default or 'an agent')} for a move[/]")
    elif result.default is not None and not unanswering(result.candidate(), known):
        out.print(f"  concours predict {folder} {example} -o {where}", soft_wrap=True)
        out.print(
            f"  concours.predict(concours.Result.load({written}), {example!r})  [dim]in Python[/]",
            soft_wrap=True,
        )
    out.print(f"  concours show {folder}", soft_wrap=True)
    out.print(f"  {folder}/report.html, {folder}/result.json", soft_wrap=True)
    out.print("to cite this result (the report has it as BibTeX):")
    for line in cited(result.to_json()):
        out.print(f"  {escape(line)}", soft_wrap=True)


def size(count: int) -> str:
    """Bytes for people."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def _headline(result: Result) -> Text:
    text = Text(f"\n{visible(result.headline)}")
    text.stylize("bold", 1, 1 + len(visible(result.setup.problem.name)))
    return text


def _counting(part: Part) -> list[str]:
    """How the rows that judge count, where they do not count alike, or not each by itself."""
    much = f"the {part.rows:,} that judge tell as much as {part.effective or 0:,.0f} of equal weight"
    weights = "" if part.effective is None else f"rows count by their weights: {much}"
    return [told for told in (weights, part.counted) if told]


def _print_board(result: Result, out: Console) -> None:
    """Every metric: those that do not fit beside the others stand in further blocks, below the same names."""
    shown = [line for line in result.standings if line.status != "dropped"]  # those are told below
    metrics = result.setup.problem.metrics
    columns = {metric.name: _column(metric.name, [score_of(line, metric.name) for line in shown], right=True)
               for metric in metrics[1:]}  # fmt: skip
    columns |= {column.title: column for column in asking_columns(shown)}
    tiers = len({line.tier for line in shown if line.tier}) > 1
    lead = [_column("rank", [_rank(line) for line in shown])]
    lead += [_column("tier", [str(line.tier or "") for line in shown])] if tiers else []
    lead += [_column("", ["★" if line.entrant.name == result.default else " " for line in shown])]
    score = _column(metrics[0].name, [number(line.score) for line in shown], right=True)
    end = [
        _column("cv score", [cv_score(line) for line in shown]),
        _column("fit s", [_seconds(line.fit_seconds) for line in shown], right=True),
    ]
    ranking = metrics[0].name
    least = max(_PLOT, *(len(TOO_FEW) if mark(line.unsure, ranking) else 0 for line in shown), 0)
    taken = sum(column.width + GAP for column in (*lead, score, *end)) + least + GAP
    room = max(out.width - taken, _LEAST_NAME)
    name = Column("name", tuple(line.entrant.name for line in shown), most=min(room, _NAME))
    free = out.width - taken - name.width - GAP
    beside: list[Column] = []
    for column in columns.values():  # in order, as long as they fit
        if sum(other.width + GAP for other in (*beside, column)) > free:
            break
        beside.append(column)
    free -= sum(column.width + GAP for column in beside)
    plot = IntervalPlot(_bounds(result), min(least + max(free, 0), _WIDEST))
    bars = Column(
        "interval",
        tuple(_bar(plot, line) or (TOO_FEW if mark(line.unsure, ranking) else "") for line in shown),
        most=plot.width,
    )
    blocks = packed([*lead, name, score, bars, *beside, *end], list(columns.values())[len(beside) :], name, out.width)
    for place, block in enumerate(blocks):
        out.print(*([""] if place else []), _table(block, shown), sep="\n")


def _column(title: str, cells: Sequence[str], *, right: bool = False) -> Column:
    return Column(title, tuple(cells), right=right, most=_METRIC)


def _table(block: Sequence[Column], shown: Sequence[Standing]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, GAP, 0, 0))
    for column in block:
        width = max(column.width, 10) if column.title == "interval" else column.width
        table.add_column(
            escape(column.title), justify="right" if column.right else "left", width=width, overflow="fold"
        )
    for at, line in enumerate(shown):
        style = _STYLES[line.entrant.role] if line.status in WELL else "dim"
        table.add_row(*(_shaded(column.cells[at]) for column in block), style=style)
    return table


def _shaded(cell: str) -> Text:
    """A cell whose range of ranks, or error, is dim."""
    text = Text(cell)
    for begin in (" (", " ± "):
        if begin in cell and cell[:1] in "0123456789-–":
            text.stylize("dim", cell.index(begin))
    return text


def _bounds(result: Result) -> list[tuple[float, float]]:
    """The intervals that the plot has to hold: a baseline's may lie outside."""
    known = [line for line in result.standings if line.ci]
    return [line.ci for line in known if line.ci and line.entrant.role != "baseline"] or [
        line.ci for line in known if line.ci
    ]


def _legend(result: Result) -> str:
    problem = result.setup.problem
    direction = "higher" if problem.metrics[0].greater_is_better else "lower"
    evaluated = (
        "no test part: evaluated by the rows that chose, out of fold"
        if not problem.test
        else f"evaluated on rows that nothing was fitted on{_here(result)} or chosen by"
        if any(line.score is not None or line.unsure for line in result.standings)
        else "not evaluated, in the order of cross-validation"
    )
    first = escape(problem.metrics[0].name)
    remarks = "".join(f"{escape(remark)}.\n" for remark in remarks_of(result.standings))
    return (
        f"[dim]★ the default, best by cross-validation score (out-of-fold){among_of(result.standings)}.\n"
        f"{first}: {direction} is better; {evaluated}.\n"
        f"{remarks}"
        "rank: place, and the places that the data cannot rule out (95%, all pairs together); "
        "nobody in a tier can be told from its first.[/]"
    )


def _here(result: Result) -> str:
    """What is fitted elsewhere, nobody here knows by which rows."""
    return " here" if any(line.entrant.seen == "unknown" for line in result.standings) else ""


def _print_alliances(result: Result, out: Console) -> None:
    named = {strategy.name for strategy in result.setup.strategies if strategy.of}
    told = [name for name, alliance in result.alliances.items() if name in named or not alliance.even]
    metric = result.setup.problem.metrics[0].name
    for name in told:
        alliance, credit = result.alliances[name], result.credit.get(name)
        weights = sorted(alliance.weights.items(), key=lambda item: -item[1])
        uses = used(alliance.to_json())
        out.print(f"\n[cyan]{escape(name)}[/] joins" + (f"  [dim]({escape(uses)})[/]" if uses else ""))
        table = _members(weights, _worth(credit) if credit else {}, out.width - _INDENT)
        out.print(Padding(table, (0, 0, 0, _INDENT), expand=False))
        if credit:
            out.print(f"  [dim]{escape(credit.words(metric))}[/]")
            if credit.singles:
                out.print(f"  [dim]{escape(credit.singles_words())}[/]")
    known = [credit for name in told if (credit := result.credit.get(name))]
    if known:
        shared, joined = any(credit.shared for credit in known), any(credit.joined for credit in known)
        of_gain = "credit: share of the gain over guessing (Shapley), ± its error. " if shared else ""
        of_joining = "of joining: share of what it gains over its best member. " if joined else ""
        loses = f"loses: what it would lose in {escape(metric)} without the member, ± its error."
        out.print(f"\n[dim]{of_gain}{of_joining}{loses}[/]")


def _members(weights: Sequence[tuple[str, float]], worth: Mapping[str, Mapping[str, str]], width: int) -> Table:
    """Members with their weights, bars of these where there is room, and columns of what they are worth."""
    taken = sum(2 + letters(text) for text in ("100.0%", *_widest(worth)))
    longest = max((letters(visible(member)) for member, _ in weights), default=0)
    names = min(longest, _NAME, max(width - taken, _LEAST_MEMBER))
    bar = min(width - taken - names - 2, _BAR)
    bars = [""] if bar >= _LEAST_BAR else []
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), show_header=bool(worth))
    table.add_column("", width=names, overflow="fold")
    for title in ("weight", *bars, *worth):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for member, weight in weights:
        drawn = [f"[cyan]{'█' * max(round(weight * bar), 1)}[/]" for _ in bars]
        table.add_row(escape(member), f"{weight:.1%}", *drawn, *(column.get(member, "") for column in worth.values()))
    return table


def _worth(credit: Credit) -> dict[str, dict[str, str]]:
    """What members are worth: columns by their titles, of texts by member."""
    parts = credit.members
    columns = {}
    if credit.shared:
        columns["credit"] = {n: f"{p.share or 0:.1%} ± {p.stderr / credit.gain:.1%}" for n, p in parts.items()}
    if credit.joined:
        columns["of joining"] = {n: f"{p.joining_share or 0:.0%}" for n, p in parts.items()}
    few = min(decimals([p.lost_stderr for p in parts.values()], digits=2), 6)
    columns["loses"] = {n: f"{fixed(p.lost, few)} ± {fixed(p.lost_stderr, few)}" for n, p in parts.items()}
    return columns


def _widest(columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The widest text of each column."""
    return [max((title, *texts.values()), key=letters) for title, texts in columns.items()]


def _bar(plot: IntervalPlot, line: Standing) -> str:
    return "" if not line.ci or line.score is None else plot.bar(*line.ci, line.score).plain


def _rank(line: Standing) -> str:
    within = places(line)
    return " –" if line.rank is None else f"{line.rank:>2} ({within})" if within else f"{line.rank:>2}"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"
