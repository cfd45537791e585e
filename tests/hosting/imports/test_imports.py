"""Competitions of other platforms become a folder that is read as ours, and score as they do at home."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from concours.core.errors import ConcoursError, DataError
from concours.engine.sandbox.run import available
from concours.server.hosting.check import check
from concours.server.hosting.competition import Competition
from concours.server.hosting.folder import FILE, from_folder
from concours.server.hosting.new import new
from tests.hosting.imports import bundles
from tests.hosting.imports.running import bare, boxed, scoring

NOW = datetime(2027, 1, 1, tzinfo=UTC)
ALL = {
    "codabench": bundles.CODABENCH,
    "evalai": bundles.EVALAI,
    "kaggle": bundles.KAGGLE,
    "mlebench": bundles.MLEBENCH,
    "ramp": bundles.RAMP,
}


def brought(tmp_path: Path, files: Mapping[str, str | bytes]) -> tuple[Competition, dict[str, str], Path]:
    source, folder = bundles.laid(tmp_path / "source", files), tmp_path / "competition"
    made = new(folder, source=str(source), now=NOW)
    return from_folder(folder), dict(made.left), folder


@pytest.mark.parametrize("name", ALL)
def test_each_is_recognised_and_passes(tmp_path: Path, name: str) -> None:
    competition, _, folder = brought(tmp_path, ALL[name])
    found = check(folder)
    assert found.passes, found.findings
    assert competition.scorer is not None
    assert (folder / competition.scorer.program).is_dir()


@pytest.mark.parametrize("name", ALL)
def test_an_archive_with_a_folder_in_it_gives_the_same(tmp_path: Path, name: str) -> None:
    competition, _, _ = brought(tmp_path, ALL[name])
    with zipfile.ZipFile(tmp_path / "source.zip", "w") as archive:
        for path in sorted((tmp_path / "source").rglob("*")):
            if path.is_file():
                archive.write(path, f"source/{path.relative_to(tmp_path / 'source')}")
    new(tmp_path / "again", source=str(tmp_path / "source.zip"), now=NOW)
    assert from_folder(tmp_path / "again") == competition


def test_a_bundle_of_codabench(tmp_path: Path) -> None:
    competition, left, folder = brought(tmp_path, bundles.CODABENCH)
    first, last = competition.phases
    assert (competition.title, [page.title for page in competition.pages], competition.rules) == (
        "Letters",
        ["Overview", "Data"],
        "pages/rules.md",
    )
    assert (first.key, first.begins, first.ends) == (
        "first-round",
        "2027-01-01T00:00:00+00:00",
        "2027-02-01T12:00:00+00:00",
    )
    assert (first.limits.per_day, first.limits.total, first.limits.seconds, first.hand_over) == (5, 50, 300, True)
    assert (last.key, last.ends, last.hand_over) == ("last-round", "", False)
    assert [(one.name, one.greater_is_better) for one in competition.scorer.measures] == [
        ("right", True),
        ("wrong", False),
    ]
    assert [(board.key, board.metrics) for board in competition.boards] == [("results", ("right", "wrong"))]
    assert (folder / "data/first-round/public_data/letters.csv").is_file()
    assert [baseline.predictions for baseline in competition.baselines] == ["baselines/solution-1"]
    assert {"docker_image", "image", "column mean", "first-round: start"} <= left.keys()
    assert "computed of others" in (folder / FILE).read_text()


QUIRKS: list[tuple[str, str, Callable[[Competition], object], object]] = [
    ("leaderboards:", "leaderboard:", lambda c: c.boards[0].key, "results"),
    ("2027-01-01", "6-15-2020", lambda c: c.phases[0].begins, "2020-06-15T00:00:00+00:00"),
    ("2027-01-01", "06/15/2020 08:30", lambda c: c.phases[0].begins, "2020-06-15T08:30:00+00:00"),
    ("2027-01-01", "2027-01-01T01:00:00+02:00", lambda c: c.phases[0].begins, "2026-12-31T23:00:00+00:00"),
    ("- index: 0\n            name: First", "- name: First", lambda c: c.phases[0].key, "first-round"),
    (", sorting: desc}", "}", lambda c: c.scorer.measures[0].greater_is_better, True),
    ("end: 2027-02-01 12:00:00", "hide_output: true", lambda c: c.phases[0].ends, "2027-02-01T12:00:00+00:00"),
    ("start: 2027-01-01", "description: soon", lambda c: c.phases[0].begins, "2027-01-01T00:00:00+00:00"),
    ("tasks: [0]\n            max", "max", lambda c: c.phases[0].truth, "truth/letters/reference"),
    ("version: 2", 'version: "2"', lambda c: c.title, "Letters"),
    ("max_submissions_per_day: 5", 'max_submissions_per_day: "5"', lambda c: c.phases[0].limits.per_day, 5),
    ("max_submissions_per_day: 5", "max_submissions_per_day: null", lambda c: c.phases[0].limits.per_day, None),
]


@pytest.mark.parametrize(("usual", "met", "read", "expected"), QUIRKS, ids=[met for _, met, *_ in QUIRKS])
def test_quirks_that_are_met_in_bundles(tmp_path: Path, usual: str, met: str, read, expected: object) -> None:
    text = bundles.CODABENCH["competition.yaml"]
    assert usual in text
    competition, _, folder = brought(tmp_path, {**bundles.CODABENCH, "competition.yaml": text.replace(usual, met, 1)})
    assert read(competition) == expected
    assert check(folder).passes


def test_paths_of_a_bundle_may_be_archives_and_commands_old(tmp_path: Path) -> None:
    files = {
        name: content for name, content in bundles.CODABENCH.items() if "/" not in name or name.startswith("pages")
    }
    files["competition.yaml"] = (
        files["competition.yaml"]
        .replace("reference,", "reference.zip,")
        .replace("scoring_program: scoring", "scoring_program: scoring.zip")
        .replace("path: solution,", "path: solution.zip,")
        .replace("public_data: public", "starting_kit: kit.zip")
    )
    files["reference.zip"] = bundles.packed({"truth.csv": bundles.TRUTH})
    files["solution.zip"] = bundles.packed({"answers.csv": bundles.ANSWERS})
    files["kit.zip"] = bundles.packed({"kit/README.md": "Begin here."})
    files["scoring.zip"] = bundles.packed(
        {"metadata": "command: python $program/score.py $input $output\n", "score.py": bundles.SCORE}
    )
    competition, _, folder = brought(tmp_path, files)
    assert competition.scorer.command == "python3 /app/program/score.py /app/input /app/output"
    assert (folder / competition.phases[0].truth / "truth.csv").read_text() == bundles.TRUTH
    assert (folder / "data/first-round/starting_kit/kit/README.md").is_file()


def test_a_challenge_of_evalai(tmp_path: Path) -> None:
    competition, left, folder = brought(tmp_path, bundles.EVALAI)
    dev, test = competition.phases
    assert (dev.key, dev.board, test.board, dev.ends) == ("dev", "visible", "hidden", "2027-06-01T23:59:59+00:00")
    assert [(one.name, one.greater_is_better) for one in competition.scorer.measures] == [
        ("dev-split Right", True),
        ("dev-split Loss", False),
        ("test-split Right", True),
        ("test-split Loss", False),
    ]
    assert [(board.title, board.hidden) for board in competition.boards] == [("dev-split", False), ("test-split", True)]
    assert {"tags", "dev: max_submissions_per_month"} <= left.keys()
    assert (folder / test.truth / "test.txt").is_file()


def test_titles_of_others_become_one_line_of_what_is_seen(tmp_path: Path) -> None:
    """A blank of no width, or a line end, is no reason to refuse what somebody brings."""
    said = "short_description: Say the word."
    assert said in bundles.EVALAI["challenge_config.yaml"]
    odd = 'short_description: "Say\\u200b the\\n word."'
    content = bundles.EVALAI["challenge_config.yaml"].replace(said, odd)
    competition, _, _ = brought(tmp_path, {**bundles.EVALAI, "challenge_config.yaml": content})
    assert competition.subtitle == "Say the word."


def test_a_metric_of_kaggle_has_public_rows_and_private_ones(tmp_path: Path) -> None:
    competition, left, folder = brought(tmp_path, bundles.KAGGLE)
    (phase,) = competition.phases
    rows = [(folder / truth / "solution.csv").read_text().count("\n") - 1 for truth in (phase.truth, phase.rest)]
    assert rows == [8, 4]
    assert "which way is better" in left
    assert competition.title == "How near numbers are"


def test_a_grader_of_mle_bench_tells_which_way_is_better_by_its_leaderboard(tmp_path: Path) -> None:
    competition, left, folder = brought(tmp_path, bundles.MLEBENCH)
    assert competition.scorer.measures[0].greater_is_better is False
    assert "gold 0.1" in left["medals"]
    assert (folder / "data/public/train.csv").is_file()


def test_submissions_of_a_kit_never_see_the_targets_of_the_test_rows(tmp_path: Path) -> None:
    competition, _, folder = brought(tmp_path, bundles.RAMP)
    (phase,) = competition.phases
    seen = (folder / phase.inputs / "data/test.csv").read_text().split()
    assert {line.split(",")[2] for line in seen[1:]} == {"81"}
    assert (folder / phase.truth / "data/test.csv").read_text() == bundles.RAMP["data/test.csv"]
    assert [baseline.code for baseline in competition.baselines] == ["baselines/starting-kit"]
    assert [(one.name, one.greater_is_better) for one in competition.scorer.measures] == [
        ("rmse", False),
        ("worst", False),
    ]


SUBMITTED = {
    "codabench": ({"answers.csv": bundles.ANSWERS}, {"right": 0.45, "wrong": 0.55}),
    "evalai": ({"said.txt": "one\ntwo\nfour\nfour\n"}, None),
    "kaggle": ({"sub.csv": "row,y\n" + "".join(f"{row},1\n" for row in reversed(range(12)))}, None),
    "mlebench": ({"sub.csv": "id,y\n" + "".join(f"{row},{row + 1}\n" for row in range(10))}, {"score": 1.0}),
}


@pytest.mark.parametrize("name", SUBMITTED)
def test_a_scorer_gives_in_the_sandbox_what_it_gives_bare(tmp_path: Path, name: str) -> None:
    if why := available():
        pytest.skip(why)
    competition, _, folder = brought(tmp_path, ALL[name])
    submitted, expected = SUBMITTED[name]
    submission = bundles.laid(tmp_path / "submission", submitted)
    for phase in competition.phases:
        together = tmp_path / phase.key
        together.mkdir()
        given = scoring(folder, phase.truth, submission, together)
        ended, left = boxed(
            competition.scorer.command,
            {
                "/app/program": given["/app/program"],
                "/app/input/ref": folder / phase.truth,
                "/app/input/res": submission,
            },
        )
        assert ended.cause is None, ended.reason
        home = bare(competition.scorer.command, given, tmp_path / f"out-{phase.key}")
        scores = json.loads(left["scores.json"])
        assert scores == json.loads(home["scores.json"])
        assert expected is None or scores == pytest.approx(expected)
        known = {measure.name for measure in competition.scorer.measures}
        assert scores.keys() <= known
        assert competition.scorer.measures[0].name in scores


def test_a_kit_gives_in_the_sandbox_what_it_gives_bare(tmp_path: Path) -> None:
    if why := available():
        pytest.skip(why)
    competition, _, folder = brought(tmp_path, bundles.RAMP)
    (phase,), scorer = competition.phases, competition.scorer
    code = folder / competition.baselines[0].code
    fitting = {
        "/app/program": folder / scorer.ingestion,
        "/app/input_data": folder / phase.inputs,
        "/app/ingested_program": code,
    }
    ended, left = boxed(scorer.ingestion_command, fitting)
    assert ended.cause is None, ended.reason
    home = bare(scorer.ingestion_command, fitting, tmp_path / "fitted")
    (tmp_path / "res").mkdir()
    (tmp_path / "res/y_pred.npz").write_bytes(left["y_pred.npz"])
    scores = []
    for number, res in enumerate((tmp_path / "res", tmp_path / "fitted")):
        given = {"/app/program": folder / scorer.program, "/app/input/ref": folder / phase.truth, "/app/input/res": res}
        ended, found = boxed(scorer.command, given)
        assert ended.cause is None, ended.reason
        scores += [
            json.loads(found["scores.json"]),
            json.loads(bare(scorer.command, given, tmp_path / f"o{number}")["scores.json"]),
        ]
    assert home.keys() == left.keys()
    assert all(one == scores[0] for one in scores)
    assert scores[0]["rmse"] < 2


@pytest.mark.parametrize("name", ["codabench", "ramp"])
def test_the_board_of_a_phase_scores_by_their_programs(tmp_path: Path, name: str) -> None:
    if why := available():
        pytest.skip(why)
    competition, _, folder = brought(tmp_path, ALL[name])
    found = check(folder)
    assert found.passes, found.findings
    for board in found.boards:
        (line,) = board.standings.lines
        assert line.metrics.keys() == {one.name for one in competition.scorer.measures}
    if name == "codabench":
        assert found.boards[0].standings.lines[0].metrics == pytest.approx({"right": 0.45, "wrong": 0.55})


def test_what_is_visible_of_an_error_is_its_text(tmp_path: Path) -> None:
    competition, _, folder = brought(tmp_path, bundles.KAGGLE)
    submission = bundles.laid(tmp_path / "s", {"sub.csv": "row,y\n" + "".join(f"{row},much\n" for row in range(12))})
    (tmp_path / "t").mkdir()
    given = scoring(folder, competition.phases[0].truth, submission, tmp_path / "t")
    with pytest.raises(AssertionError) as raised:
        bare(competition.scorer.command, given, tmp_path / "o")
    assert str(raised.value).startswith("y must be numbers\n")


def test_nothing_of_theirs_runs_while_it_is_read(tmp_path: Path) -> None:
    marks = tmp_path / "ran"
    bad = f"open({str(marks)!r}, 'w')\n"
    for number, (name, path) in enumerate(
        [("kaggle", "near.py"), ("mlebench", "grade.py"), ("ramp", "problem.py"), ("codabench", "scoring/score.py")]
    ):
        import textwrap

        files = {**ALL[name], path: bad + textwrap.dedent(str(ALL[name][path]))}
        source = bundles.laid(tmp_path / f"{number}", files)
        new(tmp_path / f"c{number}", source=str(source), now=NOW)
        check(tmp_path / f"c{number}")
    assert not marks.exists()


def _yaml(**changes: str) -> dict[str, str | bytes]:
    text = str(bundles.CODABENCH["competition.yaml"])
    for usual, met in changes.items():
        text = text.replace(usual, met)
    return {**bundles.CODABENCH, "competition.yaml": text}


ATTACKS: dict[str, dict[str, str | bytes]] = {
    "path that leads out": _yaml(**{"reference_data: reference": "reference_data: ../../../etc"}),
    "absolute path": _yaml(**{"scoring_program: scoring": "scoring_program: /etc"}),
    "backslashes": _yaml(**{"reference_data: reference": 'reference_data: "..\\\\..\\\\etc"'}),
    "yaml that names code": {**bundles.CODABENCH, "competition.yaml": "title: !!python/object/apply:os.system [id]\n"},
    "yaml bomb": {
        **bundles.CODABENCH,
        "competition.yaml": "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    },
    "yaml without end": {**bundles.CODABENCH, "competition.yaml": "a: &a [*a]\n"},
    "yaml too deep": {**bundles.CODABENCH, "competition.yaml": "[" * 4000},
    "no yaml": {**bundles.CODABENCH, "competition.yaml": b"\x00\xff\xfe" * 40},
    "only a list": {**bundles.CODABENCH, "competition.yaml": "- 1\n"},
    "phases of texts": _yaml(**{"phases:\n": "phases: [one, two]\nothers:\n"}),
    "no tasks": _yaml(**{"tasks:\n": "works:\n"}),
    "task of a server": _yaml(**{"scoring_program: scoring": "key: 123"}),
    "no leaderboard": _yaml(**{"leaderboards:": "boards:"}),
    "version 1": _yaml(**{"version: 2": "version: 1"}),
    "program that is no archive": {
        **_yaml(**{"scoring_program: scoring": "scoring_program: p.zip"}),
        "p.zip": b"PK\x03\x04 and nothing",
    },
    "program that climbs out": {
        **_yaml(**{"scoring_program: scoring": "scoring_program: p.zip"}),
        "p.zip": bundles.packed({"metadata": "command: x", "../../../evil": "1"}),
    },
    "metadata that is a bomb": {**bundles.CODABENCH, "scoring/metadata.yaml": "command: &a [*a]\n"},
    "no command": {**bundles.CODABENCH, "scoring/metadata.yaml": "x: 1\n"},
    "metric without a solution": {"near.py": bundles.METRIC},
    "grader without answers": {n: c for n, c in bundles.MLEBENCH.items() if "private" not in n},
    "kit of another workflow": {
        **bundles.RAMP,
        "problem.py": str(bundles.RAMP["problem.py"]).replace("workflows.Estimator", "workflows.FeatureExtractor"),
    },
    "kit of an unknown score": {
        **bundles.RAMP,
        "problem.py": str(bundles.RAMP["problem.py"]).replace("score_types.RMSE", "score_types.Mystery"),
    },
    "kit whose targets cannot be told": {
        **bundles.RAMP,
        "problem.py": str(bundles.RAMP["problem.py"]).replace(
            '_target_column_name = "y"', '_target_column_name = str("y")'
        ),
    },
    "challenge without annotations": {n: c for n, c in bundles.EVALAI.items() if "annotations" not in n},
    "challenge without a script": {n: c for n, c in bundles.EVALAI.items() if "script" not in n},
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_hostile_or_broken_is_told_in_a_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    source = bundles.laid(tmp_path / "inner" / "source", ATTACKS[name])
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ConcoursError) as raised:
        new(tmp_path / "competition", source=str(source), now=NOW)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["reference/truth.csv", "scoring/score.py", "pages/data.md", "reference", "solution"])
def test_links_of_a_bundle_lead_nowhere(tmp_path: Path, name: str) -> None:
    source = bundles.laid(tmp_path / "source", bundles.CODABENCH)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("the key")
    place = source / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(secret if "." not in place.name else secret / "key")
    with pytest.raises(ConcoursError, match="link"):
        new(tmp_path / "competition", source=str(source), now=NOW)
    assert not (tmp_path / "competition").exists()


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    source = bundles.laid(tmp_path / "source", bundles.CODABENCH)
    (tmp_path / "competition").mkdir()
    (tmp_path / "competition/mine.txt").write_text("mine")
    with pytest.raises(ConcoursError, match="is there already"):
        new(tmp_path / "competition", source=str(source), now=NOW)
    assert [path.name for path in (tmp_path / "competition").iterdir()] == ["mine.txt"]


def test_data_is_no_competition_of_others(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/notes.txt").write_text("nothing")
    with pytest.raises(DataError):
        new(tmp_path / "competition", source=str(tmp_path / "source"), now=NOW)
