"""Deterministic work: what it draws hangs on its seed alone, and what is drawn around it on nothing of it."""

from __future__ import annotations

import random

import numpy as np
import pytest

from concours.engine.deterministic import deterministic


def drawn() -> tuple[float, float]:
    return random.random(), float(np.random.random())


@pytest.fixture(autouse=True)
def _as_before():
    with deterministic(threads=1, seed=0):
        yield


@pytest.mark.parametrize("alone", [False, True])
def test_the_same_seed_draws_the_same(alone: bool) -> None:
    """Within others and by itself, whatever was drawn before."""
    found = []
    with deterministic(threads=1, seed=9, alone=alone):
        for _ in range(3):
            with deterministic(threads=1, seed=5):
                found.append(drawn())
            drawn()
    with deterministic(threads=1, seed=5):
        assert set(found) == {drawn()}


def test_what_is_drawn_around_it_goes_on() -> None:
    """As if nothing had been drawn within, also where those within put nothing back."""
    random.seed(3)
    np.random.seed(3)
    expected = [drawn() for _ in range(3)]
    for alone in (False, True):
        random.seed(3)
        np.random.seed(3)
        found = [drawn()]
        with deterministic(threads=1, seed=8, alone=alone), deterministic(threads=1, seed=5):
            drawn()
        found.append(drawn())
        with deterministic(threads=1, seed=5):
            drawn()
        assert [*found, drawn()] == expected


def test_it_is_put_back_after_a_failure() -> None:
    """Of who is alone too: those after it put back again what they find."""
    expected = random.getstate()
    with pytest.raises(ZeroDivisionError), deterministic(threads=1, seed=1, alone=True):
        raise ZeroDivisionError
    with deterministic(threads=1, seed=2):
        drawn()
    assert random.getstate() == expected
