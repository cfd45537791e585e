"""Federations in contests: what stands on the board, what is refused, and sites that lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from concours import Contest, Result, predict
from concours.contest.config import read_contest
from concours.core.errors import ContestError, DataError

HEAD = """
[task]
kind = "tabular-classification"
data = "rows.csv"
target = "class"
metrics = ["accuracy", "log_loss"]
split = { test = 0.3, folds = 2 }
[compete]
lineup = "none"
[cooperate]
strategies = []
"""
NETWORK = """
[[entrant]]
name = "small"
recipe = "dnn"
prepare = "sums"
params = { hidden = [8], norm = "none", dropout = 0.0, epochs = 20 }
"""


def _rows(folder: Path, count: int = 240) -> None:
    """A table whose classes hang on its numbers and on a word; hospitals differ in how often a class comes."""
    rng = np.random.default_rng(0)
    lines = ["a,b,word,hospital,class"]
    for number in range(count):
        hospital = number % 4
        a, b, word = rng.normal(), rng.normal(), "xyz"[int(rng.integers(3))]
        label = "yes" if a + b + (word == "x") + 0.3 * hospital > 0.5 else "no"
        lines.append(f"{a:.3f},{b:.3f},{word},h{hospital},{label}")
    (folder / "rows.csv").write_text("\n".join(lines))


def _run(folder: Path, federation: str, more: str = NETWORK) -> Result:
    _rows(folder)
    (folder / "contest.toml").write_text(f"{HEAD}[federation]\n{federation}\n{more}")
    contest = Contest.from_file(folder / "contest.toml").with_options(engine="inline", out=folder / "run")
    return contest.run()


BY = 'of = "small"\nsites = { by = "hospital" }\nrounds = 8\nlearning_rate = 0.3\nbatch_size = 8\nlocal_epochs = 3'


def test_the_board_of_a_federation(tmp_path: Path) -> None:
    """Protects what a federation is held for: common, personal and lonely models beside the one of all rows."""
    result = _run(tmp_path, BY)
    lines = {line.entrant.name: line for line in result.standings}
    assert lines.keys() == {"dummy", "small", "federated", "alone", "personal"}
    assert all(line.status == "ok" and line.score is not None for line in lines.values())
    assert lines["federated"].score > lines["dummy"].score + 0.1
    joint = lines["federated"].entrant.joint
    assert joint is not None
    assert joint.parents == (lines["small"].entrant.digest,)
    shown = result.format
    assert shown["sites"] == ["h0", "h1", "h2", "h3"]
    assert sum(shown["rows"]) == result.setup.problem.train.rows
    assert len(shown["rounds"]) == 8
    size = 4 * sum(tensor.size for tensor in _tensors(result).values())
    assert shown["rounds"][0]["up"] < 4 * size + 1000
    assert shown["by_site"]["kinds"] == ["alone", "federated", "personal", "small"]
    assert sum(shown["by_site"]["rows"]) == result.setup.problem.train.rows
    assert "hospital" not in _columns(result)
    predicted = predict(result, tmp_path / "rows.csv", model="federated")
    assert len(predicted) == 240
    with pytest.raises(
        DataError, match="alone cannot predict new rows: its predictions are of models that stay at the sites; choose"
    ):
        predict(result, tmp_path / "rows.csv", model="alone")
    again = Contest.from_file(tmp_path / "contest.toml").with_options(engine="inline", out=tmp_path / "run").run()
    assert again.digest == result.digest
    assert json.loads((tmp_path / "run" / "result.json").read_text())["format"]["name"] == "federation"
    assert Result.load(tmp_path / "run").format == result.format


def _tensors(result: Result) -> dict[str, Any]:
    import safetensors.numpy

    from concours.stores.blobs import get_bundle

    model = result.candidates["federated"].models[0]
    return safetensors.numpy.load(get_bundle(result.folder.store, model)["tensors"])


def _columns(result: Result) -> list[str]:
    from concours.stores.blobs import get_table

    return get_table(result.folder.store, result.setup.problem.train.x).column_names


@pytest.mark.parametrize(
    ("federation", "message"),
    [
        ("rounds = 3", r"^\[federation\] does not suit: it has no sites: write a table: \{ by = "),
        ('sites = { by = "hospitl" }', "there is no column 'hospitl' that models get; did you mean 'hospital'"),
        ("sites = { count = 1 }", "federation.sites.count must be a whole number from 2"),
        ("sites = { count = 500 }", "federation.sites.count: 500 sites, and 168 rows to train on"),
        ('sites = { split = "iid" }', "federation.sites: expected"),
        ('sites = { count = 150, split = "dirichlet", alpha = 0.01 }', "sites have no row to train on"),
        ('sites = { count = 3, split = "dirchlet" }', 'federation.sites.split must be one of "iid"'),
        ('sites = { count = 3 }\nstrategy = "fedavgg"', 'federation.strategy must be one of "fedavg"'),
        ("sites = { count = 3 }\nround = 5", "federation.round: unknown key; did you mean 'rounds'"),
        ("sites = { count = 3 }\nproximal = 0.1", "federation.proximal is of the strategy 'fedprox', not of 'fedavg'"),
        ('sites = { count = 3 }\nstrategy = "scaffold"\nmomentum = 0.9', "'scaffold' corrects plain gradients"),
        ('sites = { count = 4 }\nstrategy = "multi-krum"', r"'multi-krum' wants 2f \+ 3 sites or more a round"),
        ("sites = { count = 3 }\ndropouts = 0.6\nstragglers = 0.5", "dropouts and stragglers must be less"),
        ("sites = { count = 3 }\nliars = { share = 2 }", "federation.liars.share must be a number above 0"),
        ('sites = { count = 3 }\nof = "smal"', "there is no entrant 'smal'; did you mean 'small'"),
        ('sites = { count = 3 }\nof = "matrix"', "'matrix' is prepared by 'matrix', which is found from all rows"),
    ],
)
def test_what_is_wrong_with_a_federation_is_one_line(tmp_path: Path, federation: str, message: str) -> None:
    """Protects whoever writes the file: each mistake names the key, what it must be, and the cure, before a job runs."""
    matrix = NETWORK.replace('"small"', '"matrix"').replace('prepare = "sums"', 'prepare = "matrix"')
    with pytest.raises((ContestError, DataError), match=message) as raised:
        _run(tmp_path, federation, NETWORK + matrix)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "journal.jsonl").exists() or not (tmp_path / "run" / "journal.jsonl").stat().st_size


def test_a_federation_is_no_other_format_and_no_strategy(tmp_path: Path) -> None:
    """Protects from two ways to say one thing."""
    path = tmp_path / "contest.toml"
    for text, message in (
        ('[compete]\nformat = "federation"', r"write \[federation\], and no compete.format"),
        ('[compete]\nformat = "arena"\n[federation]\nsites = { count = 3 }', "has no other format; leave it out"),
        ('[cooperate]\nstrategies = ["federated"]', r"'federated' is no strategy; write a table \[federation\]"),
    ):
        path.write_text(f'[task]\nkind = "tabular-classification"\ndata = "rows.csv"\n{text}\n')
        with pytest.raises(ContestError, match=message):
            read_contest(path)


def _digits(strategy: str, liars: float, rounds: int = 25) -> float:
    """Accuracy on 500 digits of what twenty sites train, some of whom send −10 times their update."""
    from sklearn.datasets import load_digits

    from concours.entrants.federated import Local, load
    from concours.entrants.knowing import Scaling
    from concours.entrants.neural import DenseClassifier
    from concours.entrants.sites import Site, train_sites
    from concours.kernels.federating.strategies import Aggregation, aggregate
    from concours.kernels.federating.update import ServerState, Update

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype(np.float32), y[order]
    known = Scaling(mean=x[500:].mean(0), deviation=x[500:].std(0) + 0.1)
    network = DenseClassifier(hidden=[32], norm="none", dropout=0.0).begun(x[:1], 10, seed=0, scaling=known)
    tensors, state = network.get_tensors(), ServerState()
    for number in range(rounds):
        sites = [Site(x=x[500 + i :: 20], y=y[500 + i :: 20], seed=20 * number + i) for i in range(20)]
        updates = train_sites(network, tensors, sites, Local(epochs=2, batch_size=16, learning_rate=0.2))
        for liar in range(round(liars * 20)):
            told = updates[liar]
            lied = {name: np.float32(-10) * tensor for name, tensor in told.delta.items()}
            updates[liar] = Update(delta=lied, rows=told.rows, loss=told.loss)
        tensors, state, _ = aggregate(tensors, updates, state, Aggregation(strategy=strategy, liars=0.2))
    load(network, tensors)
    return float((network.predict(x[:500]) == y[:500]).mean())


@pytest.mark.slow
def test_sites_that_lie_are_borne_by_the_robust_rules() -> None:
    """Protects from a fifth of the sites sending −10 times their update: within the noise, where the mean is lost.

    The noise is two standard errors of a difference of shares of 500 rows.
    """
    honest = _digits("fedavg", 0.0)
    noise = 2 * np.sqrt(2 * honest * (1 - honest) / 500)
    assert honest > 0.9
    assert _digits("fedavg", 0.2) < 0.5
    for rule in ("median", "multi-krum"):
        assert abs(_digits(rule, 0.2) - honest) <= noise, rule
