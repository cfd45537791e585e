"""Reading for recommendations: a log of interactions becomes rows that are users.

What is known of a user is the row, a table of lists: `items`, codes in the order of time, or as they stood, and beside
them `ratings` and `times` where the log has them. The target are the items that are held out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import counted
from concours.tasks.duplicates import row_keys
from concours.tasks.interactions.log import Log, Roles, joined, log_of, open_log, repeated
from concours.tasks.interactions.settings import Settings, settings_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.reading import Data
from concours.tasks.task import Task

Codes = NDArray[np.int64]

_KEPT: Final = b"concours.interactions"
_TOLD: Final = 8


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The users of a log, each asked for the items of it that are held out, and those of a test part of its own.

    Of a user whom the log of the test part has too, all of the data is known, and what is asked for are the items that
    the test part alone has; of others, some of their own are held out, as everywhere.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    split = task.split
    if split.group is not None or split.time is not None or split.by is not None:
        raise ContestError(
            "task.split: users are split whole; leave by, group and time out, and name the column of the time as "
            "task.options.time: the last items of each user are then held out"
        )
    settings = settings_of(task.options)
    log, roles = _log(task.data, task, settings, folder)
    if task.test is None:
        return _data(_users_of(log, _names(log), settings), log, roles, settings), None
    later, _ = _log(task.test, task, settings, folder)
    names = _names(log, later)
    data = _data(_users_of(log, names, settings), log, roles, settings)
    earlier = log.some(pc.is_in(log.users, value_set=later.users.unique()).to_numpy(zero_copy_only=False))
    both = joined(earlier, later)
    fresh = ~repeated(both.users, both.items)
    behind = (np.arange(len(both)) >= len(earlier))[fresh]
    return data, _data(_users_of(both.some(fresh), names, settings, asked=behind), later, roles, settings)


def renew(
    source: Any,
    like: pa.Table,
    *,
    meta: Mapping[str, Any],
    written: Sequence[str] = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[pa.Table, Opened]:
    """What is known of new users, or more of known ones: a row each, in the order in which they come, nothing held out.

    Items that models were fitted on nothing of are not looked at, which is told.

    Args:
        like: rows that models were fitted on.
        meta: not used.
        written: not used; users stay as they are written.

    Raises:
        DataError: a column is missing, or a row is wrong.
    """
    del meta, written
    kept = json.loads(like.schema.metadata[_KEPT])
    roles, names = Roles(**kept["roles"]), pa.array(kept["items"], pa.string())
    log = log_of(open_log(source, Path(), _options(roles), "the given rows"), roles)
    for warning in log.warnings:
        told(warning)
    users = log.users.unique()
    known = pc.is_in(log.items, value_set=names).to_numpy(zero_copy_only=False)
    if not known.all():
        first = int(np.argmin(known))
        told(
            f"{log.name}: {counted(int((~known).sum()), 'row')} with an item that models were fitted on nothing of are "
            f"not looked at; first: row {int(log.rows[first]) + 1}, {log.items[first].as_py()!r}"
        )
    own = _users_of(log.some(known), names, None, users=users)
    if bare := int((np.bincount(own.owner, minlength=len(users)) == 0).sum()):
        told(f"{log.name}: of {counted(bare, 'user')} no known item is left: they get what most users have")
    return own.known(roles), Opened(x=pa.table({roles.user: users}), name=log.name, notes=log.notes)


def in_words(histories: pa.Table, rows: Sequence[int]) -> list[str]:
    """The last items that are known of some users, as they are written, and how many more there are."""
    names = json.loads(histories.schema.metadata[_KEPT])["items"]
    told = []
    for items in histories["items"].take(pa.array(rows, pa.int64())).to_pylist():
        last = ", ".join(names[code] for code in items[-_TOLD:]) or "nothing"
        told.append(last if len(items) <= _TOLD else f"{last} and {len(items) - _TOLD} more")
    return told


@dataclass(frozen=True, kw_only=True)
class _Users:
    """Interactions user by user, those of each in the order of time, or as they stood.

    Attributes:
        called: what the users are called, (users,), in the order in which they come.
        names: what the items are called.
        owner, items: (interactions,) codes, the first rising.
        held: (interactions,) whether each is held out.
    """

    called: pa.Array
    names: pa.Array
    owner: Codes
    items: Codes
    held: NDArray[np.bool_]
    ratings: NDArray[np.float64] | None
    times: NDArray[np.float64] | None

    def known(self, roles: Roles) -> pa.Table:
        """What is known of each, a table of lists."""
        kept = {"roles": asdict(roles), "items": self.names.to_pylist()}
        columns = {"items": self.items, "ratings": self.ratings, "times": self.times}
        lists = {name: self._lists(values, ~self.held) for name, values in columns.items() if values is not None}
        return pa.table(lists).replace_schema_metadata({_KEPT: json.dumps(kept, ensure_ascii=False)})

    def asked(self) -> pa.Array:
        """The items that are held out of each, lists."""
        return self._lists(self.items, self.held)

    def _lists(self, values: NDArray[Any], some: NDArray[np.bool_]) -> pa.Array:
        counts = np.bincount(self.owner[some], minlength=len(self.called))
        return pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32()), pa.array(values[some])
        )


def _users_of(
    log: Log,
    names: pa.Array,
    settings: Settings | None,
    *,
    users: pa.Array | None = None,
    asked: NDArray[np.bool_] | None = None,
) -> _Users:
    """The users of a log, with what is held out of them.

    Args:
        settings: by which items are held out; none are where there are none.
        users: in their order; by default all, as they come.
        asked: (interactions,) what is asked of users of whom other interactions are known.
    """
    users = log.users.unique() if users is None else users
    owner = _places(log.users, users)
    order = np.lexsort((np.arange(len(log)) if log.times is None else log.times, owner))
    owner, held = owner[order], np.zeros(len(log), dtype=np.bool_)
    if settings is not None:
        keys = None if log.times is not None else row_keys(pa.table({"user": log.users, "item": log.items}))[order]
        held = _held_out(owner, keys, settings.held)
    if asked is not None:
        known = np.bincount(owner, ~asked[order], minlength=len(users)) > 0
        held = np.where(known[owner], asked[order], held)
    return _Users(
        called=users,
        names=names,
        owner=owner,
        items=_places(log.items, names)[order],
        held=held,
        ratings=None if log.ratings is None else log.ratings[order],
        times=None if log.times is None else log.times[order],
    )


def _held_out(owner: Codes, keys: NDArray[np.uint64] | None, share: float) -> NDArray[np.bool_]:
    """(interactions,) whether each is held out: a share of each user's, one at least, and never all.

    They are the last ones; or, by keys, which hang on what user and item are called alone, those of the greatest: so
    what is held out of a user stays so whatever rows are added of others.
    """
    counts = np.bincount(owner)
    held = np.minimum(np.maximum(np.rint(share * counts).astype(np.int64), 1), counts - 1)
    place = np.arange(len(owner))
    if keys is not None:
        place = np.empty(len(owner), dtype=np.int64)
        place[np.lexsort((keys, owner))] = np.arange(len(owner))
    return np.asarray(place >= (np.cumsum(counts) - held)[owner])


def _options(roles: Roles, task: Task | None = None) -> Options:
    """How a log is read."""
    return Options(
        header=None if task is None else task.header,
        names=roles.names,
        encoding=None if task is None else task.encoding,
        on_bad_row="fail" if task is None else task.on_bad_row,
        columns={} if task is None else task.columns,
        missing=None if task is None else task.missing,
        written=(roles.user, roles.item),
    )


def _log(source: Any, task: Task, settings: Settings, folder: Path) -> tuple[Log, Roles]:
    missing = [key for key, value in (("id", task.id), ("target", task.target_column)) if value is None]
    if missing:
        what = {"id": "the users, each of which becomes a row", "target": "the items, which are recommended"}
        raise ContestError(f"task.{missing[0]} is missing: name the column of {what[missing[0]]}")
    roles = Roles(user=str(task.id), item=str(task.target_column), rating=settings.rating, time=settings.time)
    opened = open_log(source, folder, _options(roles, task), task.name or "the data")
    return log_of(opened, roles, on_bad_row=task.on_bad_row), roles


def _names(*logs: Log) -> pa.Array:
    """The items of logs, numbers among them by their size."""
    names = pa.concat_arrays([log.items for log in logs]).unique().to_pylist()
    whole = all(name.isdecimal() and name.isascii() for name in names)
    return pa.array(sorted(names, key=(lambda name: (int(name), name)) if whole else None), pa.string())


def _places(names: pa.Array, among: pa.Array) -> Codes:
    return np.asarray(pc.index_in(names, value_set=among).to_numpy(zero_copy_only=False), dtype=np.int64)


def _data(found: _Users, log: Log, roles: Roles, settings: Settings) -> Data:
    """Rows and targets; users of whom nothing is held out are left out, which is told."""
    x, y = found.known(roles), found.asked()
    askable = pc.greater(pc.list_value_length(y), 0)
    kept = np.flatnonzero(askable.to_numpy(zero_copy_only=False))
    left, warnings = len(y) - len(kept), []
    if not len(kept):
        raise DataError(f"{log.name}: no user has two items, one to know and one to be asked for")
    if left:
        first = found.called[int(np.argmin(askable.to_numpy(zero_copy_only=False)))].as_py()
        warnings.append(
            f"{log.name}: {counted(left, 'user')} left out, as nothing is left to hold out of one item; "
            f"first: {roles.user} {first!r}"
        )
    rows = pa.array(kept)
    users, y = found.called.take(rows), y.take(rows)
    how = "chosen by chance" if roles.time is None else f"the last by {roles.time!r}"
    said = (
        f"{len(log):,} interactions of {len(kept):,} users with {len(found.names):,} items; of each user "
        f"{settings.held:.0%} are held out, {how}"
    )
    return Data(
        x=x.take(rows),
        y=y,
        name=log.name,
        ids=pa.chunked_array([users]),
        content=pa.table({"user": users, "asked": y}),
        left_out=log.left_out,
        read="users",
        unit="row",
        notes=(*log.notes, said),
        warnings=(*log.warnings, *warnings),
        meta={"called": tuple(found.names.to_pylist()), "best": settings.best},
    )
