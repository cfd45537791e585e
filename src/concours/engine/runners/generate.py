"""Generators and discriminators: a round of training of a pair, and the evaluation of generators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

from concours.core.digests import canonical_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.seeds import derive_seed
from concours.engine.deterministic import deterministic
from concours.engine.prediction import Models
from concours.engine.rows import held_out, sides
from concours.engine.work import JobResult
from concours.entrants.generators import Pair, gan_round, gaussian_samples, pair_of, samples, told
from concours.kernels.ranking.ranks import competition_ranks, rank_ranges
from concours.kernels.ranking.tiers import tiers
from concours.kernels.scoring.frechet import frechet_distance
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.scores import Means, replicate_means
from concours.stores.blobs import get_array, get_bundle, put_array, put_bundle

Floats = NDArray[np.float64]
Pictures = NDArray[np.float32]

_FEATURES = 16
_ROUNDS = 100
_Z = 1.96
_SHOWN = 12


def train_pair(job: Job, store: Store) -> JobResult:
    """A round of training of a generator against its discriminator, on the training side of a fold.

    Inputs: `x`, `folds`, and `pair`, what this job yielded a round earlier. Params: `generator`, `discriminator`,
    recipes by name; `epochs`, `fold`. Outputs: `pair`. Values: `losses` of the last epoch, of the discriminator and of
    the generator, in nats.
    """
    x = get_array(store, job.inputs["x"])
    real = _scaled(x, x)[sides(job, store)[0]]
    params = job.params
    with deterministic(threads=job.threads, seed=job.seed):
        if "pair" in job.inputs:
            pair = _pair(store, job.inputs["pair"])
        else:
            pair = pair_of(params["generator"], params["discriminator"], real.shape[1:], seed=job.seed)
        losses = gan_round(pair, real, epochs=params["epochs"], seed=job.seed)
    head = {"generator": params["generator"], "discriminator": params["discriminator"], "shape": list(real.shape[1:])}
    files = {"pair.json": canonical_json(head), "tensors": safetensors.numpy.save(pair.tensors())}
    return JobResult(outputs={"pair": put_bundle(store, files)}, values={"losses": rounded(losses)})


def evaluate_generators(job: Job, store: Store) -> JobResult:
    """How far each generator's pictures are from real ones, and how well they pass with the discriminators.

    The distance is that of Fréchet between the 16 leading principal components of what a classifier of ours has before
    its last layer. It is fitted, like generators, without these rows. A picture passes with a discriminator as far as
    this finds it more real than real pictures: the mean share of these, a half if it cannot tell. The panel of a
    generator is all discriminators but the one that it trained against. The last generator is not trained: it draws
    from the normal distribution with the mean and the covariance of real pictures' pixels.

    Inputs: `pair0`, `pair1`, …; `model`, the classifier; `x` of the part, `train`, `folds` of the
    training part. Params: `rows`, `pick`, `fold`, `part`. Outputs: `samples` (generators,
    12, *shape). Values, an estimate as [value, low, high] of 95% by the bootstrap:
        rows: how many real pictures, and pictures of each generator.
        distance, panel: a generator. distance_ranks, panel_ranks: [rank, best, worst]. tier: by distance.
        passing: a generator and discriminator, the mean share.
        real: the distance of as many real pictures that the classifier was fitted on.
    """
    train, folds = get_array(store, job.inputs["train"]), get_array(store, job.inputs["folds"])
    apart = held_out(folds, job.params["fold"])
    fitted_on = _scaled(train, train)[~apart]
    part = get_array(store, job.inputs["x"])
    real = _scaled(part, train)[apart] if job.params["part"] == "oof" else _scaled(part, train)
    rng = np.random.default_rng(job.params["pick"])
    real = real[rng.permutation(len(real))[: job.params["rows"]]]
    count = len(real)
    pairs = [_pair(store, job.inputs[f"pair{i}"]) for i in range(sum(n.startswith("pair") for n in job.inputs))]
    with deterministic(threads=job.threads, seed=job.seed):
        drawn = [samples(pair.generator, count, seed=job.seed + i) for i, pair in enumerate(pairs)]
        drawn.append(gaussian_samples(fitted_on, count, seed=job.seed))
        features = _Features(Models(store).model(job.inputs["model"])[1].estimator, train, fitted_on)
        of_real, of_drawn = features.of(real), [features.of(some) for some in drawn]
        known = features.of(fitted_on[rng.permutation(len(fitted_on))[:count]])
        passing = [[_passing(pair, some, real) for pair in pairs] for some in drawn]
    distance, panel = _bootstrapped(of_drawn, of_real, passing, job.seed)
    values = {
        "rows": count,
        "distance": _with_ends(distance),
        "panel": _with_ends(panel) if len(pairs) > 1 else None,
        "distance_ranks": _ranks(distance, greater=False),
        "panel_ranks": _ranks(panel, greater=True) if len(pairs) > 1 else None,
        "tier": tiers(distance, greater_is_better=False).tolist(),
        "passing": rounded([[won.mean() for won in row] for row in passing]),
        "real": rounded(frechet_distance(known, of_real)),
    }
    shown = np.stack([some[:_SHOWN] for some in drawn])
    return JobResult(outputs={"samples": put_array(store, shown)}, values=values)


class _Features:
    """What a classifier of ours has before its last layer, as its leading principal components on known pictures."""

    def __init__(self, estimator: Any, train: NDArray[Any], known: Pictures) -> None:
        self._network, self._ends = estimator.network_, (float(train.min()), float(train.max()))
        raw = self._raw(known)
        self._mean = raw.mean(axis=0)
        self._directions = np.linalg.svd(raw - self._mean, full_matrices=False)[2][:_FEATURES]

    def of(self, pictures: Pictures) -> Floats:
        """(rows, features) of pictures in [-1, 1]."""
        return np.asarray((self._raw(pictures) - self._mean) @ self._directions.T)

    def _raw(self, pictures: Pictures) -> Floats:
        low, high = self._ends
        inputs = torch.from_numpy(np.asarray((pictures + 1) / 2 * (high - low) + low, dtype=np.float32))
        with torch.no_grad():
            before: torch.Tensor = self._network.body[:-1](self._network.scaling(inputs))
        return before.numpy().astype(np.float64)


def _passing(pair: Pair, drawn: Pictures, real: Pictures) -> Floats:
    """(drawn, real): 1 where a discriminator finds a drawn picture more real than a real one, a half if equally so."""
    said, of_real = told(pair.discriminator, drawn)[:, None], told(pair.discriminator, real)[None]
    return np.asarray((said > of_real) + 0.5 * (said == of_real), dtype=np.float64)


def _bootstrapped(
    drawn: Sequence[Floats], real: Floats, passing: Sequence[Sequence[Floats]], seed: int
) -> tuple[Means, Means]:
    """Distances and mean passing shares of the panels; both kinds of pictures are drawn anew, the real ones for all."""
    rng, count = np.random.default_rng(derive_seed(seed, "bootstrap")), len(real)
    panels = [[won for d, won in enumerate(row) if d != g] or list(row) for g, row in enumerate(passing)]
    panel_matrices = [np.mean(panel, axis=0) for panel in panels]
    distances, shares = [], []
    for _ in range(_ROUNDS):
        of_real = rng.integers(count, size=count)
        each = [rng.integers(count, size=count) for _ in drawn]
        distances.append([frechet_distance(some[rows], real[of_real]) for some, rows in zip(drawn, each, strict=True)])
        shares.append([m[rows][:, of_real].mean() for m, rows in zip(panel_matrices, each, strict=True)])
    seen = np.array([frechet_distance(some, real) for some in drawn])
    passed = np.array([matrix.mean() for matrix in panel_matrices])
    return replicate_means(seen, np.array(distances)), replicate_means(passed, np.array(shares))


def _with_ends(means: Means) -> list[list[float]]:
    halves = _Z * means.stderr
    return [rounded([m, max(m - half, 0.0), m + half]) for m, half in zip(means.means, halves, strict=True)]


def _ranks(means: Means, *, greater: bool) -> list[list[int]]:
    ranges = rank_ranges(means, greater_is_better=greater)
    ranks = competition_ranks(means.means, greater_is_better=greater)
    return np.stack([ranks, ranges.best, ranges.worst], axis=1).tolist()  # type: ignore[no-any-return]


def _pair(store: Store, digest: Any) -> Pair:
    files = get_bundle(store, digest)
    head = json.loads(files["pair.json"])
    tensors = safetensors.numpy.load(files["tensors"])
    return pair_of(head["generator"], head["discriminator"], head["shape"], seed=0, tensors=tensors)


def _scaled(x: NDArray[Any], train: NDArray[Any]) -> Pictures:
    """Pictures (n, height, width, colours) in [-1, 1] where they are within the range of the training part."""
    low, high = float(train.min()), float(train.max())
    scaled = (np.asarray(x, dtype=np.float32) - low) / np.float32((high - low) or 1.0) * 2 - 1
    return scaled[..., None] if scaled.ndim == 3 else scaled
