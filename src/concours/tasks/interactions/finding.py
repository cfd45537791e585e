"""Whether a source is a log of interactions, and of which columns; and whether it is for recommendations or ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import ConcoursError, DataError
from concours.tasks.columns import Column, describe
from concours.tasks.interactions.log import Roles, parted
from concours.tasks.readers.archives import files_of, is_archive
from concours.tasks.readers.beginning import Beginning, open_beginning
from concours.tasks.readers.listing import content_names
from concours.tasks.readers.opened import Options
from concours.tasks.roles import is_moment

Keys = dict[str, tuple[Any, str]]

_USERS: Final = {"user", "customer", "reader", "viewer", "reviewer", "userid", "customerid", "uid", "visitor", "member"}
_ITEMS: Final = {
    "item", "itemid", "movie", "movieid", "film", "book", "isbn", "product", "asin", "song", "track", "game", "anime",
    "artist", "restaurant", "business", "article", "show",
}  # fmt: skip
_RATINGS: Final = {"rating", "ratings", "score", "stars"}
_FILES: Final = ("ratings.csv", "ratings.dat", "u.data")
"""What the ratings of MovieLens's sets are called, beside files of other things."""
_SINCE: Final = 10**8
"""Seconds since 1970 that no rating and no name of a user comes to."""
_REST: Final = 2
_MEANT: Final = {
    ("recommendation", "id"): "USERS",
    ("recommendation", "target"): "ITEMS",
    ("rating", "user"): "USERS",
    ("rating", "item"): "ITEMS",
    ("rating", "target"): "RATINGS",
}
"""Which column a key names, for people."""


def find_items(source: Path, options: Options) -> Keys | None:
    """The keys of a task of recommendations, each with a reason; none where the source is no log of interactions.

    A table whose columns are called like users and items, with perhaps a rating and a time, and few others; or the
    layouts of MovieLens, some of which name no column.

    Raises:
        DataError: the kind is asked for, and no columns are called so.
    """
    found = _found(source, options)
    if found is None:
        _say_what_lacks(source, options, "recommendation")
        return None
    path, roles, why = found
    target = options.names[:1]
    if not options.asked and target and target[0] != roles.item:
        return None
    keys: Keys = {
        "data": (path, why),
        "id": (roles.user, "the users: a row is a user, asked what comes next"),
        "target": (roles.item, _asked(roles, path)),
    }
    own = {key: value for key, value in (("rating", roles.rating), ("time", roles.time)) if value is not None}
    how = f"the last of each user by {roles.time!r} are held out" if roles.time else "some of each user's are held out"
    return {**keys, "options": ({**own, "held": 0.2}, how), "split": ({"test": 0.2}, "a fifth of the users judge")}


def find_ratings(source: Path, options: Options) -> Keys | None:
    """The same of a task of ratings, where a person names it or its column; else a log with ratings is for
    recommendations.

    Raises:
        DataError: the kind is asked for, and no columns are called so.
    """
    found = _found(source, options)
    if found is None or (found[1].rating is None and options.asked):
        _say_what_lacks(source, options, "rating")
        return None
    path, roles, why = found
    if roles.rating is None or not (options.asked or options.names[:1] == (roles.rating,)):
        return None
    keys: Keys = {
        "data": (path, why),
        "user": (roles.user, "the users"),
        "item": (roles.item, "the items"),
        "target": (roles.rating, "a number for each user and item"),
        "split": ({"test": 0.2}, "a fifth of the ratings judge, chosen by chance"),
    }
    if roles.time is None:
        return keys
    return {**keys, "drop": ([roles.time], "when a rating was given; leave this out to give it to models")}


def _say_what_lacks(source: Path, options: Options, kind: str) -> None:
    """Raises DataError where a kind is asked for, and a table does not tell by names which columns are what."""
    if not options.asked:
        return
    try:
        path = _file(source)
        opened = None if path is None else parted(open_beginning(Path(path), options).opened, options)
    except ConcoursError:
        return  # who reads it as a table says what is wrong
    if opened is None or not isinstance(opened.x, pa.Table):
        return
    columns = list(describe(opened.x))
    who = _called(columns, _USERS)
    what = _called([column for column in columns if column is not who], _ITEMS)
    rated = next((c for c in columns if set(c.tokens) & _RATINGS and c.is_number and c not in (who, what)), None)
    keys = {"id": _name(who), "target": _name(what)}
    if kind == "rating":
        keys = {"user": _name(who), "item": _name(what), "target": next(iter(options.names), _name(rated))}
    needed = "users, of items and of ratings" if kind == "rating" else "users and of items"
    written = ", ".join(f'{key} = "{name or f"COLUMN OF {_MEANT[kind, key]}"}"' for key, name in keys.items())
    raise DataError(
        f"{opened.name}: kind {kind} needs the columns of {needed}, and their names do not tell them; it has: "
        f'{", ".join(opened.x.column_names[:12])}. Write a contest file with [task] kind = "{kind}", '
        f'data = "{source.name}", {written}'
    )


def _asked(roles: Roles, path: str) -> str:
    """What is predicted, and what else could be."""
    if roles.rating is None:
        return "the items, which are recommended"
    return (
        f"the items, which are recommended, as such logs are mostly for; {roles.rating!r} of a user and an item could "
        f"be predicted too: concours new {path} --kind rating"
    )


def _found(source: Path, options: Options) -> tuple[str, Roles, str] | None:
    """The file of the interactions, its columns, and why it is that."""
    try:
        path = _file(source)
        if path is None:
            return None
        options = replace(options, names=(), input="table")
        head = open_beginning(Path(path), options)
        table = parted(head.opened, options).x
        if not isinstance(table, pa.Table):
            return None
        roles = _named(table) or _of_movielens(table)
    except ConcoursError:
        return None
    return None if roles is None else (path, roles, _amount(head, table, roles))


def _amount(head: Beginning, table: pa.Table, roles: Roles) -> str:
    users, items = (pc.count_distinct(table[name]).as_py() for name in (roles.user, roles.item))
    known = f"of {users:,} users with {items:,} items"
    if head.whole:
        return f"{len(table):,} interactions {known}"
    rows = f"about {head.rows:,}" if head.rows else f"more than {len(table):,}"
    return f"{rows} interactions; the first {len(table):,} are {known}"


def _file(source: Path) -> str | None:
    """The table that is meant: the source itself, or what of a folder or an archive is called as ratings are."""
    if source.is_file() and not is_archive(source.name):
        return str(source)
    if not source.is_dir() and not is_archive(source.name):
        return None
    names = [name for name in content_names(files_of(source)) if PurePosixPath(name).name in _FILES]
    if len(names) != 1:
        return None
    return str(source / names[0]) if source.is_dir() else f"{source}:{names[0]}"


def _named(table: pa.Table) -> Roles | None:
    """By what columns are called."""
    columns = list(describe(table))
    who = _called(columns, _USERS)
    what = _called([column for column in columns if column is not who], _ITEMS)
    if who is None or what is None or who.distinct >= who.rows:
        return None
    rated = next((c for c in columns if set(c.tokens) & _RATINGS and c.is_number and c not in (who, what)), None)
    time = next((c for c in columns if c not in (who, what, rated) and (c.named_moment or is_moment(c))), None)
    rest = [c for c in columns if c not in (who, what, rated, time)]
    if len(rest) > (_REST if rated is None else 0):
        return None
    return Roles(user=who.name, item=what.name, rating=_name(rated), time=_name(time))


def _name(column: Column | None) -> str | None:
    return None if column is None else column.name


def _called(columns: Sequence[Column], words: set[str]) -> Column | None:
    """The first column whose name has one of some words, and nothing but that and `id` beside it if any has."""
    some = [column for column in columns if set(column.tokens) & words]
    plain = [column for column in some if set(column.tokens) <= {*words, "id", "no", "key", "name"}]
    return next(iter(plain or some), None)


def _of_movielens(table: pa.Table) -> Roles | None:
    """Four columns without names: user, item, rating, and seconds since 1970."""
    if table.column_names != ["0", "1", "2", "3"] or not all(
        pa.types.is_integer(c.type) or i == 2 for i, c in enumerate(table.columns)
    ):
        return None
    low, high = (pc.min_max(table["2"])[key].as_py() for key in ("min", "max"))
    since = pc.min(table["3"]).as_py()
    if since is None or since < _SINCE or low is None or not 0 <= low <= high <= 10:
        return None
    return Roles(user="0", item="1", rating="2", time="3")
