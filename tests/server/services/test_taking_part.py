"""Taking part from a terminal and from Python, over HTTP on this machine: what is shown, kept, and refused."""

from __future__ import annotations

import io
import json
import shutil
import stat
import threading
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

import httpx
from sqlalchemy import insert, select, update

import concours as library
from concours.api.client import logins
from concours.api.client.packing import pack
from concours.core.digests import digest_bytes
from concours.core.errors import ConcoursError, ContestError, DataError, PlatformRefused
from concours.core.event import utc_now
from concours.server.accounts import tokens, users
from concours.server.accounts.passwords import hashed
from concours.server.actor import Actor
from concours.server.database.tables import FILES, PAGES, SUBMISSIONS
from concours.server.platform import Platform
from concours.server.services import boards
from concours.server.settings import Settings
from concours.server.web.app import make

from ..listening import listening
from .conftest import Desk
from .playing import Playing, line, phase

PASSWORD = "wine cellar ladder 9"
ROWS = b"id,prediction\n" + b"".join(b"%d,1\n" % row for row in range(50_000))


class Here:
    """A platform that serves on a port of its own, and a competition in it."""

    def __init__(self, folder: Path) -> None:
        self.platform = Platform.opened(Settings.of(folder))
        self._open = ExitStack()
        self._open.callback(self.platform.close)
        self.url = self._open.enter_context(listening(make(self.platform)))
        with self.platform.database.writing() as db:
            ids = {
                name: users.add(db, name, administrator=name == "anne") for name in ("hanna", "mika", "omar", "anne")
            }
            mina = users.add(db, "mina", display="Mina", password=hashed(PASSWORD))
        actors = [Actor(user=id, name=name, administrator=name == "anne") for name, id in ids.items()]
        taking = phase(takes=["predictions", "code"], limits={"per_day": 3})
        self.game = Playing.of(Desk(self.platform, *actors), taking)
        self.game.people["mina"] = Actor(user=mina, name="mina")
        with self.platform.database.writing() as db:
            _, self.token = tokens.add(db, self.game.people["mina"], "t", ["read", "submit", "write"])
            db.execute(insert(PAGES).values(competition=1, key="rules", number=1, title="Rules", text="Be *fair*."))
            digest = self.platform.store.put(io.BytesIO(ROWS))
            more = {"digest": digest, "size": len(ROWS), "public": True, "at": utc_now()}
            db.execute(insert(FILES).values(competition=1, path="data/train.csv", **more))

    def close(self) -> None:
        self._open.close()

    def client(self) -> library.Client:
        return library.Client(self.url, self.token)

    def joined(self) -> None:
        with self.client() as client:
            client.join("flowers", client.rules("flowers").version)

    def score_soon(self, *scores: float) -> threading.Thread:
        """Does what a conductor would, once something comes: scores the latest submission, and ranks it."""

        def run() -> None:
            for score in scores:
                entry = self._waiting()
                self.game.score(entry, score)
                self.game.place((entry, line(score, 1, 1, 2)))
                self._tell(entry)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def fail_soon(self, reason: str) -> threading.Thread:
        def run() -> None:
            entry = self._waiting()
            self.game.score(entry, None, reason=reason)
            self._tell(entry)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def _waiting(self) -> int:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with self.platform.database.reading() as db:
                asked = select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.state == "waiting")
                if found := db.execute(asked).scalar():
                    return int(found)
            time.sleep(0.02)
        raise AssertionError("nothing came")

    def _tell(self, entry: int) -> None:
        from concours.server.database.changes import tell

        with self.platform.database.writing() as db:
            tell(db, f"submission {entry}")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    found = Here(tmp_path / "platform")
    yield found
    found.close()


@pytest.fixture
def taking(here):
    """With somebody who is logged in, and takes part."""
    logins.keep(here.url, here.token)
    here.joined()
    return here


def _typed(monkeypatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_token_from_standard_input_is_tried_and_kept_for_its_owner_alone(concours, here, monkeypatch):
    _typed(monkeypatch, "cc_wrong\n")
    code, _, err = concours(f"login {here.url}")
    assert code == 2
    assert not logins.place().exists()
    assert "log in" in err or "token" in err
    _typed(monkeypatch, f"{here.token}\n")
    code, out, _ = concours(f"login {here.url}/")
    assert (code, "mina is logged in" in out) == (0, True)
    assert stat.S_IMODE(logins.place().stat().st_mode) == 0o600
    assert here.token not in out
    assert concours("logout")[0] == 0
    code, _, err = concours("list")
    assert (code, "concours login URL" in err) == (2, True)


def test_a_name_and_a_password_make_a_token(here):
    with library.Client(here.url, "") as visitor:
        token = visitor.new_token("mina", PASSWORD, "a terminal")
        with pytest.raises(PlatformRefused):
            visitor.new_token("mina", "wrong", "a terminal")
    with library.Client(here.url, token) as client:
        assert client.me() == "mina"


def test_joining_shows_the_rules_and_takes_no_for_an_answer(concours, here, monkeypatch):
    logins.keep(here.url, here.token)
    _typed(monkeypatch, "n\n")
    code, out, err = concours("join flowers")
    assert (code, "Be *fair*." in out, "not accepted" in err) == (2, True, True)
    _typed(monkeypatch, "y\n")
    code, out, _ = concours("join flowers")
    assert (code, "you take part in Flowers as Mina" in out) == (0, True)
    code, out, _ = concours("list")
    assert code == 0
    assert "flowers joined open" in " ".join(out.split())
    code, _, err = concours("join flower")
    assert (code, "did you mean 'flowers'?" in err) == (2, True)


def test_data_comes_once_whole_and_goes_on_where_it_broke_off(concours, taking, tmp_path):
    code, out, err = concours("data flowers --out d")
    file = Path("d/data/train.csv")
    assert (code, err, file.read_bytes()) == (0, "", ROWS)
    assert f"{len(ROWS):,} bytes, in d" in out
    before = file.stat().st_mtime_ns
    assert concours("data flowers --out d")[0] == 0
    assert file.stat().st_mtime_ns == before
    file.unlink()
    part = file.with_name("train.csv.part")
    part.write_bytes(ROWS[:1000])
    part.with_name("train.csv.part.tag").write_text(f'"{digest_bytes(ROWS)}"')
    came: list[int] = []
    with taking.client() as client:
        client.download("flowers", "d", told=lambda _, done, size: came.append(done))
    assert (file.read_bytes(), came[-1]) == (ROWS, len(ROWS))
    assert sorted(path.name for path in file.parent.iterdir()) == ["train.csv"]
    part.write_bytes(b"x" * 1000)
    part.with_name("train.csv.part.tag").write_text(f'"{digest_bytes(ROWS)}"')
    file.unlink()
    with taking.client() as client, pytest.raises(DataError, match="not what the platform has"):
        client.download("flowers", "d")
    assert concours("data flowers --out d")[::2] == (0, "")
    assert file.read_bytes() == ROWS


def test_submitting_and_waiting_shows_score_interval_place_and_what_is_left(concours, taking):
    Path("p.csv").write_bytes(ROWS[:1000])
    scoring = taking.score_soon(0.8125)
    code, out, _ = concours("submit flowers p.csv -m first --wait")
    scoring.join()
    assert code == 0
    assert "accuracy: 0.8125  [0.7625, 0.8625]" in out
    assert "your team is at rank 1 (1–2) of 1" in out
    assert "2 of 3 left today" in out
    assert all(len(text) <= 80 for text in out.splitlines())
    code, out, _ = concours("submissions flowers")
    assert code == 0
    assert "0.8125" in out
    assert "first" in out
    assert concours("choose flowers 1")[1].strip() == "chosen in phase main: 1"
    assert "★" in concours("submissions flowers")[1]
    code, _, err = concours("choose flowers 9")
    assert (code, "no submission 9" in err) == (2, True)


def test_a_submission_that_fails_says_why_and_the_exit_code_does_too(concours, taking):
    Path("p.csv").write_bytes(b"id,prediction\nx,1\n")
    scoring = taking.fail_soon("row 1: there is no id 'x'")
    code, out, err = concours("submit flowers p.csv --wait")
    scoring.join()
    assert (code, "row 1: there is no id 'x'" in err) == (2, True)
    assert "2 of 3 left today" in out


def test_what_is_refused_is_told_in_the_platforms_own_line(concours, taking):
    Path("m.safetensors").write_bytes(b"\x80\x04K\x01.")
    code, _, err = concours("submit flowers m.safetensors")
    assert (code, "pickle" in err) == (2, True)
    code, _, err = concours("submit flowers none.csv")
    assert (code, "there is no none.csv" in err) == (2, True)
    Path("p.csv").write_bytes(b"1")
    for _ in range(3):
        assert concours("submit flowers p.csv")[0] == 0
    code, _, err = concours("submit flowers p.csv")
    assert (code, "3 of 3 submissions today" in err) == (2, True)


def test_a_board_fits_a_terminal_and_is_json_and_a_table(concours, taking):
    game = taking.game
    with taking.client() as client:
        assert client.board("flowers").rows == ()
    assert "nobody is on the board yet" in concours("board flowers")[1]
    game.person("noah")
    Path("p.csv").write_bytes(b"1")
    scoring = taking.score_soon(0.8)
    concours("submit flowers p.csv --wait")
    scoring.join()
    code, out, _ = concours("board flowers")
    assert code == 0
    assert "1 (1–2) Mina" in " ".join(out.split())
    assert "[0.7500, 0.8500]" in out
    assert all(len(text) <= 80 for text in out.splitlines())
    shown = json.loads(concours("board flowers --json")[1])
    assert (shown["rows"][0]["name"], shown["metrics"][0]["name"]) == ("Mina", "accuracy")
    with taking.platform.database.reading() as db:
        expected = boards.as_csv(boards.board(db, game.desk.access(db, game.desk.host, "flowers")))
    assert concours("board flowers --csv")[1].splitlines() == expected.splitlines()
    assert concours("board flowers --csv --json")[0] == 2
    code, _, err = concours("board flowers --phase mian")
    assert (code, "did you mean 'main'" in err) == (2, True)


def test_code_is_waited_for_with_its_log(concours, taking):
    from concours.core.job import Job
    from concours.core.needs import Needs
    from concours.server.database.work_tables import WORK, WORK_LOG
    from concours.server.working.queue import SqlQueue

    folder = Path("entry")
    (folder / ".git").mkdir(parents=True)
    (folder / "env").mkdir()
    (folder / "env" / "pyvenv.cfg").write_text("")
    (folder / "entry.py").write_text("print('hello')\n")

    def run() -> None:
        entry = taking._waiting()
        database = taking.platform.database
        with database.reading() as db:
            digest = db.execute(select(SUBMISSIONS.c.digest).where(SUBMISSIONS.c.id == entry)).scalar_one()
        job = Job(runner="run_submission", inputs={"program": digest}, label="run", needs=Needs(sandbox=True))
        SqlQueue(database, "phase 1").put(job)
        with database.writing() as db:
            work = db.execute(select(WORK.c.id)).scalar_one()
            db.execute(insert(WORK_LOG).values(work=work, number=0, text="epoch 1\x1b[2J\n"))
            db.execute(update(SUBMISSIONS).values(state="running"))
        taking.game.score(entry, 0.9)

    running = threading.Thread(target=run)
    running.start()
    code, out, err = concours("submit flowers entry --wait")
    running.join()
    assert code == 0
    assert "epoch 1\\x1b[2J" in out
    assert "accuracy: 0.9000" in out
    assert "left out: .git/, env/" in err


# A folder as one file


def test_equal_folders_are_equal_files(tmp_path):
    packed = []
    for number, names in enumerate((("b.py", "a/c.txt"), ("a/c.txt", "b.py"))):
        folder = tmp_path / str(number)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
            path.chmod(0o600 if number else 0o755)
        with io.BytesIO() as file:
            assert pack(folder, file).files == ("a/c.txt", "b.py")
            packed.append(file.getvalue())
    assert packed[0] == packed[1]
    assert zipfile.ZipFile(io.BytesIO(packed[0])).namelist() == ["a/c.txt", "b.py"]
    (tmp_path / "0" / "link").symlink_to(tmp_path / "1" / "b.py")
    with pytest.raises(ContestError, match="link"), io.BytesIO() as file:
        pack(tmp_path / "0", file)
    shutil.rmtree(tmp_path / "1")
    (tmp_path / "1").mkdir()
    with pytest.raises(ContestError, match="nothing to send"), io.BytesIO() as file:
        pack(tmp_path / "1", file)


# When the platform is away


class _Answers(httpx.BaseTransport):
    """Answers of a platform, one after the other; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def _asleep(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)


def _client(*answers: Any) -> tuple[Any, _Answers]:
    transport = _Answers(*answers)
    return library.Client("http://platform.test", "t", transport=transport), transport


TAKEN = {
    "id": 7, "phase": "main", "team": 1, "name": "p", "brings": "predictions", "called": "p.csv", "at": "", "state":
    "waiting", "message": "", "reason": "", "final": False, "metrics": {}, "intervals": {}, "newer": [1],
}  # fmt: skip


@pytest.mark.usefixtures("_asleep")
def test_what_is_the_same_twice_is_asked_again_and_nothing_else(tmp_path):
    away, gone = httpx.Response(503), httpx.ConnectError("refused")
    client, asked = _client(away, gone, httpx.Response(200, json={"account": {"name": "mina"}}))
    assert (client.me(), len(asked.asked)) == ("mina", 3)
    client, asked = _client(away, httpx.Response(200, json=TAKEN))
    with pytest.raises(PlatformRefused):
        client.stop("flowers", 7)
    assert len(asked.asked) == 1
    (tmp_path / "p.csv").write_bytes(b"1,2\n")
    client, asked = _client(gone, httpx.Response(201, json=TAKEN))
    assert client.submit("flowers", tmp_path / "p.csv").id == 7
    first, second = asked.asked
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert b"1,2\n" in second.content
    client, asked = _client(*[httpx.ConnectError("refused")] * 9)
    with pytest.raises(ConcoursError, match="platform.test does not answer"):
        client.me()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, json={"account": {"name": 3}}), "is it Concours"),
        (httpx.Response(200, json=[]), "is it Concours"),
        (httpx.Response(500, text="<html>"), "it answers 500"),
        (httpx.Response(302, headers={"location": "/login"}), "another address"),
        (httpx.Response(401, json={"error": "sign in\x1b[2J first"}), r"sign in\\x1b\[2J first: log in"),
    ],
)
def test_what_is_no_answer_of_a_platform_is_one_line(answer, said):
    client, _ = _client(answer)
    with pytest.raises(PlatformRefused, match=said):
        client.me()


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\\..\\x"])
def test_a_platform_cannot_write_outside_the_folder(path, tmp_path):
    competition = {
        "slug": "flowers", "title": "", "subtitle": "", "state": "published", "rules": False, "phases": [], "phase": "",
        "files": [{"path": path, "bytes": 1}], "member": True,
    }  # fmt: skip
    client, asked = _client(httpx.Response(200, json=competition))
    with pytest.raises(DataError, match="outside"):
        client.download("flowers", tmp_path / "d")
    assert len(asked.asked) == 1


def test_a_file_of_logins_that_is_damaged_is_told_with_its_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    logins.keep("http://a.test", "one")
    logins.keep("http://b.test", "two")
    assert logins.known() == logins.Logins(
        last="http://b.test", tokens={"http://a.test": "one", "http://b.test": "two"}
    )
    assert logins.forget("http://b.test") == "two"
    assert logins.known().last == "http://a.test"
    logins.place().write_text("{")
    with pytest.raises(ContestError, match="delete it"):
        logins.known()
