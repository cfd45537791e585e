"""Federations of real sites, over a SuperLink on loopback, with TLS and node authentication."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from concours.core.errors import EndpointRefused
from concours.core.ports import Notice
from concours.core.seeds import derive_seed

pytestmark = pytest.mark.slow
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def held(around: Any) -> Any:
    """A federation of both sites, whose words to the server somebody has heard."""
    with around.overheard() as between, ExitStack() as sites:
        said = [sites.enter_context(around.site(name, address=between.address)) for name in "ab"]
        result = around.run("both")
        return result, bytes(between.heard), said


def model_of(result: Any, name: str) -> dict[str, bytes]:
    """The files of a model that sites have made."""
    from concours.stores.blobs import get_bundle

    return get_bundle(result.folder.store, result.candidates[name].code)


def test_what_sites_train_competes(held: Any) -> None:
    """The federated model and that of each site stand on the board, judged by rows that no site has; all rounds told."""
    result, _, said = held
    assert {line.entrant.name: line.status for line in result.standings} == dict.fromkeys(
        ["dummy", "server", "federated", "a alone", "b alone"], "ok"
    )
    assert [(each["sites"], each["rows"]) for each in result.format["rounds"]] == [(["a", "b"], [90, 60])] * 2
    assert not result.warnings
    assert any("stays here" in text for text in said[0])


def test_weights_are_those_of_one_process(held: Any, around: Any) -> None:
    """The same functions on the same rows in one process come to the same weights."""
    from concours.entrants.federated import Local, local
    from concours.entrants.knowing import Scaling
    from concours.entrants.models import load_object
    from concours.entrants.recipes import build
    from concours.kernels.federating.strategies import aggregate
    from concours.kernels.federating.sums import Sums
    from concours.kernels.federating.update import ServerState

    result, _, _ = held
    files = model_of(result, "federated")
    prepared, labels = load_object(files["transformer.skops"]), list(result.setup.problem.labels)
    sites = {}
    for name in "ab":
        frame = pd.read_csv(around.folder / f"{name}.csv")
        rows = prepared.transform(frame.drop(columns="colour"))
        sites[name] = rows, np.array([labels.index(label) for label in frame["colour"]])
    sums = Sums.over(Sums.of(x) for x, _ in sites.values())
    (entrant,) = (line.entrant for line in result.standings if line.entrant.name == "server")
    seed = derive_seed(result.setup.seed, "federation", "begin_at_sites")
    network = build(entrant.recipe, entrant.params, {}, Path(), seed=seed, classes=3)
    network.begun(
        np.zeros((1, sites["a"][0].shape[1]), np.float32),
        3,
        seed=seed,
        scaling=Scaling(mean=sums.mean, deviation=sums.deviation),
    )
    how, tensors, state = Local(**result.format["local"]), network.get_tensors(), ServerState()
    for number in range(2):
        seeds = {name: derive_seed(result.setup.seed, "federation", "site", name, number) for name in sites}
        updates = [local(network, tensors, x, y, how, seed=seeds[name]) for name, (x, y) in sites.items()]
        tensors, state, _ = aggregate(tensors, updates, state)
    found = safetensors.numpy.load(files["tensors"])
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(found[name], tensor, atol=1e-6)


def test_no_row_label_or_text_leaves_a_site(held: Any, around: Any) -> None:
    """What sites say to the server holds no cell of theirs, in no form that it has in the file, in numpy or prepared."""
    from concours.entrants.models import load_object

    result, heard, _ = held
    assert b"train_at_site" not in heard  # the eavesdropper hears one side: what sites are asked stands on the other
    assert heard.count(b"ArrayChunk") > 10, "weights were heard"
    prepared = load_object(model_of(result, "federated")["transformer.skops"])
    for name in "ab":
        frame = pd.read_csv(around.folder / f"{name}.csv")
        rows = prepared.transform(frame.drop(columns="colour"))
        for column in ("width", "height"):
            for value in frame[column]:
                for form in (repr(value).encode(), np.float64(value).tobytes(), np.float32(value).tobytes()):
                    assert form not in heard
        assert not any(np.ascontiguousarray(row).tobytes() in heard for row in rows)
        assert (
            np.ascontiguousarray(frame["colour"].map({"crimson": 0, "emerald": 1, "sapphire": 2})).tobytes()
            not in heard
        )
    for text in (b"crimson", b"emerald", b"sapphire", b"circular", b"rectangular", b"colour", b".csv"):
        assert text not in heard


def test_a_site_joins_late_and_another_leaves(around: Any) -> None:
    """Who is not there is not waited for for ever; who comes late takes part from then on; all of it is told."""
    with ExitStack() as early, ExitStack() as late:
        early.enter_context(around.site("a"))

        def listener(notice: Notice) -> None:
            if notice.topic == "ended" and notice.job and notice.job.label == "federated: round 1":
                late.enter_context(around.site("b"))
                while not any("connected" in text for text in around.said["b"][-1:]):
                    time.sleep(0.1)
                early.close()

        around.said.pop("b", None)
        result = around.run("late", wait_s=10.0, listener=listener)
    first, second = result.format["rounds"]
    assert first["sites"] == ["a"]
    assert "b" in first["away"]
    assert second["sites"] == ["b"]
    assert "a" in second["away"]
    assert any("site b was not there" in text for text in result.warnings)


def test_a_server_that_was_killed_asks_for_what_is_missing(around: Any) -> None:
    """Killed in the middle of a round, the same command goes on, and no site does again what had come back."""
    out = around.folder / "killed"
    words = [
        *("federate", str(around.folder / "contest.toml"), "--superlink", around.address, "--out", str(out)),
        *("--root-certificates", str(around.certificates.authority), "--sites", str(around.folder / "keys")),
        *("--engine", "inline", "--seed", "1"),
    ]
    around.said.pop("a", None)
    with around.site("a") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "concours", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + PATIENCE_S
        while not _knows_sums(out / "journal.jsonl") and time.monotonic() < until:
            time.sleep(0.1)  # it has the sums of a, and waits for those of b
        process.send_signal(signal.SIGKILL)
        process.wait()
        with around.site("b"):
            result = around.run("killed")
    assert [each["sites"] for each in result.format["rounds"]] == [["a", "b"]] * 2
    assert sum("counts and sums of a" in text for text in said) == 1
    assert not result.warnings


def _knows_sums(journal: Path) -> bool:
    """Whether a journal has an outcome of a site, whose values are its rows and classes."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    return any('"classes"' in line and '"rows"' in line for line in lines)


def test_an_address_that_does_not_answer(around: Any) -> None:
    """One line: where, what, and what to do."""
    from concours.api.federating import serve

    with pytest.raises(EndpointRefused, match=r"^127.0.0.1:9: no SuperLink answers .*is it started there\?$"):
        serve("127.0.0.1:9", around.folder / "a.csv", around.folder / "keys" / "a", root=around.root, told=str)


def test_a_certificate_of_somebody_else(around: Any, tmp_path: Path) -> None:
    """Whoever cannot prove who they are is sent nothing."""
    from concours.api.federating import serve

    file, key = around.folder / "a.csv", around.folder / "keys" / "a"
    with pytest.raises(EndpointRefused, match="not to be trusted.*--root-certificates"):
        serve(around.address, file, key, told=str)  # of nobody whom the system trusts
