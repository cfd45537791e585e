"""`concours compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concours.cli.terminal import console, escape, say_json

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from concours.cli.console import Console
    from concours.runs.compared import Across, Difference, Pair

_STYLES = {"alliance": "cyan", "baseline": "dim", "single": ""}
_NAME = 24
_SURE = 0.05
_WIDE = 15


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR DIR...", help="Run folders of finished contests.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Call a metric that is somebody's own function.")] = False,
) -> None:
    """Contests side by side: on the same rows one against the other, on several tasks by their ranks."""
    from concours.cli.asking import asking
    from concours.runs.compare import compare as side_by_side

    found = side_by_side(runs, trust=asking(trust))
    if as_json:
        say_json(found.to_json())
        return
    out = console()
    for pair in found.pairs:
        _print_pair(pair, out)
    if found.across:
        _print_across(found.across, out)


# One task


def _print_pair(pair: Pair, out: Console) -> None:
    direction = "higher" if pair.greater_is_better else "lower"
    rows = f"{pair.rows:,} {'test rows' if pair.part == 'test' else 'training rows, out of fold'}"
    out.print(f"\n[bold]{escape(pair.task)}[/]  {pair.metric} on the same {rows}; {direction} is better")
    out.print(f"  [bold]A[/]  {escape(pair.first)}\n  [bold]B[/]  {escape(pair.second)}")
    if pair.same:
        out.print("[green]The two results are the same[/], to the digest.")
    for change in pair.changes:
        out.print(f"  [dim]·[/] {escape(change)}")
    if not pair.changes and not pair.same:
        out.print("  [dim]· set up alike[/]")
    if pair.default:
        out.print(f"\n{_sentence(pair.default, pair.greater_is_better)}")
    if pair.lines:
        out.print()
        out.print(_table(pair, out.width))
        out.print(
            "[dim]B better by: paired, on the same rows, with its 95% interval. Certain: more than chance allows, all "
            "lines of the table together; noise: less, so no difference is shown.[/]"
        )
    for label, names in (("A", pair.only_first), ("B", pair.only_second)):
        if names:
            out.print(f"[dim]only in {label}:[/] {escape(', '.join(names))}")


def _sentence(default: Difference, greater: bool) -> str:
    """The two default models, in words."""
    first, _, second = default.name.partition(" / ")
    models = (
        f"The default models: [bold]{escape(first)}[/] in A has {default.first:.4f}, "
        f"[bold]{escape(second or first)}[/] in B has {default.second:.4f}."
    )
    if default.identical:
        return f"{models} They predict the same."
    if default.value is None or default.low is None or default.high is None:
        return f"{models} Nothing tells how sure the difference is."
    gain, low, high = _gain(default, greater)
    if not gain:
        return f"{models} There is no difference."
    ahead = "A" if gain < 0 else "B"
    low, high = (low, high) if gain > 0 else (-high, -low)
    by = f"{ahead} is better by {abs(gain):.2g} (95% interval {low:.2g} to {high:.2g})"
    return f"{models} {by}: " + ("[bold]more than chance explains[/]." if default.certain else "within the noise.")


def _table(pair: Pair, width: int) -> Table:
    from rich.table import Table

    names = min(max(len(line.name) for line in pair.lines), _NAME)
    scale = _Scale([_gain(line, pair.greater_is_better) for line in pair.lines], min(max(width - names - 38, 11), 41))
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("name", no_wrap=True, max_width=_NAME, overflow="ellipsis")
    for label in ("A", "B"):
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("B better by", justify="right", no_wrap=True)
    table.add_column(scale.header(), width=scale.width, no_wrap=True)
    table.add_column("", no_wrap=True)
    for line in pair.lines:
        gain, low, high = _gain(line, pair.greater_is_better)
        table.add_row(
            escape(line.name),
            f"{line.first:.4f}",
            f"{line.second:.4f}",
            "–" if line.value is None else f"{gain:+.4f}" if gain else "0",
            scale.words("the same predictions") if line.identical else scale.bar(gain, low, high),
            _verdict(line),
            style=_STYLES[line.role],
        )
    return table


def _gain(line: Difference, greater: bool) -> tuple[float, float, float]:
    """By how much the second is better than the first, and its interval; a metric's direction is turned out."""
    if line.value is None or line.low is None or line.high is None:
        return (line.value or 0.0) * (-1 if greater else 1), float("nan"), float("nan")
    return (-line.value, -line.high, -line.low) if greater else (line.value, line.low, line.high)


def _verdict(line: Difference) -> str:
    if line.identical:
        return ""
    if line.value is None or line.low is None:
        return "[dim]not known[/]"
    if not line.certain:
        return "[dim]noise[/]"
    return "[bold green]B, certain[/]" if line.ahead == "second" else "[bold red]A, certain[/]"


class _Scale:
    """Intervals of differences around nought, which is in the middle; what is beyond the edges has an arrow."""

    def __init__(self, gains: Sequence[tuple[float, float, float]], width: int) -> None:
        self.width = width - 1 + width % 2
        ends = sorted(max(abs(low), abs(high)) for _, low, high in gains if low == low and (low or high))
        self._most = min(ends[-1], 4 * ends[len(ends) // 2]) if ends else 1.0

    def header(self) -> str:
        half = self.width // 2
        return f"{'A better'[:half]:^{half}} {'B better'[:half]:^{half}}"

    def words(self, text: str) -> str:
        """Words in place of an interval."""
        return f"[dim]{text[: self.width]:^{self.width}}[/]"

    def bar(self, gain: float, low: float, high: float) -> Text:
        """The interval as a line with its point, and where nought is."""
        from rich.text import Text

        middle = self.width // 2
        cells = [" "] * self.width
        cells[middle] = "┊"
        if low != low:
            return Text("".join(cells))
        start, point, end = (middle + round(value / self._most * middle) for value in (low, gain, high))
        for place in range(max(start, 0), min(end, self.width - 1) + 1):
            cells[place] = "┼" if place == middle else "─"
        if start < 0:
            cells[0] = "◂"
        if end >= self.width:
            cells[-1] = "▸"
        if 0 <= point < self.width:
            cells[point] = "●"
        return Text("".join(cells))


# Several tasks


def _print_across(across: Across, out: Console) -> None:
    among = "" if len(across.everywhere) == len(across.names) else " among those that every task has"
    out.print(f"\n[bold]{len(across.columns)} tasks[/]  scores on the test part, in brackets the rank{among}")
    out.print(_grid(across, out.width))
    if across.ranking:
        _print_ranking(across, across.ranking, out)
    for note in across.notes:
        out.print(f"  [yellow]note[/]  {escape(note)}")
    if len(across.everywhere) < len(across.names):
        some = [name for name in across.names if name not in across.everywhere]
        out.print(f"  [dim]not ranked, as not in every task:[/] {escape(', '.join(some))}")


def _grid(across: Across, width: int) -> Table:
    from rich.table import Table

    names = min(max(len(name) for name in across.names), _NAME)
    room = max(width - names - 12, 1)
    scores = room // len(across.columns) >= _WIDE
    shown = across.columns if scores else across.columns[: max(room // 8, 1)]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("\nname", no_wrap=True, max_width=_NAME, overflow="ellipsis")
    table.add_column("mean\nrank", justify="right", no_wrap=True)
    for column in shown:
        arrow = "↑" if column.greater_is_better else "↓"
        twice = sum(other.task == column.task for other in across.columns) > 1
        task = column.run if twice else column.task
        head = f"{_cut(task, 13)}\n{_cut(column.metric, 11)} {arrow}" if scores else f"{_cut(task, 6)}\n"
        table.add_column(escape(head), justify="right", no_wrap=True)
    for name in across.names:
        mean = f"{across.mean_ranks[name]:.2f}" if name in across.mean_ranks else "–"
        cells = []
        for column in shown:
            rank = f"{column.ranks[name]:g}" if name in column.ranks else ""
            score = f"{column.scores[name]:.4f}" if name in column.scores else "–"
            both = f"{score} [dim]({rank:>2})[/]" if rank else score
            cells.append(both if scores else rank or "–")
        table.add_row(escape(name), mean, *cells, style=_STYLES[across.roles[name]])
    if len(shown) < len(across.columns):
        table.caption = f"{len(across.columns) - len(shown)} more tasks do not fit; --json has them"
    return table


def _print_ranking(across: Across, ranking: Mapping[str, Any], out: Console) -> None:
    """A critical-difference diagram: mean ranks on one axis, and bars over what cannot be told apart."""
    names, last = across.everywhere, len(across.everywhere)
    label = min(max(map(len, names)), _NAME)
    width = min(out.width - label - 8, 64)

    def place(rank: float) -> int:
        return round((rank - 1) / (last - 1) * (width - 1))

    differ = ranking["p"] < _SURE
    sure = "more than chance explains" if differ else "no more than chance explains"
    out.print(
        f"\n[bold]Mean ranks[/] over {len(across.columns)} tasks differ by {sure} (Friedman, p = {_p(ranking['p'])})"
    )
    margin = " " * (label + 7)
    step = max(1, -(-last * 4 // width))
    axis = [" "] * (width + 3)
    for rank in range(1, last + 1, step):
        axis[place(rank) : place(rank) + len(str(rank))] = str(rank)
    out.print(f"[dim]{margin}{''.join(axis).rstrip()}[/]")
    for name in names:
        low, high = (place(rank) for rank in ranking["intervals"][name])
        cells = [" "] * width
        cells[low : high + 1] = "─" * (high - low + 1)
        cells[place(across.mean_ranks[name])] = "●"
        style = _STYLES[across.roles[name]]
        line = f"{escape(_cut(name, label)):<{label}} {across.mean_ranks[name]:5.2f} {''.join(cells).rstrip()}"
        out.print(f"[{style}]{line}[/]" if style else line)
    for group in ranking["groups"]:
        start, end = (place(across.mean_ranks[name]) for name in (group[0], group[-1]))
        out.print(f"[bold]{margin}{' ' * start}{'━' * (end - start + 1)}[/]")
    out.print(
        f"[dim]━ joins what cannot be told apart: mean ranks less than {ranking['critical']:.2f} from one another "
        "(Nemenyi, 95%, all pairs together). ─ mean ranks if other tasks had been drawn, as far as these tell.[/]"
    )


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.2g}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
