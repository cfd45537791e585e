"""A board, its alliances and what to do next, in a terminal."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from concours.api.credit import Credit
from concours.api.result import Result
from concours.cli.adversarial import print_adversarial
from concours.cli.duels import print_arena, print_tournament
from concours.cli.knockout import print_knockout
from concours.cli.plot import IntervalPlot
from concours.cli.population import print_population
from concours.core.standings import Standing
from concours.report.lines import used

_FORMATS = {
    "population": print_population,
    "adversarial": print_adversarial,
    "halving": print_knockout,
    "asha": print_knockout,
    "arena": print_arena,
    "tournament": print_tournament,
}
"""What a way to compete leaves, below the board."""

_BAR = 30
_NAME = 28
_LEAST_NAME = 12
_STYLES = {"alliance": "cyan", "baseline": "dim", "entrant": ""}


def console() -> Console:
    """Where results are printed."""
    return Console(highlight=False)


def print_result(result: Result, out: Console | None = None) -> None:
    """The board, the alliances, and what is to be known of them."""
    out = out or console()
    out.print(_headline(result))
    if weights := _weights(result):
        out.print(weights)
    out.print(_board(result, out.width))
    out.print(_legend(result))
    late = [line.entrant.name for line in result.standings if line.status == "out_of_time"]
    if len(late) > 1:
        out.print(f"  [red]out of time[/]: {escape(', '.join(late))}; with more seconds they take part")
    for line in result.standings:
        if line.reason and line.status != "dropped" and (line.status != "out_of_time" or len(late) == 1):
            out.print(f"  [red]{escape(line.entrant.name)}[/]: {line.status.replace('_', ' ')}: {escape(line.reason)}")
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
    folder = shlex.quote(str(result.folder.path))
    example = "sklearn:digits" if result.setup.problem.name == "digits" else "NEW_ROWS"
    out.print(f"\n[bold]Next[/]  ({size(result.folder.size())} in {folder})")
    if result.default:
        out.print(f"  concours predict {folder} {example} -o predictions.csv", soft_wrap=True)
    out.print(f"  concours show {folder}", soft_wrap=True)
    out.print(f"  {folder}/report.html, {folder}/result.json", soft_wrap=True)


def size(count: int) -> str:
    """Bytes for people."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def _headline(result: Result) -> str:
    problem = result.setup.problem
    what = f"{len(problem.classes)} classes" if problem.classes else "a number"
    rows = f"{problem.train.rows:,} rows to learn from" + (
        f", {problem.test.rows:,} to judge by" if problem.test else ""
    )
    state = "" if result.complete else "   [yellow](not finished: by selection score so far)[/]"
    return f"\n[bold]{escape(problem.name)}[/]  {problem.kind}: {what}; {rows}{state}"


def _weights(result: Result) -> str:
    """How much rows of unequal weights tell; empty where all weigh alike."""
    part = result.setup.problem.test or result.setup.problem.train
    if part.effective is None:
        return ""
    much = f"the {part.rows:,} that judge tell as much as {part.effective:,.0f} of equal weight"
    return f"rows count by their weights: {much}"


def _board(result: Result, width: int) -> Table:
    tiers = len({line.tier for line in result.standings if line.tier}) > 1
    taken = 49 if tiers else 44  # letters of the other columns
    names = min(max(len(line.entrant.name) for line in result.standings), _NAME, max(width - taken - 11, _LEAST_NAME))
    metrics = result.setup.problem.metrics[: max(1, (width - names - taken) // 12)]
    bounds = [line.ci for line in result.standings if line.ci and line.entrant.role != "baseline"]
    bounds = bounds or [line.ci for line in result.standings if line.ci]
    plot = IntervalPlot(bounds, min(max(width - names - taken - 10 * len(metrics), 10), 32))
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("rank", no_wrap=True)
    if tiers:
        table.add_column("tier", no_wrap=True)
    table.add_column("", width=1)
    table.add_column("name", no_wrap=True, max_width=names, overflow="ellipsis")
    table.add_column(metrics[0].name, justify="right", no_wrap=True)
    table.add_column("interval", width=plot.width, no_wrap=True)
    for metric in metrics[1:]:
        table.add_column(metric.name, justify="right")
    table.add_column("selection", no_wrap=True)
    table.add_column("fit s", justify="right", no_wrap=True)
    for line in result.standings:
        if line.status == "dropped":  # told below, with how far it came
            continue
        star = "★" if line.entrant.name == result.default else ""
        others = [_number(line.metrics.get(metric.name)) for metric in metrics[1:]]
        name, score = escape(line.entrant.name), _number(line.score)
        measured: list[str | Text] = [score, _bar(plot, line), *others, _selection(line), _seconds(line.fit_seconds)]
        style = _STYLES[line.entrant.role] if line.status == "ok" else "dim"
        tier = [str(line.tier or "")] if tiers else []
        table.add_row(_ranks(line), *tier, star, name, *measured, style=style)
    return table


def _legend(result: Result) -> str:
    problem = result.setup.problem
    direction = "higher" if problem.metrics[0].greater_is_better else "lower"
    judged = (
        "no test part: judged by the selection score itself, which flatters what was chosen by it"
        if not problem.test
        else "judged on rows that nothing was fitted on or chosen by"
        if any(line.score is not None for line in result.standings)
        else "not judged, in the order of selection"
    )
    first = problem.metrics[0].name
    return (
        f"[dim]★ the default, best by selection score (out-of-fold).\n"
        f"{first}: {direction} is better; {judged}.\n"
        "rank: place, and the places that the data cannot rule out (95%, all pairs together); "
        "nobody in a tier can be told from its first.[/]"
    )


def _print_alliances(result: Result, out: Console) -> None:
    told = [name for name in result.alliances if name not in ("average", "vote")]
    for name in told:
        alliance, credit = result.alliances[name], result.credit.get(name)
        weights = sorted(alliance.weights.items(), key=lambda item: -item[1])
        uses = used(alliance.to_json())
        out.print(f"\n[cyan]{escape(name)}[/] joins" + (f"  [dim](uses {uses})[/]" if uses else ""))
        table = Table(
            box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), show_header=credit is not None
        )
        for title in ("", "weight", "", "credit"):
            table.add_column(title, justify="right" if title else "left", no_wrap=True)
        for member, weight in weights:
            bar = f"[cyan]{'█' * max(round(weight * _BAR), 1)}[/]"
            table.add_row(f"  {escape(member)}", f"{weight:.1%}", bar, _credit(credit, member))
        out.print(table)
    if any(name in result.credit for name in told):
        metric = result.setup.problem.metrics[0].name
        out.print(
            f"\n[dim]credit: share of what the alliance gains in {metric} over guessing (Shapley), ± its error.[/]"
        )


def _credit(credit: Credit | None, member: str) -> str:
    """A member's share of the gain, with its standard error; its part in units where the gain may be nothing."""
    part = credit.members.get(member) if credit else None
    if credit is None or part is None:
        return ""
    if part.share is None:
        return f"{_number(part.shapley)} [dim]± {part.stderr:.2g}[/]"
    return f"{part.share:.1%} [dim]± {part.stderr / credit.gain:.1%}[/]"


def _bar(plot: IntervalPlot, line: Standing) -> Text:
    return Text("") if not line.ci or line.score is None else plot.bar(*line.ci, line.score)


def _ranks(line: Standing) -> str:
    if line.rank is None:
        return " –"
    span = f"{line.rank_best}–{line.rank_worst}" if line.rank_best != line.rank_worst else str(line.rank_best)
    return f"{line.rank:>2} [dim]({span})[/]" if line.rank_best else f"{line.rank:>2}"


def _selection(line: Standing) -> str:
    if not line.selection:
        return "–"
    return f"{_number(line.selection.score)} [dim]± {line.selection.stderr:.2g}[/]"


def _number(value: float | None, digits: int = 4) -> str:
    if value is None:
        return "–"
    if value and (abs(value) >= 1e5 or abs(value) < 1e-4):
        return f"{value:.{digits - 1}g}"
    return f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.{max(digits - 2, 0)}f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
