"""OpenAI's protocol, asked by the stock client: language models of a folder and behind an address, models of passages,
and an alliance.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.runs.ask import ask
from concours.runs.continuing import continue_text
from concours.runs.predict import asked_of_models
from concours.serving.app import app_of
from concours.serving.keys import Keys
from concours.serving.model import Served
from concours.serving.server import Server
from concours.serving.shelf import Shelf
from concours.serving.wire import Ask
from concours.serving.worker import Spec, opened
from concours.testing.endpoints import Answer, Asked, Loopback, chat, refusal

from .conftest import Here, Running

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")
pytest.importorskip("httptools")

from concours.entrants.local.generating import How, answers  # noqa: E402
from concours.entrants.local.loading import loaded, threads  # noqa: E402
from concours.entrants.local.texts import encoded, tokens_of_chat  # noqa: E402

SPLIT = Split(test=0.3, folds=2)
WORDS = ("a cat", " sat on", " the mat")


def contest(out: Path, *entrants: Entrant, cooperate: Any = ()) -> Path:
    rows = [{"question": f"What is {n} and {n}?", "answer": str(2 * n)} for n in range(12)]
    options = {"question": "question", "answer": "answer"}
    task = Task(kind="question-answering", data=rows, options=options, split=SPLIT)
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=out, cooperate=cooperate).run()
    return out


def script(asked: Asked) -> Answer:
    """Streams where that is asked for, and knows some questions that something is wrong with."""
    if "refuse" in asked.question:
        return Answer(refusal(f"no: {asked.headers.get('authorization')}"), status=429, headers={"Retry-After": "7"})
    if "half" in asked.question:
        return Answer(b'data: {"choices": [{"delta": {"content": "so"}}]}\n\ndata: {"choi', headers=EVENTS)
    if not asked.body.get("stream") or "whole" in asked.question:
        return Answer(chat("".join(WORDS)))
    chunks: list[dict] = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in WORDS]
    chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}]
    chunks += [{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}]
    return Answer(
        "".join(f"data: {json.dumps(c)}\n\n" for c in [*chunks]).encode() + b"data: [DONE]\n\n", headers=EVENTS
    )


EVENTS = {"Content-Type": "text/event-stream"}


@pytest.fixture(scope="module")
def address() -> Iterator[Loopback]:
    with Loopback(script) as server:
        yield server


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny: Path, address: Loopback) -> dict[str, Path]:
    """Contests, by what is served of them."""
    out = tmp_path_factory.mktemp("runs")
    texts = out / "texts"
    texts.mkdir()
    for number in range(12):
        (texts / f"{number:02}.txt").write_text(f"the cat {number} sat on the mat and the dog sat on the cat.\n" * 4)
    passages = Task(kind="language-modelling", data=str(texts), split=SPLIT)
    ngram = Entrant("letters", "ngram")
    Contest(task=passages, entrants=(ngram,), lineup="none", engine="inline", out=out / "passages", cooperate=()).run()
    local = Entrant("tiny", f"transformers:{tiny}", {"max_tokens": 6})
    there = Entrant("there", "openai:one", {"base_url": address.base_url, "max_tokens": 6})
    other = Entrant("other", "openai:two", {"base_url": address.base_url, "max_tokens": 6})
    return {
        "local": contest(out / "local", local),
        "there": contest(out / "there", there),
        "joint": contest(out / "joint", there, other, cooperate=("majority",)),
        "passages": out / "passages",
    }


@pytest.fixture(scope="module")
def running(runs: dict[str, Path]) -> Iterator[Running]:
    """A server of a model of a folder, and of one behind an address."""
    served = Running(str(runs["local"]), str(runs["there"]), "--trust", "--with", "tiny", "--with", "there")
    yield served
    assert served.stop() == 0


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as asked:
        yield asked


def user(text: str) -> list:
    return [{"role": "user", "content": text}]


def said(tiny: Path, prompt: str | list, seed: int = 0, **how: Any) -> str:
    """What the model says by `generate`."""
    model = loaded(tiny, "float32")
    tokens = tokens_of_chat(model, prompt) if isinstance(prompt, list) else encoded(model, prompt, special=True)
    with threads(1):
        return answers(model, [tokens], [seed], How(**how))[0].text


def streamed(chunks: Any) -> str:
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)


def test_a_model_of_a_folder_says_what_generate_says(client: openai.OpenAI, tiny: Path) -> None:
    """To many at once, whole and in pieces, greedily and by a seed, with texts to stop at."""
    ways: list[dict] = [
        {"max_tokens": 9},
        {"max_tokens": 8, "temperature": 1.2, "seed": 5, "top_p": 0.9},
        {"stop": ["e"]},
    ]
    found: dict[tuple[int, int], str] = {}

    def work(place: int, way: int) -> None:
        more = {"stream": True} if place % 2 else {}
        told = client.chat.completions.create(model="local", messages=user("cat" * place), **ways[way], **more)
        found[place, way] = streamed(told) if place % 2 else told.choices[0].message.content

    workers = [threading.Thread(target=work, args=(place, way)) for place in range(4) for way in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    for (place, way), text in found.items():
        how = ways[way]
        made = {
            "most": how.get("max_tokens", 6),
            "temperature": how.get("temperature", 0.0),
            "top_p": how.get("top_p", 1.0),
        }
        assert text == said(tiny, user("cat" * place), how.get("seed", 0), stop=tuple(how.get("stop", ())), **made)
    assert len(found) == 12


def test_texts_and_responses_of_a_folder(client: openai.OpenAI, tiny: Path) -> None:
    """Going on with a text has no template around it; usage is in tokens; probabilities are told."""
    told = client.completions.create(model="local", prompt="the cat", max_tokens=5, logprobs=2)
    assert told.choices[0].text == said(tiny, "the cat", most=5)
    assert told.choices[0].finish_reason == "length"
    assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (7, 5)
    assert len(told.choices[0].logprobs.tokens) == 5 and len(told.choices[0].logprobs.top_logprobs[0]) == 2
    whole = client.responses.create(model="local", input="cat", max_output_tokens=5)
    assert whole.output_text == said(tiny, user("cat"), most=5) and whole.status == "incomplete"
    events = list(client.responses.create(model="local", input="cat", max_output_tokens=5, stream=True))
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert "".join(each.delta for each in events if each.type == "response.output_text.delta") == whole.output_text
    seeds = {client.completions.create(model="local", prompt="a", temperature=2).choices[0].text for _ in range(4)}
    assert len(seeds) > 1


def test_what_is_longer_than_a_model_reads_is_refused(client: openai.OpenAI) -> None:
    """A prompt, or the room that is asked for behind it; in one line with both numbers."""
    for asked in ({"messages": user("a" * 600)}, {"messages": user("a"), "max_tokens": 600}):
        with pytest.raises(openai.BadRequestError, match="more than the 512 that the model reads"):
            client.chat.completions.create(model="local", **asked)


def test_who_hangs_up_frees_the_place(client: openai.OpenAI, running: Running) -> None:
    """In the middle of a stream, and while it waits for a whole answer; others are answered, and none is under way."""
    url = f"{running.url}/v1/completions"
    body = {"model": "local", "prompt": "the cat", "max_tokens": 480, "temperature": 1.0, "seed": 1}
    with httpx.Client() as http:
        for _ in range(17):  # twice that is more than are answered at once
            with http.stream("POST", url, json={**body, "stream": True}) as response:
                next(response.iter_bytes())
            with pytest.raises(httpx.ReadTimeout):
                http.post(url, json=body, timeout=httpx.Timeout(5, read=0.005))
    began = time.perf_counter()
    assert client.completions.create(model="local", prompt="a", max_tokens=2).choices[0].text
    assert time.perf_counter() - began < 5


def test_an_address_is_passed_on_piece_by_piece(client: openai.OpenAI, address: Loopback) -> None:
    """With what the request says of it, what it took, and why it ended; also of an address that does not stream."""
    more: dict = {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0.5}
    chunks = list(client.chat.completions.create(model="there", messages=user("Where?"), **more))
    assert [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content] == list(WORDS)
    assert chunks[-1].usage.total_tokens == 10 and chunks[-2].choices[0].finish_reason == "length"
    sent = next(json.loads(body) for _, body in address.requests if b"Where?" in body)
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("one", 0.5, 6)
    whole = client.chat.completions.create(model="there", messages=user("Where, whole?"))
    assert whole.choices[0].message.content == "".join(WORDS) and whole.usage.prompt_tokens == 10
    assert client.responses.create(model="there", input="Where?").output_text == "".join(WORDS)


def test_what_an_address_refuses_is_told(client: openai.OpenAI) -> None:
    """With when to come again; a stream that breaks off ends with an error, and is no answer."""
    with pytest.raises(openai.RateLimitError) as error:
        client.chat.completions.create(model="there", messages=user("refuse"))
    assert error.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.APIError, match="gave no answer"):
        list(client.chat.completions.create(model="there", messages=user("half"), stream=True))
    with pytest.raises(openai.InternalServerError, match="gave no answer"):
        client.chat.completions.create(model="there", messages=user("half"))


@contextmanager
def here(name: str, run: Path, model: str) -> Iterator[tuple[openai.AsyncOpenAI, asyncio.Runner]]:
    """The client of a server of one model, both in this process."""
    agreed = frozenset(asked_of_models(Result.load(run), [model]))
    with asyncio.Runner() as runner:
        shelf = Shelf()
        runner.run(shelf.put(name, Here(Spec(run=run, model=model, agreed=agreed))))
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app_of(Server(shelf, Keys.of(()), Here, run))))
        yield openai.AsyncOpenAI(base_url="http://here/v1", api_key="none", max_retries=0, http_client=http), runner
        runner.run(http.aclose())


def test_an_alliance_answers_as_concours_ask(runs: dict[str, Path]) -> None:
    """The question is asked of those whom it joins, in the contest's way; usage is in their tokens."""
    result = Result.load(runs["joint"])
    joint = next(c.entrant.name for c in result.candidates.values() if c.entrant.joint)
    known = ask(result, "What is 3 and 3?", model=joint, trust=lambda *_: True)
    with here("joint", runs["joint"], joint) as (client, go):
        told = go.run(client.chat.completions.create(model="joint", messages=user("What is 3 and 3?")))
    assert told.choices[0].message.content == known.text
    assert told.usage.prompt_tokens == sum(calls.tokens_in for calls in known.asked.values())


def test_models_of_passages_go_on_as_concours_continue(runs: dict[str, Path]) -> None:
    """By a seed, whole and in pieces; a sign counts as a token."""
    known = continue_text(Result.load(runs["passages"]), "the cat", model="letters", length=12, temperature=0.7, seed=3)
    how: dict = {"model": "passages", "prompt": "the cat", "max_tokens": 12, "temperature": 0.7, "seed": 3}

    async def pieces(client: openai.AsyncOpenAI) -> list[str]:
        return [each.choices[0].text async for each in await client.completions.create(**how, stream=True)]

    with here("passages", runs["passages"], "letters") as (client, go):
        whole = go.run(client.completions.create(**how))
        assert (whole.choices[0].text, whole.usage.completion_tokens) == (known, 12)
        assert "".join(go.run(pieces(client))) == known
        cut = go.run(client.completions.create(**{**how, "stop": known[3:5]}))
        assert cut.choices[0].text == known[: known.index(known[3:5])] and cut.choices[0].finish_reason == "stop"
        told = go.run(client.completions.create(**{**how, "max_tokens": 2, "logprobs": 3}))
        assert len(told.choices[0].logprobs.top_logprobs[1]) == 3
        with pytest.raises(openai.BadRequestError, match="top_p"):
            go.run(client.completions.create(**how, top_p=0.5))


def test_texts_become_the_vectors_that_the_head_sees(tmp_path: Path) -> None:
    """In both forms of the protocol; who makes none says so."""
    encoder = tmp_path / "encoder"
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    words = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "sun", "rain", "day"])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.BertModel(transformers.BertConfig(**sizes, vocab_size=5)).save_pretrained(encoder)
    made.save(str(encoder / "tokenizer.json"))
    data = pd.DataFrame({"text": [f"{('sun', 'rain')[n % 2]} day {n}" for n in range(30)], "kind": ["a", "b"] * 15})
    task = Task(kind="text-classification", data=data, target="kind", split=SPLIT)
    entrants = (
        Entrant("vectors", "embedded", {"begin": str(encoder)}),
        Entrant("bayes", "sklearn.naive_bayes:MultinomialNB", prepare="tfidf"),
    )
    run = tmp_path / "run"
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=run, cooperate=()).run()
    texts = ["sun day", "rain"]
    with here("run", run, "vectors") as (client, go):
        told = go.run(client.embeddings.create(model="run", input=texts))
        plain = go.run(client.embeddings.create(model="run", input=texts[1], encoding_format="float"))
        with pytest.raises(openai.BadRequestError, match="tokens are not read"):
            go.run(client.embeddings.create(model="run", input=[1, 2]))
    known = Served.of(Result.load(run), "vectors").vectors(np.array(texts, dtype=object))
    assert np.allclose([each.embedding for each in told.data], known, rtol=1e-6) and known.shape[1] == 6 * 16
    assert np.array_equal(plain.data[0].embedding, known[1]) and told.usage.total_tokens == 3
    with here("run", run, "bayes") as (client, go), pytest.raises(openai.BadRequestError, match="makes no vectors"):
        go.run(client.embeddings.create(model="run", input=texts))


def test_who_is_gone_is_dropped(runs: dict[str, Path]) -> None:
    """The model has nothing more to do, and nothing more is told."""
    steps, _ = opened(Spec(run=runs["local"], model="tiny"))
    body = json.dumps({"prompt": "cat", "max_tokens": 400, "stream": True}).encode()
    assert steps.step([Ask(1, "openai-completions", body)]) and steps.busy
    assert steps.step([Ask(1, "openai-completions", b"", gone=True)]) == [] and not steps.busy
