"""`concours judges`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concours.cli.terminal import say, say_json

if TYPE_CHECKING:
    from concours.runs.judges import Judgements


def judges(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest with judges.")],
    votes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="People's votes on the same pairs: model_a, model_b, winner, question."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the verdicts there, a battle each, for concours rate."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What judges said in a contest, how they agree, and how far people agree with them."""
    from concours.api.looking import look
    from concours.runs.judges import judgements

    found = judgements(look(run), votes)
    if out:
        from pyarrow import csv

        csv.write_csv(found.battles, out)
    if as_json:
        say_json(found.to_json())
        return
    _print(found)
    if out:
        say("", f"{out} has {len(found.battles):,} battles. Next:", "", f"    concours rate {out} --cluster question")


def _print(found: Judgements) -> None:
    told = found.summed_up
    for judge in told["judges"]:
        _print_judge(judge)
    for one in told["agreement"]:
        say(f"{' and '.join(one['judges'])}: kappa {_kappa(one['kappa'])} on {one['rows']:,} texts")
    if found.people:
        _print_people(found)
    for line in told.get("ratings", ()):
        if line["rating"] is not None:
            low, high = line["ci"]
            ranks = f"{line['rank']} ({line['rank_best']}–{line['rank_worst']})"
            say(f"  {ranks:<9} {line['name']:<24} {line['rating']:5.0f} [{low:.0f}, {high:.0f}]")
    for one in told["same"]:
        say(f"warning: {one['name']} says one and the same thing to {one['share']:.0%} of the rows")
    for warning in told["warnings"]:
        say(f"warning: {warning}")


def _print_judge(judge: Mapping[str, Any]) -> None:
    money = "" if judge["money"] is None else f", {judge['money']:.4g}"
    say(f"{judge['name']}: {judge['requests']:,} verdicts, {judge['unread']:,} unread{money}")
    places = judge.get("places", {})
    if places.get("first") is not None:
        first, same, ties = (places[name] for name in ("first", "same", "ties"))
        say(f"  first place {first:.1%}, the same both ways {same:.1%}, ties {ties:.1%}")


def _print_people(found: Judgements) -> None:
    people = found.people
    if people is None:
        return
    interval = f"[{people.low:.1%}, {people.high:.1%}]"
    say(f"people: the same on {people.share:.1%} of {people.pairs:,} pairs {interval}, kappa {_kappa(people.kappa)}")
    if people.decided is not None:
        say(f"  on {people.decided:.1%} of the {people.decided_pairs:,} pairs without ties")
    for name, share in sorted(found.corrected.items(), key=lambda pair: -pair[1]):
        say(f"  {name} would win {share:.1%} by people, if judges err so often")
    if found.strange:
        say(f"  {found.strange:,} pairs with votes were judged by nobody here, and are not compared")


def _kappa(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
