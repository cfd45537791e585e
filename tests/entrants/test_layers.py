"""Layers of networks: frozen ones stay as they are to the byte, and each of the others learns at its share of the rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from concours.entrants import networks
from concours.entrants.centres import CentreDetector
from concours.entrants.layers import depths, frozen_of, output_layer, shares_of, vector_of
from concours.entrants.neural import ConvClassifier, DenseClassifier
from concours.entrants.optimisers import OPTIMISERS, flatten, stepped
from concours.entrants.settings import Settings
from concours.entrants.translators import TransformerTranslator

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 255, size=(60, 8, 8), dtype=np.uint8)
CODES = np.arange(60) % 3


def words() -> nn.Module:
    return networks.text_transformer(shape=(6,), outputs=3, words=20, width=16, depth=2, heads=1, dropout=0.0)


def test_layers_of_a_transformer_are_its_blocks_between_what_embeds_and_what_tells() -> None:
    """A rate that falls with depth is of no use where depth is not that of the network."""
    found = depths(words())
    assert {found["body.0.embed.weight"], found["body.0.positions"]} == {0}
    assert {layer for name, layer in found.items() if name.startswith("body.0.blocks.0.")} == {1}
    assert {layer for name, layer in found.items() if name.startswith("body.0.blocks.1.")} == {2}
    assert {found["body.0.norm.weight"], found["body.1.weight"], found["body.1.bias"]} == {3}


def test_layers_of_a_sequence_are_its_members_and_a_norm_belongs_to_the_one_before() -> None:
    """A batch norm would else be a layer of its own, and halve the rate of all before it."""
    found = depths(networks.dense(shape=(4,), outputs=3, hidden=[8, 6], dropout=0.1, norm="batch"))
    by_layer = {layer: {name.split(".")[1] for name, other in found.items() if other == layer} for layer in (0, 1, 2)}
    assert by_layer == {0: {"1", "2"}, 1: {"5", "6"}, 2: {"9"}}
    assert output_layer(words()) == {"body.1.weight", "body.1.bias"}


def test_a_network_without_members_is_one_layer() -> None:
    """Nothing is known of the order of its parts."""
    assert depths(nn.Linear(3, 2)) == {"weight": 0, "bias": 0}


def test_shares_fall_by_the_factor_from_layer_to_layer_and_are_nothing_where_it_is_frozen() -> None:
    """This is the law of layer-wise rates."""
    network = words()
    shares = shares_of(network, frozenset({"body.0.embed.weight"}), 0.5)
    assert shares["body.1.weight"] == 1.0
    assert shares["body.0.blocks.1.think.1.weight"] == 0.5
    assert shares["body.0.positions"] == 0.125
    assert shares["body.0.embed.weight"] == 0.0
    assert vector_of(network, shares_of(network, frozenset(), 1.0)) is None


@pytest.mark.parametrize("optimiser", list(OPTIMISERS))
def test_a_step_is_that_of_a_rate_of_its_own(optimiser: str) -> None:
    """A weight of a share moves as the same weight does at so much less rate; one of all or none, to the byte."""
    settings = Settings(epochs=1, batch_size=1, learning_rate=0.1, optimiser=optimiser)
    moved = []
    for share in (None, 1.0, 0.25, 0.0):
        torch.manual_seed(1)
        network = nn.Linear(5, 3)
        flat = flatten(network)
        before = flat.weights.clone()
        flat.shares = None if share is None else torch.full_like(flat.weights, share)
        flat.gradient.copy_(torch.randn(flat.gradient.shape, generator=torch.Generator().manual_seed(2)))
        flat.steps = 1
        stepped(flat, OPTIMISERS[optimiser], settings, 0.1)
        moved.append(flat.weights - before)
    whole, one, quarter, nothing = moved
    assert torch.equal(whole, one)
    assert not nothing.any()
    torch.testing.assert_close(quarter, whole / 4, rtol=1e-4, atol=1e-7)


def test_frozen_layers_stay_as_they_are_to_the_byte_and_their_statistics_too() -> None:
    """A frozen batch norm that went on to learn what its inputs are like would change what comes after it."""
    freeze = ["body.1", "body.3"]
    begun = ConvClassifier(width=4, epochs=1, training={"learning_rate": 1e-30}, random_state=0).fit(PICTURES, CODES)
    fitted = ConvClassifier(width=4, epochs=2, training={"freeze": freeze}, random_state=0).fit(PICTURES, CODES)
    names = [name for name in fitted.get_tensors() if name.startswith("body.1.")]
    assert names
    assert all(np.array_equal(begun.get_tensors()[name], fitted.get_tensors()[name]) for name in names)
    assert np.array_equal(fitted.get_tensors()["body.3.running_mean"], np.zeros(4, dtype=np.float32))
    assert not np.array_equal(begun.get_tensors()["body.5.weight"], fitted.get_tensors()["body.5.weight"])
    assert all(parameter.requires_grad for parameter in fitted.network_.parameters())


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"freeze": ["body.44"]}, "freeze: no layer is called 'body.44'; .*body.1"),
        ({"freeze": ["body"]}, "freeze: that is the whole network"),
        ({"freeze": "body.1"}, "freeze must be a list of names of layers"),
        ({"layer_decay": 0.0}, "layer_decay must be above 0 and at most 1"),
        ({"layer_decay": 1.5}, "layer_decay must be above 0 and at most 1"),
        ({"parallel": 2}, r"parallel must be like \{ workers = 2 \}"),
        ({"parallel": {"workers": 0}}, "parallel: workers must be a whole number of at least 1; got 0"),
        ({"parallel": {"workers": 2, "eevry": 3}}, "parallel has no 'eevry'; did you mean 'every'"),
        ({"parallel": {"workers": 2}}, "parallel: other processes are started for the fits of a contest"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_cure(training: dict[str, object], said: str) -> None:
    """One line says what is wrong with a table that a person has written."""
    with pytest.raises(ValueError, match=said):
        DenseClassifier(hidden=[4], training=training).fit(RANDOM.normal(size=(40, 3)), CODES[:40])


def test_what_cannot_be_divided_says_so() -> None:
    """A loss that is no mean over rows would come to another model without a word."""
    assert not CentreDetector.divides
    assert not TransformerTranslator.divides
    texts = ["a b", "c d"] * 10
    with pytest.raises(ValueError, match="parallel: batches of a TransformerTranslator cannot be divided"):
        TransformerTranslator(epochs=1, training={"parallel": {"workers": 2}}).fit(texts, texts)


def test_prefixes_end_where_a_part_of_a_name_ends() -> None:
    """`body.1` is not `body.10`."""
    network = nn.Sequential(*(nn.Linear(2, 2) for _ in range(11)))
    assert frozen_of(network, ["1"]) == {"1.weight", "1.bias"}
