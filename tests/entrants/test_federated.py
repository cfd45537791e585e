"""What sites do in a round: the stack is what each does alone, and one site with all rows is plain training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.federated import Controls, Local, load, local
from concours.entrants.knowing import Scaling
from concours.entrants.neural import DenseClassifier, DenseRegressor
from concours.entrants.sites import Site, Stackable, train_sites
from concours.entrants.training import seeded, train
from concours.kernels.federating.strategies import Aggregation, aggregate
from concours.kernels.federating.update import ServerState


def _network(classes: int = 3, **params):
    kind = DenseClassifier if classes else DenseRegressor
    known = Scaling(mean=np.zeros(4), deviation=np.ones(4), target_mean=1.0, target_deviation=2.0)
    own = {"hidden": [5], "norm": "none", "dropout": 0.0, **params}
    return kind(**own).begun(np.zeros((1, 4), np.float32), classes, seed=3, scaling=known)


def _site(rows: int, seed: int, classes: int = 3, controls: Controls | None = None) -> Site:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows) if classes else rng.normal(size=rows)
    return Site(x=rng.normal(size=(rows, 4)).astype(np.float32), y=y, seed=seed, controls=controls)


def _random(like, seed: int):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=tensor.shape).astype(np.float32) * 0.1 for name, tensor in like.items()}


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 23), min_size=2, max_size=5),
    classes=st.sampled_from([0, 3]),
    epochs=st.integers(1, 3),
    how=st.sampled_from(
        [
            {},
            {"momentum": 0.9, "nesterov": True},
            {"weight_decay": 0.1},
            {"clip_norm": 0.05},
            {"proximal": 0.3},
            {"optimiser": "adamw", "learning_rate": 0.01},
            {"last_only": True, "weight_decay": 0.1, "clip_norm": 0.05},
            {"last_only": True, "optimiser": "adamw", "learning_rate": 0.01},
        ]
    ),
    controlled=st.booleans(),
)
def test_a_stack_of_sites_is_each_of_them_alone(sizes, classes, epochs, how, controlled) -> None:
    """Protects the fast path: sites of any sizes, trained as one stack, send what `local` gives for each in turn."""
    network = _network(classes)
    tensors, local_settings = network.get_tensors(), Local(epochs=epochs, batch_size=4, **how)
    learned = dict(network.network_.named_parameters())
    controlled &= not local_settings.last_only  # what stays at home is corrected towards nobody
    controls = Controls(server=_random(learned, 1), own=_random(learned, 2)) if controlled else None
    sites = [_site(rows, number, classes, controls) for number, rows in enumerate(sizes)]
    together = train_sites(network, tensors, sites, local_settings)
    for site, update in zip(sites, together, strict=True):
        alone = local(network, tensors, site.x, site.y, local_settings, seed=site.seed, controls=controls)
        assert update.rows == alone.rows == len(site.y)
        assert update.loss == pytest.approx(alone.loss, rel=1e-4, abs=1e-6)
        assert update.delta.keys() == alone.delta.keys()
        assert update.control.keys() == alone.control.keys()
        for part in ("delta", "control"):
            for name, tensor in getattr(alone, part).items():
                np.testing.assert_allclose(getattr(update, part)[name], tensor, rtol=1e-3, atol=2e-5)


def test_the_stack_is_taken_where_it_can_be() -> None:
    """Protects the test above from comparing a thing with itself."""
    assert Stackable.of(_network(), Local()) is not None
    assert Stackable.of(_network(norm="batch"), Local()) is None
    assert Stackable.of(_network(dropout=0.5), Local()) is None


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_one_site_with_everything_is_plain_training(norm: str) -> None:
    """Protects that a federation of one site is training: `aggregate` of its update is where training gets to."""
    network, how = _network(norm=norm), Local(epochs=3, batch_size=8, momentum=0.9)
    site, tensors = _site(50, 7), network.get_tensors()
    after, _, _ = aggregate(tensors, train_sites(network, tensors, [site], how), ServerState(), Aggregation())
    load(network, tensors)
    rows = torch.from_numpy(site.x), torch.from_numpy(site.y)
    with seeded(site.seed, torch.device("cpu")) as chance:
        train(network.network_, network.loss, rows, how.training, generator=chance)
    assert after.keys() == network.get_tensors().keys()
    for name, tensor in network.get_tensors().items():
        np.testing.assert_allclose(after[name], tensor, rtol=1e-6, atol=1e-6)
        assert after[name].dtype == tensor.dtype


def test_only_the_last_layer_of_a_personal_model_learns() -> None:
    """Protects what stays common: of a personal model the body, running statistics too, is that of the federation."""
    network, site = _network(norm="batch"), _site(40, 1)
    update = local(network, network.get_tensors(), site.x, site.y, Local(last_only=True), seed=0)
    moved = {name for name, tensor in update.delta.items() if np.any(tensor)}
    assert moved == {"body.5.weight", "body.5.bias"}
    assert all(np.array_equal(tensor, network.get_tensors()[name]) for name, tensor in update.statistics.items())
    assert not np.any(update.statistics["body.2.running_mean"])


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (Site(x=np.zeros((3, 5), np.float32), y=np.zeros(3), seed=0), r"rows of shape \(4,\); got \(5,\)"),
        (Site(x=np.zeros((3, 4), np.float32), y=np.array([0, 1, 3]), seed=0), "codes of the 3 classes; got 0 to 3"),
        (Site(x=np.zeros((3, 4), np.float32), y=np.zeros(2), seed=0), "same number of rows; got 3 and 2"),
        (Site(x=np.full((3, 4), np.nan, np.float32), y=np.zeros(3), seed=0), "finite"),
    ],
)
def test_a_site_whose_rows_do_not_suit_is_told_in_a_line(site: Site, message: str) -> None:
    """Protects a site's owner from a traceback: other columns, other classes and gaps are named."""
    network = _network()
    with pytest.raises(ValueError, match=message) as raised:
        train_sites(network, network.get_tensors(), [site, site], Local())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_personal_model_is_corrected_towards_nobody(norm: str) -> None:
    """One line for control variates and the spring, which are of all layers, whether a stack is trained or each alone."""
    network = _network(norm=norm)
    sites = [_site(8, number, controls=Controls()) for number in range(2)]
    with pytest.raises(ValueError, match="leave out controls"):
        train_sites(network, network.get_tensors(), sites, Local(last_only=True))
    with pytest.raises(ValueError, match="leave out proximal=0.1"):
        Local(last_only=True, proximal=0.1)
