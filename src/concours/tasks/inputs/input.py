"""Inputs: what rows can be, and what depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from concours.core.kind import Input


@dataclass(frozen=True, kw_only=True)
class InputKind:
    """One sort of input.

    Attributes:
        what: rows of it, in words.
        can: as of `core.kind.Input`.
        preparations: what suits it, by name (`entrants.preparation`); the first is the usual one.
        network: what a user's own network gets: a preparation, or `none`, the rows themselves.
        reader: reads the data of a task, as `module:attribute` (`tasks.reading.read`).
        renewer: reads new rows as those that models were fitted on (`tasks.new_rows.read_inputs`).
        keys: of `[task]` that it alone has, each with what it is: a text, or a list of texts. They are `Task.options`.
        paths: those of its keys that are paths of files, from where the contest file lies.
        lacks: keys of a task that its reader takes nothing of, and refuses.
        tables: those of its keys that hold tables; the others hold a text, or a list of texts.
        runs: says which recipe of code, if any, the text runs that a task gives as its data, as `module:attribute`.
        sees_groups: whether models get the column by which rows keep together, which is then content, such as a passage
            that several questions are about, and no name.
        slow: whether a fit takes so long that fewer folds are usual.
    """

    name: str
    what: str
    can: tuple[str, ...] = ()
    preparations: tuple[str, ...] = ()
    network: str = "none"
    reader: str = "concours.tasks.reading:read"
    renewer: str = "concours.tasks.new_rows:read_inputs"
    keys: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ("options",)
    tables: tuple[str, ...] = ()
    runs: str = ""
    sees_groups: bool = False
    slow: bool = False

    @property
    def value(self) -> Input:
        """It as a value for processes."""
        return Input(name=self.name, can=self.can)
