"""Rounds that are summed up unseen: what reaches the server is of use in a sum alone, and who leaves is survived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from concours.core.errors import ContentRefused
from concours.core.job import Job
from concours.engine.federating import get_weights
from concours.engine.sealing import Secret, between, stream, together
from concours.engine.sites.secrets import OwnSecrets
from concours.engine.sites.wire import Asked
from concours.kernels.federating.masking import STEP, added, to_numbers
from concours.kernels.federating.strategies import aggregate
from concours.kernels.federating.update import Update
from concours.stores.disk import DiskStore

SHAPES = {"delta/w": (3, 2), "rows": (1,)}


@pytest.fixture(scope="module")
def held(together: Any) -> Any:
    """A federation of three sites, the last of which leaves in the first round when it should send, comes back, and
    leaves in the second one when masks are to be taken off.
    """
    hall = together.hall()

    def leaves(job: Job) -> bool:
        if job.label == "federated: round 1, taking masks off of b":
            hall.away.clear()
        return job.label in ("federated: round 1 of c", "federated: round 2, taking masks off of c")

    hall.leaves = leaves
    return together.run(hall, "secure", secure=True), hall


def sent(hall: Any, number: int) -> dict[str, tuple[Job, Mapping[str, Any]]]:
    """What the server got of each site's training in a round, with the job."""
    label = f"federated: round {number} of "
    return {
        job.label.removeprefix(label): (job, answer.outputs["masked"])
        for job, answer in hall.heard
        if job.label.startswith(label) and answer
    }


def own_update(together: Any, hall: Any, result: Any, name: str, job: Job) -> Update:
    """What a site would have sent in the open."""
    keep = ("x", "y", "schema", "like", "transformer", "weights")
    params = {key: value for key, value in job.params.items() if key not in ("place", "near", "addends")}
    inputs = {key: digest for key, digest in job.inputs.items() if key in keep}
    bare = replace(job, runner="train_at_site", outputs=("update",), params=params, inputs=inputs)
    store = result.folder.store
    objects = {}
    for key, digest in inputs.items():
        if key not in ("x", "y"):
            with store.open(digest) as file:
                objects[digest] = file.read()
    answer = hall.started(name).answer(Asked(job=bare, objects=objects))
    assert answer.reason == ""
    return Update.from_tensors(answer.outputs["update"])


def weights_before(result: Any, job: Job) -> Any:
    return get_weights(result.folder.store, job.inputs["weights"])[0]


def test_no_masked_vector_is_near_its_own_and_their_sum_is_right(held: Any, together: Any) -> None:
    """Nothing that reaches the server, nor any sum of less than all, tells where a site got to; the sum of all does."""
    result, hall = held
    got = sent(hall, 2)
    assert sorted(got) == ["a", "b", "c"]
    jobs = {name: job for name, (job, _) in got.items()}
    own = {name: own_update(together, hall, result, name, job) for name, job in jobs.items()}
    for size in (1, 2):
        for some in combinations(own, size):
            masked, rows = added([got[name][1] for name in some]), sum(own[name].rows for name in some)
            for tensor in own["a"].delta:
                bare = sum(own[name].rows * own[name].delta[tensor].astype(float) for name in some)
                apart = np.abs(to_numbers(masked[f"delta/{tensor}"]) - bare) / rows
                assert (apart < 1000).mean() < 0.01
    after, _, _ = aggregate(weights_before(result, jobs["a"]), list(own.values()))
    federated = final_weights(result)
    for name, tensor in after.items():
        np.testing.assert_allclose(federated[name], tensor, atol=len(own) * STEP + 1e-7)


def final_weights(result: Any) -> dict[str, Any]:
    import safetensors.numpy

    from concours.stores.blobs import get_bundle

    files = get_bundle(result.folder.store, result.candidates["federated"].code)
    return safetensors.numpy.load(files["tensors"])


def test_nothing_else_reaches_the_server(held: Any) -> None:
    """No update in the open, no loss, no sum of columns, and no model of a site alone."""
    result, hall = held
    said = [answer for _, answer in hall.heard if answer]
    assert {job.runner for job, _ in hall.heard} == {
        "site_rows",
        "secret_keys",
        "share_secrets",
        "masked_at_site",
        "reveal_shares",
    }
    assert {tensor.dtype.kind for answer in said for part in answer.outputs.values() for tensor in part.values()} == {
        "u"
    }
    assert {name for answer in said for name in answer.values} == {"rows"}
    assert not any("alone" in name for name in result.candidates)


def test_who_leaves_in_mid_round_is_survived(held: Any, together: Any) -> None:
    """Gone before it sent, it is missing from the sum, and its masks too; gone after, what it sent counts."""
    result, hall = held
    first, second = result.format["rounds"]
    assert (first["sites"], list(first["away"]), first["rows"]) == (["a", "b"], ["c"], [150])
    assert (second["sites"], list(second["away"]), second["rows"]) == (["a", "b", "c"], ["c"], [225])
    got = sent(hall, 1)
    own = [own_update(together, hall, result, name, job) for name, (job, _) in got.items()]
    after, _, _ = aggregate(weights_before(result, got["a"][0]), own)
    then = weights_before(result, sent(hall, 2)["a"][0])
    for name, tensor in after.items():
        np.testing.assert_allclose(then[name], tensor, atol=len(own) * STEP + 1e-7)


def test_too_few_and_the_round_is_lost(together: Any) -> None:
    """One clear line, and the weights stay as they were; nobody who is left shows itself."""
    hall = together.hall()
    hall.leaves = lambda job: job.label in ("federated: round 1 of b", "federated: round 1 of c")
    result = together.run(hall, "lost", secure=True, rounds=1)
    (only,) = result.format["rounds"]
    assert only["sites"] == []
    assert not any("taking masks off" in job.label for job, _ in hall.heard)
    (line,) = [text for text in result.warnings if "lost" in text]
    assert line == (
        "federated: round 1: the round is lost: 1 of 3 sites were there to its end, and the sum of what they sent is "
        "known from 2 on, and nothing else is"
    )
    assert "federated" not in result.candidates


def test_a_site_that_is_started_anew_no_longer_has_its_secret(together: Any) -> None:
    """It is missing from that round, and takes part in the next one."""
    hall = together.hall()

    def leaves(job: Job) -> bool:
        if job.label == "federated: round 1, parts of secrets of c":
            hall.restart("c")
        return False

    hall.leaves = leaves
    first, second = together.run(hall, "anew", secure=True).format["rounds"]
    assert first["sites"] == ["a", "b"]
    assert "was started anew in this round" in first["away"]["c"]
    assert second["sites"] == ["a", "b", "c"]


def test_a_server_that_was_killed_goes_on_in_mid_round(together: Any) -> None:
    """The keys and parts that had come back are those of the round, and nobody is asked for them again."""

    class Killed(BaseException):
        pass

    hall = together.hall()

    def leaves(job: Job) -> bool:
        if "taking masks off of b" in job.label:
            raise Killed
        return False

    hall.leaves = leaves
    with pytest.raises(Killed):
        together.run(hall, "killed", secure=True)
    hall.leaves = lambda _: False
    result = together.run(hall, "killed", secure=True)
    assert [each["sites"] for each in result.format["rounds"]] == [["a", "b", "c"]] * 2
    assert sum(job.label == "federated: round 1, keys of a" for job, _ in hall.heard) == 1
    assert not result.warnings


def test_a_secret_tells_one_part_of_each(tmp_path: Any) -> None:
    """Whoever has been told the seed of a neighbour's mask is not told its key too, which would bare its vector."""
    from concours.engine.runners.secure import reveal_shares, secret_keys, share_secrets

    store, owns = DiskStore(tmp_path), [OwnSecrets(), OwnSecrets()]
    keys = {}
    for place, own in enumerate(owns):
        job = Job(runner="secret_keys", seed=place)
        keys[f"keys{place}"] = secret_keys(replace(job, inputs=own(job, store)), store).outputs["keys"]
    sealed = {}
    for place, own in enumerate(owns):
        job = Job(runner="share_secrets", inputs=keys, params={"place": place, "near": 2})
        with_secret = replace(job, inputs={**keys, **own(job, store)})
        sealed[f"sealed{place}"] = share_secrets(with_secret, store).outputs["sealed"]
    asked = Job(runner="reveal_shares", inputs={**keys, **sealed}, params={"place": 0, "near": 2, "present": [0, 1]})
    assert reveal_shares(replace(asked, inputs={**asked.inputs, **owns[0](asked, store)}), store).outputs
    assert owns[0](asked, store), "the same is told again"
    with pytest.raises(ContentRefused, match="has served another 'reveal_shares' already"):
        owns[0](replace(asked, params={**asked.params, "present": [0]}), store)


def test_masks_cancel() -> None:
    """Law: what one of two sites adds the other takes away, and both know it by their own key and the other's public."""
    one, other = Secret.drawn(), Secret.drawn()
    there = between(one.mask, 0, other.public.mask, 1, SHAPES)
    back = between(other.mask, 1, one.public.mask, 0, SHAPES)
    assert not any(words.any() for words in added([there, back]).values())
    assert stream(one.seed, SHAPES)["delta/w"].shape == (3, 2)


def test_parts_of_a_secret() -> None:
    """Law: enough of them are the secret, whichever they are; too few are refused; sealed ones have one reader."""
    secrets = [Secret.drawn() for _ in range(4)]
    keys = {place: secret.public for place, secret in enumerate(secrets)}
    sealed = secrets[1].sealed(1, keys, 3)
    parts = [secret.opened(place, 1, keys[1], sealed[place])[0] for place, secret in enumerate(secrets)]
    for some in combinations(parts, 3):
        assert together(some, 3) == secrets[1].seed
    with pytest.raises(ValueError, match="2 parts of a secret are there, and it takes 3"):
        together(parts[:2], 3)
    for place, by in ((2, 1), (0, 2)):
        with pytest.raises(ValueError, match="sealed by site"):
            secrets[0].opened(0, by, keys[by], sealed[place])
