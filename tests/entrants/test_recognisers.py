"""Recognisers: the search and the loss of CTC, networks that listen, and sounds cut at their pauses."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from concours.entrants import ctc, listening
from concours.entrants.augmentations import spoken_otherwise
from concours.entrants.fitting import Fitted
from concours.entrants.models import dump_model, load_model
from concours.entrants.pauses import PauseRecogniser, TypicalTranscript
from concours.entrants.recognisers import ConformerRecogniser, GRURecogniser

WORDS = ("low", "mid", "high")


def spoken(rows: int, seed: int = 0) -> tuple[pd.DataFrame, pa.Array]:
    """Tones of three pitches with pauses between."""
    rng, sounds, texts = np.random.default_rng(seed), [], []
    for _ in range(rows):
        words = rng.integers(0, 3, size=rng.integers(1, 4)).tolist()
        parts = []
        for word in words:
            time = np.arange(int(rng.integers(900, 1300))) / 8000
            parts += [np.sin(2 * np.pi * 300 * 2**word * time), np.zeros(1000)]
        wave = 4000 * np.concatenate(parts)
        sounds.append((wave + 20 * rng.normal(size=len(wave))).astype(np.int16))
        texts.append(" ".join(WORDS[word] for word in words))
    return pd.DataFrame({"sound": sounds, "rate": 8000}), pa.array(texts)


def all_paths(logs):
    """The probability of each text, by all paths."""
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(logs.shape[1]), repeat=len(logs)):
        text = tuple(symbol for symbol, _ in groupby(path) if symbol)
        found[text] = found.get(text, 0.0) + float(np.exp(logs[np.arange(len(logs)), path].sum()))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_beam_has_the_sums_over_all_paths(seed):
    """Protects the search, against a twin that goes every path; and the loss, which is the logarithm of the same."""
    scores = torch.tensor(np.random.default_rng(seed).normal(size=(1, 4, 3)))
    logs = ctc.logs_of(scores)[0]
    known = all_paths(logs)
    found = dict(ctc.beam_search(logs, width=1000, least=0.0))
    assert found.keys() == known.keys() - {text for text, p in known.items() if p == 0}
    for text, worth in found.items():
        assert np.exp(worth) == pytest.approx(known[text])
        if text:
            lost = float(ctc.surprise(scores, torch.tensor([text])))
            assert lost * len(text) == pytest.approx(-worth, rel=1e-5)
    best = ctc.greedy(logs)[0]
    path = logs.argmax(axis=1)
    assert best[0] == tuple(symbol for symbol, _ in groupby(path.tolist()) if symbol)


@pytest.mark.parametrize("build", [listening.recurrent, listening.conformer])
def test_what_is_heard_hangs_on_no_other_sound(build):
    """Protects padding: a sound alone, and beside a longer one, has the same scores; behind its end nothing is said."""
    torch.manual_seed(0)
    heads = {"heads": 2} if build is listening.conformer else {}
    network = build(shape=(50, 40), outputs=5, width=32, depth=2, dropout=0.0, **heads).eval()
    sounds = torch.randint(1, 255, (2, 50, 40), dtype=torch.uint8)
    sounds[0, 23:] = 0
    with torch.inference_mode():
        both, alone = network(sounds), network(sounds[:1, :23])
    assert both.shape == (2, 13, 5)
    torch.testing.assert_close(both[0, :6], alone[0], rtol=1e-4, atol=1e-4)
    assert (both[0, 6:, 0] == listening.SURE).all()
    assert (both[1, :, 0] != listening.SURE).all()


def test_augmentation_keeps_what_a_sound_is():
    """Protects training: lengths stay within the pace, nothing inside becomes an end, and chance is the generator's."""
    sounds = torch.randint(1, 255, (8, 60, 40), dtype=torch.uint8)
    sounds[:, 40:] = 0
    one, other = (spoken_otherwise(sounds, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, other)
    lengths = (one > 0).all(dim=2).sum(dim=1)
    assert torch.equal(lengths, (one > 0).any(dim=2).sum(dim=1))
    assert lengths.min() >= 34
    assert lengths.max() <= 46
    assert not torch.equal(one, sounds)


@pytest.mark.parametrize(
    "estimator",
    [
        TypicalTranscript(),
        PauseRecogniser(),
        GRURecogniser(epochs=2, width=16, depth=1, random_state=0),
        ConformerRecogniser(epochs=2, width=16, depth=1, beam=1, random_state=0),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_model_is_kept_without_being_fitted_again(estimator):
    """Protects model files: what was fitted says the same after being written and read; shares sum to one."""
    X, y = spoken(12)
    said = estimator.fit(X, y).predict(X)
    for row in said.to_pylist():
        assert not row or sum(each["score"] for each in row) == pytest.approx(1)
    format, files, why = dump_model(Fitted(estimator, np.empty(0, dtype=np.int64), 0, "frame"))
    assert format != "refit", why
    assert load_model(format, files).estimator.predict(X).equals(said)


def test_sounds_are_cut_at_their_pauses():
    """Protects the classical recogniser: words that are spoken apart are all found, in new sounds too."""
    X, y = spoken(40)
    model = PauseRecogniser().fit(X, y)
    new, right = spoken(20, seed=1)
    said = [row[0]["text"] for row in model.predict(new).to_pylist()]
    assert np.mean([one == other for one, other in zip(said, right.to_pylist(), strict=True)]) > 0.9


def test_silence_is_heard_as_nothing():
    """Protects sounds in which nobody speaks."""
    X, y = spoken(12)
    still = pd.DataFrame({"sound": [np.zeros(4000, dtype=np.int16)], "rate": [8000]})
    assert PauseRecogniser().fit(X, y).predict(still).to_pylist() == [[]]


def test_bad_settings_are_told():
    """Protects what a user reads of a wrong parameter."""
    X, y = spoken(4)
    with pytest.raises(ValueError, match="multiple of 16"):
        ConformerRecogniser(width=20, epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="effort must be above 0"):
        GRURecogniser(effort=0.0).fit(X, y)
    with pytest.raises(ValueError, match="same number of rows"):
        GRURecogniser().fit(X, y[:2])
