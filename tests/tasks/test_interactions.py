"""Logs of interactions: users become rows, some of whose items are held out; layouts of MovieLens; who is unknown."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.errors import ContestError, DataError
from concours.tasks.interactions.finding import find_items, find_ratings
from concours.tasks.interactions.histories import in_words, read, renew
from concours.tasks.interactions.ratings import read as read_ratings
from concours.tasks.interactions.ratings import renew as renew_ratings
from concours.tasks.kinds import kind_named
from concours.tasks.readers import beginning
from concours.tasks.readers.opened import Options
from concours.tasks.reading import Data
from concours.tasks.task import Split, Task

ITEMS, RATINGS = kind_named("recommendation"), kind_named("rating")


def log(users: int = 8, each: int = 6, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    taken = [(f"u{user}", f"i{item}") for user in range(users) for item in rng.choice(12, each, replace=False)]
    table = pd.DataFrame(taken, columns=["user", "item"])
    return table.assign(rating=rng.integers(1, 6, len(table)), time=rng.permutation(len(table)) + 880_000_000)


def task(data: object, **more: object) -> Task:
    keys = {"id": "user", "target": "item", **more}
    return Task(kind="recommendation", data=data, **keys)


def by_user(data: Data, names: tuple[str, ...]) -> dict[str, tuple[list[str], list[str]]]:
    """What is known of each user, and what is asked."""
    assert isinstance(data.x, pa.Table)
    assert data.ids is not None
    rows = zip(data.ids.to_pylist(), data.x["items"].to_pylist(), data.y.to_pylist(), strict=True)
    return {user: ([names[code] for code in known], [names[code] for code in asked]) for user, known, asked in rows}


def test_what_is_held_out_by_time_are_the_last_items_of_each_user() -> None:
    frame = log()
    data, _ = read(task(frame, options={"time": "time", "held": 0.3}), ITEMS, Path())
    for user, (known, asked) in by_user(data, data.meta["called"]).items():
        own = frame[frame["user"] == user].sort_values("time")["item"].tolist()
        assert (known, asked) == (own[:4], own[4:])


def test_what_is_held_out_by_chance_hangs_on_user_and_item_alone() -> None:
    frame = log()
    whole = by_user(*(lambda data: (data, data.meta["called"]))(read(task(frame), ITEMS, Path())[0]))
    some = frame.sample(frac=1, random_state=1)
    some = some[some["user"] != "u3"]
    fewer = by_user(*(lambda data: (data, data.meta["called"]))(read(task(some), ITEMS, Path())[0]))
    for user, (known, asked) in fewer.items():
        assert set(known) == set(whole[user][0])
        assert set(asked) == set(whole[user][1])
        assert len(asked) == 1


def test_a_test_part_of_its_own_asks_for_what_the_data_does_not_know() -> None:
    frame = log()
    later = pd.DataFrame({"user": ["u1", "u1", "new", "new"], "item": ["i99", frame["item"][6], "i1", "i2"]})
    data, test = read(task(frame[["user", "item"]], test=later), ITEMS, Path())
    assert test is not None
    found = by_user(test, data.meta["called"])
    assert set(found["u1"][0]) == set(frame[frame["user"] == "u1"]["item"])
    assert found["u1"][1] == ["i99"]
    assert sorted(found["new"][0] + found["new"][1]) == ["i1", "i2"]


def test_who_has_one_item_is_left_out_and_named() -> None:
    frame = pd.concat([log(3), pd.DataFrame({"user": ["lone"], "item": ["i0"], "rating": [3], "time": [880_000_000]})])
    data, _ = read(task(frame), ITEMS, Path())
    assert len(data) == 3
    assert "1 user left out, as nothing is left to hold out of one item; first: user 'lone'" in data.warnings[0]


def test_interactions_that_repeat_count_once_where_nothing_is_rated() -> None:
    frame = pd.concat([log(3), log(3)])[["user", "item"]]
    data, _ = read(task(frame), ITEMS, Path())
    assert "18 rows that repeat a user and item count once" in data.said


def test_new_users_are_rows_with_all_that_is_known_and_unknown_items_are_told() -> None:
    data, _ = read(task(log(), options={"rating": "rating"}), ITEMS, Path())
    said: list[str] = []
    new = pd.DataFrame({"user": ["x", "x", "y"], "item": ["i2", "i77", "i78"], "rating": [1, 2, 3]})
    x, opened = renew(new, data.x, meta={}, told=said.append)
    names = data.meta["called"]
    assert [[names[code] for code in row] for row in x["items"].to_pylist()] == [["i2"], []]
    assert opened.x["user"].to_pylist() == ["x", "y"]
    assert "2 rows with an item that models were fitted on nothing of are not looked at; first: row 2, 'i77'" in said[0]
    assert "of 1 user no known item is left" in said[1]


def test_what_is_known_of_users_is_shown_as_it_is_written() -> None:
    data, _ = read(task(log(each=11), options={"time": "time"}), ITEMS, Path())
    names, known = data.meta["called"], data.x["items"].to_pylist()
    assert in_words(data.x, [1]) == [", ".join(names[code] for code in known[1][-8:]) + " and 1 more"]


@pytest.mark.parametrize(
    ("name", "between", "head"),
    [("u.data", "\t", None), ("ratings.dat", "::", None), ("ratings.csv", ",", "userId,movieId,rating,timestamp")],
)
def test_the_layouts_of_movielens_are_found_and_read(name: str, between: str, head: str | None, tmp_path: Path) -> None:
    frame = log()
    frame["user"], frame["item"] = frame["user"].str[1:], frame["item"].str[1:]
    lines = [between.join(map(str, row)) for row in frame.itertuples(index=False)]
    (tmp_path / name).write_text("\n".join([*([head] if head else []), *lines]) + "\n")
    (tmp_path / "README").write_text("MovieLens")
    for source in (tmp_path, tmp_path / name):
        found = find_items(source, Options())
        assert found is not None
        keys = {key: value for key, (value, _) in found.items()}
        assert keys["options"] == {
            "rating": head.split(",")[2] if head else "2",
            "time": keys["options"]["time"],
            "held": 0.2,
        }
        split = Split(**keys.pop("split"))
        data, _ = read(Task(kind="recommendation", split=split, **keys), ITEMS, Path())
        assert len(data) == 8
        rated = find_ratings(source, Options(asked=True))
        assert rated is not None
        own = {key: value for key, (value, _) in rated.items()}
        options = {key: own.pop(key) for key in ("user", "item")}
        more = {"split": Split(**own.pop("split")), "drop": tuple(own.pop("drop"))}
        ratings, _ = read_ratings(Task(kind="rating", options=options, **more, **own), RATINGS, Path())
        assert len(ratings) == 48
        assert ratings.x.column_names[:2] == [options["user"], options["item"]]


def test_a_table_of_other_things_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,height,weight\n" + "".join(f"u{n},{n},{n}\n" for n in range(30)))
    assert find_items(tmp_path / "a.csv", Options()) is None
    (tmp_path / "b.csv").write_text("user,item\n" + "".join(f"u{n % 5},i{n % 7}\n" for n in range(30)))
    assert find_items(tmp_path / "b.csv", Options()) is not None
    with pytest.raises(DataError, match="b.csv: kind rating needs the columns of users, of items and of ratings"):
        find_ratings(tmp_path / "b.csv", Options(asked=True))


def test_ratings_that_judge_may_be_a_file_of_their_own(tmp_path: Path) -> None:
    """Its stars are numbers as those of the data are, also beside columns that models get."""
    for name, rows in (("data", log()), ("test", log(seed=1).iloc[:9])):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    keys = {"user": "user", "item": "item"}
    asked = Task(kind="rating", data="data.csv", test="test.csv", target="rating", options=keys)
    data, test = read_ratings(asked, RATINGS, tmp_path)
    assert test is not None
    assert test.y.tolist() == log(seed=1)["rating"].iloc[:9].tolist()
    assert test.x.schema == data.x.schema


def test_of_unknown_users_and_items_what_is_said_is_told() -> None:
    keys = {"target": "rating", "drop": ("time",), "options": {"user": "user", "item": "item"}}
    data, _ = read_ratings(Task(kind="rating", data=log(), **keys), RATINGS, Path())
    assert data.x.column_names == ["user", "item"]
    said: list[str] = []
    x, _ = renew_ratings(
        pd.DataFrame({"item": ["i2", "i88"], "user": ["u0", "who"]}), data.x, meta={}, told=said.append
    )
    assert x.column_names == ["user", "item"]
    assert "1 row with a 'user' that models were fitted on nothing of" in said[0]
    assert "what is known of the user alone is said; first: row 2, 'i88'" in said[1]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"id": None}, "task.id is missing: name the column of the users"),
        ({"target": None}, "task.target is missing: name the column of the items"),
        ({"options": {"hold": 0.2}}, "task.options.hold: unknown key"),
        ({"options": {"held": 2}}, "task.options.held must be a share above 0 and below 1, got 2"),
        ({"options": {"best": 5}}, "task.options.best must be a whole number of items from 10"),
        ({"split": Split(group="user")}, "task.split: users are split whole"),
        ({"weight": "rating"}, "task.weight"),
    ],
)
def test_keys_that_do_not_suit_are_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ContestError, match=said.replace("(", r"\(")):
        read(task(log(), **keys), ITEMS, Path())


def test_of_a_long_log_the_beginning_alone_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is is told by the first lines, and how long it is by its size; what lies behind is not even looked at."""
    lines = "".join(f"u{row % 7},i{row % 11},{1 + row % 5}\n" for row in range(2000))
    path = tmp_path / "log.csv"
    path.write_text(f"user,item,rating\n{lines}" + "this is no row\n" * 2000)
    monkeypatch.setattr(beginning, "HEAD", len(lines) // 2)
    found = find_items(path, Options())
    assert found is not None
    said = found["data"][1]
    assert said.startswith("about ")
    assert said.endswith(" are of 7 users with 11 items")
    rows = int(said.split()[1].replace(",", ""))
    assert rows == pytest.approx(path.stat().st_size / 9, rel=0.2)
    gzipped = tmp_path / "log.csv.gz"
    gzipped.write_bytes(gzip.compress(path.read_bytes()))
    packed = find_items(gzipped, Options())
    assert packed is not None
    assert packed["data"][1].startswith("more than ")
    monkeypatch.undo()
    assert find_items(path, Options()) is None  # read as a whole it is no table


@pytest.mark.parametrize(
    ("find", "header", "names", "said"),
    [
        (
            find_ratings,
            "Kunde,Artikel,Note",
            ("Note",),
            'user = "COLUMN OF USERS", item = "COLUMN OF ITEMS", target = "Note"',
        ),
        (find_ratings, "user,item,qty", (), 'user = "user", item = "item", target = "COLUMN OF RATINGS"'),
        (find_items, "Kunde,item,Note", (), 'id = "COLUMN OF USERS", target = "item"'),
    ],
)
def test_what_a_log_lacks_is_said_where_its_kind_is_asked_for(find, header, names, said, tmp_path: Path) -> None:
    """Which columns the kind needs, those that there are, and what to write."""
    (tmp_path / "l.csv").write_text(header + "\n" + "".join(f"u{i % 5},i{i % 7},{i % 4}\n" for i in range(35)))
    with pytest.raises(DataError, match=re.escape(said)):
        find(tmp_path / "l.csv", Options(names=names, asked=True))
