"""What changing inputs by chance in training brings: networks of pictures, sounds and texts with it and without.

    python benchmarks/augmenting.py [--seeds 5]

Takes between four and five minutes of one core, and reads sets of `CONCOURS_DATA`. Each seed draws other rows to learn
from and to judge by; of sounds each holds out another speaker. Both fits of a pair have the same rows, the same first
weights and the same seed, so that they differ by the augmentation alone. Told is the mean over seeds of the log loss
and of the accuracy without it, and by how much each is more with it, with an interval of 95% by Student's t over seeds:
the test rows of seeds may have some in common, so it is a little too narrow.
"""

from __future__ import annotations

import argparse
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile
from scipy.stats import t as student

from concours.entrants.neural import ResidualClassifier
from concours.entrants.sounds import MelPictures
from concours.entrants.text_networks import EmbeddingBagClassifier
from concours.kernels.scoring.scores import log_losses

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows with their labels (rows,), and of each which seed holds it out, where seeds do not draw them."""

    x: Array
    y: Array
    held: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A network without an augmentation, and the augmentations by name; with how many rows it learns and is judged."""

    name: str
    read: Callable[[], Rows]
    made: Callable[..., Any]
    without: Mapping[str, Any]
    ways: Mapping[str, Mapping[str, Any]]
    learned: int
    judged: int


def photographs() -> Rows:
    """CIFAR-10: 32 × 32 pixels, ten classes."""
    x, y = [], []
    for name, content in _tar(DATA / "cifar10-subset" / "cifar10-subset.tar.gz"):
        if len(parts := Path(name).parts) > 1 and name.endswith(".jpg"):
            x.append(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))
            y.append(parts[-2])
    return Rows(x=np.stack(x), y=np.array(y))


def digits() -> Rows:
    """Spoken digits as log-mel pictures; a seed holds out a speaker."""
    names, sounds = [], []
    for name, content in _tar(DATA / "fsdd-subset" / "recordings-subset.tar.gz"):
        rate, samples = wavfile.read(io.BytesIO(content))
        names.append(Path(name).stem.split("_"))
        sounds.append({"sound": samples, "rate": rate})
    speakers = np.unique([speaker for _, speaker, _ in names], return_inverse=True)[1]
    x = MelPictures().fit_transform(pd.DataFrame(sounds))
    return Rows(x=x, y=np.array([digit for digit, _, _ in names]), held=speakers)


def snippets() -> Rows:
    """Of reviews of films, for and against."""
    x, y = [], []
    with zipfile.ZipFile(DATA / "sentence-polarity" / "sentence_polarity.zip") as file:
        for name in sorted(name for name in file.namelist() if Path(name).suffix in (".pos", ".neg")):
            lines = file.read(name).decode("latin-1").splitlines()
            x += lines
            y += [Path(name).suffix] * len(lines)
    return Rows(x=np.array(x, dtype=object), y=np.array(y))


def _tar(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member).read()  # type: ignore[union-attr]


PAIRS = (
    Pair(
        name="photographs, residual",
        read=photographs,
        made=ResidualClassifier,
        without={"augment": "none"},
        ways={"moved and mirrored (`auto`)": {"augment": "auto"}, "noise": {"augment": "noise"}},
        learned=1000,
        judged=1000,
    ),
    Pair(
        name="spoken digits, residual",
        read=digits,
        made=ResidualClassifier,
        without={"augment": "none"},
        ways={"moved (`auto`)": {"augment": "auto"}, "moved, noise, masks (`sound`)": {"augment": "sound"}},
        learned=600,
        judged=300,
    ),
    Pair(
        name="film reviews, bag of words",
        read=snippets,
        made=EmbeddingBagClassifier,
        without={"word_dropout": 0.0},
        ways={"a fifth of words left out (the usual)": {"word_dropout": 0.2}, "half left out": {"word_dropout": 0.5}},
        learned=3000,
        judged=3000,
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    print("| data, network | augmentation | log loss without | more with it | accuracy without | more with it |")
    print("|---|---|---:|---:|---:|---:|")
    for pair in PAIRS:
        rows = pair.read()
        scores = np.array([list(_scores(pair, rows, seed)) for seed in range(seeds)])  # (seeds, 1 + ways, 2)
        for place, way in enumerate(pair.ways, 1):
            more = scores[:, place] - scores[:, 0]
            told = [f"{scores[:, 0, i].mean():.4f} | {_interval(more[:, i])}" for i in (0, 1)]
            print(f"| {pair.name if place == 1 else ''} | {way} | {' | '.join(told)} |", flush=True)
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\n{seeds} seeds, {time.process_time():.0f} s of one core; load: {load}")


def _scores(pair: Pair, rows: Rows, seed: int) -> Iterator[tuple[float, float]]:
    """Log loss and accuracy, without the augmentation first."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows.y))
    inside = np.ones(len(order), dtype=bool) if rows.held is None else rows.held[order] != seed % (rows.held.max() + 1)
    train = order[inside][: pair.learned]
    test = order[inside][pair.learned :][: pair.judged] if rows.held is None else order[~inside][: pair.judged]
    for params in ({}, *pair.ways.values()):
        network = pair.made(**{**pair.without, **params}, random_state=seed).fit(rows.x[train], rows.y[train])
        codes = np.searchsorted(network.classes_, rows.y[test])
        p = network.predict_proba(rows.x[test])
        yield float(log_losses(codes, p).mean()), float((p.argmax(axis=1) == codes).mean())


def _interval(differences: Array) -> str:
    mean, n = differences.mean(), len(differences)
    half = student.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return f"{mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


if __name__ == "__main__":
    main()
