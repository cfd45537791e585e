"""Every command, and all that can name code: nothing of a stranger's runs before somebody has agreed to it."""

from __future__ import annotations

import json
import shutil
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.core.digests import canonical_json
from concours.core.errors import RunFolderError, TrustError
from concours.engine.prediction import Models
from concours.runs.predict import predict
from concours.runs.report import write_report
from concours.runs.verify import verify
from concours.stores.blobs import get_bundle, put_bundle, put_json

HEAD = """
[task]
kind = "tabular-classification"
data = "sklearn:iris"
split = { test = 0.3, folds = 2 }
metrics = ["log_loss"%s]
[compete]
lineup = "none"
[cooperate]
strategies = []
[[entrant]]
name = "bayes"
recipe = "sklearn.naive_bayes:GaussianNB"
"""
OWN = "import pathlib\npathlib.Path({mark!r}).touch()\nfrom sklearn.naive_bayes import GaussianNB\nclass Model(GaussianNB): ...\n"
NESTED = {"lineup": ["./evil.py:Model"], "folds": 2, "cooperate": []}

ENTRANTS = {
    "file": ('recipe = "./evil.py:Model"', "evil.py"),
    "file of another folder": ('recipe = "../evil/../evil.py:Model"', "../evil.py"),
    "module": ('recipe = "stranger:Model"', "stranger:Model"),
    "neighbour": ('recipe = "sklearn.datasets:load_files"', "sklearn.datasets:load_files"),
    "nested contest": ('recipe = "concours.api.estimators:ContestClassifier"\nparams = { lineup = ["./evil.py:Model"] }', "./evil.py:Model"),
    "params": ('recipe = "lightgbm:LGBMClassifier"\nparams = { output_model = "m.txt" }', "output_model = 'm.txt' of lightgbm:LGBMClassifier"),
    "params of the zoo": ('recipe = "catboost-deep"\nparams = { params = { train_dir = "/x" } }', "train_dir = '/x'"),
    "search": ('recipe = "catboost:CatBoostClassifier"\nsearch = { snapshot_file = ["a", "b"] }', "snapshot_file = 'b'"),
}  # fmt: skip
METRICS = {
    "of a module": "stranger:cost",
    "of Python's own": "cProfile:run",
    "that opens a browser": "antigravity:geohash",
}


@pytest.fixture
def mark(tmp_path, monkeypatch):
    """Whether a stranger's module, or file, was imported; with a memory of trust of its own."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "stranger.py").write_text(OWN.format(mark=str(tmp_path / "mark")) + "def cost(y, p): return 0.0\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield (tmp_path / "mark").exists
    sys.modules.pop("stranger", None)


@pytest.fixture
def contest(tmp_path, monkeypatch, mark):
    """Writes a contest file, beside it and above it the file of a stranger; the working folder is another."""

    def write(entrant: str = "", metric: str = "") -> str:
        folder = tmp_path / "theirs"
        folder.mkdir()
        for place in (tmp_path, folder):
            (place / "evil.py").write_text(OWN.format(mark=str(tmp_path / "mark")))
        more = f'\n[[entrant]]\nname = "other"\n{entrant}\n' if entrant else ""
        (folder / "c.toml").write_text(HEAD % (f', "{metric}"' if metric else "") + more)
        monkeypatch.chdir(tmp_path)
        return "theirs/c.toml"

    return write


@pytest.mark.parametrize("carrier", ENTRANTS)
def test_what_an_entrant_of_a_contest_names(concours, contest, mark, tmp_path, carrier):
    """`run` asks before it reads data, makes a folder or imports anything, and names what would run."""
    entrant, named = ENTRANTS[carrier]
    code, _, err = concours("run", contest(entrant))
    assert (code, named in err, "read it, then add --trust" in err) == (2, True, True), err
    assert not mark()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [("run",), ("score", "--rows", "rows.csv"), ("score", "p.csv")], ids=" ".join)
@pytest.mark.parametrize("carrier", METRICS)
def test_what_the_metric_of_a_contest_names(concours, contest, mark, carrier, words):
    """So do all commands that call the metrics of a contest file."""
    name = METRICS[carrier]
    code, _, err = concours(words[0], contest(metric=name), *words[1:])
    assert (code, f"{name}; read it, then add --trust" in err) == (2, True), err
    assert not mark()
    assert "antigravity" not in sys.modules


def test_names_that_lead_nowhere(concours, contest, mark):
    """What can be no estimator or metric is refused by its name, without a question."""
    code, _, err = concours("run", contest(metric="lib2to3.__main__:x"))
    assert (code, "leads to __main__" in err, "--trust" in err) == (2, True, False)


def test_agreement_is_to_what_was_named(concours, contest, mark, tmp_path, monkeypatch):
    """What was agreed to once runs again unasked, edited too; another file of the same folder is asked about."""
    monkeypatch.setattr("concours.runs.report.explain", lambda *_, **__: {})
    file = contest('recipe = "./evil.py:Model"')
    assert concours("run", file, "--engine", "inline", "--trust")[0] == 0
    assert mark()
    with (tmp_path / "theirs/evil.py").open("a") as more:
        more.write("# edited\n")
    assert concours("run", file, "--engine", "inline")[0] == 0
    other = (tmp_path / file).read_text().replace("./evil.py:Model", "./worse.py:Model")
    (tmp_path / file).write_text(other)
    shutil.copy(tmp_path / "theirs/evil.py", tmp_path / "theirs/worse.py")
    code, _, err = concours("run", file, "--engine", "inline")
    assert (code, "worse.py; read it, then add --trust" in err, "evil.py" in err) == (2, True, False)


def test_a_contest_within_a_contest_runs_no_files(tmp_path, mark):
    """Whoever agrees to a contest within a contest has not agreed to the files that it names: it is refused these."""
    (tmp_path / "evil.py").write_text(OWN.format(mark=str(tmp_path / "mark")))
    lineup = [str(tmp_path / "evil.py:Model")]
    nested = Entrant("nested", "concours.api.estimators:ContestClassifier", {**NESTED, "lineup": lineup})
    result = contest_of(tmp_path / "run", [Entrant("bayes", "sklearn.naive_bayes:GaussianNB"), nested]).run()
    (line,) = [line for line in result.standings if line.entrant.name == "nested"]
    assert line.status == "failed"
    assert "evil.py:Model would run, and nobody was asked about it" in line.reason
    assert not mark()


# Folders


def contest_of(out, entrants):
    """A small contest, in this process."""
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=2))
    return Contest(task=task, entrants=entrants, lineup="none", cooperate=(), engine="inline", out=out)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a contest without any code."""
    out = tmp_path_factory.mktemp("made") / "run"
    contest_of(out, [Entrant("bayes", "sklearn.naive_bayes:GaussianNB")]).run()
    return out


def rewritten(run: Path, old: str, new: str) -> None:
    """One text for another in all records of a folder, the checksums of the journal made anew."""
    for name in ("candidates.json", "result.json"):
        (run / name).write_text((run / name).read_text().replace(old, new))
    bodies = [line.partition(b" ")[2] for line in (run / "journal.jsonl").read_bytes().splitlines()]
    bodies = [body.replace(old.encode(), new.encode()) for body in bodies]
    (run / "journal.jsonl").write_bytes(b"".join(b"%08x %b\n" % (zlib.crc32(body), body) for body in bodies))


def with_model(run: Path, job: dict, format: str = "refit", text: str = "") -> None:
    """The models of `bayes` say that they were made otherwise, all records agreeing."""
    store = Result.load(run).folder.store
    inputs = {"code": put_json(store, {"evil.py": text})} if text else {}
    for old in Result.load(run).candidates["bayes"].models:
        files = get_bundle(store, old)
        manifest = json.loads(files["manifest.json"])
        manifest["job"]["params"] |= job
        manifest["job"]["inputs"] |= inputs
        files["manifest.json"] = canonical_json({**manifest, "format": format})
        rewritten(run, old, put_bundle(store, files))


def with_json(run: Path, name: str, change) -> None:
    value = json.loads((run / name).read_text())
    change(value)
    (run / name).write_text(json.dumps(value))


def of_bayes(value: list, **entrant) -> None:
    for candidate in value:
        if candidate["entrant"]["name"] == "bayes":
            candidate["entrant"] |= entrant


def with_metric(value: dict) -> None:
    value["problem"]["metrics"] = [{"name": "stranger:cost", "greater_is_better": True}]


def evil(run: Path) -> str:
    return OWN.format(mark=str(run.parent / "mark"))


PART = {"recipe": "sklearn.pipeline:Pipeline", "params": {"steps": [["a", {"$recipe": "stranger:Model"}]]}}
FOLDERS = {
    "manifest: a module": lambda run: with_model(run, {"recipe": "stranger:Model"}),
    "manifest: a file": lambda run: with_model(run, {"recipe": "evil.py:Model"}, text=evil(run)),
    "manifest: a part": lambda run: with_model(run, PART),
    "manifest: a contest": lambda run: with_model(run, {"recipe": "concours.api.estimators:ContestClassifier", "params": NESTED}),
    "manifest: a network": lambda run: with_model(run, {"recipe": "stranger:Model"}, format="weights"),
    "manifest: a parameter": lambda run: with_model(run, {"recipe": "lightgbm:LGBMClassifier", "params": {"output_model": str(run.parent / "mark")}}),
    "candidates": lambda run: with_json(run, "candidates.json", lambda value: of_bayes(value, recipe="stranger:Model")),
    "setup: a recipe": lambda run: with_json(run, "setup.json", lambda value: of_bayes(value["candidates"], recipe="stranger:Model")),
    "setup: a search": lambda run: with_json(run, "setup.json", lambda value: of_bayes(value["candidates"], search={"a": [{"$recipe": "stranger:Model"}]})),
    "setup: a metric": lambda run: with_json(run, "setup.json", with_metric),
    "journal": lambda run: rewritten(run, '"values":{', '"values":{"recipe":"stranger:Model",'),
    "insights": lambda run: (run / "insights.json").write_text(json.dumps({"again": "stranger:Model", "recipe": "stranger:Model"})),
}  # fmt: skip
"""Folders that a stranger has filled, by what names the code."""

COMMANDS = {
    "show": ("show", "{run}"),
    "predict": ("predict", "{run}", "sklearn:iris", "-o", "{run}/../p.csv", "--with", "bayes"),
    "report": ("report", "{run}"),
    "verify": ("verify", "{run}"),
    "rerun": ("verify", "{run}", "--rerun", "evaluate"),
    "compare": ("compare", "{run}", "{run}-too"),
    "gc": ("gc", "{run}"),
}
ASKS = (
    {(name, "predict") for name in FOLDERS if name.startswith("manifest")}
    | {(name, "report") for name in FOLDERS if name.startswith(("manifest", "candidates"))}
    | {("setup: a metric", command) for command in ("report", "compare")}
)
"""What would run code, and so asks; all else does without it."""


@pytest.fixture
def filled(tmp_path, made, mark, monkeypatch):
    """Copies of the folder, filled by a stranger."""
    looked = []
    monkeypatch.setattr("concours.runs.report.explain", lambda *_, **__: looked.append(1) or {})

    def fill(carrier: str) -> Path:
        run = tmp_path / "run"
        shutil.copytree(made, run)
        FOLDERS[carrier](run)
        shutil.copytree(run, tmp_path / "run-too")
        return run

    return fill


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("carrier", FOLDERS)
def test_what_a_folder_names(concours, filled, mark, carrier, command):
    """Each command either asks, or does without the code; never is it so much as imported, nor is it a defect."""
    run = filled(carrier)
    code, _, err = concours(*(word.format(run=run) for word in COMMANDS[command]))
    assert not mark()
    assert "unexpected" not in err
    assert code in (0, 1, 2)
    assert ("read it, then add --trust" in err and code == 2) == ((carrier, command) in ASKS), err


@pytest.mark.parametrize("carrier", [name for name in FOLDERS if name.startswith("manifest")])
def test_a_filled_folder_is_not_recalled(filled, mark, made, carrier):
    """A contest that goes on there makes the models anew that name another job, and trusts no more than it did."""
    run = filled(carrier)
    heard = []
    result = contest_of(run, [Entrant("bayes", "sklearn.naive_bayes:GaussianNB")]).run(listener=heard.append)
    told = [notice.text for notice in heard if notice.topic == "warning"]
    assert [text for text in told if "says that another job made it" in text]
    assert not mark()
    assert result.candidates["bayes"].models == Result.load(made).candidates["bayes"].models
    assert Result.load(run).agreed == frozenset()
    assert len(predict(Result.load(run), "sklearn:iris", model="bayes")) == 150


def test_models_that_name_another_job_are_told(concours, filled):
    """`verify` finds them, and agreeing to their code does not make them the entrant's."""
    run = filled("manifest: a file")
    code, out, _ = concours("verify", str(run))
    assert (code, "says that another job made it" in " ".join(out.split())) == (1, True)
    with pytest.raises(RunFolderError, match="a model of bayes was not fitted by the recipe of bayes"):
        predict(Result.load(run), "sklearn:iris", model="bayes", trust=lambda question: True)


def test_what_is_remembered_of_a_folder(tmp_path, mark, monkeypatch):
    """A folder made here runs the code that it was made with; changed code there is asked about, and all in a copy."""
    (tmp_path / "own.py").write_text(OWN.format(mark=str(tmp_path / "mark")))
    run, own = tmp_path / "run", Entrant("own", str(tmp_path / "own.py:Model"))
    result = contest_of(run, [own]).run()
    assert len(predict(Result.load(run), "sklearn:iris", model="own")) == 150
    shutil.copytree(run, tmp_path / "copy")
    with pytest.raises(TrustError, match=r"own runs code from own.py:Model; read it, then give trust="):
        predict(Result.load(tmp_path / "copy"), "sklearn:iris", model="own")
    assert len(predict(Result.load(tmp_path / "copy"), "sklearn:iris", model="own", trust=lambda question: True)) == 150
    monkeypatch.setattr("concours.runs.report.explain", lambda *_, **__: {})
    with pytest.raises(TrustError, match=r"runs code from own.py:Model"):
        write_report(Result.load(tmp_path / "copy"))
    assert write_report(Result.load(tmp_path / "copy"), trust=lambda question: True).is_file()
    model = result.candidates["own"].models[0]
    files = get_bundle(result.folder.store, model)
    manifest = json.loads(files["manifest.json"])
    manifest["job"]["inputs"]["code"] = put_json(result.folder.store, {"own.py": "raise SystemExit"})
    rewritten(run, model, put_bundle(result.folder.store, {**files, "manifest.json": canonical_json(manifest)}))
    with pytest.raises(TrustError, match=r"own.py:Model"):
        predict(Result.load(run), "sklearn:iris", model="own")


def test_jobs_of_a_folder_that_call_a_metric(tmp_path, mark):
    """Running them again asks, unless the folder was made here."""
    run = tmp_path / "run"
    contest = contest_of(run, [Entrant("bayes", "sklearn.naive_bayes:GaussianNB")])
    replace(contest, task=replace(contest.task, metrics=("log_loss", "stranger:cost"))).run()
    (tmp_path / "mark").unlink()
    assert verify(run, again=["evaluate"], engine="inline").holds
    shutil.copytree(run, tmp_path / "copy")
    with pytest.raises(TrustError, match=r"copy again runs code from stranger:cost; read it, then add --trust"):
        verify(tmp_path / "copy", again=["evaluate"], engine="inline", trust=lambda question: False)
    assert verify(tmp_path / "copy", again=["bayes"], engine="inline").holds


def test_models_are_of_their_candidate(made):
    """A model is loaded for the candidate whose job made it, and refused for another."""
    result = Result.load(made)
    bayes, dummy = result.candidates["bayes"], result.candidates["dummy"]
    models = Models(result.folder.store)
    assert models.model(bayes.models[0], bayes)[0].params["recipe"] == bayes.entrant.recipe
    for loaded in (models, Models(result.folder.store)):
        with pytest.raises(RunFolderError, match="dummy"):
            loaded.model(bayes.models[0], dummy)
