"""What the server and its processes say to one another: messages are received whole, however they come."""

from __future__ import annotations

import fcntl
import itertools
import resource
import socket

from hypothesis import given
from hypothesis import strategies as st

from concours.serving.wire import Ask, Messages, asks, packed, waits


@given(
    bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=6), cuts=st.lists(st.integers(0, 1500), max_size=9)
)
def test_messages_are_received_whole(bodies: list[bytes], cuts: list[int]) -> None:
    """In their order, cut anywhere or several in one piece; what is half there when the other side goes is dropped."""
    sent = [Ask(number, "plain", body) for number, body in enumerate(bodies)]
    stream = b"".join(packed([ask]) for ask in sent) + packed([sent[0]])[:-1]
    heard, gone = list[Ask](), list[bool]()
    other = Messages(lambda message: heard.extend(asks.decode(message)), lambda: gone.append(True))
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for begin, end in itertools.pairwise(places):
        other.data_received(stream[begin:end])
    other.connection_lost(None)
    assert heard == sent
    assert gone == [True]


def test_what_waits_is_seen_at_any_descriptor() -> None:
    """Above 1,023 too, where a server with many connections gives a process its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        high = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD, 1100)
        with socket.socket(fileno=high) as other:
            assert not waits(other)
            ours.send(b"a")
            assert waits(other)
