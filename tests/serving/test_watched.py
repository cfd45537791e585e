"""A server that watches: what is asked and answered is kept, truths are taken, a challenger is heard, a contest opens."""

from __future__ import annotations

import shutil

import httpx
import pytest

from concours.runs.packing import packed, unpacked_into
from concours.serving.app import truths_in
from concours.serving.refused import Refused
from concours.serving.watch.reference import Reference

from .conftest import Running, flowers


@pytest.fixture(scope="module")
def watched(run, tmp_path_factory):
    """A server of a copy of the run, and the copy."""
    place = tmp_path_factory.mktemp("watched") / "flowers"
    shutil.copytree(run, place)
    running = Running(str(place), "--with", "tree", "--watch", "--shadow", "forest")
    yield running, place
    running.stop()


def test_from_requests_to_the_next_contest(watched, concours, tmp_path) -> None:
    """Every row is counted once, by whichever protocol; feedback is taken by its id; a page and JSON say how it stands;
    what served and what shadowed it compete on what was fed back.
    """
    running, place = watched
    new = flowers(120)
    rows, truths = new.drop(columns="kind").to_dict("records"), {}
    with httpx.Client(base_url=running.url, timeout=60) as client:
        told = client.post("/predict", json={"rows": rows[:60]}).json()
        assert len(set(told["ids"])) == 60
        truths |= dict(zip(told["ids"], new["kind"], strict=False))
        for place_of, row in enumerate(rows[60:], 60):
            answer = client.post("/predict", json={"rows": [row]})
            (id,) = answer.json()["ids"]
            assert id == answer.headers["x-concours-request"]
            truths[id] = new["kind"][place_of]
        client.post("/explain", json={"rows": [rows[0]]})
        assert client.post("/feedback", json={"truths": truths}).json() == {"taken": 120}
        again = client.post("/feedback", json={"truths": truths})
        assert again.status_code == 409 and "already" in again.json()["error"]
        assert client.post("/feedback", json={"truths": {"nobody": "rose"}}).status_code == 404
        assert "truths" in client.post("/feedback", content=b"[]").json()["error"]
        standing = client.get("/watch", headers={"accept": "application/json"}).json()
        assert standing["rows"] == 120 and standing["told"] == 120
        assert "<h1>tree</h1>" in client.get("/watch").text
    assert running.stop() == 0
    out = tmp_path / "next.toml"
    code, said, err = concours("challenge", str(place), "--from", str(place / "watch-tree.db"), "-o", str(out))
    assert code == 0, err
    assert "tree (served)" in said and "forest (shadow)" in said and out.exists()


def test_what_is_sent_to_a_server_can_be_watched(result, tmp_path) -> None:
    """What a watch compares with goes along: the columns that were trained on, and what the model said of them."""
    for model in ("linear", "average"):
        folder = tmp_path / model
        folder.mkdir()
        sent = unpacked_into(folder, packed(result, model, rows=True))
        assert Reference.of(sent, model) == Reference.of(result, model)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"truths": 3}', b'{"truth": {}}'])
def test_truths_that_are_none_are_refused(body: bytes) -> None:
    """Whatever comes, with what to send."""
    with pytest.raises(Refused, match="send .*truths"):
        truths_in(body)


def test_two_truths_of_one_row_are_refused() -> None:
    """Which of them is true is not guessed."""
    with pytest.raises(Refused, match="'a-1' stands twice"):
        truths_in(b'{"truths": {"a-1": "rose", "b": "x:y", "a-1": "lily"}}')


def test_without_a_watch_there_is_none(served: Running, run, concours) -> None:
    """It is told how to have one; a challenger without a watch would not be heard."""
    told = httpx.get(f"{served.url}/watch?model=flowers")
    assert told.status_code == 404 and "--watch" in told.json()["error"]
    code, _, err = concours("serve", str(run), "--shadow", "forest", "--port", "0")
    assert code == 2 and "add --watch" in err
