"""Evaluations of other programs from the command line: imported, and run against a server on loopback."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from concours import Result
from concours.contest.config import read_contest
from concours.core.errors import ConcoursError
from concours.testing.endpoints import Answer, Asked, Loopback, chat

pytest.importorskip("httptools")
pytest.importorskip("yaml")
sys.path.insert(0, str(Path(__file__).parents[1] / "api" / "imports"))

import samples_of_formats as made

MODELS = """
[[entrant]]
name = "large"
recipe = "openai:large"
params = {{ base_url = "{address}", price = {{ input = 2.5, output = 10.0 }} }}

[[entrant]]
recipe = "openai:small"
params = {{ base_url = "{address}", price = {{ input = 0.15, output = 0.6 }}, max_tokens = 64 }}
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in a folder of their own, and no test knows what another was answered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-key-8123")


def says(asked: Asked) -> Answer:
    """`large` knows pears and capitals, `small` some of them."""
    model, question = asked.body["model"], asked.question
    if found := re.search(r"packs (\d+) boxes of (\d+)", question):
        right = int(found[1]) * int(found[2])
        return Answer(chat(f"That is {right + (model == 'small' and right % 3 == 0)}.", tokens=(30, 12)))
    country = next(name for name in made.CAPITALS if name in question)
    city = made.CAPITALS[country] if model == "large" or len(country) > 4 else "Paris, Texas"
    return Answer(chat(f"It is {city}, of course.", tokens=(12, 6)))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(says) as found:
        yield found


def test_a_task_of_lm_eval_is_imported_and_run(server: Loopback, tmp_path: Path, concours: Any) -> None:
    """What would be asked is said before; models are asked as the task asks, and stand on the board."""
    made.lm_eval(tmp_path)
    Path("models.toml").write_text(MODELS.format(address=server.base_url))
    code, out, err = concours("import lm-eval:pears.yaml --models models.toml -o pears.toml")
    assert (code, err) == (0, "")
    assert "Not carried over:\n" in out
    assert "metric bleu: " in out
    assert "concours run pears.toml" in out
    assert "large is asked: 40 requests, about " in out
    assert "in all 80 requests, about " in out
    assert server.count == 0
    text = Path("pears.toml").read_text()
    assert "# - metric bleu: " in text
    assert tomllib.loads(text)["cooperate"]["strategies"] == ["average", "majority", "route"]
    code, _, err = concours("run pears.toml --engine inline --trust")
    assert code == 0, err
    assert server.count == 80
    sent = {json.loads(content)["model"]: json.loads(content) for _, content in server.requests}
    assert [message["role"] for message in sent["large"]["messages"]] == ["system", *["user", "assistant"] * 2, "user"]
    assert sent["large"]["messages"][-1]["content"].startswith("Question: Ada packs ")
    assert (sent["large"]["max_tokens"], sent["small"]["max_tokens"]) == (256, 64)
    assert sent["large"]["stop"] == ["Question:", "</s>"]
    result = Result.load("runs/pears")
    assert result.standings["large"].score == 1.0
    assert result.standings["small"].score < 1.0


def test_a_configuration_of_promptfoo_is_imported_and_run(server: Loopback, tmp_path: Path, concours: Any) -> None:
    """Prompts times models compete; a key that stood in the configuration is written nowhere."""
    head = made.PROMPTFOO.replace("http://127.0.0.1:9/v1", server.base_url).replace(
        "openai:chat:small", "id: openai:small\n    config: { apiBaseUrl: '" + server.base_url + "' }"
    )
    made.promptfoo(tmp_path, head)
    code, out, err = concours("import promptfoo:promptfooconfig.yaml")
    assert (code, err) == (0, "")
    assert "a key stands in no file" in out
    assert "sk-secret-1" not in out + Path("contest.toml").read_text()
    code, _, err = concours("run contest.toml --engine inline --trust")
    assert code == 0, err
    assert server.count == 4 * 6
    standings = Result.load("runs/contest").standings
    assert {"small, chat", "small, prompt 1", "the large one, chat", "the large one, prompt 1"} <= {
        line.entrant.name for line in standings
    }
    assert standings["the large one, chat"].score == 1.0
    assert standings["the large one, chat"].calls.unparsed == 0


@pytest.mark.parametrize(
    ("format", "write", "recorded"),
    [("inspect", made.inspect_eval, "openai/small"), ("lm-eval", made.samples, "org/small")],
)
def test_recorded_answers_are_imported_and_run(
    format: str, write: Any, recorded: str, tmp_path: Path, concours: Any
) -> None:
    """Nobody is asked anew."""
    code, _, err = concours("import", f"{format}:{write(tmp_path)}")
    assert (code, err) == (0, "")
    code, _, err = concours("run contest.toml --engine inline")
    assert code == 0, err
    line = Result.load("runs/contest").standings[recorded]
    assert line.score > 0
    assert 0 < line.cv_score.score < 1


def test_verdicts_of_judges_are_rated(tmp_path: Path, concours: Any) -> None:
    """By the command that the import names."""
    made.mtbench(tmp_path / "mt")
    code, out, err = concours("import mtbench:mt -o judged.toml")
    assert (code, err) == (0, "")
    assert "concours rate judged/battles.jsonl --cluster question" in out
    code, out, err = concours("rate judged/battles.jsonl --cluster question")
    assert code == 0, err
    assert "14 battles, 2 models" in out


def test_without_models_there_is_an_example(tmp_path: Path, concours: Any) -> None:
    """It asks as the task asks, is a comment, and is a table of an entrant once the marks are taken away."""
    made.lm_eval(tmp_path)
    assert concours("import lm-eval:pears.yaml")[0] == 0
    head, mark, example = Path("contest.toml").read_text().partition("# [[entrant]]\n")
    assert tomllib.loads(head)["compete"]["lineup"] == "fast"
    table = tomllib.loads(mark.removeprefix("# ") + re.sub(r"(?m)^# ", "", example))["entrant"][0]
    assert table["params"]["prompt"] == "Question: {question}\nAnswer:"
    code, _, err = concours("run contest.toml --engine inline")
    assert code == 0, err


def test_nothing_is_written_over(tmp_path: Path, concours: Any) -> None:
    """Neither a contest nor its data, unless --force."""
    made.lm_eval(tmp_path)
    Path("contest").mkdir()
    Path("contest/questions.jsonl").write_text("mine")
    code, _, err = concours("import lm-eval:pears.yaml")
    assert (code, Path("contest.toml").exists()) == (2, False)
    assert "contest/questions.jsonl is there already" in err
    assert concours("import lm-eval:pears.yaml --force")[0] == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("task.yaml", "expected the name of a format and a path"),
        ("lmeval:task.yaml", "did you mean lm-eval?"),
        ("lm-eval:gone.yaml", "gone.yaml does not exist"),
        ("mtbench:gone", "gone does not exist"),
    ],
)
def test_a_source_that_is_none(source: str, words: str, concours: Any) -> None:
    """One line: what, where, what was expected."""
    code, out, err = concours("import", source)
    assert (code, out) == (2, "")
    assert words in err.replace("'", "")
    assert err.count("\n") == 1


def test_new_takes_a_file_of_models(server: Loopback, tmp_path: Path, concours: Any) -> None:
    """They compete without a line-up and without a time after which none is asked; what is asked is said."""
    made.lines(Path("data/pears.jsonl"), [{**row, "answer": row["answer"].split()[-1]} for row in made.pears()])
    Path("models.toml").write_text(MODELS.format(address=server.base_url))
    code, out, err = concours("new data/pears.jsonl --models models.toml -o pears.toml")
    assert (code, err) == (0, "")
    assert "in all 80 requests" in out
    content = tomllib.loads(Path("pears.toml").read_text())
    assert [table["name"] for table in content["entrant"]] == ["large", "small"]
    assert content["compete"] == {"lineup": "none"}
    code, _, err = concours("run pears.toml --engine inline --trust")
    assert code == 0, err
    assert Result.load("runs/pears").standings["large"].score == 1.0


def test_files_of_models_are_named_from_the_contest(tmp_path: Path, concours: Any) -> None:
    """Wherever the list lies."""
    rows = [{"id": n, "question": f"What is {n} and {n}?", "answer": 2 * n} for n in range(40)]
    made.lines(Path("q.jsonl"), rows)
    made.lines(Path("theirs/said.jsonl"), [{"id": row["id"], "response": str(row["answer"])} for row in rows])
    Path("theirs/models.toml").write_text('[[entrant]]\nname = "they"\nrecipe = "recorded:said.jsonl"\nseen = "none"\n')
    Path("mine").mkdir()
    assert concours("new q.jsonl --models theirs/models.toml -o mine/c.toml")[0] == 0
    assert read_contest(Path("mine/c.toml"))["entrants"][0].recipe == "recorded:../theirs/said.jsonl"
    code, _, err = concours("run mine/c.toml --engine inline")
    assert code == 0, err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no [[entrant]]"),
        ("[[model]]\nname = 'x'", "model: unknown key; known: entrant"),
        ("[[entrant]]\nname = 'x'", "entrant 1 (x): recipe is missing"),
        ("[[entrant]]\nrecipe = 'openai:x'", "params.base_url is missing"),
        ("[[entrant]]\nrecipe = 'openai:x'\nparams = { base_url = 'http://x', temp = 1 }", "takes no parameter 'temp'"),
        ("[[entrant]]\nrecipe = 'recorded:gone.jsonl'", "there is no file"),
        ("[[entrant]]\nname = 'x'\nrecipe = 'nearest'\n[[entrant]]\nname = 'x'\nrecipe = 'logistic'", "two entrants are called"),
    ],
)  # fmt: skip
def test_a_file_of_models_that_is_wrong(text: str, words: str, concours: Any) -> None:
    """One line, before anything is written."""
    made.lines(Path("q.jsonl"), [{"question": f"What is {n} and {n}?", "answer": 2 * n} for n in range(40)])
    Path("models.toml").write_text(text)
    code, _, err = concours("new q.jsonl --models models.toml")
    assert code == 2
    assert words in err
    assert err.count("\n") == 1
    assert not Path("contest.toml").exists()


def test_new_on_questions_shows_how_a_model_is_named(concours: Any) -> None:
    """A comment, since nobody is asked without a wish."""
    made.lines(Path("q.jsonl"), [{"question": f"What is {n} and {n}?", "answer": 2 * n} for n in range(40)])
    assert concours("new q.jsonl")[0] == 0
    text = Path("contest.toml").read_text()
    assert "# [[entrant]]" in text
    assert "entrant" not in tomllib.loads(text)
    with pytest.raises(ConcoursError):
        read_contest(Path("gone.toml"))
