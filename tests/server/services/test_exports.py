"""What is left of a competition is whole, the same bytes each time, and runs in no spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from concours.core.digests import digest_bytes
from concours.server.database.tables import JOURNAL, PHASES, PLACES, SCORES
from concours.server.refusals import Conflict, Forbidden
from concours.server.services import exports, files, phases, publishing
from concours.server.services.receipts import Receipt, is_genuine


@pytest.fixture
def ended(desk):
    """A competition that is closed, with a submission that has a score, and one whose file is gone."""
    begins = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    number = desk.published({"key": "main", "title": "Main", "begins": begins})[0]
    with desk.writing() as db:
        phases.begin(db, number)
        files.put_all(db, 1, {"truth/test.csv": desk.kept(b"id,y\n1,a\n"), "data/x.csv": desk.kept(b"x\n")})
        mika = desk.team(db, "=Mika", of=desk.member)
        sent = desk.kept(b"id,y\n1,a\n1,b\n")
        entry = desk.entry(db, number, mika, digest=sent.digest, called="../a\x1bb.csv", name="first")
        desk.entry(db, number, mika, digest=digest_bytes(b"gone"), called="gone.csv")
        desk.entry(
            db, number, None, digest=digest_bytes(b"recipe"), called="logistic"
        )  # a baseline, which sent nothing
        desk.places(db, number, [(mika, entry)])
        line = json.dumps({"rank": 1, "score": 0.5, "metrics": {"accuracy": 0.5}})
        db.execute(update(PLACES).values(line=line))
        problem = digest_bytes(b"problem")
        db.execute(update(PHASES).values(problem=problem))
        score = {"board": f"phase {number}", "problem": problem, "entry": entry, "intervals": "{}"}
        db.execute(insert(SCORES).values(**score, metrics='{"accuracy":0.5}'))
        for record in range(3):
            db.execute(insert(JOURNAL).values(board=f"phase {number}", number=record, event='{"type":"tick"}'))
        access = desk.access(db, desk.host, "flowers")
        publishing.close(db, access)
        phases.end(db, number)
    return entry


def _export(desk, to, who=None):
    with desk.reading() as db:
        return exports.export(db, desk.access(db, who or desk.host, "flowers"), desk.platform.store, to, secret=b"key")


def test_an_export_is_whole_and_its_bytes_follow_from_its_content(desk, ended, tmp_path):
    first, second = (_export(desk, tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        content = {name: archive.read(name) for name in names}
    assert len(set(names)) == len(names)
    assert not any(".." in name.split("/") or name.startswith("/") for name in names)
    assert content["folder/truth/test.csv"] == b"id,y\n1,a\n"
    sent = next(name for name in names if name.startswith(f"submissions/{ended}/"))
    assert content[sent] == b"id,y\n1,a\n1,b\n"
    board = list(csv.DictReader(io.StringIO(content["phases/main/public.csv"].decode())))
    assert (board[0]["team"], board[0]["accuracy"], board[0]["rank"]) == ("'=Mika", "0.5", "1")
    assert [json.loads(line)["number"] for line in content["phases/main/journal.jsonl"].splitlines()] == [0, 1, 2]
    rows = list(csv.DictReader(io.StringIO(content["submissions.csv"].decode())))
    assert [(row["state"], row["metrics"]) for row in rows] == [("scored", '{"accuracy":0.5}'), *[("scored", "")] * 2]
    missing = list(csv.DictReader(io.StringIO(content["missing.csv"].decode())))
    assert [row["digest"] for row in missing] == [digest_bytes(b"gone")]
    receipt = Receipt(**json.loads(content["receipts.jsonl"].splitlines()[0]))
    assert (receipt.submission, receipt.predictions) == (ended, digest_bytes(b"id,y\n1,a\n1,b\n"))
    assert is_genuine(receipt, b"key")
    actions = [json.loads(line)["action"] for line in content["audit.jsonl"].splitlines()]
    assert actions[0] == "competition.create"
    assert {"phase.begin", "phase.close", "phase.end", "competition.close"} <= set(actions)


def test_what_has_not_ended_is_not_exported_and_hosts_alone_export(desk, ended, tmp_path):
    with pytest.raises(Forbidden):
        _export(desk, tmp_path / "a.zip", desk.member)
    begins = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    desk.published({"key": "main", "title": "Main", "begins": begins}, slug="other")
    with desk.reading() as db, pytest.raises(Conflict, match="closed"):
        exports.export(db, desk.access(db, desk.host, "other"), desk.platform.store, tmp_path / "a.zip", secret=b"")
