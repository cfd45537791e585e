"""A hosted board, or a poll, of toy jobs, for tests to run, to kill, and to run on.

    python open_toys.py WHICH FOLDER WHERE CUT

Drives the `board` or the `poll` of a folder on its journal, inbox and store, and kills itself at the CUT-th record (`half` of
it written, or `after` it) or at the CUT-th signal that is `done`, 0 for never; prints the digest of the state at the end.
"""

from __future__ import annotations

import io
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from concours.compete.hosted import Hosted
from concours.compete.poll import Poll
from concours.core.digests import Digest, digest_json
from concours.core.event import Signal
from concours.core.ports import Store
from concours.engine.inbox import FolderInbox, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal
from concours.engine.loop import Engine
from concours.stores.disk import DiskStore
from concours.testing.laws import as_value
from concours.testing.toys import RUNNERS, code_of, toy_problem

CONTENTS = {"board": 40, "poll": 1500}


def kept(which: str, store: Store) -> list[Digest]:
    """What entries bring as predictions, and signals name as problems or votes, in a store."""
    return [store.put(io.BytesIO(f"sent {number}".encode())) for number in range(CONTENTS[which])]


def process(which: str, store: Store) -> Hosted | Poll:
    """The board, or the poll."""
    return Poll(name="board") if which == "poll" else Hosted(problem=toy_problem(store), final="refit")


def signals(which: str, count: int, sent: list[Digest], *, seed: int) -> list[Signal]:
    """So many signals, the last of which closes it: most join or are votes, some are withdrawn, a board is rescored.

    One in eight has come before, and one in sixteen says something else under an id that is taken.
    """
    rng, found, entries = random.Random(seed), list[Signal](), list[str]()
    while len(found) < count - 1:
        id, chance = f"signal {len(found)}", rng.random()
        voting = which == "poll" and rng.random() < 0.8
        if found and chance < 1 / 8:
            found.append(rng.choice(found))
        elif found and chance < 3 / 16:
            found.append(new_signal("voted", {"for": id}, to="board", id=rng.choice(found).id))
        elif voting:
            found.append(new_signal("voted", {"votes": rng.choice(sent)}, to="board", id=id))
        elif entries and chance < 0.3:
            found.append(new_signal("withdrawn", {"entry": rng.choice(entries)}, to="board", id=id))
        elif chance < 0.31:
            found.append(new_signal("rescored", {"problem": rng.choice(sent)}, to="board", id=id))
        else:
            recipe = {"recipe": "toy", "params": {"number": rng.randrange(9)}, "prepare": rng.choice(["toy", "none"])}
            body: dict[str, Any] = recipe if chance < 0.34 else {"predictions": rng.choice(sent)}
            body = {} if which == "poll" else body
            found.append(new_signal("joined", {"name": f"team {len(entries)}", **body}, to="board", id=id))
            entries.append(id)
    return [*found, new_signal("closed", {}, to="board", id="the end")]


class Cut(FileJournal):
    """A journal in whose n-th writing the process is killed, when half of the line is written or all of it."""

    left, half = 0, False

    def _write(self, line: bytes) -> None:
        self.left -= 1
        if self.left:
            super()._write(line)
            return
        os.write(self._file, line[: len(line) // 2] if self.half else line)
        os.kill(os.getpid(), signal.SIGKILL)


class CutInbox(FolderInbox):
    """An inbox in whose n-th `done` the process is killed, before anything is done."""

    left = 0

    def done(self, id: str) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        super().done(id)


def main(which: str, folder: Path, where: str, cut: int) -> None:
    """A session."""
    store, journal, inbox = DiskStore(folder / "store"), Cut(folder / "journal.jsonl"), CutInbox(folder / "inbox")
    (inbox if where == "done" else journal).left = cut
    journal.half = where == "half"
    executor = InlineExecutor(store, RUNNERS)
    engine = Engine(store=store, journal=journal, executor=executor, code=code_of, inbox=inbox)
    state = engine.drive(process(which, store), (), seed=0)
    journal.close()
    print(digest_json(as_value(state)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
