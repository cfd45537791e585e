"""Strategies of a federation: how updates become one, what step the server makes of it, what sites add in training.

A strategy is a row of `STRATEGIES`; `aggregate` is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from concours.kernels.federating import combining, steps
from concours.kernels.federating.combining import Combined
from concours.kernels.federating.steps import Step, Stepping
from concours.kernels.federating.update import Floats, ServerState, Tensors, Update, flat, named
from concours.kernels.privacy.chance import Chance
from concours.kernels.privacy.clipping import Mechanism


@dataclass(frozen=True, kw_only=True)
class FederatedStrategy:
    """One way to federate.

    Attributes:
        what: in a line, for people.
        combine: of updates (sites, size), rows (sites,) and the share that may lie, one vector.
        step: of that vector and the server's moments, the step.
        rate: of the server, where none is said.
        proximal: of the sites (`Local.proximal`), where none is said; 0 for strategies without.
        controls: whether sites correct their gradients by control variates.
        robust: whether it bears sites that lie.
    """

    what: str
    combine: Callable[[Floats, Floats, float], Combined] = combining.weighted_mean
    step: Callable[[Floats, Floats, Floats, Stepping], Step] = steps.plain
    rate: float = 1.0
    proximal: float = 0.0
    controls: bool = False
    robust: bool = False


STRATEGIES: dict[str, FederatedStrategy] = {
    "fedavg": FederatedStrategy(what="the mean of the sites by their rows"),
    "fedprox": FederatedStrategy(what="as fedavg; sites are held to the common weights by a spring", proximal=0.01),
    "scaffold": FederatedStrategy(what="as fedavg; sites correct where they drift by control variates", controls=True),
    "fedadam": FederatedStrategy(what="Adam on the mean update", step=steps.adam, rate=0.01),
    "fedyogi": FederatedStrategy(what="Yogi on the mean update", step=steps.yogi, rate=0.01),
    "diloco": FederatedStrategy(what="Nesterov's momentum on the mean update", step=steps.nesterov, rate=0.7),
    "median": FederatedStrategy(what="the median of each weight", combine=combining.median, robust=True),
    "trimmed-mean": FederatedStrategy(
        what="the mean of each weight without its extremes", combine=combining.trimmed_mean, robust=True
    ),
    "krum": FederatedStrategy(what="the update that most others are near to", combine=combining.krum, robust=True),
    "multi-krum": FederatedStrategy(
        what="the mean of the updates that most others are near to", combine=combining.multi_krum, robust=True
    ),
}


@dataclass(frozen=True, kw_only=True)
class Aggregation:
    """What a server does with the updates of a round.

    Attributes:
        strategy: a name of `STRATEGIES`.
        rate: how much of the server's step is made; none for the strategy's own.
        momentum, decay, tau: of the server's optimiser: decay of the first and of the second moment, and what is added
            to the root of the second.
        liars: the share of sites that may lie, for rules that bear some.
        all_rows: of all sites, whether sampled or not (`scaffold`); 0 for those of the round.
    """

    strategy: str = "fedavg"
    rate: float | None = None
    momentum: float = 0.9
    decay: float = 0.99
    tau: float = 1e-3
    liars: float = 0.2
    all_rows: int = 0


BEGINNING = ServerState()
PLAIN = Aggregation()


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a round says of itself.

    Attributes:
        weights: (sites,) the part of each site in the combined update; they add to 1.
        norms: (sites,) the length of each site's update.
        moved: the length of the server's step.
        loss: the mean of the sites' training losses by rows.
    """

    weights: Floats
    norms: Floats
    moved: float
    loss: float


class Hiding(NamedTuple):
    """Noise that hides each site in the mean (DP-FedAvg, McMahan et al. 2018), and where it comes from."""

    mechanism: Mechanism
    chance: Chance


class Aggregated(NamedTuple):
    """The weights after a round, the state of the server, and what the round says of itself."""

    tensors: dict[str, NDArray[Any]]
    state: ServerState
    told: Told


def aggregate(
    now: Tensors,
    updates: Sequence[Update],
    state: ServerState = BEGINNING,
    settings: Aggregation = PLAIN,
    hiding: Hiding | None = None,
) -> Aggregated:
    """The weights after a round, of the weights before it and what sites sent.

    Learned tensors move by the strategy's rule, in float64. Running statistics are statistics and not weights: they
    become the same combination of the sites' own, and no optimiser moves them. What no site sends, as whole numbers,
    counts of batches and what is known of inputs, stays as it is, to the byte. An update that is not finite is left
    out: its part is 0, its norm infinite.

    Laws: of `fedavg`, permuting sites changes nothing but rounding; one site gives exactly where it went, but for
    rounding; the order of names counts for nothing.

    Args:
        hiding: what hides each site in the mean, where sites are promised privacy by the server: all weigh alike then.

    Raises:
        ValueError: there is no update, or none that is finite; one is of other names or shapes, or has no rows; or
            sites cannot be hidden.
    """
    strategy, names = STRATEGIES[settings.strategy], _checked(now, updates)
    good = [place for place, update in enumerate(updates) if _finite(update)]
    if not good:
        raise ValueError(f"all {len(updates)} updates hold numbers that are not finite; lower the rate at the sites")
    sent = [updates[place] for place in good]
    rows = np.array([update.rows for update in sent], dtype=np.float64)
    deltas = flat([update.delta for update in sent], names)
    if hiding is not None and (unhidden := not_hidden(settings.strategy, sent[0].statistics)):
        raise ValueError(unhidden)
    combined = strategy.combine(deltas, rows, settings.liars) if hiding is None else _hidden(deltas, hiding)
    step = strategy.step(combined.vector, *_moments(state, combined.vector, names), settings)
    move = (strategy.rate if settings.rate is None else settings.rate) * step.move
    found: dict[str, NDArray[Any]] = {name: now[name] + part for name, part in named(move, now, names).items()}
    for name in sent[0].statistics:
        each = np.array([update.statistics[name].ravel() for update in sent], dtype=np.float64)
        found[name] = strategy.combine(each, rows, settings.liars).vector.reshape(now[name].shape)
    after = _state_after(state, step, now, names, strategy)
    if strategy.controls:
        after = replace(after, control=_control_after(state, sent, rows, now, names, settings))
    told = Told(
        weights=_spread(combined.weights, good, len(updates), 0.0),
        norms=_spread(np.linalg.norm(deltas, axis=1), good, len(updates), np.inf),
        moved=float(np.linalg.norm(move)),
        loss=float(rows @ [update.loss for update in sent] / rows.sum()),
    )
    return Aggregated(_as_they_were(now, found), after, told)


def _as_they_were(now: Tensors, found: Tensors) -> dict[str, NDArray[Any]]:
    """All tensors, those that were found and the others, in the types and shapes that they had."""
    return {n: np.asarray(found.get(n, t), dtype=t.dtype).reshape(t.shape) for n, t in now.items()}


def _finite(update: Update) -> bool:
    return all(np.isfinite(tensor).all() for part in (update.delta, update.statistics) for tensor in part.values())


def _spread(values: Floats, places: Sequence[int], count: int, other: float) -> Floats:
    """Values at their places among so many, another elsewhere."""
    found = np.full(count, other)
    found[list(places)] = values
    return found


def not_hidden(strategy: str, statistics: Iterable[str] = ()) -> str:
    """Why noise at the server would not hide sites; empty where it does."""
    if STRATEGIES[strategy].combine is not combining.weighted_mean or STRATEGIES[strategy].controls:
        usual = ", ".join(name for name, own in STRATEGIES.items() if own.combine is combining.weighted_mean)
        return (
            f"noise at the server hides a site in the mean of all, and {strategy!r} makes another thing of what sites "
            f"send; take a strategy of means ({usual}, but for scaffold), or privacy at the sites"
        )
    if statistics:
        return "running statistics of batch norms are no weights, and leave sites as they are; take a network without"
    return ""


def _hidden(deltas: Floats, hiding: Hiding) -> Combined:
    vector = hiding.mechanism.mean(deltas, deltas.shape[1], of=len(deltas), chance=hiding.chance)
    return Combined(vector, np.full(len(deltas), 1 / len(deltas)))


def _checked(now: Tensors, updates: Sequence[Update]) -> list[str]:
    """The names that are learned, in one order whoever sends them."""
    if not updates:
        raise ValueError("no site has sent an update, so there is nothing to aggregate")
    names, statistics = sorted(updates[0].delta), sorted(updates[0].statistics)
    for number, update in enumerate(updates):
        if update.rows < 1:
            raise ValueError(f"update {number} says that it is of {update.rows} rows; expected 1 or more")
        for part, expected in ((update.delta, names), (update.statistics, statistics)):
            if sorted(part) != expected:
                odd = sorted({*part} ^ {*expected})[0]
                raise ValueError(f"update {number} and the first differ in what they hold: tensor {odd!r}")
            for name, tensor in part.items():
                wanted = now[name].shape if name in now else "none"
                if tensor.shape != wanted:
                    raise ValueError(f"tensor {name!r} of update {number} has shape {tensor.shape}; expected {wanted}")
    return names


def _moments(state: ServerState, vector: Floats, names: Sequence[str]) -> tuple[Floats, Floats]:
    def kept(moment: Tensors) -> Floats:
        return flat([moment], names)[0] if moment else np.zeros_like(vector)

    return kept(state.first), kept(state.second)


def _state_after(
    state: ServerState, step: Step, like: Tensors, names: Sequence[str], strategy: FederatedStrategy
) -> ServerState:
    if strategy.step is steps.plain:
        return replace(state, round=state.round + 1)
    return replace(
        state, round=state.round + 1, first=named(step.first, like, names), second=named(step.second, like, names)
    )


def _control_after(
    state: ServerState,
    updates: Sequence[Update],
    rows: Floats,
    like: Tensors,
    names: Sequence[str],
    settings: Aggregation,
) -> dict[str, NDArray[Any]]:
    """c + Σ nₖ Δcₖ / n over those sampled, n the rows of all sites: c stays the mean of all sites' own by rows
    (Karimireddy et al. 2020, "SCAFFOLD", whose sites all have as many).
    """
    moved = rows @ flat([update.control for update in updates], names) / (settings.all_rows or rows.sum())
    before = flat([state.control], names)[0] if state.control else np.zeros_like(moved)
    return named(before + moved, like, names)
