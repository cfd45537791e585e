"""A platform whose store is a bucket: all that it does with one in a folder. Loopback only."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "scoring"))
from conducting import Stage, declared, folder, predictions
from loaded import Running, answers, command, free_port, prepared, program, unfinished, wait

from concours.core.errors import ContestError
from concours.engine.sandbox.run import available
from concours.server.backup import backup, restore
from concours.server.database.tables import PLACES
from concours.server.platform import Platform
from concours.server.services import retention
from concours.server.settings import Settings
from concours.server.web.app import make

pytest.importorskip("obstore")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")


@pytest.fixture
def bucket(s3, monkeypatch, tmp_path):
    """The address of an empty store in a bucket; the environment says how it is reached."""
    known = {"AWS_ENDPOINT_URL": s3, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    for name, value in {**known, "AWS_REGION": "us-east-1", "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    client.create_bucket(Bucket="bucket")
    client.close()
    return f"s3://bucket/{tmp_path.name}"


@pytest.fixture
def platform_s3(database_url, bucket, tmp_path):
    found = Platform.opened(Settings.of(tmp_path, database=database_url, store=bucket))
    yield found
    found.close()


def _elsewhere(platform, monkeypatch, tmp_path):
    """The same as another machine has it, which has fetched nothing yet."""
    from concours.stores.s3 import S3Store

    return replace(platform, store=S3Store(platform.settings.store, cache=tmp_path / "another machine's"))


def test_a_competition_from_draft_to_private_board(platform_s3, from_address, monkeypatch, tmp_path):
    """Sent by one machine, scored, and fetched from another, in whole and from where a download broke off."""
    secrets = prepared(platform_s3)
    one, other = (
        from_address(make(of), authorization=f"Bearer {secret}")
        for of, secret in zip((platform_s3, _elsewhere(platform_s3, monkeypatch, tmp_path)), secrets, strict=False)
    )
    stage = Stage(platform_s3)
    with stage.conducted():
        content = predictions(3)
        for client, file in ((one, content), (other, predictions(30))):
            sent = client.post("/api/competitions/line/submissions", files={"file": ("file.csv", file)})
            assert sent.status_code == 201, sent.text
            client.number = sent.json()["id"]
        stage.settled()
        assert set(stage.states().values()) == {"scored"}
        stage.close()
    places = {(row.part, row.entry): row.number for row in _rows(platform_s3)}
    assert places == {(part, client.number): n for part in ("public", "rest") for n, client in enumerate((one, other))}
    again = from_address(make(_elsewhere(platform_s3, monkeypatch, tmp_path)), authorization=f"Bearer {secrets[0]}")
    at = f"/api/competitions/line/submissions/{one.number}/file"
    whole = again.get(at)
    assert whole.content == content
    rest = again.get(at, headers={"range": "bytes=100-", "if-range": whole.headers["etag"]})
    assert rest.status_code == 206 and rest.content == content[100:]
    assert rest.headers["content-range"] == f"bytes 100-{len(content) - 1}/{len(content)}"
    assert again.get(at, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    assert again.get("/api/competitions/line/files/data/test.csv").content == folder()["data/test.csv"]


def _rows(platform):
    with platform.database.reading() as db:
        return db.execute(select(PLACES)).all()


def test_a_backup_goes_from_a_bucket_to_a_folder_and_back(platform_s3, bucket, tmp_path):
    stage = Stage(platform_s3)
    stage.create(declared(), folder())
    with stage.conducted():
        stage.publish()
        stage.submit(predictions(3), 1)
        stage.settled()
    backed = backup(platform_s3, tmp_path / "one.tar")
    with pytest.raises(ContestError, match="is not empty"):
        restore(tmp_path / "one.tar", Settings.of(tmp_path / "back", store=bucket))
    here = Settings.of(tmp_path / "here")
    there = Settings.of(tmp_path / "there", store=f"{bucket}-again")
    assert restore(tmp_path / "one.tar", here) == backed
    folder_platform = Platform.opened(here)
    assert backup(folder_platform, tmp_path / "two.tar") == backed
    folder_platform.close()
    assert restore(tmp_path / "two.tar", there) == backed
    back = Platform.opened(there)
    assert sorted(back.store) == sorted(platform_s3.store) and all(map(back.store.verify, back.store))
    second = Stage(back)
    with second.conducted():
        second.submit(predictions(9), 1)
        second.settled()
    assert set(second.states().values()) == {"scored"}
    back.close()


def test_what_nothing_names_is_forgotten(platform_s3):
    """After a day, as in a folder; what is named stays."""
    import io
    import time

    stage = Stage(platform_s3)
    stage.create(declared(), folder())
    named = set(platform_s3.store)
    lost = platform_s3.store.put(io.BytesIO(b"of a request that was cut"))
    with platform_s3.database.reading() as db:
        assert not retention.garbage(db, platform_s3.store).objects
        freed = retention.garbage(db, platform_s3.store, now_s=time.time() + 2 * 86400)
    assert freed.objects == 1 and lost not in platform_s3.store
    assert set(platform_s3.store) == named


def test_a_bucket_that_is_away(platform_s3, people, from_address, monkeypatch):
    """What is sent is refused in one line, with nothing taken; pages that need no file are there."""
    import concours.stores.s3
    from concours.core.errors import StoreRefused

    secrets = prepared(platform_s3)
    client = from_address(make(platform_s3), authorization=f"Bearer {secrets[0]}")

    def away(*_):
        raise StoreRefused("it does not answer")

    with monkeypatch.context() as patch:
        for name in ("put", "open", "size"):
            patch.setattr(concours.stores.s3.S3Store, name, away)
        for answer in (
            client.post("/api/competitions/line/submissions", files={"file": ("file.csv", predictions(1))}),
            client.get("/api/competitions/line/files/data/test.csv"),
        ):
            assert answer.status_code == 503 and "cannot reach its store" in answer.json()["error"]
        assert client.get("/c/line").status_code == 200
    assert client.get("/api/competitions/line/files/data/test.csv").status_code == 200
    assert json.loads(client.get("/api/competitions/line/submissions").text) in ([], {"submissions": []})


@pytest.mark.slow
def test_a_platform_of_processes_on_a_bucket(platform_s3, tmp_path):
    """`concours up --store s3://…`: files are scored, code is run by a worker, both are on the board."""
    import httpx

    if why := available():
        pytest.skip(why)
    secrets, port = prepared(platform_s3), free_port()
    with (tmp_path / "log").open("wb") as log:
        running = Running(command(platform_s3.settings, port, "--store", platform_s3.settings.store), log)
        try:
            at = f"http://127.0.0.1:{port}"
            wait(lambda: answers(at), 60, lambda: (tmp_path / "log").read_text()[-3000:])
            for secret, file in zip(secrets, (("file.csv", predictions(3)), ("code.zip", program())), strict=False):
                with httpx.Client(headers={"authorization": f"Bearer {secret}"}, timeout=60) as sender:
                    sent = sender.post(f"{at}/api/competitions/line/submissions", files={"file": file})
                assert sent.status_code == 201, sent.text
            wait(lambda: not unfinished(platform_s3), 120, lambda: (tmp_path / "log").read_text()[-3000:])
            wait(
                lambda: {row.number for row in _rows(platform_s3)} == {0, 1},
                60,
                lambda: (tmp_path / "log").read_text()[-3000:],
            )
        finally:
            running.end()
