"""Data sets by name, from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet
import pytest

from concours.core.errors import DataError
from concours.tasks.kinds import KINDS
from concours.tasks.readers.source import open_source
from concours.tasks.reading import read
from concours.tasks.task import Task

ARFF = b"@relation r\n@attribute id integer\n@attribute a real\n@attribute y {n,p}\n@data\n1,0.5,n\n2,?,p\n3,1.5,p\n"


def parquet() -> bytes:
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.table({"id": [1, 2], "a": [0.5, 1.5], "y": ["n", "p"]}), buffer)
    return buffer.getvalue()


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Answers by path, and the paths that were asked for."""
    answers: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path in answers else 404)
            self.end_headers()
            self.wfile.write(answers.get(self.path, b""))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("CONCOURS_OPENML", f"http://127.0.0.1:{httpd.server_port}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield answers, asked
        httpd.shutdown()
        thread.join()


def described(answers, number: int, **about) -> None:
    content = {"id": str(number), "name": "credit", "version": "1", "default_target_attribute": "y", **about}
    answers[f"/api/v1/json/data/{number}"] = json.dumps({"data_set_description": content}).encode()


def test_openml_arff(server, tmp_path):
    """The file is checked, identifiers are left out, the target is the data set's own, and it is asked for once."""
    answers, asked = server
    described(answers, 31, url="/f/31.arff", md5_checksum=hashlib.md5(ARFF).hexdigest(), row_id_attribute="id")
    answers["/f/31.arff"] = ARFF
    kind = KINDS["tabular-classification"]
    for _ in range(2):
        data, test = read(Task(kind=kind.name, data="openml:31"), kind, tmp_path)
        assert (data.x.to_pydict(), data.y.tolist(), test) == ({"a": [0.5, None, 1.5]}, ["n", "p", "p"], None)
    assert (data.name, len(asked)) == ("credit", 2)


def test_openml_parquet(server, tmp_path):
    """Parquet goes first where the server has it; columns to ignore are left out."""
    answers, _ = server
    described(answers, 40, url="/f/40.arff", parquet_url="/f/40.pq", md5_checksum="0", ignore_attribute=["id"])
    answers["/f/40.pq"] = parquet()
    found = open_source("openml:40", tmp_path)
    assert (found.x.to_pydict(), found.target) == ({"a": [0.5, 1.5], "y": ["n", "p"]}, "y")


def test_openml_that_fails(server, tmp_path, monkeypatch):
    """No number, no such set, a damaged file, an answer of another kind, no server: one line each."""
    answers, _ = server
    for source, words in [("openml:credit", "is no number"), ("openml:99", "answered 404")]:
        with pytest.raises(DataError, match=words):
            open_source(source, tmp_path)
    described(answers, 31, url="/f/31.arff", md5_checksum="0" * 32)
    answers["/f/31.arff"] = ARFF
    with pytest.raises(DataError, match="the file that came is damaged: its md5 is not 000"):
        open_source("openml:31", tmp_path)
    answers["/api/v1/json/data/32"] = b"<html>"
    with pytest.raises(DataError, match="did not answer with the description"):
        open_source("openml:32", tmp_path)
    described(answers, 33, url="file:///etc/passwd")
    with pytest.raises(DataError, match="is no web address"):
        open_source("openml:33", tmp_path)
    monkeypatch.setenv("CONCOURS_OPENML", "http://127.0.0.1:9")
    with pytest.raises(DataError, match="openml:31 is not in the cache, and 127.0.0.1:9 cannot be reached"):
        open_source("openml:31", tmp_path)
