"""One system rates one file of battles: CPU seconds and memory added, as JSON. Run by benchmarks/ratings.py.

python benchmarks/ratings_systems.py SYSTEM BATTLES.parquet

Loading the frame of strings and importing the system are not counted; encoding the strings is.
"""

from __future__ import annotations

import gc
import json
import math
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Ratings = dict[str, float]
Work = Callable[[pd.DataFrame], Ratings]
ELO = 400 / math.log(10)


def concours(**options: Any) -> Work:
    """Ours: ratings with intervals."""
    from concours.votes.rate import rate

    return lambda frame: {line.name: line.rating for line in rate(frame, **options).ratings}


def concours_online(method: str) -> Work:
    """Ours, with an online pass, which is what is returned."""
    from concours.votes.rate import rate

    return lambda frame: {line["name"]: line["rating"] for line in rate(frame, online=method).online["ratings"]}


def concours_more() -> Work:
    """Ours: ten thousand battles more onto a board that stands; only these are timed, see `main`."""
    import pyarrow as pa

    from concours.votes.rate import rated
    from concours.votes.reading import Asked, tallied

    def prepare(frame: pd.DataFrame) -> Callable[[], Ratings]:
        tally = tallied(frame.iloc[:-10_000], Asked())
        rated(tally)
        more = pa.Table.from_pandas(frame.iloc[-10_000:], preserve_index=False)

        def add() -> Ratings:
            tally.add(more)
            return {line.name: line.rating for line in rated(tally).ratings}

        return add

    prepare.prepares = True  # type: ignore[attr-defined]
    return prepare  # type: ignore[return-value]


def evalica(method: str) -> Work:
    """evalica, as its documentation calls it: point estimates."""
    import evalica as peer

    outcomes = {"model_a": peer.Winner.X, "model_b": peer.Winner.Y, "tie": peer.Winner.Draw}

    def work(frame: pd.DataFrame) -> Ratings:
        winners = frame["winner"].map(outcomes)
        scores = getattr(peer, method)(frame["model_a"], frame["model_b"], winners).scores
        if method == "elo":
            return {str(name): float(value) for name, value in scores.items()}
        return {str(name): ELO * math.log(value) for name, value in scores.items()}

    return work


def fastchat(rounds: int = 0) -> Work:
    """FastChat's published algorithm (`rating_systems.py`), restated: battles that are alike become one weighted row.

    They are fitted by a logistic regression, here scikit-learn's; a tie is half of each.

    A bootstrap round draws the weights anew by a multinomial, and fits again.
    """
    import numpy as np

    def work(frame: pd.DataFrame) -> Ratings:
        codes, names = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]), sort=True)
        left, right = np.split(codes, 2)
        won = np.select([frame["winner"] == "model_a", frame["winner"] == "model_b"], [2, 0], 1)
        rows, weight = np.unique(np.column_stack([left, right, won]), return_counts=True, axis=0)
        draws = np.random.default_rng(0).multinomial(len(frame), weight / weight.sum(), size=rounds)
        for drawn in draws if rounds else [weight]:
            found = logistic(rows, drawn, len(names))
        return dict(zip(map(str, names), found.tolist(), strict=True))

    return work


def fastchat_tables() -> Work:
    """The same as FastChat had it before, by three pivot tables of wins and ties."""
    import numpy as np

    def work(frame: pd.DataFrame) -> Ratings:
        tables = {
            winner: pd.pivot_table(
                frame[frame["winner"] == winner], index="model_a", columns="model_b", aggfunc="size", fill_value=0
            )
            for winner in ("model_a", "model_b", "tie")
        }
        names = sorted({*frame["model_a"].unique(), *frame["model_b"].unique()})
        full = {key: table.reindex(index=names, columns=names, fill_value=0) for key, table in tables.items()}
        wins = (full["model_a"] + full["model_b"].T).to_numpy() + (full["tie"] + full["tie"].T).to_numpy() / 2
        first, second = np.nonzero(wins * ~np.eye(len(names), dtype=bool))
        rows = np.column_stack([np.minimum(first, second), np.maximum(first, second), np.where(first < second, 2, 0)])
        return dict(zip(names, logistic(rows, wins[first, second], len(names)).tolist(), strict=True))

    return work


def logistic(rows: Any, weight: Any, models: int) -> Any:
    """Ratings from rows of left, right and points of the left one (0, 1, 2), each with a weight."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    left, right, won = rows.T
    x = np.zeros((len(rows), models))
    x[np.arange(len(rows)), left], x[np.arange(len(rows)), right] = math.log(10), -math.log(10)
    x, y = np.concatenate([x, x]), np.repeat([1, 0], len(rows))
    weights = np.concatenate([weight * won, weight * (2 - won)])
    kept = weights > 0
    model = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-6, max_iter=1000)
    return 400 * model.fit(x[kept], y[kept], sample_weight=weights[kept]).coef_[0]


def arena_rank() -> Work:
    """arena-rank: ratings with sandwich intervals; its compiler's time is part of a first call, and counted."""
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    def work(frame: pd.DataFrame) -> Ratings:
        data = PairDataset.from_pandas(frame)
        found = BradleyTerry(n_competitors=len(data.competitors)).compute_ratings_and_cis(data)
        return dict(zip(found["competitors"], found["ratings"].tolist(), strict=True))

    return work


def choix() -> Work:
    """choix: point estimates from a matrix of wins, ties half; it has no reader, so that pandas makes the matrix."""
    import choix as peer
    import numpy as np

    def work(frame: pd.DataFrame) -> Ratings:
        codes, names = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]), sort=True)
        left, right = np.split(codes, 2)
        won = frame["winner"].map({"model_a": 1.0, "model_b": 0.0, "tie": 0.5}).to_numpy()
        size = len(names)
        wins = np.bincount(left * size + right, won, size * size) + np.bincount(right * size + left, 1 - won, size**2)
        found = peer.ilsr_pairwise_dense(wins.reshape(size, size), alpha=0.0, max_iter=1000, tol=1e-10)
        return {str(name): ELO * value for name, value in zip(names, found.tolist(), strict=True)}

    return work


def openskill() -> Work:
    """openskill: an online pass, battle by battle, as its documentation writes it."""
    from openskill.models import PlackettLuce

    def work(frame: pd.DataFrame) -> Ratings:
        model = PlackettLuce()
        known: dict[str, Any] = {}
        for a, b, winner in zip(frame["model_a"], frame["model_b"], frame["winner"], strict=True):
            one, two = known.get(a) or model.rating(), known.get(b) or model.rating()
            ranks = {"model_a": [1, 2], "model_b": [2, 1], "tie": [1, 1]}[winner]
            [[known[a]], [known[b]]] = model.rate([[one], [two]], ranks=ranks)
        return {name: rating.mu for name, rating in known.items()}

    return work


SYSTEMS: dict[str, Callable[[], Work]] = {
    "concours": lambda: concours(),
    "concours davidson": lambda: concours(ties="davidson"),
    "concours bootstrap 100": lambda: concours(bootstrap=100),
    "concours bootstrap 1000": lambda: concours(bootstrap=1000),
    "concours 10k more": concours_more,
    "concours elo": lambda: concours_online("elo"),
    "concours trueskill": lambda: concours_online("trueskill"),
    "evalica": lambda: evalica("bradley_terry"),
    "evalica elo": lambda: evalica("elo"),
    "FastChat": lambda: fastchat(),
    "FastChat, pivot tables": fastchat_tables,
    "FastChat bootstrap 20": lambda: fastchat(20),
    "arena-rank": arena_rank,
    "choix": choix,
    "openskill": openskill,
}


def main() -> None:
    """Prints what one system took."""
    system, path = sys.argv[1:]
    try:
        work = SYSTEMS[system]()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    frame = pd.read_parquet(path)
    if getattr(work, "prepares", False):
        ready: Any = work(frame)
        work = lambda _: ready()  # noqa: E731
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, cpu, began = memory("VmRSS"), seconds(), time.perf_counter()
    ratings = work(frame)
    cpu, wall = seconds() - cpu, time.perf_counter() - began
    print(json.dumps({"cpu": cpu, "wall": wall, "mb": memory("VmHWM") - before, "ratings": ratings}))


def seconds() -> float:
    """Of CPU, of this process and of its children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def memory(key: str) -> float:
    """In MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
