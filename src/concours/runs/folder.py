"""Run folders: what lies where, whose it is, and who may write."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from concours.core import links
from concours.core.errors import ContentRefused, RunFolderError
from concours.core.space import no_space_named
from concours.core.typed import typed
from concours.runs.upgrade import SCHEMA, UPGRADES
from concours.stores.address import AddressedStore, require_open, store_at

T = TypeVar("T")

_LISTS = ("candidates.json",)
_STORE = "store.json"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one contest. Its identity is the problem's digest and the seed.

    Attributes:
        beneath: the address of a store whose objects show through, to be read.
    """

    path: Path
    beneath: str = ""

    @property
    def store(self) -> AddressedStore:
        """Where its objects lie: in the folder, or where `settle` has put them.

        Raises:
            RunFolderError: the file that says so is damaged. StoreRefused, MissingPackage: as of `store_at`.
        """
        return store_at(self.elsewhere or self.path / "store", beneath=self.beneath)

    @property
    def elsewhere(self) -> str:
        """The address of a store that is not in the folder; empty where it is."""
        address = (self.read(_STORE) or {"address": ""}).get("address")
        if not isinstance(address, str):
            raise self._damaged(_STORE, f"its address is {address!r}")
        return address

    def settle(self, store: str | None) -> None:
        """Decides, once, where the objects lie: with an address in a new place of their own below it, which no other
        run has, so that nothing of others is ever removed.

        Raises:
            RunFolderError: they lie elsewhere already. StoreRefused: the store lets nobody write.
        """
        known = self.elsewhere
        if store is not None and not known:
            if self.read("run.json") is not None:
                raise RunFolderError(
                    f"the objects of {self.path} lie in it; go on without --store, or take another folder by --out"
                )
            store_at(store)  # what is no address is told as it was given
            below = store.rstrip("/") if "://" in store else str(Path(store).absolute())
            known = f"{below}/{self.path.resolve().name}-{os.urandom(4).hex()}"
            require_open(known)
            self.write(_STORE, {"address": known})
        elif store is not None and not known.startswith(f"{store.rstrip('/')}/"):
            if "://" in store or not known.startswith(f"{Path(store).absolute()}/"):
                raise RunFolderError(f"the objects of {self.path} lie in {known}; go on without --store")
        elif known:
            require_open(known)

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def explanations(self) -> Path:
        """The journal of what was looked into for reports; it is none of the contest's, nor does its time count."""
        return self.path / "explanations.jsonl"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The right to write; one at a time, given back when the process ends, however it ends.

        Raises:
            RunFolderError: somebody else has it. LinkRefused: the folder is a link, or holds one where it is written.
        """
        with no_space_named(self.path):
            links.make_folder(self.path, below=self.path)
            if os.path.lexists(self.path / "run.json"):  # else it is no run's, which `claim` tells
                links.refuse_links_within(self.path, levels=2)
            lock = links.opened(self.path / "lock", os.O_RDWR | os.O_CREAT, below=self.path)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunFolderError(
                    f"another command is writing to {self.path}; wait for it to end, or use another folder"
                ) from None
            yield
        finally:
            os.close(lock)

    def claim(self, *, task: str, seed: int, scale: Mapping[str, float]) -> None:
        """Makes the folder this contest's, or checks that it is. The first session's scale is kept with it.

        Raises:
            RunFolderError: it belongs to another task or seed, or holds something that is not a run.
        """
        identity = {"task": task, "seed": seed}
        known = self.read("run.json")
        if known is None:
            ours = ("lock", "store", _STORE, *(links.aside_of(self.path / name).name for name in ("run.json", _STORE)))
            strange = [p.name for p in self.path.iterdir() if p.name not in ours]
            if strange:
                names = ", ".join(sorted(strange)[:3])
                raise RunFolderError(f"{self.path} holds other things ({names}); choose another folder with --out")
            self.write("run.json", {"schema": SCHEMA, **identity, **scale})
        elif {name: known.get(name) for name in identity} != identity:
            what = (
                "another seed"
                if known.get("task") == task
                else "another task, or the same with another seed, other data, split or metrics"
            )
            raise RunFolderError(f"{self.path} holds the run of {what}; choose another folder with --out, or delete it")

    def read(self, name: str) -> Any:
        """A JSON file of the folder in today's form (`runs.upgrade`), or None where there is none.

        Raises:
            RunFolderError: the file is damaged. LinkRefused: it is a link, or no plain file.
        """
        try:
            value = json.loads(links.read(self.path / name, below=self.path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunFolderError(f"{self.path / name} cannot be read: {error}") from None
        except (ValueError, RecursionError) as error:
            raise self._damaged(name, str(error)) from None
        if not isinstance(value, list if name in _LISTS else dict):
            kind = "a list" if name in _LISTS else "an object"
            raise self._damaged(name, f"it is JSON, but not {kind}")
        return UPGRADES[name](value) if name in UPGRADES and not self.is_current else value

    @property
    def is_current(self) -> bool:
        """Whether it is of the form that is written today, or of none yet."""
        known = self.read("run.json")
        return known is None or known.get("schema") == SCHEMA

    def require_current(self) -> None:
        """Refuses a folder that an earlier version wrote, before anything is written to it.

        Raises:
            RunFolderError: it is one.
        """
        if not self.is_current:
            raise self.older("run the contest anew, into another folder, for all else")

    def older(self, cure: str) -> RunFolderError:
        """What is said of a folder of an earlier form."""
        return RunFolderError(
            f"{self.path} was written by an earlier version of Concours: `concours show` and `report` read it; {cure}"
        )

    def read_as(self, name: str, kind: type[T]) -> T | None:
        """A JSON file of the folder as a value of a type (`core.typed`), or None where there is none.

        Raises:
            RunFolderError: the file is damaged, or says something else. LinkRefused: it is a link, or no plain file.
        """
        value = self.read(name)
        if value is None:
            return None
        with self.believing(name):
            return typed(kind, value)

    @contextmanager
    def believing(self, name: str) -> Iterator[None]:
        """Turns what is refused of the content of a file into a RunFolderError that names it, with what to do."""
        try:
            yield
        except ContentRefused as error:
            raise self._damaged(name, str(error)) from None

    def _damaged(self, name: str, how: str) -> RunFolderError:
        cure = "take another folder by --out" if name == "run.json" else "run the contest again to write it anew"
        return RunFolderError(f"{self.path / name} is damaged ({how}); {cure}")

    def write(self, name: str, value: Any) -> None:
        """Writes a JSON file, whole or not at all."""
        self.write_text(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Writes a text file, whole or not at all; no link is followed. What is no Unicode is written as `?`."""
        with no_space_named(self.path):
            links.write(self.path / name, text.encode("utf-8", "replace"), below=self.path)

    def size(self) -> int:
        """Bytes of everything in it."""
        return links.size_within(self.path)


def existing(path: Path | str) -> RunFolder:
    """The run folder at a path.

    Raises:
        RunFolderError: there is none. LinkRefused: a link leads there; nothing in a run folder is reached by one.
    """
    folder = RunFolder(Path(path))
    if folder.read("run.json") is None:
        raise RunFolderError(
            f"{path} is not the folder of a run: it has no run.json"
            if Path(path).exists()
            else f"{path} does not exist"
        )
    return folder


def current(path: Path | str) -> RunFolder:
    """The run folder at a path, of the form that is written today.

    Raises:
        RunFolderError: there is none, or it is older. LinkRefused: as of `existing`.
    """
    folder = existing(path)
    folder.require_current()
    return folder
