"""Generators and discriminators: a round of training of a pair, and the evaluation of generators."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

from concours.core.digests import canonical_json
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.prediction import Models
from concours.engine.rows import held_out, sides
from concours.engine.work import JobResult
from concours.entrants.generators import Pair, gan_round, gaussian_samples, pair_of, samples, told
from concours.insights.generation import Components, generators, passing
from concours.kernels.scoring.rounded import rounded
from concours.stores.blobs import get_array, get_bundle, put_array, put_bundle

Floats = NDArray[np.float64]
Pictures = NDArray[np.float32]

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
    its last layer. It is fitted, like generators, without these rows. The last generator is not trained: it draws from
    the normal distribution with the mean and the covariance of real pictures' pixels.

    Inputs: `pair0`, `pair1`, …; `model`, the classifier; `x` of the part, `train`, `folds` of the
    training part. Params: `rows`, `pick`, `fold`, `part`. Outputs: `samples` (generators,
    12, *shape). Values: see `insights.generation.generators`.
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
        passed = [
            [passing(told(pair.discriminator, some), told(pair.discriminator, real)) for pair in pairs]
            for some in drawn
        ]
    values = generators(of_drawn, of_real, known, passed, seed=job.seed)
    shown = np.stack([some[:_SHOWN] for some in drawn])
    return JobResult(outputs={"samples": put_array(store, shown)}, values=values)


class _Features:
    """What a classifier of ours has before its last layer, as its leading principal components on known pictures."""

    def __init__(self, estimator: Any, train: NDArray[Any], known: Pictures) -> None:
        self._network, self._ends = estimator.network_, (float(train.min()), float(train.max()))
        self._components = Components.of_known(self._raw(known))

    def of(self, pictures: Pictures) -> Floats:
        """(rows, components) of pictures in [-1, 1]."""
        return self._components.of(self._raw(pictures))

    def _raw(self, pictures: Pictures) -> Floats:
        low, high = self._ends
        inputs = torch.from_numpy(np.asarray((pictures + 1) / 2 * (high - low) + low, dtype=np.float32))
        with torch.no_grad():
            before: torch.Tensor = self._network.body[:-1](self._network.scaling(inputs))
        return before.numpy().astype(np.float64)


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
