"""Sites that lie: how often they are named, how often honest ones are, and what robust rules make of them.

    python benchmarks/liars.py [--seeds 10] [--sites 20] [--rounds 10]

Digits (1,797 pictures of 8 × 8), a fifth of the rows kept to judge, the others divided among sites: alike (`iid`), or
by Dirichlet shares of the classes with α = 1 and α = 0.3. A fifth of the sites lies, in each kind of lie; or none does.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from concours.entrants.federated import Local, load
from concours.entrants.knowing import Scaling
from concours.entrants.neural import DenseClassifier
from concours.entrants.sites import Site, train_sites
from concours.kernels.federating.dividing import SHARES, divided
from concours.kernels.federating.evidence import evidence
from concours.kernels.federating.strategies import Aggregation, aggregate
from concours.kernels.federating.suspects import Sighting, suspicions
from concours.kernels.federating.update import ServerState, Update, flat, named

Floats = NDArray[np.float64]
Lie = Callable[[Floats, np.random.Generator], Floats]

SPLITS = {"iid": ("iid", 1.0), "Dirichlet 1": ("dirichlet", 1.0), "Dirichlet 0.3": ("dirichlet", 0.3)}
LIES: Mapping[str, Lie | None] = {
    "nobody": None,
    "−10 ×": lambda own, rng: -10 * own,
    "10 ×": lambda own, rng: 10 * own,
    "3 ×": lambda own, rng: 3 * own,
    "−1 ×": lambda own, rng: -own,
    "noise": lambda own, rng: _noise(own, rng),
    "10 × noise": lambda own, rng: 10 * _noise(own, rng),
    "wrong labels": lambda own, rng: own,
}
LIARS = 0.2
ROBUST = ("fedavg", "median", "trimmed-mean", "multi-krum")
LOCAL = Local(epochs=2, batch_size=16, learning_rate=0.1)


def _noise(own: Floats, rng: np.random.Generator) -> Floats:
    drawn = rng.normal(size=own.shape)
    return drawn * np.linalg.norm(own) / np.linalg.norm(drawn)


class Federation:
    """Digits at sites, of which some lie."""

    def __init__(self, sites: int, split: str, lie: str, seed: int) -> None:
        x, y = load_digits(return_X_y=True)
        self.rng = np.random.default_rng(seed)
        order = self.rng.permutation(len(y))
        self.x, self.y, self.test = x.astype(np.float32), y.astype(np.int64), order[: len(y) // 5]
        self.parts = self._divided(order[len(y) // 5 :], sites, *SPLITS[split])
        count = round(LIARS * sites) if LIES[lie] else 0
        self.lie, self.liars = lie, set(self.rng.choice(sites, count, replace=False).tolist())
        train = self.x[np.concatenate(self.parts)]
        scaling = Scaling(
            mean=train.mean(axis=0).astype(np.float64), deviation=train.std(axis=0).astype(np.float64) + 1.0
        )
        how = {"hidden": [32], "norm": "none", "dropout": 0.0, "training": {"device": "cpu"}}
        self.network = DenseClassifier(**how).begun(self.x[:1], 10, seed=seed, scaling=scaling)

    def _divided(self, rows: NDArray[np.int64], sites: int, split: str, alpha: float) -> list[NDArray[np.int64]]:
        while True:
            own = divided(self.y[rows], SHARES[split](10, sites, alpha, self.rng), self.rng)
            if np.bincount(own, minlength=sites).min() >= 8:
                return [rows[own == site] for site in range(sites)]

    def run(self, rounds: int, strategy: str) -> tuple[list[Sighting], float]:
        """What was seen of the rounds, and the accuracy in the end."""
        tensors, state, seen = self.network.get_tensors(), ServerState(), []
        for number in range(rounds):
            updates = train_sites(self.network, tensors, [self._site(i, number) for i in range(len(self.parts))], LOCAL)
            updates = [self._sent(update, i) for i, update in enumerate(updates)]
            deltas = flat([update.delta for update in updates], sorted(updates[0].delta))
            rows = np.array([update.rows for update in updates])
            seen.append(Sighting(sites=np.arange(len(rows)), rows=rows, shown=evidence(deltas)))
            tensors, state, _ = aggregate(tensors, updates, state, Aggregation(strategy=strategy, liars=LIARS))
        load(self.network, tensors)
        return seen, float((self.network.predict(self.x[self.test]) == self.y[self.test]).mean())

    def _site(self, site: int, number: int) -> Site:
        rows = self.parts[site]
        wrong = site in self.liars and self.lie == "wrong labels"
        return Site(x=self.x[rows], y=9 - self.y[rows] if wrong else self.y[rows], seed=1000 * number + site)

    def _sent(self, update: Update, site: int) -> Update:
        if site not in self.liars:
            return update
        names = sorted(update.delta)
        told = named(LIES[self.lie](flat([update.delta], names)[0], self.rng), update.delta, names)
        return Update(delta=told, rows=update.rows, loss=update.loss)


def detection(seeds: Sequence[int], sites: int, rounds: int) -> None:
    """Of each lie the share of liars that is named, and of federations in which an honest site is."""
    print(
        f"\n{sites} sites, {rounds} rounds, {len(seeds)} seeds, the strategy median. Liars named | federations in which"
    )
    print("an honest site is named\n")
    print(f"{'lie':14s}" + "".join(f"{split:>20s}" for split in SPLITS))
    for lie in LIES:
        cells = []
        for split in SPLITS:
            named_liars, accused = [], []
            for seed in seeds:
                federation = Federation(sites, split, lie, seed)
                found = {one.site for one in suspicions(federation.run(rounds, "median")[0]) if one.why}
                named_liars.append(len(found & federation.liars) / max(len(federation.liars), 1))
                accused.append(bool(found - federation.liars))
            told = f"{np.mean(named_liars):.0%}" if LIES[lie] else "–"
            cells.append(f"{told} | {sum(accused)} of {len(accused)}")
        print(f"{lie:14s}" + "".join(f"{cell:>20s}" for cell in cells), flush=True)


def robustness(seeds: Sequence[int], sites: int, rounds: int) -> None:
    """Accuracy in the end with a fifth of the sites sending −10 × their update, beside that of the honest run."""
    print(f"\n{sites} sites alike, {rounds} rounds, {len(seeds)} seeds: accuracy on the rows that judge,")
    print("mean ± deviation\n")
    print(f"{'strategy':14s}{'honest':>16s}{'a fifth −10 ×':>16s}{'difference ± its error':>26s}")
    for strategy in ROBUST:
        runs = np.array([
            [Federation(sites, "iid", lie, seed).run(rounds, strategy)[1] for lie in ("nobody", "−10 ×")]
            for seed in seeds
        ])  # fmt: skip
        off = runs[:, 1] - runs[:, 0]
        cells = [f"{runs[:, i].mean():.3f} ± {runs[:, i].std(ddof=1):.3f}" for i in (0, 1)]
        told = f"{off.mean():+.4f} ± {off.std(ddof=1) / np.sqrt(len(off)):.4f}"
        print(f"{strategy:14s}" + "".join(f"{cell:>16s}" for cell in cells) + f"{told:>26s}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    began = time.monotonic()
    detection(range(given.seeds), given.sites, given.rounds)
    robustness(range(given.seeds), given.sites, 2 * given.rounds)
    print(f"\n{time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
