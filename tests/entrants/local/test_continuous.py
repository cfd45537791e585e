"""Answers of many at once: as of each alone, whoever comes and goes; with a bound on memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.errors import DataError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from concours.entrants.local.continuous import Continuous, Told, Wish  # noqa: E402
from concours.entrants.local.generating import How, answers  # noqa: E402
from concours.entrants.local.loading import Loaded, loaded, threads  # noqa: E402
from concours.entrants.local.texts import tokens_of_chat  # noqa: E402

QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
WAYS = (How(most=9), How(most=5, stop=("e", "th")), How(most=7, temperature=1.5, top_p=0.9), How(most=1))
ASKED = st.tuples(st.text("abc .?", max_size=12), st.sampled_from(WAYS), st.integers(0, 3))


@pytest.fixture(scope="module")
def model(tiny: Path) -> Loaded:
    return loaded(tiny, "float32")


def wish(model: Loaded, text: str, how: How, seed: int = 0) -> Wish:
    return Wish(prompt=tokens_of_chat(model, [{"role": "user", "content": text}]), how=how, seed=seed)


def run(batch: Continuous, wishes: list[tuple[int, Wish]]) -> dict[int, list[Told]]:
    """Takes each request after so many steps, and goes on until all are answered."""
    told: dict[int, list[Told]] = {id: [] for id in range(len(wishes))}
    left, steps = list(enumerate(wishes)), 0
    while left or batch.busy:
        for id, (after, one) in list(left):
            if after <= steps:
                batch.take(id, one)
                left.remove((id, (after, one)))
        for each in batch.step():
            told[each.id].append(each)
        steps += 1
    return told


@QUICK
@given(st.lists(st.tuples(ASKED, st.integers(0, 6)), min_size=1, max_size=6), st.sampled_from([1, 2, 32]))
def test_answers_are_as_alone_whoever_comes_and_goes(model: Loaded, asked: list, rows: int) -> None:
    """To the letter, greedily and by chance, as `generate` gives them one after the other."""
    with threads(1):
        wishes = [(after, wish(model, *one)) for one, after in asked]
        told = run(Continuous(model, rows=rows), wishes)
        for id, (_, one) in enumerate(wishes):
            alone = answers(model, [one.prompt], [one.seed], one.how)[0]
            assert "".join(each.text for each in told[id]) == alone.text
            assert told[id][-1].tokens == alone.tokens
            assert (told[id][-1].finish == "stop") == alone.ended
            assert not any(each.finish for each in told[id][:-1])


def test_long_requests_are_read_in_parts_while_others_go_on(model: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until somebody else's whole text is read, and the answer is the same."""
    monkeypatch.setattr("concours.entrants.local.continuous._READ", 16)
    with threads(1):
        short, long = wish(model, "cat", How(most=12)), wish(model, "a cat " * 20, How(most=3))
        batch = Continuous(model)
        batch.take(0, short)
        batch.step()
        batch.take(1, long)
        seen = [[each.id for each in batch.step()] for _ in range(5)]
        assert seen == [[0]] * 5
        told = [each for _ in range(20) for each in batch.step()]
        text = "".join(each.text for each in told if each.id == 1)
        assert text == answers(model, [long.prompt], [0], long.how)[0].text


def test_who_leaves_frees_a_place(model: Loaded) -> None:
    """Wherever the request is: waiting, being read, or in the middle of its answer; the others' texts are the same."""
    with threads(1):
        one = wish(model, "dog", How(most=8))
        batch = Continuous(model, rows=2)
        for id in range(4):
            batch.take(id, one)
        batch.step()
        batch.drop(0)
        batch.drop(3)
        told = [each for _ in range(20) for each in batch.step()]
        assert {each.id for each in told} == {1, 2} and not batch.busy
        batch.take(5, wish(model, "a" * 300, How(most=2)))
        batch.step()
        batch.drop(5)
        assert not batch.busy and batch.step() == []


def test_memory_is_bound(model: Loaded) -> None:
    """Who does not fit waits; who never would is refused, as is who is longer than what the model reads."""
    one = wish(model, "dog", How(most=8))
    each = (len(one.prompt) + 8) * 2 * 2 * 2 * 8 * 4
    with threads(1):
        batch = Continuous(model, size=2 * each)
        for id in range(3):
            batch.take(id, one)
        assert {told.id for _ in range(3) for told in batch.step()} == {0, 1}
    with pytest.raises(DataError, match="more memory"):
        Continuous(model, size=each - 1000).take(0, one)
    with pytest.raises(DataError, match="more than the 512 that the model reads"):
        batch.take(9, wish(model, "dog", How(most=500)))


def test_probabilities_are_those_of_the_model(model: Loaded) -> None:
    """Of the token that was said, and of the likeliest in its place."""
    with threads(1):
        asked = wish(model, "cat", How(most=2))
        told = run(Continuous(model), [(0, Wish(prompt=asked.prompt, how=asked.how, seed=0, likeliest=3))])[0]
        scores = model.model(torch.tensor([asked.prompt])).logits[0, -1].log_softmax(0)
    first = told[0].probable
    assert first is not None and len(first.top) == 3
    assert first.logprob == pytest.approx(float(scores.max()), abs=1e-5) == first.top[0][1]
