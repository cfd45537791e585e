"""What a host declares is read once, checked whole, and the same as JSON; what is wrong is told in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.errors import ContentRefused, ContestError
from concours.server.hosting.competition import Arena, Baseline, Competition, Limits, Phase
from concours.server.hosting.folder import FILE, from_folder

WHOLE = """
title = "Flowers"
slug = "flowers"
subtitle = "Which iris is it?"
licence = "CC-BY-4.0"
contact = "host@example.org"
visibility = "members"
rules = "pages/rules.md"
pages = [{title = "Overview", file = "pages/overview.md"}]
guard = "ladder"
seed = 7

[task]
kind = "tabular-classification"
data = "data/train.csv"
test = "truth/test.csv"
target = "species"
metrics = ["log_loss", "accuracy"]
split = {public = 0.3}

[[phase]]
key = "first"
title = "First round"
begins = 2027-01-01T00:00:00Z
ends = 2027-02-01T00:00:00+01:00
limits = {per_day = 5, total = 100, seconds = 600, memory_gb = 2}
takes = ["predictions", "code"]
hand_over = true

[[phase]]
key = "final"
title = "Final"
begins = 2027-02-01T00:00:00Z
board = "hidden"

[teams]
most = 4
merge_until = 2027-01-20T00:00:00Z

[[board]]
key = "main"
title = "All metrics"
metrics = ["log_loss", "accuracy"]
rank = "mean of ranks"

[alliance]
shown = false

[[baseline]]
name = "Guessing"
recipe = "dummy"
"""


def folder_with(tmp_path: Path, text: str = WHOLE) -> Path:
    (tmp_path / FILE).write_text(text)
    for name in ("data/train.csv", "data/test.csv", "truth/test.csv", "pages/overview.md", "pages/rules.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def test_a_whole_file_is_read_as_it_stands(tmp_path: Path) -> None:
    read = from_folder(folder_with(tmp_path))
    first, final = read.phases
    assert (read.title, read.slug, read.kind, read.seed) == ("Flowers", "flowers", "board", 7)
    assert read.task["split"] == {"public": 0.3}
    assert first.limits == Limits(per_day=5, total=100, seconds=600, memory_gb=2)
    assert first.ends == "2027-02-01T00:00:00+01:00"
    assert first.ends_at is not None
    assert first.ends_at < final.begins_at
    assert (read.truth_of(final), read.inputs_of(final)) == ("truth/test.csv", "data/test.csv")
    assert not read.alliance.shown
    assert read.baselines == (Baseline(name="Guessing", recipe="dummy"),)


def test_it_is_the_same_after_json(tmp_path: Path) -> None:
    read = from_folder(folder_with(tmp_path))
    assert Competition.from_json(json.loads(json.dumps(read.to_json()))) == read


_TEXTS = st.text("abc é\N{GREEK SMALL LETTER PI}<&", min_size=1).filter(str.strip)


@given(st.data())
def test_any_competition_is_the_same_after_json(data: st.DataObject) -> None:
    phases = tuple(
        Phase(
            key=f"p{number}",
            title=data.draw(_TEXTS),
            begins=f"20{30 + number}-01-01T00:00:00+00:00",
            limits=Limits(per_day=data.draw(st.none() | st.integers(1, 9))),
            board=data.draw(st.sampled_from(["visible", "members", "hidden"])),
        )
        for number in range(data.draw(st.integers(1, 3)))
    )
    made = Competition(
        title=data.draw(_TEXTS),
        slug="a",
        phases=phases,
        arena=Arena(prompts="data/prompts.csv", votes_per_day=data.draw(st.none() | st.integers(1, 9))),
    )
    assert Competition.from_json(json.loads(json.dumps(made.to_json()))) == made


WRONG = [
    ('slug = "flowers"', 'slug = "Flow ers"', "slug must be small letters"),
    ('slug = "flowers"', 'slgu = "flowers"', "slgu is not known; did you mean 'slug'?"),
    ('title = "Flowers"', "", "title is missing"),
    ('visibility = "members"', 'visibility = "member"', "expected one of all, members, got 'member'; did you mean"),
    ('board = "hidden"', 'board = "hiden"', "phase 2.board: expected one of visible, members, hidden"),
    ('title = "Flowers"', 'title = "Flow\\u0007ers"', "title holds letters that are not seen"),
    ("Which iris", "\\u202eWhich iris", "subtitle holds letters that are not seen"),
    ("per_day = 5", 'per_day = "5"', "phase 1.limits.per_day: expected a whole number, got a text"),
    ("per_day = 5", "per_day = 0", "per_day must be a whole number from 1 to"),
    ("memory_gb = 2", "memory_gb = -2", "memory_gb must be above 0"),
    ('"code"]', '"cod"]', "phase 1.takes[1]: expected one of predictions, code"),
    ("begins = 2027-01-01T00:00:00Z", "begins = 2027-01-01T00:00:00", "write 2027-01-01T00:00:00Z for UTC"),
    ("begins = 2027-01-01T00:00:00Z", "begins = 2027-01-01", "must be a date and a time, as 2027-01-31T12:00:00Z"),
    ("begins = 2027-01-01T00:00:00Z", 'begins = "soon"', "begins must be a moment"),
    ("begins = 2027-01-01T00:00:00Z", "begins = 2028-01-01T00:00:00Z", "must be later than begins"),
    ("begins = 2027-02-01T00:00:00Z", "begins = 2026-02-01T00:00:00Z", "begins before 'first'"),
    ("begins = 2027-02-01T00:00:00Z", "begins = 2027-01-15T00:00:00Z", "needs an end that is not after 'final' begins"),
    ('board = "hidden"', 'truth = "truth/last.csv"', "predictions of other rows say nothing in 'final'"),
    ('board = "hidden"', "hand_over = true", "there is no phase after it"),
    ('key = "final"', 'key = "first"', "two phases are called 'first'"),
    ('data = "data/train.csv"', 'data = "truth/train.csv"', "task.data must be a file of data/"),
    ('data = "data/train.csv"', 'data = "data/../truth/test.csv"', "task.data must be a file of data/"),
    ('data = "data/train.csv"', 'data = "/etc/passwd"', "task.data must be a file of data/"),
    ('data = "data/train.csv"', 'data = "openml:61"', "task.data must be a file of data/"),
    ('test = "truth/test.csv"', 'test = "data/test.csv"', "task.test must be a file of truth/"),
    ('test = "truth/test.csv"', "", "has no truth: give task.test"),
    ('metrics = ["log_loss", "accuracy"]\nrank', 'metrics = ["log_los"]\nrank', "did you mean 'log_loss'?"),
    ('recipe = "dummy"', "", "it has predictions, code or a recipe, one of the three, and this one has none"),
    ('recipe = "dummy"', 'predictions = "data/x.csv"', "baseline 1: predictions must be a file of baselines/"),
    ('rules = "pages/rules.md"', 'rules = "pages/rulez.md"', "rules: there is no pages/rulez.md in the folder"),
    ("most = 4", "most = 0", "teams: most must be a whole number"),
    ("[[phase]]", "[[phases]]", "phases: write one [[phase]] for each"),
    (
        "[alliance]",
        "[scorer]\nfile = 'scorer/s.py'\nmeasures = [{name = 'log_loss'}, {name = 'accuracy'}]\n[alliance]",
        'guard = "ladder" is for rows',
    ),
    ("[alliance]", "[arena]\nprompts = 'data/test.csv'\n[alliance]", "arena and task exclude each other"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG, ids=[said for *_, said in WRONG])
def test_what_is_wrong_is_told_with_the_cure(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    assert right in WHOLE
    with pytest.raises(ContestError) as raised:
        from_folder(folder_with(tmp_path, WHOLE.replace(right, wrong)))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_json_of_others_is_refused_by_the_same_checks(tmp_path: Path) -> None:
    value = from_folder(folder_with(tmp_path)).to_json()
    with pytest.raises(ContentRefused, match="slug must be"):
        Competition.from_json({**value, "slug": "../x"})


def test_files_that_are_links_are_not_followed(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    (folder / "pages" / "overview.md").unlink()
    (folder / "pages" / "overview.md").symlink_to("/etc/passwd")
    with pytest.raises(ContestError, match=r"pages/overview.md is a link"):
        from_folder(folder)


def test_no_library_of_data_is_imported(tmp_path: Path) -> None:
    folder_with(tmp_path)
    code = (
        "import sys; from pathlib import Path; from concours.server.hosting.folder import from_folder;"
        f"from_folder(Path({str(tmp_path)!r}));"
        "print([name for name in ('pandas', 'sklearn', 'pyarrow', 'torch', 'scipy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
