"""`concours rate`, `concours pair` and `concours audit`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concours.cli.terminal import console, escape, say_json
from concours.core.errors import ContestError
from concours.core.visible import visible

if TYPE_CHECKING:
    from concours.cli.console import Console
    from concours.kernels.rating.lines import Rating
    from concours.votes.audit import Audit
    from concours.votes.ratings import Ratings

_MOST = 50
_NAME = 30
_FEW = 10

Battles = Annotated[
    Path, typer.Argument(metavar="BATTLES", help="CSV, Parquet or JSON Lines (.gz too): a row a battle.")
]
Left = Annotated[str | None, typer.Option(help="Column of the left model.", show_default="model_a, left")]
Right = Annotated[str | None, typer.Option(help="Column of the right model.", show_default="model_b, right")]
Winner = Annotated[
    str | None,
    typer.Option(help="Column of who won: model_a, model_b, tie; or left, right, tie.", show_default="winner"),
]
Weight = Annotated[str | None, typer.Option(metavar="COLUMN", help="What a battle counts.")]
Propensity = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The probability with which the pair was chosen; a battle counts its inverse."),
]
IgnoreCase = Annotated[
    bool, typer.Option("--ignore-case", help="Names that differ by blanks or case only are one model.")
]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE", help="Write JSON there; - prints it instead.")]


def rate(
    battles: Battles,
    left: Left = None,
    right: Right = None,
    winner: Winner = None,
    weight: Weight = None,
    propensity: Propensity = None,
    by: Annotated[
        str | None, typer.Option(metavar="CATEGORY", help="A column; each of its values gets a board of its own.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="COLUMN,…", help="Battles alike in one of these depend on one another: voter,prompt."),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN,…", help="Numbers that may sway a vote: a difference left - right, or X for X_a and X_b."
        ),
    ] = None,
    ties: Annotated[str, typer.Option(help="A tie is: half a win (half), or of davidson's or rao-kupper's model.")] = (
        "half"
    ),
    anchor: Annotated[
        str | None,
        typer.Option(metavar="NAME=1000", help="A model and its rating.", show_default="the mean is 1000"),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(metavar="N", help="Intervals from so many bootstrap rounds; 1000 or more.", min=0)
    ] = 0,
    online: Annotated[
        str | None, typer.Option(help="Show too what elo or trueskill end with, in the order of the file.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    ignore_case: IgnoreCase = False,
    as_json: Json = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there.")] = None,
) -> None:
    """Rate models by battles: who met whom, and who won."""
    from concours.votes.rate import rate as rated

    found = rated(
        battles,
        left=left,
        right=right,
        winner=winner,
        weight=weight,
        propensity=propensity,
        by=by,
        cluster=_listed(cluster),
        control=_listed(control),
        ties=ties,  # type: ignore[arg-type]
        anchor=_anchor(anchor),
        bootstrap=bootstrap,
        online=online,  # type: ignore[arg-type]
        seed=seed,
        ignore_case=ignore_case,
    )
    if html:
        found.report(html, title=battles.name.partition(".")[0])
    if _written(as_json, found.to_json()):
        return
    _print_ratings(found, battles.name, html)


def pair(
    battles: Battles,
    left: Left = None,
    right: Right = None,
    winner: Winner = None,
    weight: Weight = None,
    propensity: Propensity = None,
    next: Annotated[int, typer.Option(metavar="N", help="How many pairs.", min=1)] = 10,
    aim: Annotated[
        str, typer.Option("--for", metavar="AIM", help="What is to become surer: all, top:K, or the name of a model.")
    ] = "all",
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    ignore_case: IgnoreCase = False,
    as_json: Json = None,
) -> None:
    """Say which pairs to show next, and with what probability each was chosen."""
    from rich.table import Table

    from concours.votes.pair import pair as paired

    found = paired(
        battles,
        left=left,
        right=right,
        winner=winner,
        weight=weight,
        propensity=propensity,
        next=next,
        aim=aim,
        seed=seed,
        ignore_case=ignore_case,
    )
    if _written(as_json, found.to_json()):
        return
    out = console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("left", "right"):
        table.add_column(title, no_wrap=True, overflow="ellipsis", max_width=_NAME)
    table.add_column("propensity", justify="right", no_wrap=True)
    for each in found.pairs:
        table.add_row(escape(each.left), escape(each.right), f"{each.propensity:.3g}")
    out.print(f"\n[bold]Next[/]  for {escape(found.aim)}, drawn by how far each pair lowers the uncertainty")
    out.print(table)
    for warning in found.warnings:
        out.print(f"  [yellow]warning[/]: {escape(warning)}")
    out.print(
        f"[dim]typical error now {found.uncertainty:.4g} Elo points; {found.expected:.4g} expected after these\n"
        "propensity: the probability of the pair when it was drawn; keep it with the vote,\n"
        "for concours rate --propensity. --json has those of all pairs.[/]"
    )


def audit(
    battles: Battles,
    left: Left = None,
    right: Right = None,
    winner: Winner = None,
    weight: Weight = None,
    voter: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Who voted.", show_default="voter, judge, user or annotator")
    ] = None,
    margin: Annotated[float, typer.Option(help="Elo points within which two models play alike.", min=0.0)] = 20.0,
    texts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What models said, a row an answer: model, and text or output.")
    ] = None,
    ignore_case: IgnoreCase = False,
    as_json: Json = None,
) -> None:
    """Look for what could be wrong: voters, sides, clones, cheats, and how few votes carry the first place."""
    from concours.votes.audit import audit as audited

    found = audited(
        battles,
        left=left,
        right=right,
        winner=winner,
        weight=weight,
        voter=voter,
        margin=margin,
        ignore_case=ignore_case,
        texts=texts,
    )
    if _written(as_json, found.to_json()):
        return
    _print_audit(found, battles.name)


# What was asked


def _listed(names: str | None) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()] if names else []


def _anchor(given: str | None) -> tuple[str, float] | None:
    if given is None:
        return None
    name, equals, rating = given.rpartition("=")
    try:
        return name.strip(), float(rating) if equals else float("nan")
    except ValueError:
        raise ContestError(f"anchor: NAME=1000 was expected, got {given!r}") from None


def _written(where: str | None, value: Mapping[str, Any]) -> bool:
    """Writes JSON, if asked; whether nothing else is to be printed."""
    if where is None:
        return False
    if where == "-":
        say_json(value, allow_nan=False)
        return True
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    Path(where).write_text(text + "\n", encoding="utf-8")
    return False


# Ratings


def _print_ratings(found: Ratings, name: str, html: Path | None) -> None:
    out = console()
    rated = [line for line in found.ratings if line.rating is not None]
    out.print(f"\n[bold]{escape(name)}[/]  {found.battles:,} battles, {len(found.ratings):,} models")
    _print_board(found, rated[:_MOST], out)
    if len(rated) > _MOST:
        out.print(f"[dim]and {len(rated) - _MOST} more: --json, --html[/]")
    out.print(
        f"[dim]rank: place, and the places that cannot be ruled out (95%, all pairs together).\n"
        f"tier: its models cannot be told from its first. Intervals of 95%: {escape(found.intervals)}.[/]"
    )
    if any(line.note for line in rated):
        out.print("[dim]* rated with a prior[/]")
    for warning in found.warnings:
        out.print(f"  [yellow]warning[/]: {escape(warning)}")
    _print_fit(found, out)
    for control in found.controls:
        low, high = control["ci"]
        out.print(
            f"  control {escape(control['name'])}: {control['points']:+.1f} points a standard deviation "
            f"[dim]\\[{low:+.1f}, {high:+.1f}][/]"
        )
    kinds = sorted(found.categories.items(), key=lambda item: -sum(line.battles for line in item[1]))
    for kind, lines in kinds[:_FEW]:
        _print_category(kind, lines, out)
    if len(kinds) > _FEW:
        out.print(f"[dim]and {len(kinds) - _FEW} categories with fewer battles: --json, --html[/]")
    if html:
        out.print(f"\n{escape(str(html))}", soft_wrap=True)


def _print_board(found: Ratings, lines: list[Rating], out: Console) -> None:
    from rich.table import Table

    from concours.cli.plot import IntervalPlot

    names = min(max(len(visible(line.name)) for line in lines), _NAME)
    online = {each["name"]: each["rating"] for each in found.online.get("ratings", ())}
    extra = 9 if online else 0
    bounds = [(line.low, line.high) for line in lines if line.low is not None and line.high is not None]
    firm = [(line.low, line.high) for line in lines if line.low is not None and line.high is not None and not line.note]
    plot = IntervalPlot(firm or bounds, min(max(out.width - names - extra - 39, 8), 44), whole=True)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("rank", no_wrap=True)
    table.add_column("tier", justify="right", no_wrap=True)
    table.add_column("model", no_wrap=True, max_width=_NAME + 2, overflow="ellipsis")
    table.add_column("rating", justify="right", no_wrap=True)
    table.add_column("", justify="left", no_wrap=True, style="dim")
    table.add_column("interval", width=plot.width, no_wrap=True)
    table.add_column("battles", justify="right", no_wrap=True)
    if online:
        table.add_column(str(found.online["method"]), justify="right", no_wrap=True)
    digits = len(str(max((line.rank or 0) for line in lines)))
    for line in lines:
        if line.rating is None or line.low is None or line.high is None:
            continue
        cells: list[Any] = [
            _ranks(line, digits),
            str(line.tier),
            escape(line.name) + ("[dim]*[/]" if line.note else ""),
            f"{line.rating:.0f}",
            f"±{(line.high - line.low) / 2:.{0 if line.high - line.low > 10 else 1}f}",
            plot.bar(line.low, line.high, line.rating),
            f"{line.battles:,}",
        ]
        if online:
            cells.append(f"{online[line.name]:.{0 if found.online['method'] == 'elo' else 1}f}")
        table.add_row(*cells, style="dim" if line.note else "")
    out.print(table)


def _ranks(line: Rating, digits: int = 2) -> str:
    span = str(line.rank_best) if line.rank_best == line.rank_worst else f"{line.rank_best}–{line.rank_worst}"
    return f"{line.rank:>{digits}} [dim]({span})[/]"


def _print_fit(found: Ratings, out: Console) -> None:
    from concours.report.ratings import chance

    fit = found.fit
    if not fit or not fit["freedom"]:
        return
    verdict = "one number a model describes the battles" if fit["p"] >= 0.01 else (
        "one number a model does not describe all battles"
    )  # fmt: skip
    out.print(f"  fit: {verdict} (χ² {fit['chi2']:.0f} on {fit['freedom']}, p {chance(fit['p'])})")
    if fit["p"] < 0.01:
        for pair in [each for each in fit["worst"] if abs(each["z"]) > 3][:3]:
            out.print(
                f"       {escape(pair['left'])} got {pair['seen']:.0%} of {pair['battles']:,} against "
                f"{escape(pair['right'])}, {pair['expected']:.0%} expected"
            )
    for circle in fit["intransitive"][:3]:
        a, b, c = (escape(name) for name in circle["models"])
        out.print(f"  circle: {a} beats {b} beats {c} beats {a}")


def _print_category(kind: str, lines: tuple[Rating, ...], out: Console) -> None:
    battles = sum(line.battles for line in lines) // 2
    out.print(f"\n[bold]{escape(kind)}[/]  [dim]{battles:,} battles, {len(lines)} models[/]")
    width = min(max(len(visible(line.name)) for line in lines[:_FEW]), _NAME)
    for line in lines[:_FEW]:
        if line.rating is None or line.low is None or line.high is None:
            continue
        name = visible(line.name)
        name = name if len(name) <= width else name[: width - 1] + "…"
        out.print(
            f"  {_ranks(line)}  {escape(name):<{width}}  {line.rating:5.0f} [dim]±{(line.high - line.low) / 2:.0f}[/]"
            + ("[dim]*[/]" if line.note else "")
        )
    if len(lines) > _FEW:
        out.print(f"  [dim]and {len(lines) - _FEW} more: --json, --html[/]")


# Audit


def _print_audit(found: Audit, name: str) -> None:
    out = console()
    out.print(f"\n[bold]{escape(name)}[/]  {found.battles:,} battles, {found.models:,} models")
    for finding in found.findings:
        out.print(f"  [yellow]look[/]: {escape(finding)}")
    if not found.findings:
        out.print("  nothing stands out")
    out.print("\n[bold]Voters[/]")
    voters = found.voters
    if voters is None:
        out.print("  [dim]no column says who voted (--voter)[/]")
    else:
        agreed = "" if voters["agreement"] is None else f"; on average {voters['agreement']:.0%} with the crowd"
        out.print(f"  {voters['count']:,} voters{agreed}")
        for each in voters["unlike_the_crowd"][:_FEW]:
            out.print(
                f"  {escape(each['voter'])}: {each['votes']:,} votes as if {each['as_if']} "
                f"[dim](evidence 10^{each['log10_evidence']:.1f}, 10^{voters['evidence_needed']:.1f} needed)[/]"
            )
        for each in voters["one_sided"][:_FEW]:
            out.print(
                f"  {escape(each['voter'])}: chose the left side in {each['left_share']:.0%} of {each['decisive']:,} "
                "decisive votes"
            )
    out.print("\n[bold]Sides[/]")
    if found.position is None:
        out.print("  [dim]sides are not known: the winner is always named first, or no models are established[/]")
    else:
        low, high = found.position["ci"]
        out.print(f"  being left is worth {found.position['points']:+.1f} points [dim]\\[{low:+.1f}, {high:+.1f}][/]")
    out.print("\n[bold]Models that play alike[/]")
    for each in found.clones[:_FEW]:
        a, b = (escape(model) for model in each["models"])
        low, high = each["difference"]
        met = "" if each["ties"] is None else f", {each['ties']:.0%} ties in {each['battles']:,} battles"
        out.print(f"  {a} and {b}: {low:+.0f} to {high:+.0f} points apart{met}")
    if len(found.clones) > _FEW:
        out.print(f"  [dim]and {len(found.clones) - _FEW} more: --json[/]")
    if not found.clones:
        out.print("  [dim]no pair is surely within the margin[/]")
    out.print("\n[bold]First place[/]")
    _print_first(found, out)


def _print_first(found: Audit, out: Console) -> None:
    from concours.core.written import counted

    first = found.first_place
    if first is None:
        out.print("  [dim]no few votes carry it[/]")
        return
    leader, challenger = escape(first["leader"]), escape(first["challenger"])
    votes = counted(first["votes"], "vote")
    out.print(f"  without {votes} ({first['share']:.2%}) {challenger} would stand before {leader}:")
    for each in first["removed"][:5]:
        out.print(f"  [dim]{each['votes']:>5,} {escape(each['what'])}[/]")
    if len(first["removed"]) > 5:
        out.print("  [dim]    … and others: --json[/]")
