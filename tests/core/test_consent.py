"""What has not been agreed to is held back at the last moment before an import, here and in what is started here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from concours.core.consent import environment, granted, only, require
from concours.core.errors import ContestError, RecipeError, TrustError
from concours.entrants.recipes import build
from concours.tasks.metrics.named import metric_named


def test_a_program_of_ones_own_is_not_held_back():
    """Where nothing was said, whatever is named may run."""
    require({"mine:Thing"})
    assert environment() == {}


def test_only_what_was_agreed_to():
    """Consent narrows and never grows by itself; after the block all is as before."""
    with granted({"a:A", "b:B"}):
        require({"a:A", "b:B"})
        with only({"a:A"}):
            with pytest.raises(TrustError, match="b:B would run, and nobody was asked about it"):
                require({"a:A", "b:B"})
            with pytest.raises(TrustError), only({"b:B"}):
                pass
        require({"b:B"})
    require({"c:C"})


def test_a_process_that_is_started_holds_back_the_same():
    """A worker, and whatever a job starts, knows what was agreed to."""
    code = "from concours.core.consent import require; require({'a:A'}); require({'b:B'})"
    with granted({"a:A"}):
        ended = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path), **environment()},
            capture_output=True,
            text=True,
        )
    assert "TrustError: b:B would run" in ended.stderr


@pytest.fixture
def marked(tmp_path, monkeypatch):
    """A module that leaves a mark when it is imported, and whether it did."""
    (tmp_path / "leaves_a_mark.py").write_text(
        f"import pathlib\npathlib.Path({str(tmp_path / 'mark')!r}).touch()\nclass Model: ...\ndef cost(y, p): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield (tmp_path / "mark").exists
    sys.modules.pop("leaves_a_mark", None)


@pytest.mark.parametrize(
    ("recipe", "params"),
    [
        ("leaves_a_mark:Model", {}),
        ("sklearn.pipeline:Pipeline", {"steps": [["a", {"$recipe": "leaves_a_mark:Model"}]]}),
        ("sklearn.preprocessing:FunctionTransformer", {"func": {"$function": "leaves_a_mark:cost"}}),
        ("sklearn.preprocessing:OneHotEncoder", {"dtype": {"$class": "leaves_a_mark:Model"}}),
    ],
)
def test_recipes_are_held_back_before_an_import(marked, tmp_path, recipe, params):
    """A module that nobody agreed to is not even imported."""
    with granted(()), pytest.raises(TrustError, match="leaves_a_mark"):
        build(recipe, params, {}, tmp_path)
    assert not marked()


def test_metrics_are_held_back_before_an_import(marked):
    """Nor is that of a metric."""
    with granted(()), pytest.raises(TrustError, match="leaves_a_mark:cost"):
        metric_named("leaves_a_mark:cost", "number")
    assert not marked()
    metric_named("leaves_a_mark:cost", "number")
    assert marked()


def test_names_are_judged_before_an_import(marked, tmp_path):
    """What can be no estimator or metric by its name alone is refused in one line, agreed to or not."""
    for recipe in ("antigravity:geohash", "lib2to3.__main__:x", "os:system", "leaves_a_mark:Model.__init__"):
        with pytest.raises(RecipeError, match=recipe):
            build(recipe, {}, {}, tmp_path)
    for metric in ("lib2to3.__main__:x", "leaves_a_mark:cost.__globals__", "..leaves_a_mark:cost"):
        with pytest.raises(ContestError, match="task.metrics"):
            metric_named(metric, "number")
    assert "antigravity" not in sys.modules
    assert not marked()


@pytest.mark.parametrize("name", ["../out.py", "/tmp/out.py"])
def test_texts_of_files_stay_in_their_folder(tmp_path, name):
    """The text of a file that came with a folder is written below the store and nowhere else."""
    (tmp_path / "in").mkdir()
    with pytest.raises(RecipeError, match="is no file of those"):
        build("mine.py:M", {}, {"mine.py": "class M: ...", name: "x = 1"}, tmp_path / "in")
    with pytest.raises(RecipeError, match="is no file of those"):
        build(f"{name}:M", {}, {"mine.py": "class M: ..."}, tmp_path / "in")
    assert not (tmp_path / "out.py").exists()
