"""A round that is summed up unseen: what a site does in each of its four stages, and what the server makes of them.

Sites are known by their places in the round. `keys2` is what the site at place 2 says its keys are, `sealed2` the parts
of its secrets that it has sealed for its neighbours, `masked2` what it sends, and `shares2` what it tells of others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.federating import get_state, get_tensors, get_weights, put_state, put_tensors, put_weights
from concours.engine.runners.deployed import trained_at_site
from concours.engine.sealing import Public, Secret, Shapes, between, stream, together
from concours.engine.work import JobResult
from concours.kernels.federating.masking import Words, added, least, like, mean, to_numbers, to_words, weighted
from concours.kernels.federating.strategies import Aggregation, aggregate
from concours.kernels.federating.update import ServerState
from concours.kernels.scoring.rounded import finite
from concours.stores.blobs import get_bundle, put_bundle


def put_secret(store: Store, secret: Secret) -> Digest:
    """Keeps a secret, in a store of its site's own."""
    return put_bundle(store, vars(secret))


def secret_keys(job: Job, store: Store) -> JobResult:
    """The public keys of a secret. Yields `keys`."""
    public = _secret(job, store).public
    return JobResult(outputs={"keys": put_tensors(store, {name: _numbers(key) for name, key in vars(public).items()})})


def share_secrets(job: Job, store: Store) -> JobResult:
    """Parts of a site's secrets, sealed for each of its neighbours. Yields `sealed`."""
    secret, keys, near = _secret(job, store), _keys(job, store), job.params["near"]
    _require_least(near, len(keys))
    sealed = secret.sealed(job.params["place"], keys, least(near))
    tensors = {str(place): _numbers(text) for place, text in sealed.items()}
    return JobResult(outputs={"sealed": put_tensors(store, tensors)})


def masked_at_site(job: Job, store: Store) -> JobResult:
    """A site trains, and masks what came of it, times its rows. Yields `masked`.

    Params: as of `train_at_site`; `place`, `near`; `addends`, how many there are at most. Values: `noise`, if there is.
    """
    secret, keys = _secret(job, store), _keys(job, store)
    _require_least(job.params["near"], len(keys))
    trained, noise = trained_at_site(job, store)
    update = weighted(trained)
    mask = secret.mask_of(job.params["place"], keys, like(update))
    words = {name: to_words(numbers, job.params["addends"]) + mask[name] for name, numbers in update.items()}
    return JobResult(outputs={"masked": put_tensors(store, words)}, values={} if noise is None else {"noise": noise})


def reveal_shares(job: Job, store: Store) -> JobResult:
    """What a site knows of its neighbours' secrets: of the seed of who is `present`, of the key of who has gone.

    Never of both: they would bare a vector. Yields `shares`.
    """
    secret, keys, own = _secret(job, store), _keys(job, store), job.params["place"]
    present = set(job.params["present"])
    _require_least(job.params["near"], len(present & keys.keys()))
    shares = {}
    for place, key in keys.items():
        sealed = get_tensors(store, job.inputs[f"sealed{place}"])[str(own)]
        seed, mask = secret.opened(own, place, key, sealed.tobytes())
        shares[str(place)] = _numbers(seed if place in present else mask)
    return JobResult(outputs={"shares": put_tensors(store, shares)})


def aggregate_masked(job: Job, store: Store) -> JobResult:
    """The weights after a round of which only the sum is known. Yields `weights` and `state`.

    Inputs: `weights`, `state` from the second round on, and by places `keys`, `masked` and `shares`. Params:
    `aggregation`; `near`, of each place that of its neighbours. Values: `rows`, of all together; `bytes`, of those who
    sent in turn; `moved` and `loss`.
    """
    tensors, shape = get_weights(store, job.inputs["weights"])
    state = get_state(store, job.inputs["state"]) if "state" in job.inputs else ServerState()
    masked = {place: get_tensors(store, digest) for place, digest in _of(job, "masked").items()}
    bare = added([*masked.values(), *_masks(job, store, like(masked[min(masked)]))])
    update = mean({name: to_numbers(words) for name, words in bare.items()})
    after, state, told = aggregate(tensors, [update], state, Aggregation(**job.params["aggregation"]))
    return JobResult(
        outputs={"weights": put_weights(store, after, shape), "state": put_state(store, state)},
        values={
            "rows": [update.rows],
            "moved": told.moved,
            "loss": finite(told.loss),
            "bytes": [sum(words.nbytes for words in each.values()) for each in masked.values()],
        },
    )


def _masks(job: Job, store: Store, shapes: Shapes) -> list[dict[str, Words]]:
    """What has to be added to the sum so that no mask is left in it: of who sent, the mask of its own; of who has gone,
    those that it shares with who sent.
    """
    near = {int(place): set(places) for place, places in job.params["near"].items()}
    keys, there = _keys(job, store), set(_of(job, "masked"))
    told: dict[int, list[bytes]] = {}
    for digest in _of(job, "shares").values():
        for owner, share in get_tensors(store, digest).items():
            told.setdefault(int(owner), []).append(share.tobytes())
    found = []
    for place, shares in sorted(told.items()):
        secret = together(shares, least(len(near[place])))
        if place in there:
            found.append({name: -words for name, words in stream(secret, shapes).items()})
        else:
            others = sorted(near[place] & there)
            found += [between(secret, place, keys[other].mask, other, shapes) for other in others]
    return found


def _require_least(near: int, there: int) -> None:
    """Raises ValueError where a site would show itself among too few."""
    if there < max(2, least(near)):
        raise ValueError(f"of {near} sites that mask together {there} are there: too few to hide among")


def _secret(job: Job, store: Store) -> Secret:
    files = get_bundle(store, job.inputs["secret"])
    return Secret(mask=files["mask"], seal=files["seal"], seed=files["seed"])


def _keys(job: Job, store: Store) -> dict[int, Public]:
    found = {place: get_tensors(store, digest) for place, digest in _of(job, "keys").items()}
    return {place: Public(mask=key["mask"].tobytes(), seal=key["seal"].tobytes()) for place, key in found.items()}


def _of(job: Job, what: str) -> dict[int, Digest]:
    """The inputs of a kind by places, in order."""
    places = {name.removeprefix(what): digest for name, digest in job.inputs.items() if name.startswith(what)}
    return {int(place): places[place] for place in sorted(places, key=int)}


def _numbers(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text, dtype=np.uint8)
