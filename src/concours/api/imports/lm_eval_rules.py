"""Of lm-evaluation-harness: from filters to a rule that finds answers, and from `generation_kwargs` to parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from concours.api.imports.imported import Notes
from concours.contest.contest_text import toml
from concours.core.errors import ContestError, DataError
from concours.tasks.extraction import checked_rule

_HARMLESS: Final = ("take_first", "remove_whitespace", "lowercase", "uppercase")
"""Filters that change nothing where one answer is read and compared as it is here."""
_STOPS: Final = 4
"""Stop texts that providers take."""
_NAMED: Final = {"max_gen_toks": "max_tokens", "max_tokens": "max_tokens", "max_new_tokens": "max_tokens"}
_NUMBERS: Final = {"temperature": float, "top_p": float, "seed": int, **dict.fromkeys(_NAMED, int)}


def rule(given: Any, numbers: bool, where: str, notes: Notes) -> tuple[str, str]:
    """One rule for all: of several pipelines of filters the last that can be carried over, with the reason.

    Args:
        numbers: whether all answers are numbers.

    Raises:
        DataError: it is no list of filters.
    """
    if given is None:
        return "", ""
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise DataError(f"{where}: filter_list must be a list of mappings, each with name and filter")
    found: dict[str, str] = {}
    for number, pipeline in enumerate(given, 1):
        name = str(pipeline.get("name", number))
        made = _pipeline(pipeline.get("filter"), numbers, where)
        if made is None:
            notes.leave(f"filter {name}", "a rule finds an answer in one response, and nothing else is done with it")
        elif made:
            found[name] = made
    if not found:
        return "", ""
    *others, last = found
    for name in others:
        if found[name] != found[last]:
            notes.leave(
                f"filter {name}",
                f"there is one rule for all, that of {last}; for the other write extract = {toml(found[name])}",
            )
    return found[last], f"filter {last} of {where}"


def _pipeline(filters: Any, numbers: bool, where: str) -> str | None:
    """The rule of a pipeline; empty where it changes nothing, none where there is no such rule."""
    if not isinstance(filters, list) or not all(isinstance(each, dict) for each in filters):
        raise DataError(f"{where}: filter must be a list of mappings, each with function")
    sought = [each for each in filters if each.get("function") not in _HARMLESS]
    if not sought:
        return ""
    if len(sought) > 1 or sought[0].get("function") != "regex":
        return None
    pattern, select = sought[0].get("regex_pattern", r"#### (\-?[0-9\.\,]+)"), sought[0].get("group_select", 0)
    if not isinstance(pattern, str):
        raise DataError(f"{where}: regex_pattern must be a text")
    try:
        groups = re.compile(pattern).groups
        if groups > 1:  # the first of them that is there, which no rule says
            return "last-number" if numbers and select == -1 else None
        return checked_rule(f"regex:{pattern if select == -1 else first(pattern)}") if select in (0, -1) else None
    except (re.error, ContestError, RecursionError, OverflowError) as error:
        raise DataError(f"{where}: {pattern[:60]!r} is no regular expression: {error}") from None


def first(pattern: str) -> str:
    """A pattern whose last match is the first of another, with its group, or all of it as one.

    Law: of what it finds, the last is what `re.findall` of the other finds first.
    """
    flags = re.match(r"\(\?[aiLmsux]+\)", pattern)
    own, rest = (flags[0], pattern[flags.end() :]) if flags else ("", pattern)
    grouped = f"(?:{rest})" if re.compile(pattern).groups else f"({rest})"
    return rf"{own}\A(?s:.*?){grouped}"


def generation(given: Any, where: str, notes: Notes) -> dict[str, Any]:
    """Parameters of an entrant for `generation_kwargs`. Raises DataError where a value is none."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DataError(f"{where}: generation_kwargs must be a mapping")
    params: dict[str, Any] = {}
    for key, value in given.items():
        if key == "until":
            params |= _stops(value, where, notes)
        elif key in _NUMBERS and value is not None:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise DataError(f"{where}: generation_kwargs.{key} must be a number of 0 or more, got {value!r}")
            params[_NAMED.get(str(key), str(key))] = _NUMBERS[key](value)
        elif key != "do_sample" and value is not None:
            notes.leave(f"generation_kwargs.{key}", "it is no parameter of an entrant")
    if given.get("do_sample") is False:
        params["temperature"] = 0.0
    return params


def _stops(value: Any, where: str, notes: Notes) -> dict[str, Any]:
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(one, str) for one in stops):
        raise DataError(f"{where}: generation_kwargs.until must be a list of texts")
    stops = [one for one in stops if one]
    if len(stops) > _STOPS:
        notes.leave(f"until {', '.join(map(repr, stops[_STOPS:]))}", f"endpoints take {_STOPS} stop texts")
    return {"stop": stops[:_STOPS]} if stops else {}
