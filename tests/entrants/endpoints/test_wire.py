"""HTTP and TLS: what libraries would do, done here."""

from __future__ import annotations

import re
import ssl
import sys
from pathlib import Path

import pytest

from concours.core.errors import EndpointRefused, MissingPackage
from concours.entrants.endpoints import wire
from concours.entrants.endpoints.client import ask_all
from concours.entrants.endpoints.endpoint import Endpoint
from concours.testing.endpoints import Answer, chat

CERTIFICATE = Path(__file__).parent / "loopback.pem"
"""A key and a certificate for 127.0.0.1 that tests alone know."""


def _yes(asked):
    return Answer(chat("yes"))


@pytest.fixture
def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def test_a_certificate_that_is_not_trusted_is_told(serve, answers, asking, tls, monkeypatch):
    """At once and once, with what to do; no request and so no key was sent."""
    monkeypatch.setenv("A_KEY", "s3cret")
    server = serve(_yes, tls=tls)
    with pytest.raises(EndpointRefused, match="self.signed certificate; no key was sent.*SSL_CERT_FILE"):
        ask_all(asking(endpoint := Endpoint(server.base_url, "A_KEY"), *range(99)), endpoint, answers)
    assert server.count == 0


def test_a_certificate_that_is_trusted(serve, answers, asking, tls, monkeypatch):
    """The message says the truth: that variable is enough."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    endpoint = Endpoint(serve(_yes, tls=tls).base_url)
    assert [reply.text for reply in ask_all(asking(endpoint, 1, 2), endpoint, answers)] == ["yes"] * 2


def test_a_certificate_for_another_name(serve, answers, asking, tls, monkeypatch):
    """A trusted certificate is not enough: it must be that of the host."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    endpoint = Endpoint(serve(_yes, tls=tls).base_url.replace("127.0.0.1", "localhost"))
    with pytest.raises(EndpointRefused, match="not valid for 'localhost'"):
        ask_all(asking(endpoint, 1), endpoint, answers)


def test_tls_where_there_is_none(serve, answers, asking, monkeypatch):
    """https:// for a server that waits for a request in plain HTTP: the handshake has its own, shorter time."""
    monkeypatch.setattr(wire, "_CONNECT_S", 0.1)
    endpoint = Endpoint(serve(_yes).base_url.replace("http", "https"), tries=2)
    with pytest.raises(EndpointRefused, match="answers nobody .no connection within 0.1 s; 2 tries"):
        ask_all(asking(endpoint, 1), endpoint, answers)


@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": ""}, {"Connection": "close"}, {"X-Long": "x" * 9000}],
    ids=["ends with the connection", "closes", "long headers"],
)
def test_other_ways_to_answer(headers, serve, answers, asking):
    """As HTTP/1.0 does, and servers that keep no connection."""
    server = serve(lambda asked: Answer(chat(asked.question), headers=headers))
    endpoint = Endpoint(server.base_url, at_once=2)
    assert [reply.text for reply in ask_all(asking(endpoint, *range(9)), endpoint, answers)] == list("012345678")
    assert server.count == 9


_WHOLE = b'{"choices": [{"text": "yes"}]}'
_LENGTH = b"Content-Length: %d\r\n\r\n" % len(_WHOLE)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n"
        + _WHOLE[:9]
        + b"\r\n15\r\n"
        + _WHOLE[9:]
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n" + _LENGTH + _WHOLE,
        b"HTTP/1.0 200\r\n" + _LENGTH + _WHOLE,
        b"HTTP/1.1 200 OK\r\n" + _LENGTH + _WHOLE + b"and something that nobody asked for",
    ],
    ids=["in chunks", "after hints", "HTTP/1.0", "with more behind it"],
)
def test_forms_of_http(content, serve, answers, asking):
    """Answers of one request are never taken for those of another."""
    server = serve(lambda asked: Answer(content, fault="bare"))
    endpoint = Endpoint(server.base_url, at_once=1, timeout_s=2)
    assert [reply.text for reply in ask_all(asking(endpoint, *range(4)), endpoint, answers)] == ["yes"] * 4


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 101 Over\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200\r\n" + b"X: y\r\n" * 2_000_000,
    ],
)
def test_what_is_no_http_is_told(content, serve, answers, asking):
    """Other protocols, and headers without end."""
    endpoint = Endpoint(serve(lambda asked: Answer(content, fault="bare")).base_url, tries=2)
    (failed,) = ask_all(asking(endpoint, 1), endpoint, answers)
    assert re.match("what came is no HTTP|the answer is longer", failed.reason)


def test_connections_are_used_again(serve, answers, asking):
    """As many as requests at once, not one a request; one that the server closed in between is not."""
    server = serve(_yes)
    endpoint = Endpoint(server.base_url, at_once=3)
    assert len(ask_all(asking(endpoint, *range(50)), endpoint, answers)) == 50
    assert server.connections <= 3


def test_without_the_package_the_extra_is_named(answers, asking, monkeypatch):
    """What to install."""
    monkeypatch.setattr(wire, "httptools", None)
    endpoint = Endpoint("http://127.0.0.1:9/v1")
    with pytest.raises(MissingPackage, match=r"httptools is not installed.*concours\[llm\]"):
        ask_all(asking(endpoint, 1), endpoint, answers)
    assert "httptools" in sys.modules
