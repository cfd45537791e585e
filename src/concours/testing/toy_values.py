"""Values of the form that real jobs yield, made from a job's digest and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from concours.core.digests import digest_json
from concours.core.job import Job


def chance(job: Job, *what: str) -> float:
    """A number from 0 up to 1, made from a job's digest."""
    return int(digest_json([job.digest, *what])[7:15], 16) / 2**32


def invented_values(job: Job) -> dict[str, Any]:
    """Values of the form that the real runner of this kind yields, made from the job's digest."""
    return _INVENTED[job.runner](job) if job.runner in _INVENTED else {}


def _count(job: Job, name: str) -> int:
    return sum(key.startswith(name) for key in job.inputs)


def _rated(job: Job) -> dict[str, Any]:
    """Ratings of whoever is known to the toys; a poll shows those that have joined."""
    best = sorted(("team 0", "team 1", "team 2"), key=lambda name: -chance(job, name))
    lines = [
        {"name": name, "rating": 1000 * chance(job, name), "ci": [0.0, 1000.0], "rank": place, "note": "", "tier": 1}
        for place, name in enumerate(best, 1)
    ]
    ranges = {"rank_best": 1, "rank_worst": len(best)}
    return {"ratings": [{**line, **ranges} for line in lines], "warnings": [], "battles": 100 * len(job.inputs)}


def _credit(job: Job) -> dict[str, Any]:
    worth = [chance(job, "worth", str(i)) for i in range(_count(job, "predictions"))]
    return {
        "value": sum(worth),
        "prior": 0.0,
        "gain_stderr": 0.1,
        "exact": True,
        "shapley": worth,
        "stderr": [0.1 for _ in worth],
        "shares": [value / sum(worth) for value in worth],
        "lost": [value / 2 for value in worth],
        "lost_stderr": [0.1 for _ in worth],
        "best": 0,
        "ahead": worth[-1] / 2,
        "ahead_stderr": 0.1,
        "joining_shares": [1 / len(worth) for _ in worth],
        "interactions": [[0, 1, -0.1, 0.1]],
    }


def _attacked(job: Job) -> dict[str, Any]:
    attacks = job.params["attacks"]
    chosen = [int(chance(job, "chosen", str(i)) * len(attack["settings"])) for i, attack in enumerate(attacks)]
    left = [chance(job, "left", str(i)) for i in range(len(attacks))]
    change = {"change": chance(job, "change"), "change_stderr": 0.1} if "before" in job.inputs else {}
    told = [{"chosen": number, "left": share} for number, share in zip(chosen, left, strict=True)]
    shown = {"true": [0], "places": [0], "named": [[0]] * (1 + len(attacks))} if "examples" in job.outputs else {}
    return {"attacks": told, "clean": 0.9, "worst": min(left), "stderr": 0.01, "farthest": 0.1, **change, **shown}


def _contended(job: Job) -> dict[str, Any]:
    made, attacks = job.params["attacks"], len(job.params["names"])
    worst = _chances(job, "worst", len(made))
    most = max(map(len, made))
    ranked = [i for i, numbers in enumerate(made) if len(numbers) == most]
    ranks = {i: [1 + sum(worst[other] > worst[i] for other in ranked), 1, len(ranked)] for i in ranked}
    shares = [[share, max(share - 0.1, 0.0), min(share + 0.1, 1.0)] for share in worst]
    return {
        "rows": 100,
        "clean": shares,
        "matrix": [
            [share if a in own else None for a in range(attacks)] for share, own in zip(shares, made, strict=True)
        ],
        "worst": [{"share": share, "rank": ranks.get(i), "tier": 1} for i, share in enumerate(shares)],
        "curves": [[share] * 6 for share in shares],
        "attackers": [{"left": [0.5, 0.4, 0.6], "rank": [1, 1, attacks]} for _ in range(attacks)],
        "masked": [False] * len(made),
    }


def _appraised(job: Job) -> dict[str, Any]:
    generators = _count(job, "pair") + 1
    distance = [[10 * (d := chance(job, "distance", str(i))), 9 * d, 11 * d] for i in range(generators)]
    ranks = [[1, 1, generators] for _ in range(generators)]
    return {
        "rows": 100,
        "distance": distance,
        "panel": [[0.3, 0.2, 0.4] for _ in range(generators)],
        "distance_ranks": ranks,
        "panel_ranks": ranks,
        "tier": [1] * generators,
        "passing": [[0.3] * (generators - 1) for _ in range(generators)],
        "real": 0.1,
    }


def _evaluated(job: Job) -> dict[str, Any]:
    count = _count(job, "predictions")
    scores = {name: [chance(job, name, str(i)) for i in range(count)] for name in job.params["metrics"]}
    first = next(iter(scores.values()))
    ranks = [1 + sum(other < score for other in first) for score in first]
    return {
        "scores": scores,
        "intervals": {name: [[score - 0.1, score + 0.1] for score in of] for name, of in scores.items()},
        "ranks": {name: [[rank, max(rank - 1, 1), min(rank + 1, count)] for rank in ranks] for name in scores},
        "unsure": {},
        "tier": [1] * count,
        "ci": [[score - 0.1, score + 0.1] for score in first],
        "rank": ranks,
        "rank_best": [max(rank - 1, 1) for rank in ranks],
        "rank_worst": [min(rank + 1, count) for rank in ranks],
    }


def _ranked(job: Job) -> dict[str, Any]:
    """As `_evaluated`, where those without a place have none."""
    found = _evaluated(job)
    sides = job.params.get("sides", [0])
    stand = [side is not None and side not in sides[:place] for place, side in enumerate(sides)]
    for name in ("rank", "rank_best", "rank_worst", "tier"):
        found[name] = [value if one else None for value, one in zip(found[name], stand, strict=True)]
    return found


def _allied(job: Job) -> dict[str, Any]:
    members = sorted({int(_count(job, "predictions") * chance(job, "member", str(place))) for place in range(3)})
    scores = {name: chance(job, name) for name in job.params["metrics"]}
    entered = _count(job, "predictions")
    return {
        "members": members,
        "weights": [1 / len(members)] * len(members),
        "scores": scores,
        "intervals": dict.fromkeys(scores),
        "unsure": {},
        "gain": {"value": chance(job, "gain"), "low": 0.0, "high": 1.0, "certain": False},
        "credit": None,
        "by": next(iter(scores)),
        "rows": 20,
        "entered": entered,
        "candidates": entered,
    }


def _watched(job: Job) -> dict[str, Any]:
    entered = _count(job, "predictions")
    one, other = (int(entered * chance(job, "alike", name)) for name in ("one", "other"))
    pairs = [sorted([one, other])] if one != other else []
    told = {"correlation": [0.98 + 0.02 * chance(job, "correlation")] * len(pairs), "agree": [0.9] * len(pairs)}
    return {"pairs": pairs, **told, "rows": 20, "entered": entered}


def _ranked_scores(job: Job) -> dict[str, Any]:
    scores, nothing = job.params["scores"], [None] * len(job.params["scores"])
    names = [name for name, _ in job.params["goals"]]
    every = dict.fromkeys(names, nothing)
    order = sorted(range(len(scores)), key=lambda place: chance(job, str(place)))
    rank = [order.index(place) + 1 for place in range(len(scores))]
    places = {"ci": nothing, "rank": rank, "rank_best": nothing, "rank_worst": nothing, "tier": nothing}
    given = {name: [one.get(name) for one in scores] for name in names}
    return {"scores": given, "intervals": every, "ranks": every, "unsure": {}, **places}


def _rescored(job: Job) -> dict[str, Any]:
    of = job.params["of"]
    if "scorer" in of:
        return {"problem": {**of, "truth": job.inputs["problem"]}}
    return {"problem": {**of, "test": {**of["test"], "y": job.inputs["problem"]}}}


def _chosen_again(job: Job) -> dict[str, Any]:
    corrected = {name: chance(job, name) for name in job.params["metrics"]}
    return {"corrected": corrected, "intervals": dict(job.params["intervals"]), "again": chance(job, "again")}


def _selected(job: Job) -> dict[str, Any]:
    members = _count(job, "oof")
    path = [int(members * chance(job, "pick", str(step))) for step in range(5)]
    held_out = job.params["without_fold"] is not None
    losses = [chance(job, "loss", str(step)) for step in range(5)] if held_out else []
    return {"path": path, "held_out": losses, "rows": 20 * held_out}


def _in_turn(job: Job) -> dict[str, Any]:
    asked = sorted({int(_count(job, "oof") * chance(job, "asked", str(place))) for place in range(3)})
    thresholds = [*_chances(job, "threshold", len(asked) - 1), 0.0]
    return {
        "asked": asked,
        "thresholds": thresholds,
        "asks": [1.0] * len(asked),
        "answers": [1 / len(asked)] * len(asked),
        "scorers": [_scorer(job, str(place)) for place in range(len(asked))],
        "curve": [[0.0, 1.0, 0.5], [1.0, 2.0, 0.9]],
        "chosen": [0.5, 1.5, 0.8],
    }


def _scorer(job: Job, name: str) -> list[list[float]]:
    return [[chance(job, "offset", name)], [0.5], [0.0]]


def _scored(job: Job) -> dict[str, Any]:
    members = _count(job, "oof")
    return {
        "scorers": [_scorer(job, str(member)) for member in range(members)],
        "shares": [1 / members] * members,
    }


def _sent(job: Job) -> dict[str, Any]:
    asked = sorted({int(_count(job, "oof") * chance(job, "asked", str(place))) for place in range(3)})
    return {
        "asked": asked,
        "handicaps": _chances(job, "handicap", len(asked)),
        "shares": [1 / len(asked)] * len(asked),
        "curve": [[0.0, 1.0, 0.5], [1.0, 2.0, 0.6]],
        "chosen": [0.5, 1.5, 0.6],
    }


def _architectures(job: Job) -> dict[str, Any]:
    models = job.params["models"]
    return {
        "architectures": [["toy"] * count or None for count in models],
        "beginnings": [[["alike", fold] for fold in range(count)] or None for count in models],
        "aligned": [bool(count) for count in models],
        "firsts": [bool(count) for count in models],
    }


def _mix(job: Job, *names: str) -> dict[str, Any]:
    """Of some of the models, among them the first, and of TIES with a density."""
    models = len(job.params["models"])
    some = [i for i in range(models) if i == 0 or chance(job, "pick", *names, str(i)) > 0.5]
    by_ties = job.params.get("by") == "elected" or job.params.get("density")
    weights = [float(i in some) / len(some) for i in range(models)]
    return {"weights": weights, **({"density": 0.1 + 0.9 * chance(job, "density", *names)} if by_ties else {})}


def _mixed(job: Job) -> dict[str, Any]:
    return {"mix": _mix(job), "by_fold": [_mix(job, str(fold)) for fold in range(job.params["models"][0])]}


def _evolved(job: Job) -> dict[str, Any]:
    return {"tried": min(job.params["tried"] + 40, job.params["trials"]), "mix": _mix(job), "loss": chance(job, "loss")}


def _trained_interval(job: Job) -> dict[str, Any]:
    names = [str(member) for member in range(len(job.params["seeds"]))]
    return {what: [chance(job, what, name) for name in names] for what in ("scores", "losses")}


def _begun(job: Job) -> dict[str, Any]:
    rows = [int(20 * share) for share in _chances(job, "rows", job.params["sites"])]
    return {"rows": [5, *rows[1:]], "bytes": 100}


def _trained_locally(job: Job) -> dict[str, Any]:
    count = len(job.params["group"])
    return {"rows": [5] * count, "loss": _chances(job, "loss", count), "bytes": [400] * count}


def _aggregated(job: Job) -> dict[str, Any]:
    count = _count(job, "updates")
    told = {"sites": list(range(count)), "weights": [1 / count] * count, "norms": _chances(job, "norm", count)}
    return {**told, "moved": 1.0, "loss": chance(job, "loss"), "down": 400, "up": 400, "score": chance(job, "score")}


def _scored_sites(job: Job) -> dict[str, Any]:
    kinds, sites = _count(job, "predictions"), job.params["sites"]
    scores = [_chances(job, f"score {kind}", sites) for kind in range(kinds)]
    return {"scores": scores, "intervals": [[[0.1, 0.2]] * sites] * kinds, "rows": [5] * sites}


def _chances(job: Job, what: str, count: int) -> list[float]:
    return [chance(job, what, str(i)) for i in range(count)]


def _prune(job: Job) -> dict[str, Any]:
    scores = _chances(job, "score", job.params["entrants"])
    return {"scores": scores, "stderr": [0.1] * len(scores), "worse": [score > min(scores) + 0.3 for score in scores]}


def _duels(job: Job) -> dict[str, Any]:
    def fought(number: int, rows: int) -> dict[str, Any]:
        outcomes = "".join(str(int(3 * chance(job, "row", str(number), str(row)))) for row in range(rows))
        return {"outcomes": outcomes, "mean": chance(job, "mean", str(number)) - 0.5, "stderr": 0.1}

    return {"by": "log_loss", "duels": [fought(number, pair[3]) for number, pair in enumerate(job.params["pairs"])]}


def _proposed(job: Job) -> dict[str, Any]:
    def drawn(trial: int, axis: int) -> float:
        kind, low, high, _ = job.params["forms"][axis]
        value = low + chance(job, "drawn", str(trial), str(axis)) * (high - low)
        return value if kind == "float" else round(value)

    axes = range(len(job.params["forms"]))
    return {"drawn": [[drawn(trial, axis) for axis in axes] for trial in range(job.params["count"])]}


def _credit_of_sites(job: Job) -> dict[str, Any]:
    sites = job.params["sites"]
    each = {name: _chances(job, name, sites) for name in ("shapley", "stderr", "lost", "lost_stderr")}
    whole = {name: chance(job, name) for name in ("first", "last", "gain_stderr")}
    return {**whole, **each, "looked": 3, "passed": 1, "rows": 10}


_INVENTED: Mapping[str, Callable[[Job], dict[str, Any]]] = {
    "check": lambda _: {"predict_proba": True, "sample_weight": True, "one_by_one": [], "mergeable": True},
    "cascade": _in_turn,
    "scorers": _scored,
    "ask": lambda job: {"asked": _chances(job, "asked", len(job.params["weights"]))},
    "route": _sent,
    "send": lambda job: {"asked": _chances(job, "asked", len(job.params["weights"]))},
    "architectures": _architectures,
    "choose_mix": _mixed,
    "evolve": _evolved,
    "pupils": lambda job: {
        "teachable": [True] * _count(job, "oof"),
        "losses": _chances(job, "loss", _count(job, "oof")),
    },
    "eliminate": lambda job: {"stay": [i for i, weight in enumerate(job.params["weights"]) if weight][:1]},
    "score": lambda job: {"score": chance(job, "score"), "stderr": chance(job, "stderr") / 10},
    "calibrate": lambda _: {"calibration": None, "decision": None},
    "select": _selected,
    "size": lambda job: {"bytes": [int(1e6 * share) for share in _chances(job, "size", len(job.params["models"]))]},
    "boost": lambda job: {"shares": _chances(job, "share", _count(job, "oof"))},
    "weigh_steps": lambda job: {"shares": _chances(job, "share", _count(job, "oof"))},
    "train_interval": _trained_interval,
    "begin_federation": _begun,
    "local": _trained_locally,
    "aggregate_round": _aggregated,
    "train_at_home": lambda _: {"alone": 3},
    "score_sites": _scored_sites,
    "credit_sites": _credit_of_sites,
    "suspect_sites": lambda job: {"sites": [], "looked": len(job.params["rounds"])},
    "attack_members": lambda _: {"attacks": [], "shadows": 0},
    "propose": _proposed,
    "weigh": lambda job: {"weights": _chances(job, "weight", _count(job, "oof"))},
    "diagnose": lambda job: {"mistakes": {"rows": [int(100 * share) for share in _chances(job, "row", 3)]}},
    "importance": lambda _: {
        "columns": ["a", "b", "c"],
        "kinds": ["number", "text", "category"],
        "drop": [0.2, 0.1, 0.0],
    },
    "evaluate": _evaluated,
    "ally": _allied,
    "watch": _watched,
    "climb": lambda job: {"climbs": chance(job, "climbs") < 0.5},
    "rank": _ranked,
    "rank_scores": _ranked_scores,
    "run_scorer": lambda job: {name: chance(job, name) for name in ("log_loss", "accuracy")},
    "rescore": _rescored,
    "portion": lambda job: {"rows": job.params["most"]},
    "ask_in_words": lambda _: {"calls": {"rows": 10, "requests": 10}},
    "choice": _chosen_again,
    "credit": _credit,
    "attack": _attacked,
    "robustness": _contended,
    "evaluate_generators": _appraised,
    "rung": lambda job: {"rows": 10, "score": chance(job, "score"), "went_on": False},
    "prune": _prune,
    "duels": _duels,
    "count_votes": lambda job: {"battles": int(100 * chance(job, "battles"))},
    "rate": _rated,
    "read_prompts": lambda job: {"texts": 7},
    "receive_answers": lambda job: {"texts": 7},
}
"""By the kind of job."""
