"""Writes the table of rules in `advise.md` from the rules themselves: python docs/rules.py"""

from __future__ import annotations

from pathlib import Path

from concours.tasks.advice.rules import RULES

PAGE = Path(__file__).with_name("advise.md")
HEAD = "| rule | when | what follows | why |\n| --- | --- | --- | --- |\n"


def table() -> str:
    """A row a rule."""
    verbs = {"first": "first", "leave out": "left out"}
    rows = [
        f"| {rule.name} | {rule.when} | {verbs[rule.does]}: {', '.join(rule.entrants)} | {rule.why} |" for rule in RULES
    ]
    return HEAD + "\n".join(rows) + "\n"


def page(text: str) -> str:
    """The page with today's rules."""
    before, _, after = text.partition(HEAD)
    return f"{before}{table()}\n{after.partition(chr(10) * 2)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
