"""What a poll has done, by the real runners: it says what `concours rate` says of the same battles, and a bad batch is told."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.compete.poll import Poll
from concours.compete.poll_state import Polled
from concours.core.digests import Digest, digest_json
from concours.core.errors import ConcoursError, DataError
from concours.core.event import Refused, Signal
from concours.core.ports import Record
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal, MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.engine.runners.poll import keep_votes
from concours.stores.blobs import put_array, put_table
from concours.stores.memory import MemoryStore
from concours.votes.rate import rate

MODELS = ("ant", "bee", "cow", "dog", "elk", "fox")
SIDES = [("model_a", "model_b"), ("left", "right"), ("player_a", "player_b")]


def battles(seed: int) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Battles of a family: some models, of whom some may never win or never meet, ties or none, voters who vote often;
    whole, and in batches whose columns have the names of others' files.
    """
    rng = np.random.default_rng(seed)
    models, rows = int(rng.integers(2, 7)), int(rng.integers(8, 150))
    strength = rng.normal(scale=rng.choice([0.3, 3.0]), size=models)
    pairs = np.array([rng.choice(models, 2, replace=False) for _ in range(rows)])
    left = rng.random(rows) < 1 / (1 + np.exp(strength[pairs[:, 1]] - strength[pairs[:, 0]]))
    tied = rng.random(rows) < rng.choice([0.0, 0.3])
    whole = pd.DataFrame({
        "model_a": np.array(MODELS)[pairs[:, 0]],
        "model_b": np.array(MODELS)[pairs[:, 1]],
        "winner": np.where(tied, "tie", np.where(left, "model_a", "model_b")),
        "voter": [f"person {number}" for number in rng.integers(0, 12, rows)],
        "at": np.arange(rows),
    })  # fmt: skip
    cuts = np.sort(rng.choice(np.arange(1, rows), size=min(4, rows - 1), replace=False))
    parts = [part for part in np.split(np.arange(rows), cuts) if len(part)]
    sides = [SIDES[number % len(SIDES)] for number in range(len(parts))]
    named = [dict(zip(("model_a", "model_b"), side, strict=True)) for side in sides]
    return whole, [whole.iloc[part].rename(columns=names) for part, names in zip(parts, named, strict=True)]


class House:
    """A poll with a store, a journal and an inbox."""

    def __init__(self, poll: Poll) -> None:
        self.poll, self.store, self.place = poll, MemoryStore(), Place()
        self.records: list[Record] = []

    def send(self, name: Any, body: dict[str, Any], id: str) -> None:
        """A signal comes in."""
        self.place.put(new_signal(name, body, to="poll", id=id))

    def joined(self, *names: str) -> None:
        """Some can be voted for."""
        for name in names:
            self.send("joined", {"name": name}, id=name)

    def drive(self) -> Polled:
        """A session, to the end."""
        journal, executor = MemoryJournal(self.records), InlineExecutor(self.store, RUNNERS)
        how: dict[str, Any] = {"store": self.store, "executor": executor, "code": lambda job: digest_json(job.runner)}
        engine = Engine(journal=journal, inbox=MemoryInbox(self.place), **how)
        state: Polled = engine.drive(self.poll, (), seed=0)
        return state


def polled(
    batches: Sequence[pd.DataFrame], *, cluster: tuple[str, ...] = (), without: Sequence[str] = ()
) -> tuple[Polled, House]:
    """The end of a poll in which these batches came."""
    house = House(Poll(cluster=cluster))
    house.joined(*MODELS)
    for number, batch in enumerate(batches):
        digest = keep_votes(batch, house.store, also=("voter", "at"))
        house.send("voted", {"votes": digest}, id=f"batch {number}")
    for name in without:
        house.send("withdrawn", {"entry": name}, id=f"without {name}")
    house.send("closed", {}, id="closed")
    return house.drive(), house


@pytest.mark.parametrize("cluster", [(), ("voter",)], ids=["alone", "by voter"])
@pytest.mark.parametrize("seed", range(15))
def test_it_says_what_rate_says(seed: int, cluster: tuple[str, ...]) -> None:
    """To the last digit, of the same battles in one table: ratings, intervals, ranks, tiers, counts and notes; or why none."""
    whole, batches = battles(seed)
    state, house = polled(batches, cluster=cluster)
    assert [batch.battles for batch in house.poll.batches(state).values()] == [len(batch) for batch in batches]
    _expect_like_rate(state, whole, cluster)


@pytest.mark.parametrize("seed", range(15))
def test_who_is_withdrawn_is_left_out_with_all_battles(seed: int) -> None:
    """The others are rated as if it had never been voted on."""
    whole, batches = battles(seed)
    state, house = polled(batches, without=["ant"])
    rest = whole[(whole.model_a != "ant") & (whole.model_b != "ant")]
    _expect_like_rate(state, rest, ())
    assert "ant" not in {line.entrant.name for line in house.poll.standings(state)}


def _expect_like_rate(state: Polled, whole: pd.DataFrame, cluster: tuple[str, ...]) -> None:
    assert state.rated is not None
    if state.rated.reason:
        with pytest.raises(ConcoursError) as refused:
            rate(whole, cluster=cluster)
        assert str(refused.value) in state.rated.reason
        return
    expected = rate(whole, cluster=cluster)
    assert state.rated.values["ratings"] == [line.to_json() for line in expected.ratings]
    assert state.rated.values["battles"] == expected.battles
    assert set(state.rated.values["warnings"]) <= set(expected.warnings)


def test_the_board_shows_the_ratings() -> None:
    """Best first, with interval and range of ranks; those whom nobody met come last."""
    whole, batches = battles(3)
    state, house = polled(batches)
    lines = list(house.poll.standings(state))
    expected = [line for line in rate(whole).ratings if line.rating is not None]
    assert [line.entrant.name for line in lines[: len(expected)]] == [line.name for line in expected]
    for line, told in zip(lines, expected, strict=False):
        assert (line.score, line.ci, line.rank) == (told.rating, (told.low, told.high), told.rank)
    assert all(line.rank is None for line in lines[len(expected) :])
    assert "ant" in repr(house.poll.standings(state))


# What is wrong with a batch


def _table(**columns: Any) -> pa.Table:
    good = {"model_a": ["ant", "bee"], "model_b": ["bee", "ant"], "winner": ["model_a", "tie"]}
    return pa.table({**good, **columns})


def _cut(store: MemoryStore) -> Digest:
    file = io.BytesIO()
    with pa.ipc.new_file(file, _table().schema) as writer:
        writer.write_table(_table())
    return store.put(io.BytesIO(file.getvalue()[:-20]))


def _bomb(store: MemoryStore) -> Digest:
    file = io.BytesIO()
    nothing = pa.table({name: pa.array([""] * 1, pa.string()) for name in _table().column_names})
    long = nothing.set_column(0, "model_a", pa.array(["a" * (1 << 22)], pa.large_string()))
    with pa.ipc.new_file(file, long.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(long)
    return store.put(io.BytesIO(file.getvalue()))


BAD = {
    "gone": (lambda _: digest_json("gone"), "cannot be read"),
    "text": (lambda store: store.put(io.BytesIO(b"model_a,model_b,winner\nant,bee,tie\n")), "this batch"),
    "cut off": (_cut, "this batch"),
    "an array": (lambda store: put_array(store, np.arange(9)), "this batch"),
    "a bomb": (_bomb, "refused as a bomb"),
    "a stranger": (lambda store: put_table(store, _table(model_a=["ant", "bear"])), "'bear' is nobody who had joined"),
    "nobody": (lambda store: put_table(store, _table(model_b=["bee", None])), "is missing in row 2"),
    "no winner": (lambda store: put_table(store, _table().drop_columns(["winner"])), "no column 'winner'"),
    "a wrong winner": (lambda store: put_table(store, _table(winner=["tie", "both"])), "is 'both' in row 2"),
    "no sides": (lambda store: put_table(store, _table().drop_columns(["model_a"])), "no columns of models"),
    "empty": (lambda store: put_table(store, _table().slice(0, 0)), "there are no battles"),
    "no voter": (lambda store: put_table(store, _table()), "no column 'voter'"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_batch_that_cannot_be_counted_is_told_and_the_poll_goes_on(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole batch counts for nothing, with the reason; all others count. A bomb is one from a megabyte on here."""
    monkeypatch.setattr("concours.tasks.readers.damage._BOMB_BYTES", 1 << 20)
    make, reason = BAD[what]
    cluster = ("voter",) if what == "no voter" else ()
    house = House(Poll(cluster=cluster))
    house.joined("ant", "bee")
    good = _table(voter=["x", "y"])
    house.send("voted", {"votes": put_table(house.store, good)}, id="good")
    house.send("voted", {"votes": make(house.store)}, id="bad")
    house.send("closed", {}, id="closed")
    state = house.drive()
    found = house.poll.batches(state)
    assert reason in found["bad"].reason
    assert "\n" not in found["bad"].reason
    assert found["good"].battles == 2
    assert state.rated is not None
    assert state.rated.values["battles"] == 2


def test_what_cannot_be_read_is_not_kept(tmp_path: Path) -> None:
    """Who keeps votes from a file hears at once what is wrong with it; a file of others' form is kept as it is."""
    file = tmp_path / "votes.csv"
    file.write_text("left,right,winner\nant,bee,left\n")
    house = House(Poll())
    house.joined("ant", "bee")
    house.send("voted", {"votes": keep_votes(file, house.store)}, id="votes")
    house.send("closed", {}, id="closed")
    assert house.poll.batches(house.drive())["votes"].battles == 1
    with pytest.raises(DataError, match="no column 'voter'"):
        keep_votes(file, house.store, also=["voter"])
    file.write_text("")
    with pytest.raises(DataError, match="is empty"):
        keep_votes(file, house.store)


def test_a_late_vote_is_journaled_as_refused(tmp_path: Path) -> None:
    """It is in the journal with its reason, for good, and changes nothing."""
    state, house = polled(battles(3)[1])
    house.send("voted", {"votes": digest_json("late")}, id="late")
    assert house.drive() == state
    (refused,) = [record.event for record in house.records if isinstance(record.event, Refused)]
    assert refused.signal.id == "late"
    assert refused.reason.startswith("the poll was closed at ")
    journal = FileJournal(tmp_path / "journal.jsonl")
    for record in house.records:
        journal.append(record)
    journal.close()
    again = [record.event for record in FileJournal(tmp_path / "journal.jsonl").records()]
    assert [event for event in again if isinstance(event, Signal | Refused)][-1] == refused
