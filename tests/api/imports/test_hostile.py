"""Evaluations of others that are damaged, huge or meant to harm: one clear line each, and nothing is run."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from concours.api.imports import rendering, templates
from concours.api.imports.table import IMPORTERS
from concours.api.imports.templates import filled
from concours.api.imports.writing import bring
from concours.api.imports.yaml_files import yaml_of
from concours.core.errors import ConcoursError, DataError, MissingPackage

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "fuzz")]

import inputs  # noqa: E402 (both lie elsewhere)
import samples_of_formats as made  # noqa: E402

pytest.importorskip("yaml")

WRITTEN: dict[str, Callable[[Path], Path]] = {
    "lm-eval": made.lm_eval,
    "lm-eval of a run": made.samples,
    "lm-eval of choices": made.chosen_samples,
    "promptfoo": made.promptfoo,
    "inspect": made.inspect_json,
    "inspect archive": made.inspect_eval,
    "mtbench": made.mtbench,
}


def test_every_format_is_tried() -> None:
    """None is forgotten here."""
    assert {name.split()[0] for name in WRITTEN} == set(IMPORTERS)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates are filled in this process, which is quicker by a hundred times; they are not those that are hostile."""

    def quick(asked: Any, rows: Any, where: str, ignored: Any = ()) -> Any:
        found = rendering.render(json.loads(json.dumps(asked)), rows, ignored)
        if isinstance(found, dict):
            raise DataError(f"{where}: {found['error']}".replace("\n", " "))
        return found

    for name in ("lm_eval_questions", "promptfoo", "promptfoo_asserts"):
        monkeypatch.setattr(f"concours.api.imports.{name}.filled", quick)


def refusal(source: str, out: Path) -> str:
    """Why a source is refused; empty where it is not."""
    try:
        bring(source, out)
    except ConcoursError as error:
        return str(error) or "\n"
    return ""


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("format", WRITTEN)
def test_a_family_of_damaged_files(format: str, tmp_path: Path) -> None:
    """Bytes that are changed, and JSON of other forms: a contest, or one line, whichever file it is."""
    chance = random.Random(format)
    for number in range(60):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = WRITTEN[format](folder)
        file = chance.choice(sorted(one for one in folder.rglob("*") if one.is_file()))
        content = file.read_bytes()
        if file.suffix in (".json", ".jsonl") and chance.random() < 0.7:
            lines = content.splitlines()
            place = chance.randrange(len(lines))
            lines[place] = json.dumps(inputs.changed_json(json.loads(lines[place]), chance)).encode()
            file.write_bytes(b"\n".join(lines))
        else:
            file.write_bytes(inputs.changed(content, chance))
        source = f"{format.split()[0]}:{path}"
        said = refusal(source, folder / "made.toml")
        assert "\n" not in said, (number, said)
        assert len(said) < 1500, (number, said)
        assert (folder / "made.toml").exists() == (not said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!python/object/apply:os.system [echo]", "tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: &a [*a]", "within themselves"),
        ("a: &a {b: *a}", "within themselves"),
        ("a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)), "refused as a bomb"),
        ("a0: &a0 {x: 1}\n" + "".join(
            f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)), "refused as a bomb"),
        ("[" * 900 + "]" * 900, "too deeply"),
        ("[" * 100_000, "c.yaml: line|too deeply"),
        ("a: [1", "line"),
        ("\x00", "c.yaml"),
        ("a: \ud800", "c.yaml"),
        ("{[1]: 2}", "c.yaml"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: " + "9" * 5000, "c.yaml"),
    ],
)  # fmt: skip
def test_yaml_that_is_none_or_a_bomb(text: str, words: str, tmp_path: Path) -> None:
    """It is told at the door, quickly."""
    (tmp_path / "c.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=words) as refused:
        yaml_of(tmp_path / "c.yaml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ q.__init__.__globals__ }}",
        "{% include '/etc/hostname' %}",
        "{% import 'os' as os %}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ 'x' * 10**10 }}",
        "{% for a in range(10**9) %}{% endfor %}",
        "{{ 'x' | center(10**10) }}",
    ],
)
def test_templates_that_would_harm(template: str) -> None:
    """A sandbox, with limits of memory."""
    with pytest.raises(DataError) as refused:
        filled({"t": (template, "text")}, [{"q": "x"}], "task.yaml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("template", "ignored"),
    [("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", []), ("{{q}}", ["(a+)+$"])],
    ids=["loops", "pattern"],
)
def test_what_takes_for_ever_is_stopped(template: str, ignored: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, which is shorter here."""
    monkeypatch.setattr(templates, "_SECONDS", 1)
    with pytest.raises(DataError, match="more time or memory"):
        filled({"t": (template, "target")}, [{"q": "a" * 40 + "b"}], "task.yaml", ignored)


def test_without_yaml_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setattr("concours.api.imports.yaml_files.installed", lambda module: False)
    with pytest.raises(MissingPackage, match=r"pip install 'concours\[llm\]'"):
        bring(f"lm-eval:{made.lm_eval(tmp_path)}", tmp_path / "c.toml")


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    """No cell is changed to be written."""
    log = made.log()
    log["samples"][1]["output"]["choices"][0]["message"]["content"] = "ANSWER: \ud800"
    (tmp_path / "log.json").write_text(json.dumps(log))
    with pytest.raises(DataError, match=r"openai-small.jsonl: row 2 holds half a character"):
        bring(f"inspect:{tmp_path / 'log.json'}", tmp_path / "c.toml")
    assert not (tmp_path / "c.toml").exists()


def test_names_of_models_are_names_of_files_that_lie_in_the_folder(tmp_path: Path) -> None:
    """Whatever they are; two that look alike as files have two."""
    for number, name in enumerate(["../../out", "a/b", "a:b", "", "\x1b[31mred", "CON" * 90, "questions"]):
        made.inspect_json(tmp_path / "logs", f"{number}.json", model=name)
    found = bring(f"inspect:{tmp_path / 'logs'}", tmp_path / "c.toml")
    assert len(found.files) == 8
    assert all(file.parent == tmp_path / "c" for file in found.files)
    assert all(table.keys["name"].isprintable() and table.keys["name"] for table in found.entrants)
