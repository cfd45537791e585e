"""What `concours host new` writes for a person to go on with: `competition.toml` with comments, and pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from datetime import datetime
from typing import Any

from concours.contest.contest_text import comment, toml
from concours.core.written import quoted
from concours.server.hosting.competition import Alliance, Arena, Baseline, BoardOf, Competition, Phase, Scorer, Teams

_ORDER = ("kind", "data", "test", "id", "target")


def slug_of(title: str) -> str:
    """A name for addresses: small letters, digits and hyphens, 60 at most."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "competition"


def competition_text(
    *,
    title: str,
    task: Mapping[str, Any],
    whys: Mapping[str, str],
    begins: datetime,
    ends: datetime,
    recipes: Iterable[str],
) -> str:
    """`competition.toml` of a competition with one phase, a key a line with what it means."""
    keys = [*(key for key in _ORDER if key in task), *(key for key in task if key not in _ORDER)]
    lines = [
        "# A competition. `concours host check .` says what publishing would refuse, and shows the baselines' board.",
        f"title = {quoted(title)}",
        f"slug = {quoted(slug_of(title))}  # its name in addresses and commands",
        'subtitle = ""',
        'licence = ""  # of the data, e.g. "CC-BY-4.0"',
        'contact = ""',
        'visibility = "all"  # or "members"',
        'rules = "pages/rules.md"  # to be accepted by who joins',
        "pages = [",
        '    { title = "Overview", file = "pages/overview.md" },',
        '    { title = "Data", file = "pages/data.md" },',
        '    { title = "Rules", file = "pages/rules.md" },',
        "]",
        "",
        "[task]  # as of a contest file",
        *(f"{key} = {toml(task[key])}{_beside(whys.get(key, ''))}" for key in keys),
        "split = { public = 0.3 }  # the share of the secret rows whose scores are shown while a phase is open",
        "",
        "[[phase]]",
        'key = "main"',
        'title = "Competition"',
        f"begins = {_moment(begins)}",
        f"ends = {_moment(ends)}",
        "limits = { per_day = 5 }  # of a team; also total, and seconds, memory_gb and disk_gb of a run of code",
        'board = "visible"  # or "members", "hidden", while it is open',
        'takes = ["predictions"]  # and "code", which runs in the sandbox',
        "",
        "[teams]",
        "most = 4",
    ]
    for recipe in recipes:
        lines += ["", "[[baseline]]", f"name = {quoted(recipe.capitalize())}", f"recipe = {quoted(recipe)}"]
    return "\n".join(lines) + "\n"


def pages_of(title: str, task: Mapping[str, Any]) -> dict[str, str]:
    """The pages by the names of their files."""
    target = f"`{task['target']}`" if task.get("target") else "the target"
    return {
        "overview.md": (
            f"# {title}\n\nSay here what is to be predicted ({target}), for whom it matters, and how submissions are "
            "scored.\n"
        ),
        "data.md": (
            f"# Data\n\n`{task['data']}` has the rows to learn from; `data/` also has those to predict, and a sample "
            "submission is made of them.\n\nSay here where the data comes from, and what its columns hold.\n"
        ),
        "rules.md": (
            "# Rules\n\n- One account a person; teams of at most four.\n- The test rows are not labelled by hand.\n"
            "- Say here what else is not allowed, and what becomes of the entries.\n"
        ),
    }


def _beside(why: str) -> str:
    return f"  # {comment(why)[:90]}" if why else ""


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def competition_toml(competition: Competition, head: Iterable[str] = ()) -> str:
    """A competition as `competition.toml`, without what is as it usually is.

    Law: reading it gives an equal competition.

    Args:
        head: lines of the comment that it begins with.
    """
    usual = Competition(title="", slug="", phases=()).to_json()
    value = {key: item for key, item in competition.to_json().items() if item != usual[key]}
    tables = {key: value.pop(key) for key in _TABLES if key in value}
    arrays = {
        one: [_unusual(item, made) for item in value.pop(many)]
        for many, (one, made) in _ARRAYS.items()
        if many in value
    }
    lines = [f"# {comment(line)}" for line in head]
    lines += [f"{key} = {_toml(item)}" for key, item in value.items()]
    for key, table in tables.items():
        lines += ["", f"[{key}]", *_keys(_unusual(table, _USUAL.get(key, {})))]
    for key, found in arrays.items():
        for item in found:
            lines += ["", f"[[{key}]]", *_keys(item)]
    return "\n".join(lines) + "\n"


def _keys(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(item, moment=key in _MOMENTS)}" for key, item in table.items()]


def _toml(value: Any, *, moment: bool = False) -> str:
    if moment:
        return str(value)
    return (
        toml({key: item for key, item in value.items() if item is not None})
        if isinstance(value, Mapping)
        else toml(value)
    )


def _unusual(value: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """What of a table differs from the usual, and within tables of it likewise; nothing is written of none."""
    found = {key: item for key, item in value.items() if item is not None and (key not in usual or item != usual[key])}
    return {
        key: _unusual(item, usual.get(key) or {}) if isinstance(item, Mapping) else item for key, item in found.items()
    }


def _usual(kind: type[Any]) -> dict[str, Any]:
    """The values of a dataclass that stand for themselves, as JSON."""
    found: dict[str, Any] = {}
    for each in fields(kind):
        if each.default is not MISSING:
            found[each.name] = each.default
        elif each.default_factory is not MISSING:
            made = each.default_factory()
            found[each.name] = asdict(made) if is_dataclass(made) and not isinstance(made, type) else made
    return found


_MOMENTS = ("begins", "ends", "merge_until")
_TABLES = ("task", "teams", "alliance", "scorer", "arena")
_ARRAYS = {
    "phases": ("phase", _usual(Phase)),
    "boards": ("board", _usual(BoardOf)),
    "baselines": ("baseline", _usual(Baseline)),
}
_USUAL = {"teams": _usual(Teams), "alliance": _usual(Alliance), "scorer": _usual(Scorer), "arena": _usual(Arena)}
