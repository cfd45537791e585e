"""From probabilities of pieces to those of bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.pieces import Pieces, bytes_of

VOCABULARY = st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=30, unique=True)


@settings(max_examples=100)
@given(vocabulary=VOCABULARY, seed=st.integers(0, 99), ends=st.booleans())
def test_bytes_of_a_piece_are_what_counting_says(vocabulary: list[bytes], seed: int, ends: bool) -> None:
    """Protects the sums over sorted pieces: a naive twin adds up all pieces that begin alike."""
    rng = np.random.default_rng(seed)
    pieces, p = Pieces([None, *vocabulary]), rng.dirichlet(np.ones(len(vocabulary) + 1))
    place = int(rng.integers(len(vocabulary)))
    content = vocabulary[place]
    found = pieces.told(p, place + 1, ends=ends)
    begun = [
        sum(p[1 + other] for other, some in enumerate(vocabulary) if some.startswith(content[:most]))
        for most in range(1, len(content) + 1)
    ]
    if ends:
        begun[-1] = p[place + 1]
    assert np.cumprod(found) == pytest.approx(begun, rel=1e-6)


def test_pieces_are_read_as_a_tokenizer_of_bytes_writes_them() -> None:
    """Protects the table of GPT-2: blanks, ends of lines and letters of two bytes."""
    assert bytes_of("Ġthe") == b" the"
    assert bytes_of("Ċ") == b"\n"
    assert bytes_of("Ã©") == "é".encode()
    assert bytes_of("▁the") is None
