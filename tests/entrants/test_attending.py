"""Attention of translators: what the network computes with, word by word."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from concours.entrants.attending import NO_WORD, Attending, Looked, attention, words_of
from concours.entrants.nbest import tokens
from concours.entrants.sequences import Decoder
from concours.entrants.subwords import BEGIN
from concours.entrants.translators import GRUTranslator, TransformerTranslator

TEXTS = np.array(["a dog runs", "a cat sits", "dogs run, cats sit", "a cat runs"], dtype=object)
SAID = ["ein Hund rennt", "eine Katze sitzt", "Hunde rennen, Katzen sitzen", "eine Katze rennt"]
SMALL = {"pieces": 10, "width": 32, "epochs": 1, "random_state": 0}


@pytest.fixture(params=["gru", "transformer"])
def translator(request):
    made = GRUTranslator(**SMALL) if request.param == "gru" else TransformerTranslator(depth=2, **SMALL)
    return made.fit(TEXTS, SAID)


def test_each_word_that_is_said_looks_at_all_once(translator):
    """Rows sum to 1, whatever pieces words are made of, and whether the network has seen them before."""
    assert isinstance(translator, Attending)
    assert not isinstance(object(), Attending)
    for text, said in [*zip(TEXTS, SAID, strict=True), ("xylophones dogs", "Hund ?")]:
        found = attention(translator, text, said)
        assert found.shape == (len(tokens(said)), len(tokens(text)))
        assert found.sum(axis=1) == pytest.approx(np.ones(len(found)), abs=1e-5)


def test_words_are_sums_of_what_is_read_and_means_of_what_is_said(translator):
    """Beside the pieces' own weights, put together word by word as it is written in the docstring."""
    text, said = TEXTS[2], SAID[2]
    subwords, network = translator.subwords_, translator.network_.body
    read, told = ([subwords.encode_word(word) for word in tokens(one)] for one in (text, said))
    before = torch.tensor([[BEGIN, *[n for word in told for n in word][:-1]]])
    with torch.inference_mode():
        weights = network.attention(before, network.remember(torch.tensor([[n for word in read for n in word]])))[0]
    expected = np.zeros((len(told), len(read)))
    row = 0
    for place, word in enumerate(told):
        for _ in word:
            column = 0
            for other, own in enumerate(read):
                expected[place, other] += float(weights[row, column : column + len(own)].sum()) / len(word)
                column += len(own)
            row += 1
    assert attention(translator, text, said) == pytest.approx(expected, abs=1e-6)


def test_nothing_read_or_said_is_no_link(translator):
    """An empty text has no word; words beyond what is read are looked at by nobody."""
    assert not attention(translator, "", "ein Hund").any()
    assert not attention(translator, "a dog", "").any()
    long = attention(translator, "a dog " * 200, "ein Hund")
    assert not long[:, 300:].any()


def test_a_block_mixes_by_the_attention_that_it_tells():
    """With one head, what a block takes from the source is its attention times the values."""
    torch.manual_seed(0)
    block = Decoder(32, 1, 0.0).eval()
    asks, memory = torch.randn(2, 5, 32), torch.randn(2, 4, 32)
    there = torch.tensor([[True] * 4, [True, True, False, False]])
    with torch.inference_mode():
        weights = block.attention(asks, memory, there)
        tokens_, seen = block._continued(asks, None)
        mixed = block._mixed(block.other, block.norms[1](tokens_), memory, block._near(5, seen.shape[1], memory, there))
        values = block.other[1](memory).chunk(2, dim=2)[1]
        assert torch.allclose(block.other[2](weights @ values), mixed, atol=1e-5)
    assert not weights[1, :, 2:].any()


def test_pieces_of_no_word_are_left_out():
    """What ends a text is no word: rows sum to 1 over the words that there are."""

    class Fixed:
        def looked(self, text, said):
            weights = np.array([[0.2, 0.2, 0.6], [0.5, 0.5, 0.0], [0.9, 0.0, 0.1]])
            return Looked(weights=weights, said=[0, 1, NO_WORD], read=[0, 1, NO_WORD])

    assert attention(Fixed(), "a b", "c d") == pytest.approx(np.array([[0.5, 0.5], [0.5, 0.5]]))


def test_stretches_of_a_text_are_of_its_words():
    """By their last letter, as pieces may begin with the blank before a word; a sign is a word of its own."""
    text = "two words, here"
    assert tokens(text) == [" two", " words", ",", " here"]
    assert words_of(text, [(0, 3), (3, 6), (6, 9), (9, 10), (10, 15), (15, 15)]) == [0, 1, 1, 2, 3, NO_WORD]
