"""Translators: what they learn, what they say, and that a kept one says the same."""

import random
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.consent import granted
from concours.entrants import sequences
from concours.entrants.alignment import aligned, phrases
from concours.entrants.fitting import fit
from concours.entrants.models import dump_model, load_model
from concours.entrants.nbest import NBEST, joined, tokens
from concours.entrants.sentences import CopyTranslator, NearestTranslator
from concours.entrants.subwords import BEGIN, END, NOTHING, UNKNOWN, Subwords, _merges
from concours.entrants.translators import GRUTranslator, TransformerTranslator
from concours.entrants.word_table import LanguageModel, WordTableTranslator
from concours.tasks import samples
from concours.tasks.metrics.texts import chrf_metric
from concours.tasks.nbest import NBEST as TASKS_NBEST
from concours.tasks.outputs.text import Text

SMALL = {"pieces": 40, "width": 32, "epochs": 2, "random_state": 3}
MAKERS = {
    "copy": CopyTranslator,
    "nearest": NearestTranslator,
    "word-table": WordTableTranslator,
    "gru": lambda: GRUTranslator(**SMALL),
    "transformer": lambda: TransformerTranslator(depth=1, **SMALL),
}


@pytest.fixture(autouse=True)
def one_thread():
    """As jobs do; small networks are no quicker on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pairs(rows, seed=0):
    return samples.pairs(np.random.default_rng(seed), rows)


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_kept_translator_says_the_same_and_two_fits_are_one(name):
    """Fitted twice it says the same, in the form of the output; so does what is read from its files; nothing is a refit."""
    x, y = pairs(60)
    one, other = (fit(MAKERS[name](), x, y, None, calibrate=False) for _ in range(2))
    new = np.append(x[:8], "ŭnknown wörds 7, (here)!")
    said = one.predict(new)
    assert said.type == NBEST == TASKS_NBEST
    assert Text().accepted(said, 9).equals(said)
    assert other.predict(new).equals(said)
    format, files, why = dump_model(one)
    assert (format, why) == ("safetensors" if name in ("gru", "transformer") else "native", "")
    assert load_model(format, files).predict(new).equals(said)


@pytest.mark.parametrize("name", list(MAKERS))
def test_what_cannot_be_fitted_is_said(name):
    """Targets are texts."""
    with pytest.raises(ValueError, match="y must hold"):
        MAKERS[name]().fit(np.array(["a", "b"], dtype=object), np.array([1.0, 2.0]))


def test_copying_says_the_text_and_the_nearest_what_was_said_of_it():
    """A text that was fitted on is its own nearest one."""
    x, y = pairs(40)
    text = Text()
    assert text.written(CopyTranslator().fit(x, y).predict(x)) == x.tolist()
    assert text.written(NearestTranslator().fit(x, y).predict(x)) == y.to_pylist()


def test_a_table_of_words_learns_words_and_phrases():
    """Words are learned from pairs of texts alone, and with room for it short phrases too."""
    x, y = pairs(300)
    new, right = pairs(80, seed=1)
    for longest in (1, 4):
        found = WordTableTranslator(longest=longest).fit(x, y)
        assert chrf_metric(None).score(right, found.predict(new)) > 75
        assert max(len(phrase.split()) for phrase in found.table_) == longest
    with pytest.raises(ValueError, match="longest"):
        WordTableTranslator(longest=0).fit(x, y)


def test_unknown_words_stay_as_they_are():
    """Names are mostly right so."""
    x, y = pairs(60)
    assert "Zürich" in Text().written(WordTableTranslator().fit(x, y).predict(np.array(["sun Zürich rain"], object)))[0]


@settings(max_examples=60)
@given(st.text(alphabet="ab ä1,.-'\n", max_size=20))
def test_tokens_are_the_text(text):
    """Joined, tokens are the text with single blanks."""
    plain = " ".join(text.split())
    assert joined(tokens(plain)) == plain


def naive_phrases(source, target, links, longest):
    """All stretches of either side with a link between them and none that leads out."""
    found = set()
    for begin, first in product(range(source), range(target)):
        for end, last in product(
            range(begin, min(source, begin + longest)), range(first, min(target, first + longest))
        ):
            inside = [begin <= i <= end and first <= j <= last for i, j in links]
            leaves = any((begin <= i <= end) != (first <= j <= last) for i, j in links)
            if any(inside) and not leaves:
                found.add((begin, end + 1, first, last + 1))
    return found


@settings(max_examples=100)
@given(
    st.integers(1, 5), st.integers(1, 5), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4))), st.integers(1, 4)
)
def test_phrases_are_those_that_no_link_leaves(source, target, links, longest):
    """As by trying all stretches of both sides, each once."""
    links = {(i, j) for i, j in links if i < source and j < target}
    found = phrases(source, target, links, longest)
    assert set(found) == naive_phrases(source, target, links, longest)
    assert len(found) == len(set(found))


def test_words_that_belong_together_are_found():
    """Of words that each have one translation the links are those of the same ones, wherever they stand."""
    rng = np.random.default_rng(5)
    sources = [rng.permutation(12)[: rng.integers(3, 6)].tolist() for _ in range(200)]
    targets = [[*words[:-2], words[-1], words[-2]] for words in sources]
    links = aligned(sources, targets)
    right = sum(sources[n][i] == targets[n][j] for n, each in enumerate(links) for i, j in each)
    assert right >= 0.97 * sum(map(len, links))
    assert sum(map(len, links)) >= 0.97 * sum(map(len, sources))


def test_chances_of_the_next_word_add_up():
    """The chances of all words that may follow, the end and one that is new among them, are one."""
    model = LanguageModel.learn([["a", "b"], ["a", "c", "b"], ["b"]])
    for first in ("<s>", "a", "b", "c"):
        assert sum(np.exp(model(first, word)) for word in ("a", "b", "c", "</s>", "new")) == pytest.approx(1)
    assert model("a", "b") > model("a", "a")


def naive_merges(counts, most):
    words, found = [(list(word), count) for word, count in counts.items()], []
    while len(found) < most:
        often = Counter()
        for pieces, count in words:
            for pair in pairwise(pieces):
                often[pair] += count
        best = min(often, key=lambda pair: (-often[pair], pair), default=None)
        if best is None or often[best] < 2:
            break
        found.append(best)
        for pieces, _ in words:
            at = 0
            while at < len(pieces) - 1:
                if (pieces[at], pieces[at + 1]) == best:
                    pieces[at : at + 2] = ["".join(best)]
                at += 1
    return found


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_merged_as_by_counting_anew(seed):
    """The most frequent pair first, though only what a merge touches is counted again."""
    rng = random.Random(seed)
    counts = Counter("".join(rng.choice("abc") for _ in range(rng.randint(1, 9))) for _ in range(60))
    assert _merges(counts, 40) == naive_merges(counts, 40)


def test_pieces_are_the_text():
    """What is encoded is decoded, but for letters that no training row has."""
    found = Subwords.learn(["a small dog, two dogs", "ein kleiner Hund"], most=20)
    assert found.decode(found.encode("ein small dog, Hund")) == "ein small dog, Hund"
    assert UNKNOWN in found.encode("ŝ")
    assert Subwords.from_state(found.state()) == found


NETWORKS = {
    "gru": lambda: sequences.Recurrent(20, 6, 32, 0.0, 0.0),
    "transformer": lambda: sequences.Transformer(20, 6, 32, 2, 1, 0.0, 0.0),
}


def rows_of_numbers(lengths, width, seed=0):
    rng = np.random.default_rng(seed)
    found = np.full((len(lengths), width), NOTHING)
    for row, length in zip(found, lengths, strict=True):
        row[:length] = rng.integers(4, 20, size=length)
    return torch.tensor(found, dtype=torch.int32)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_going_on_step_by_step_is_teaching_at_once(name):
    """What is known after each piece is the same whether all of a target is there or it comes piece by piece, and what
    fills a row up says nothing.
    """
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    source, before = rows_of_numbers([6, 3, 1], 6), rows_of_numbers([5, 5, 5], 5, seed=1)
    with torch.inference_mode():
        memory = network.remember(source)
        taught = network.teach(before, memory)
        state = network.begin(memory)
        for place in range(5):
            told, state = network.step(before[:, place], state, memory)
            assert torch.allclose(told, taught[:, place], atol=1e-5)
        alone = network.teach(before[1:2], network.remember(source[1:2, :3]))
        assert torch.allclose(alone, taught[1:2], atol=1e-5)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_search_of_all_finds_the_best(name):
    """With room for all beginnings the best target of two pieces is that of trying all of them."""
    torch.manual_seed(1)
    network = NETWORKS[name]().eval()
    source = rows_of_numbers([4, 2], 6)

    def worth(row, pieces):
        before = torch.tensor([[BEGIN, *pieces]], dtype=torch.int32)
        memory = network.remember(source[row : row + 1])
        logs = network.logs(network.teach(before, memory), memory)[0]
        return sum(float(logs[at, piece]) for at, piece in enumerate([*pieces, END])) / (len(pieces) + 1) ** 0.6

    with torch.inference_mode():
        found = sequences.search(network, source, beam=40, longest=2)
        for row, said in enumerate(found):
            ended = {tuple(p): w for p, w in zip(said.pieces, said.worth, strict=True) if len(p) < 2}
            for pieces in [(), *((piece,) for piece in range(3, 20))]:
                if pieces in ended:
                    assert ended[pieces] == pytest.approx(worth(row, pieces), abs=1e-4)
            assert said.worth == sorted(said.worth, reverse=True)
            best = max([(), *((piece,) for piece in range(3, 20))], key=lambda pieces: worth(row, pieces))
            assert best in ended


def test_a_network_learns_to_translate():
    """Some epochs on invented pairs say more right than copying does."""
    x, y = pairs(160)
    new, right = pairs(40, seed=1)
    metric = chrf_metric(None)
    found = GRUTranslator(pieces=60, width=32, epochs=12, random_state=1).fit(x, y).predict(new)
    assert metric.score(right, found) > metric.score(right, CopyTranslator().fit(x, y).predict(new)) + 15


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GRUTranslator(effort=0.0), "effort must be above 0"),
        (lambda: TransformerTranslator(width=20), "multiple of 32"),
    ],
)
def test_wrong_settings_are_one_line(make, said):
    """Name, constraint, what was given."""
    x, y = pairs(20)
    with pytest.raises(ValueError, match=said):
        make().fit(x, y)


def test_rows_that_weigh_nothing_do_not_count():
    """A network is fitted by weights; those without are left out before."""
    x, y = pairs(30)
    weights = np.array([1.0] * 20 + [0.0] * 10)
    with granted(frozenset()):
        one = fit(GRUTranslator(**SMALL), x, y, None, calibrate=False, weights=weights)
        other = fit(GRUTranslator(**SMALL), x[:20], y.take(pa.array(range(20))), None, calibrate=False)
    assert one.rows == other.rows == 20


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_longer_text_than_any_before_is_read_to_its_end(name):
    """What is said hangs on its last words too."""
    x, y = pairs(60)
    short = np.array([" ".join(text.split()[:2]) for text in x], dtype=object)
    translator = MAKERS[name]().fit(short, y)
    seen = []
    body = translator.network_.body
    remember = body.remember
    body.remember = lambda source: seen.append(source) or remember(source)
    translator.predict(np.array([" ".join(x[:4])], dtype=object))
    assert seen[0].shape[1] == min(translator.length, len(translator._numbers(" ".join(x[:4])))) > translator.source_
