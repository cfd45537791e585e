"""A host goes the whole way by the API: a folder up, checked, published, corrected, closed, exported; rubbish is refused."""

from __future__ import annotations

import csv
import io
import stat
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from concours.core.digests import digest_bytes
from concours.server.database.tables import COMPETITIONS, FILES, PHASES
from concours.server.database.texts import text_of
from concours.server.hosting.opened import Opened
from concours.server.services import phases

BEGINS = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
TOML = f"""
title = "Flowers"
slug = "flowers"
rules = "pages/rules.md"
pages = [{{title = "Overview", file = "pages/overview.md"}}]

[task]
kind = "tabular-classification"
data = "data/train.csv"
test = "truth/test.csv"
target = "species"

[[phase]]
key = "main"
title = "Main"
begins = {BEGINS}
"""
FOLDER = {
    "competition.toml": TOML,
    "data/train.csv": "x,species\n1,a\n",
    "truth/test.csv": "x,species\n2,secret-b\n",
    "pages/overview.md": "# Flowers\n",
    "pages/rules.md": "Be fair.\n",
}


def _zip(files, **attributes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            item = zipfile.ZipInfo(name)
            item.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.get(name.replace("/", "_").replace(".", "_"), {}).items():
                setattr(item, key, value)
            archive.writestr(item, content)
    return buffer.getvalue()


@pytest.fixture
def host(people):
    return people.browser("hanna")


@pytest.fixture
def flowers(host):
    """The folder's competition, a draft."""
    assert host.post("/api/folders", content=_zip(FOLDER)).status_code == 201
    return "/api/competitions/flowers"


def _published(platform, host, flowers) -> int:
    assert host.post(f"{flowers}/check").json()["state"] == "checking"
    with platform.database.writing() as db:
        db.execute(update(COMPETITIONS).values(state="draft", opened=text_of(Opened().to_json())))
    assert host.post(f"{flowers}/publish").json()["state"] == "published"
    with platform.database.writing() as db:
        number = db.execute(select(PHASES.c.id)).scalar_one()
        phases.begin(db, number)
    return number


def test_a_folder_becomes_a_draft_with_its_files_and_pages(host, flowers):
    assert [file["path"] for file in host.get(f"{flowers}/files").json()] == sorted(set(FOLDER) - {"competition.toml"})
    assert host.get(f"{flowers}/pages/rules").json()["text"] == "Be fair.\n"
    settings = host.get(f"{flowers}/settings").json()
    assert (settings["state"], settings["settings"]["task"]["target"]) == ("draft", "species")


def test_a_folder_within_a_folder_is_taken_too(host):
    within = {f"flowers/{name}": content for name, content in FOLDER.items()} | {"__MACOSX/._x": "rubbish"}
    assert host.post("/api/folders", content=_zip(within)).status_code == 201


def test_the_same_folder_again_is_an_update_of_the_draft(host, flowers):
    changed = {**FOLDER, "data/more.csv": "x\n"}
    del changed["data/train.csv"]
    changed["competition.toml"] = TOML.replace("data/train.csv", "data/more.csv").replace("Flowers", "More flowers")
    found = host.put(f"{flowers}/folder", content=_zip(changed)).json()
    assert (found["settings"]["title"], found["version"]) == ("More flowers", 2)
    paths = [file["path"] for file in host.get(f"{flowers}/files").json()]
    assert "data/more.csv" in paths
    assert "data/train.csv" not in paths
    assert host.post("/api/folders", content=_zip(FOLDER)).status_code == 409


LINK = {"external_attr": (stat.S_IFLNK | 0o777) << 16}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"no archive", "zip"),
        (_zip(FOLDER)[:200], "the archive is damaged"),
        (_zip({"readme.md": "nothing"}), "competition.toml"),
        (_zip({**FOLDER, "../outside.csv": "x"}), "outside"),
        (_zip({**FOLDER, "/etc/outside.csv": "x"}), "outside"),
        (_zip({**FOLDER, "data/link": "/etc/passwd"}, data_link=LINK), "link"),
        (lambda: _zip({**FOLDER, "data/bomb.csv": bytes(300 << 20)}), "bomb"),
        (_zip({**FOLDER, "elsewhere/x.csv": "x"}), "elsewhere/x.csv"),
        (_zip({**FOLDER, "competition.toml": TOML.replace('"Flowers"', "3")}), "title"),
        (_zip({name: text for name, text in FOLDER.items() if name != "truth/test.csv"}), "truth/test.csv"),
        (_zip({**FOLDER, "pages/rules.md": b"\xff\xfe"}), "rules.md"),
    ],
    ids=[
        "rubbish",
        "cut",
        "no competition",
        "out",
        "absolute",
        "link",
        "bomb",
        "other folder",
        "type",
        "lacks",
        "page",
    ],
)
def test_what_is_no_folder_is_refused_in_a_line_and_leaves_nothing(platform, host, content, word):
    answer = host.post("/api/folders", content=content() if callable(content) else content)
    assert answer.status_code == 422
    assert word in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    with platform.database.reading() as db:
        assert db.execute(select(COMPETITIONS.c.id)).all() == []
    assert list((platform.settings.data / "tmp").iterdir()) == []


def test_a_file_goes_to_whom_it_is_for(platform, people, host, flowers, client):
    number = 1
    _published(platform, host, flowers)
    people.member("mia", number)
    asked = {
        "data/train.csv": {"hanna": 200, "mia": 200, "otto": 403, "": 401},
        "truth/test.csv": {"hanna": 200, "mia": 404, "otto": 404, "": 404},
        "pages/rules.md": {"hanna": 200, "mia": 200, "otto": 200, "": 200},
    }
    for path, statuses in asked.items():
        for name, status in statuses.items():
            answer = (people.browser(name) if name else client).get(f"{flowers}/files/{path}")
            assert answer.status_code == status, (path, name)
            assert ("secret-b" in answer.text) == (path.startswith("truth") and status == 200)
    answer = host.get(f"{flowers}/files/data/train.csv")
    assert answer.content == FOLDER["data/train.csv"].encode()
    assert answer.headers["content-disposition"].startswith("attachment")
    tag = answer.headers["etag"]
    assert host.get(f"{flowers}/files/data/train.csv", headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["other/x.csv", "data/..%2Ftruth/x", "data//x", "data/%00x", "x.csv", "data/%5Cx"])
def test_a_file_lies_in_a_folder_of_the_competition_or_nowhere(platform, host, flowers, path):
    assert host.put(f"{flowers}/files/{path}", content=b"x").status_code in (404, 405, 422)
    with platform.database.reading() as db:
        assert db.execute(select(FILES.c.path).where(FILES.c.digest == digest_bytes(b"x"))).all() == []


def test_files_come_and_go_in_a_draft(host, flowers):
    assert host.put(f"{flowers}/files/data/new.csv", content=b"x\n1\n").status_code == 204
    assert host.get(f"{flowers}/files/data/new.csv").content == b"x\n1\n"
    assert host.delete(f"{flowers}/files/data/new.csv").status_code == 204
    assert host.get(f"{flowers}/files/data/new.csv").status_code == 404
    page = {"title": "评估", "text": "**F1**"}
    assert host.put(f"{flowers}/pages", json=page).status_code == 204
    pages = host.get(flowers).json()["pages"]
    assert "评估" in [page["title"] for page in pages]


def test_the_whole_way_of_a_host(platform, people, host, flowers):
    _published(platform, host, flowers)
    mia = people.member("mia", 1, "=Team")
    edit = {"changes": {"seed": 5}, "version": host.get(f"{flowers}/settings").json()["version"]}
    assert host.put(f"{flowers}/settings", json=edit).status_code == 409
    asked = {"why": "A column was shifted.", "path": "truth/test.csv"}
    found = host.post(f"{flowers}/corrections", params=asked, content=b"x,species\n2,a\n")
    assert (found.status_code, found.json()["state"]) == (202, "waiting")
    assert host.get(f"{flowers}/corrections").json()[0]["why"] == "A column was shifted."
    table = list(csv.DictReader(io.StringIO(host.get(f"{flowers}/participants.csv").text)))
    assert (table[0]["user"], table[0]["team"]) == ("mia", "'=Team")
    assert host.get(f"{flowers}/participants").json()["total"] == 1
    assert host.post(f"{flowers}/removals", json={"user": "mia", "why": "Asked for it."}).status_code == 204
    answer = people.browser("mia").post(f"{flowers}/join", json={"rules": digest_bytes(b"Be fair.\n")})
    assert (answer.status_code, "Asked for it." in answer.json()["error"]) == (403, True)
    assert host.get(f"{flowers}/suspicions").json()["found"] == []
    assert host.get(f"{flowers}/export").status_code == 409
    assert host.post(f"{flowers}/close").json()["state"] == "closed"
    with platform.database.writing() as db:
        phases.end(db, db.execute(select(PHASES.c.id)).scalar_one())
    with zipfile.ZipFile(io.BytesIO(host.get(f"{flowers}/export").content)) as archive:
        assert archive.read("folder/truth/test.csv") == FOLDER["truth/test.csv"].encode()
    assert list((platform.settings.data / "tmp").iterdir()) == []
    assert host.post(f"{flowers}/archive").json()["state"] == "archived"
    assert host.put(f"{flowers}/pages", json={"title": "Overview", "text": "Late."}).status_code == 409
    assert mia


def test_administrators_see_the_platform(people):
    root = people.browser("root1", administrator=True)
    for path in ("workers", "work-tokens", "queue", "storage", "health", "retention"):
        assert root.get(f"/api/administration/{path}").status_code == 200
