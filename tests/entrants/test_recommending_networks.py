"""Networks that recommend: what they learn, what is asked of them in training, and their sums beside loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

torch = pytest.importorskip("torch")

from concours.entrants.recommending_networks import (  # noqa: E402
    LastLooks,
    MeanTower,
    SessionRecommender,
    SessionTower,
    Towers,
    TwoTowerRecommender,
    drawn,
    followed,
)

ITEMS = 12
NETWORKS = (
    TwoTowerRecommender(items=ITEMS, best=4, width=16, epochs=3, random_state=0),
    SessionRecommender(items=ITEMS, best=4, width=32, epochs=3, random_state=0),
)
names = pytest.mark.parametrize("network", NETWORKS, ids=lambda one: type(one).__name__)


def frame(known: list[list[int]], *, timed: bool = False) -> pd.DataFrame:
    columns = {"items": [np.asarray(each, dtype=np.int64) for each in known]}
    return pd.DataFrame({**columns, "times": [np.arange(len(each)) for each in known]} if timed else columns)


def lists(asked: list[list[int]]) -> pa.Array:
    return pa.array(asked, pa.list_(pa.int64()))


def sorts(seed: int, users: int = 60) -> tuple[list[list[int]], list[list[int]]]:
    """Users who have five of the even items or of the odd ones, one of which is held out."""
    rng = np.random.default_rng(seed)
    taken = [(2 * rng.choice(ITEMS // 2, 5, replace=False) + user % 2).tolist() for user in range(users)]
    return [each[:-1] for each in taken], [each[-1:] for each in taken]


def circle(users: int = 60) -> tuple[list[list[int]], list[list[int]]]:
    """Users who go round a circle of items, from anywhere: all are as popular, and what is next hangs on the last."""
    taken = [[(user + step) % ITEMS for step in range(4 + user % 3)] for user in range(users)]
    return [each[:-1] for each in taken], [each[-1:] for each in taken]


def test_two_towers_tell_sorts_apart_for_users_who_are_new() -> None:
    """All items are as popular; what is left of somebody's own sort comes before all of the other."""
    model = TwoTowerRecommender(items=ITEMS, best=2, width=16, epochs=30, learning_rate=0.02, random_state=0)
    known, asked = sorts(0)
    model.fit(frame(known), lists(asked))
    p = model.predict(frame(sorts(1)[0]))
    assert (p.items % 2 == np.arange(60)[:, None] % 2).mean() > 0.95


def test_a_session_goes_on_where_it_is() -> None:
    """After a walk round the circle comes the next item, which no count of items tells."""
    model = SessionRecommender(items=ITEMS, best=4, width=32, epochs=25, learning_rate=0.02, random_state=0)
    known, asked = circle()
    model.fit(frame(known, timed=True), lists(asked))
    p = model.predict(frame([[3, 4, 5], [9, 10, 11]], timed=True))
    assert p.items[:, 0].tolist() == [6, 0]


@names
def test_a_fit_is_a_function_of_its_seed(network: TwoTowerRecommender) -> None:
    """To the byte; and another seed is another model."""
    known, asked = sorts(0, users=20)

    def fitted(seed: int) -> dict[str, np.ndarray]:
        return (
            type(network)(**{**network.get_params(), "random_state": seed})
            .fit(frame(known), lists(asked))
            .get_tensors()
        )

    one, same, other = fitted(0), fitted(0), fitted(1)
    assert all((one[name] == same[name]).all() for name in one)
    assert any((one[name] != other[name]).any() for name in one)


@names
def test_a_user_is_told_the_same_whoever_else_is_asked(network: TwoTowerRecommender) -> None:
    """Users stand beside one another as far as the longest has items, and that changes nothing."""
    known, asked = sorts(0, users=20)
    model = network.fit(frame(known), lists(asked))
    alone, among = model.predict(frame([[0, 2]])), model.predict(frame([[0, 2], [], list(range(7))]))
    assert alone.items[0].tolist() == among.items[0].tolist()
    assert alone.scores[0] == pytest.approx(among.scores[0], abs=1e-5)


@names
def test_effort_is_time_and_must_be_some(network: TwoTowerRecommender) -> None:
    known, asked = sorts(0, users=20)
    model = type(network)(items=200_000, width=32)
    model.items_ = 200_000
    assert model._settings(1000).epochs < model.set_params(effort=3.0)._settings(1000).epochs
    with pytest.raises(ValueError, match="effort must be above 0; got 0"):
        type(network)(items=ITEMS, effort=0).fit(frame(known), lists(asked))


def test_what_follows_a_moment_is_asked_for() -> None:
    """Known are the first items, asked for are the next ones, as many as a share allows; none is missing between."""
    rows = torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8, 9, -10], [3, -2, 0, 0, 0, 0, 0, 0, 0, 0]])
    chance, widths = torch.Generator().manual_seed(0), set()
    for _ in range(200):
        long, short = followed(rows, chance, held=0.3).tolist()
        known, asked = sum(code > 0 for code in long), sum(code < 0 for code in long)
        assert long == [*range(1, known + 1), *range(-known - 1, -known - asked - 1, -1), *[0] * (10 - known - asked)]
        assert 1 <= asked <= max(1, round(known * 3 / 7))
        assert short == [3, -2, *[0] * 8]
        widths.add((known, asked))
    assert {known for known, _ in widths} == {*range(1, 10)}
    assert {asked for _, asked in widths} == {1, 2, 3}


def test_without_times_some_are_asked_for_by_chance() -> None:
    """Each item of a user is known or asked for, at any place, and nothing else is."""
    rows = torch.tensor([[1, 2, 3, 4, 5, -6, 0, 0]])
    chance, first = torch.Generator().manual_seed(0), set()
    for _ in range(100):
        row = drawn(rows, chance)[0].tolist()
        assert sorted(map(abs, row)) == [0, 0, 1, 2, 3, 4, 5, 6]
        assert row[-2:] == [0, 0]
        first.add(row[0])
    assert first == {code for code in range(-6, 7) if code}


@pytest.mark.parametrize("tower", ["mean", "session"])
def test_surprise_is_that_of_a_choice_among_what_somebody_has_not(tower: str) -> None:
    """By loops: the mean over asked items of minus the logarithm of a softmax over all that are not known."""
    torch.manual_seed(0)
    user = MeanTower(5, 32, 0.0) if tower == "mean" else SessionTower(5, 32, 2, 3, 0.0)
    towers = Towers(user, 32, 5).eval()
    rows = torch.tensor([[1, 3, -5, -2], [4, 0, 0, 0], [-1, 2, 0, -3]])
    with torch.inference_mode():
        told = towers(rows)[:, 0].tolist()
        for row, surprise in zip(rows.tolist(), told, strict=True):
            known, asked = [code for code in row if code > 0], [-code for code in row if code < 0]
            scores = towers.items(user(torch.tensor([known])))[0].double().numpy()
            left = [item for item in range(1, 6) if item not in known]
            among = np.log(np.exp(scores[np.array(left) - 1]).sum())
            wanted = np.mean([among - scores[item - 1] for item in asked]) if asked else 0.0
            assert surprise == pytest.approx(wanted, abs=1e-5)


def test_the_last_place_looks_as_a_loop_over_heads_would() -> None:
    """Softmax of scaled products with the places that are there, head by head, then the layers behind."""
    torch.manual_seed(0)
    block, tokens = LastLooks(8, 2, 0.0).eval(), torch.randn(3, 5, 8)
    there = torch.tensor([[True] * 5, [False, False, True, True, True], [False] * 4 + [True]])
    with torch.inference_mode():
        found = block(tokens, there)
        for row in range(3):
            normed = block.norm(tokens[row])
            query, told = block.ask(normed[-1]), block.tell(normed)
            heads = []
            for head in range(2):
                own = slice(4 * head, 4 * head + 4)
                key, value = told[:, own], told[:, 8:][:, own]
                weights = (key @ query[own] / 2)[there[row]].softmax(dim=0)
                heads.append(weights @ value[there[row]])
            last = tokens[row, -1] + block.outward(torch.cat(heads))
            assert torch.allclose(found[row], last + block.think(last), atol=1e-6)
