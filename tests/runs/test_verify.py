"""Verifying: a receipt that is whole holds, and whatever is changed in its folder is found and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.contest.setup import Setup
from concours.core.errors import DataError, RunFolderError, TrustError
from concours.engine.journal import read_journal
from concours.runs.replay import replays
from concours.runs.report import write_report
from concours.runs.rerun import chosen
from concours.runs.verify import Verified, verify

TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})
OWN = Entrant("own", "own.py:Own")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder of a finished contest, in which somebody's own file took part."""
    folder = tmp_path_factory.mktemp("verify")
    (folder / "own.py").write_text("from sklearn.naive_bayes import GaussianNB\nclass Own(GaussianNB): ...\n")
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=2))
    entrants = [TREE, OWN]
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=folder / "run", folder=folder).run()
    return folder / "run"


@pytest.fixture
def run(made, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def faults(found: Verified) -> str:
    assert not found.holds
    assert all(fault.cure for fault in found.faults)
    return "; ".join(f"{fault.subject}: {fault.text}" for fault in found.faults)


def flip(path: Path, place: int) -> None:
    """Changes one bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def tree(value) -> dict:
    """The line of the tree in a result."""
    return next(line for line in value["standings"] if line["name"] == "tree")


def same_json(first: bytes, second: bytes) -> bool:
    try:
        return json.loads(first) == json.loads(second)
    except ValueError:
        return False


def edit(path: Path, change) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2))


def test_a_whole_receipt_holds_and_nothing_is_written(made):
    """All checks are well, and looking leaves every file as it was."""
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    found = verify(made)
    assert (found.holds, found.finished, found.faults) == (True, True, [])
    assert {finding.state for finding in found.findings} == {"ok"}
    assert {finding.subject for finding in found.findings} >= {
        "journal",
        "objects",
        "problem",
        "result",
        "versions",
        "code",
    }
    assert (found.objects > 20, found.bytes > 1000, found.jobs > 10) == (True, True, True)
    assert found.digest == Result.load(made).digest
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before
    json.dumps(found.to_json())


def test_without_empty_folders(run):
    """A copy that lost its empty folders, as archives lose them, is verified and left so."""
    (run / "store" / "tmp").rmdir()
    assert verify(run).holds
    assert not (run / "store" / "tmp").exists()


def test_every_object(run):
    """One bit of any object the result needs, or its absence, is found, with what the object is."""
    paths = sorted(run.glob("store/??/*"))
    for path in paths:
        flip(path, path.stat().st_size // 2)
    named = faults(verify(run))
    assert all(f"store/{path.parent.name}/{path.name[:12]}" in named for path in paths)
    for path in paths[1:]:
        path.unlink()
    assert faults(verify(run)).count("is missing") == len(paths) - 1
    flip(paths[0], paths[0].stat().st_size // 2)
    assert f"{paths[0].parent.name}/{paths[0].name[:12]}" not in faults(verify(run))


def test_every_line_of_the_journal(run):
    """A bit of any line, or a line that is gone, is found; the number of a damaged line is told."""
    journal = run / "journal.jsonl"
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    for number in range(0, len(lines), 5):
        line = lines[number]
        start = sum(map(len, lines[:number]))
        flip(journal, start + len(line) // 2)
        assert f"line {number + 1}" in faults(verify(run))
        journal.write_bytes(b"".join([*lines[:number], *lines[number + 1 :]]))
        faults(verify(run))
        journal.write_bytes(whole)
    journal.write_bytes(b"")
    assert "no record" in faults(verify(run))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda v: tree(v).update(score=0.001), "standings tree score is 0.001"),
        (lambda v: v["standings"][0]["metrics"].update(log_loss=0.001), "digest does not follow"),
        (lambda v: v["standings"][1].update(rank_best=1, rank_worst=1, rank=1, ci=[0.0, 0.1]), "ci"),
        (lambda v: v["standings"].reverse(), "standings is"),
        (lambda v: v["standings"].pop(), "standings is"),
        (lambda v: v.update(default="dummy"), 'default is "dummy"'),
        (lambda v: v.update(digest="sha256:" + "0" * 64), "digest does not follow"),
        (lambda v: v["task"].update(rows_test=1000000), "task rows_test is 1000000"),
        (lambda v: v["alliances"]["greedy"]["weights"].update(tree=0.99), "alliances greedy weights tree"),
        (lambda v: tree(v).update(status="out_of_time", reason="no time"), "the journal has all jobs of it"),
        (lambda v: v.pop("standings"), "damaged"),
        (lambda v: v.pop("seed"), "seed is missing"),
    ],
)  # fmt: skip
def test_result_json_edited(run, change, named):
    """Whatever is edited in result.json, the journal says otherwise, and the fault names the place."""
    edit(run / "result.json", change)
    assert named in faults(verify(run))


def test_result_json_edited_with_its_digest(run):
    """A better score with a digest to suit is found too: it is the journal that decides."""
    edit(
        run / "result.json",
        lambda v: v["standings"][0].update(score=0.001, metrics={**v["standings"][0]["metrics"], "log_loss": 0.001}),
    )
    digest = Result.load(run).digest
    edit(run / "result.json", lambda v: v.update(digest=digest))
    assert "score is 0.001" in faults(verify(run))


def test_bits_of_json_files(run):
    """No bit of result.json, candidates.json or setup.json goes unnoticed; here a sample of them."""
    for name in ("result.json", "candidates.json", "setup.json"):
        path = run / name
        whole = path.read_bytes()
        for place in range(7, len(whole), len(whole) // 6):
            if chr(whole[place]).isspace() or chr(whole[place] ^ 1).isspace():
                continue
            flip(path, place)
            if same_json(path.read_bytes(), whole):
                path.write_bytes(whole)  # a digit beyond what a float holds
                continue
            try:
                found = verify(run)
            except RunFolderError:
                pass
            else:
                text = whole[max(place - 30, 0) : place + 10].decode(errors="replace")
                assert not found.holds or any(f.state == "told" for f in found.findings), (name, text)
            path.write_bytes(whole)
    assert verify(run).holds


def test_candidates_swapped(run):
    """Models under another's name are found."""

    def swap(value):
        first, second = (c for c in value if not c["entrant"]["joint"] and c["entrant"]["name"] != "dummy")
        first["models"], second["models"] = second["models"], first["models"]

    edit(run / "candidates.json", swap)
    assert "candidates.json: tree models" in faults(verify(run))
    (run / "candidates.json").unlink()
    assert "candidates.json is missing" in faults(verify(run))


def test_another_problem(run):
    """A setup whose data is another's is not that of the run."""
    edit(run / "setup.json", lambda v: v["problem"]["train"].update(y=v["problem"]["test"]["y"]))
    assert "problem: setup.json has the digest" in faults(verify(run))


def test_unfinished(run):
    """Before the end there is no result, and what there is can be checked."""
    for name in ("result.json", "candidates.json"):
        (run / name).unlink()
    lines = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (run / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    found = verify(run)
    assert (found.holds, found.finished) == (True, False)
    assert "has not come to its end" in next(f.text for f in found.findings if f.subject == "result")
    (run / "setup.json").unlink()
    with pytest.raises(RunFolderError, match="nothing can be checked yet"):
        verify(run)


def test_other_versions_and_other_code_are_told(made, run, monkeypatch):
    """Elsewhere the receipt still holds; what is different there is told, also which jobs were done by other code."""
    from concours.engine import identity

    edit(run / "result.json", lambda v: v["versions"].update(numpy="1.0"))
    monkeypatch.setattr(identity, "version_of", lambda name: "0.0")
    found = verify(run)
    told = {finding.subject: finding.text for finding in found.findings if finding.state == "told"}
    assert found.holds
    assert told["versions"].startswith("numpy 1.0, here ")
    assert f"of {found.jobs} were done by other code" in told["code"]


def test_a_budget_that_ran_out(tmp_path):
    """Who was given up for lack of time is taken from the result, and told; the rest follows from the journal."""
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=2))
    entrants = [TREE, Entrant("bayes", "sklearn.naive_bayes:GaussianNB")]
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=tmp_path / "run").run()
    setup = json.loads((tmp_path / "run" / "setup.json").read_text())
    late = {
        **setup["candidates"][1],
        "entrant": {**setup["candidates"][1]["entrant"], "name": "late", "params": {"max_depth": 9}},
    }
    setup["candidates"].append(late)
    (tmp_path / "run" / "setup.json").write_text(json.dumps(setup))
    result = Result.load(tmp_path / "run")
    line = {
        **result.to_json()["standings"][0],
        "name": "late",
        "role": "single",
        "status": "out_of_time",
        "reason": "no time",
    }
    line |= dict.fromkeys(
        ("rank", "rank_best", "rank_worst", "cv_score", "score", "ci", "fit_seconds", "predict_seconds")
    )
    edit(
        tmp_path / "run" / "result.json",
        lambda v: (v["standings"].append(line | {"metrics": {}}), v["lineup"].append({**late["entrant"]})),
    )
    edit(tmp_path / "run" / "result.json", lambda v: [v["lineup"][-1].pop(name) for name in ("role", "joint")])
    digest = Result.load(tmp_path / "run").digest
    edit(tmp_path / "run" / "result.json", lambda v: v.update(digest=digest))
    found = verify(tmp_path / "run")
    assert found.faults == []
    assert "who ran out of time (late)" in next(f.text for f in found.findings if f.subject == "clock")


def test_a_search(tmp_path):
    """The choice of a search follows from the journal."""
    pytest.importorskip("optuna")
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=2))
    searching = Entrant("tree", TREE.recipe, search={"max_depth": [1, 2, 3], "trials": 3})
    Contest(task=task, entrants=[searching], lineup="none", engine="inline", out=tmp_path / "run").run()
    found = verify(tmp_path / "run")
    assert (found.faults, [f for f in found.findings if f.state == "told"]) == ([], [])


def test_jobs_again(made):
    """Every job yields the same once more, and the run folder is not written to."""
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    found = verify(made, again=["all"], engine="inline")
    assert found.holds
    assert [done.text for done in found.reruns if not done.same] == []
    assert len(found.reruns) == found.jobs
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_jobs_by_name(made):
    """A label, an entrant, a beginning of a digest; together and in the order of the plans; a wrong name lists them."""
    setup = Setup.from_json(json.loads((made / "setup.json").read_text()))
    result = Result.load(made)
    replay = next(iter(replays(result.folder, setup, read_journal(made / "journal.jsonl")[0], result)))
    labels = {
        name: [job.job.label for job in chosen(replay.jobs, [name])] for name in ("tree: fold 2", "tree", "evaluate")
    }
    assert (labels["tree: fold 2"], labels["evaluate"]) == (["tree: fold 2"], ["evaluate"])
    assert {"tree: fold 1", "tree: fold 2", "tree: score"} < set(labels["tree"])
    (evaluate,) = chosen(replay.jobs, ["evaluate"])
    assert chosen(replay.jobs, [evaluate.job.digest[:20], "evaluate"]) == [evaluate]
    assert chosen(replay.jobs, [evaluate.job.digest.partition(":")[2][:10]]) == [evaluate]
    assert [job.job.label for job in chosen(replay.jobs, ["evaluate", "tree: fold 1"])] == ["tree: fold 1", "evaluate"]
    with pytest.raises(DataError, match=r"'tre'; did you mean 'tree'\? choices: all, dummy, tree, own, .*evaluate"):
        chosen(replay.jobs, ["tre"])
    with pytest.raises(DataError, match="choices: all"):
        chosen(replay.jobs, [""])


def test_a_job_that_yields_otherwise_is_found(made, monkeypatch):
    """What a job yields now is compared with the journal, outputs and values."""
    from concours.engine import runners

    def other(job, store):
        from concours.engine.runners.score import evaluate

        result = evaluate(job, store)
        return type(result)(values={**result.values, "rank": [1] * len(result.values["rank"])})

    spec = runners.RUNNERS["evaluate"]
    changed = type(spec)(reference=spec.reference, version=spec.version, packages=spec.packages)
    vars(changed)["runner"] = other
    monkeypatch.setitem(runners.RUNNERS.own, "evaluate", changed)
    found = verify(made, again=["evaluate", "tree: fold 1"], engine="inline")
    assert {done.label: done.same for done in found.reruns} == {"tree: fold 1": True, "evaluate": False}
    assert "rank" in found.reruns[-1].text
    assert (found.holds, found.faults) == (False, [])


def test_a_damaged_input_is_not_run_on(run):
    """A job on damaged data proves nothing."""
    y = json.loads((run / "setup.json").read_text())["problem"]["train"]["y"].partition(":")[2]
    flip(run / "store" / y[:2] / y[2:], 200)
    (done,) = verify(run, again=["tree: fold 1"], engine="inline").reruns
    assert (done.same, done.text) == (False, "not run: its input y is damaged or missing")


def test_code_of_a_folder_asks_for_trust(made, tmp_path):
    """Somebody's own file runs only if that is agreed to, here or when the folder was made; what is not run needs none."""
    assert verify(made, again=["own: fold 1"], engine="inline").holds
    made, asked = Path(shutil.copytree(made, tmp_path / "copy")), []
    with pytest.raises(TrustError, match=r"own\.py:Own; read it, then add --trust"):
        verify(made, again=["own"], engine="inline", trust=lambda text: bool(asked.append(text)))
    assert len(asked) == 1
    assert verify(made, again=["tree"], engine="inline", trust=lambda text: False).holds
    assert verify(made, again=["own: fold 1"], engine="inline", trust=lambda text: True).holds


def test_a_report_runs_no_function_that_a_folder_names(run):
    """Learning curves fit what the folder says; a library's function, which could run a command, is asked about."""
    file = run / "candidates.json"
    value = json.loads(file.read_text())
    tree = next(candidate["entrant"] for candidate in value if candidate["entrant"]["name"] == "tree")
    before = Entrant.from_json(tree).digest
    tree |= {"recipe": "sklearn.utils._testing:check_output", "params": {"args": ["true"]}}
    file.write_text(json.dumps(value).replace(before, Entrant.from_json(tree).digest))  # else an alliance lacks it
    with pytest.raises(TrustError, match=r"check_output.*read it, then add --trust"):
        write_report(Result.load(run), engine="inline", trust=lambda text: False)
