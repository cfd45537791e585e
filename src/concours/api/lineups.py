"""Whom to run on some data: the rules and the record, asked about the entrants that are installed."""

from __future__ import annotations

from collections.abc import Sequence

from concours.core.kind import Form
from concours.core.optional import installed
from concours.entrants.zoo import specs
from concours.tasks.advice.portfolio import shipped
from concours.tasks.advice.rules import Facts, Lineup, advised


def lineup_for(facts: Facts, form: Form, among: Sequence[str] = ()) -> Lineup:
    """Whom of some entrants to run, by default of all that a kind has, as far as they are installed."""
    known = dict.fromkeys(among or (name for lineup in form.lineups.values() for name in lineup))
    there = [name for name in known if _there(name, form)]
    return advised(facts, there, shipped().order(form.name), sets=shipped().sets(form.name))


def record_said(form: Form) -> str:
    """Where the order of a form's entrants comes from, in words."""
    portfolio = shipped()
    sets = portfolio.sets(form.name)
    if not sets:
        return "the record has no contests on such data, so that the order is that of the kind's line-ups"
    return f"the record is of contests of {portfolio.date} on {', '.join(sets)} ({portfolio.how})"


def _there(name: str, form: Form) -> bool:
    package = specs(name)[form.name].package
    return not package or installed(package)
