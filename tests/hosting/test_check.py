"""`host check` says what publishing would refuse; above all, whatever of the truth is public."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.server.hosting.check import check
from concours.server.hosting.folder import FILE
from concours.server.hosting.leaks import Truth, hashed, ordered, told_by

Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Rows) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_what_new_writes_passes(plants: Path) -> None:
    found = check(plants)
    assert found.findings == ()
    assert found.passes
    (board,) = found.boards
    names = [line.entrant.name for line in board.standings.lines]
    assert names[0] == "Logistic"
    assert all(line.ci is not None for line in board.standings.lines)
    assert [(file.path, file.rows) for file in found.opened.files] == [("data/test.csv", 90), ("data/train.csv", 210)]


def _truth(folder: Path) -> Rows:
    return read(folder / "truth/test.csv")


def _target_stays(folder: Path) -> None:
    write(folder / "data/test.csv", _truth(folder))


def _copy(folder: Path) -> None:
    (folder / "data/extra.csv").write_bytes((folder / "truth/test.csv").read_bytes())


def _packed_copy(folder: Path) -> None:
    with zipfile.ZipFile(folder / "data/kit.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "truth/test.csv", "notes/a.txt")


def _answers(folder: Path) -> None:
    write(folder / "data/sample.csv", [{"row": row["id"], "plant": row["plant"]} for row in _truth(folder)])


def _renamed_labels(folder: Path) -> None:
    code = {"fern": "7", "moss": "1", "reed": "4"}
    write(folder / "data/more.csv", [{"id": row["id"], "zone": code[row["plant"]]} for row in _truth(folder)])


def _hashed_labels(folder: Path) -> None:
    made = [hashlib.md5(f"{row['id']}_{row['plant']}".encode()).hexdigest() for row in _truth(folder)]
    (folder / "data/photos.txt").write_text("\n".join(sorted(made)))


def _trained_on(folder: Path) -> None:
    write(folder / "data/train.csv", [*read(folder / "data/train.csv"), *_truth(folder)])


def _sorted_rows(folder: Path) -> None:
    rows = sorted(_truth(folder), key=lambda row: row["plant"])
    write(folder / "data/test.csv", [{key: value for key, value in row.items() if key != "plant"} for row in rows])


def _id_twice(folder: Path) -> None:
    rows = read(folder / "data/test.csv")
    write(folder / "data/test.csv", [*rows, rows[0]])


def _row_gone(folder: Path) -> None:
    write(folder / "data/test.csv", read(folder / "data/test.csv")[1:])


def _no_inputs(folder: Path) -> None:
    (folder / "data/test.csv").unlink()


def _other_page(folder: Path) -> None:
    (folder / "pages/data.md").write_bytes(b"\xff\xfe\x00")


def _unknown_metric(folder: Path) -> None:
    _in_file(folder, "[task]", '[[board]]\nkey = "a"\ntitle = "A"\nmetrics = ["rmse"]\n\n[task]')


def _unknown_recipe(folder: Path) -> None:
    _in_file(folder, 'recipe = "logistic"', 'recipe = "logistc"')


def _own_code_as_recipe(folder: Path) -> None:
    (folder / "baselines").mkdir()
    (folder / "baselines/mine.py").write_text("raise SystemExit('it ran')")
    _in_file(folder, 'recipe = "logistic"', 'recipe = "./baselines/mine.py:Model"')


def _baseline_lacks_rows(folder: Path) -> None:
    (folder / "baselines").mkdir()
    write(folder / "baselines/b.csv", [{"id": row["id"], "plant": "moss"} for row in _truth(folder)[1:]])
    _in_file(folder, 'recipe = "logistic"', 'predictions = "baselines/b.csv"')


def _in_file(folder: Path, old: str, new: str) -> None:
    text = (folder / FILE).read_text()
    assert old in text
    (folder / FILE).write_text(text.replace(old, new, 1))


SPOILED: list[tuple[Callable[[Path], None], str]] = [
    (_target_stays, "it has the target 'plant'"),
    (_copy, "it is truth/test.csv under another name"),
    (_packed_copy, "notes/a.txt in it is truth/test.csv"),
    (_answers, "the column 'plant' holds the targets, for 90 of the 90 test rows"),
    (_renamed_labels, "the column 'zone' stands for the targets"),
    (_hashed_labels, "it holds md5 of the ids and targets"),
    (_trained_on, "data/train.csv: it tells the truth: the column 'plant' holds the targets"),
    (_sorted_rows, "one target after the other: shuffle them"),
    (_id_twice, "1 ids come twice"),
    (_row_gone, "1 ids of the truth are missing"),
    (_no_inputs, "there is no data/test.csv"),
    (_other_page, "it is no text in UTF-8"),
    (_unknown_metric, "'rmse'"),
    (_unknown_recipe, "unknown recipe 'logistc'"),
    (_own_code_as_recipe, "give it as code"),
    (_baseline_lacks_rows, "missing"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILED, ids=[spoil.__name__[1:] for spoil, _ in SPOILED])
def test_what_publishing_would_refuse_is_said(plants: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(plants)
    found = check(plants)
    assert not found.passes
    lines = [f"{one.where}: {one.what}" for one in found.findings if one.level == "error"]
    assert any(said in line for line in lines), lines
    assert all("\n" not in line for line in lines)


def test_rows_without_names_are_told_by_their_order_and_the_check_says_so(plants: Path) -> None:
    """Whoever sorts a file has another score then: a host should know, and may want it."""
    for path in ("data/train.csv", "data/test.csv", "truth/test.csv"):
        write(plants / path, [{key: cell for key, cell in row.items() if key != "id"} for row in read(plants / path)])
    (plants / FILE).write_text((plants / FILE).read_text().replace('id = "id"\n', ""))
    found = check(plants)
    assert found.passes
    assert any("told by their order in truth/test.csv" in one.what for one in found.findings)


def test_nothing_of_a_host_runs_while_it_is_checked(plants: Path) -> None:
    _own_code_as_recipe(plants)
    check(plants)  # the file would have ended this process


def test_predictions_as_a_baseline_are_scored(plants: Path) -> None:
    (plants / "baselines").mkdir()
    named = {name: f"p_{name}" for name in ("fern", "moss", "reed")}
    rows = [
        {"id": row["id"], **{p: str(float(row["plant"] == name)) for name, p in named.items()}}
        for row in _truth(plants)
    ]
    write(plants / "baselines/b.csv", rows[::-1])
    _in_file(plants, 'recipe = "logistic"', 'predictions = "baselines/b.csv"')
    found = check(plants)
    assert found.passes, found.findings
    best = found.boards[0].standings.lines[0]
    assert (best.entrant.name, best.metrics["accuracy"]) == ("Logistic", 1.0)


_LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=30, max_size=60).filter(lambda y: len(set(y)) > 1)


@given(_LABELS, st.randoms(use_true_random=False))
def test_any_renaming_of_the_labels_is_found_in_any_order_and_noise_is_not(y, random) -> None:
    ids = [f"r{row}" for row in range(len(y))]
    truth = Truth(ids=ids, targets=y, named=True)
    rows = list(range(len(y)))
    random.shuffle(rows)
    names = dict(zip("abc", random.sample(["x", "y", "z"], 3), strict=True))
    table = {"key": [ids[row] for row in rows], "other": [names[y[row]] for row in rows]}
    assert told_by(table, truth)
    noise = {"key": table["key"], "other": [str(random.random()) for _ in rows], "same": ["1"] * len(rows)}
    assert not told_by(noise, truth)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("form", ["{y}", "{id}{y}", "{y}:{id}", "{id},{y}"])
def test_hashed_labels_are_found(algorithm: str, form: str) -> None:
    truth = Truth(ids=[f"r{row}" for row in range(40)], targets=["no", "yes"] * 20, named=True)
    pairs = zip(truth.ids, truth.targets, strict=True)
    made = [hashlib.new(algorithm, form.format(id=id, y=y).encode()).hexdigest().upper() for id, y in pairs]
    assert algorithm in hashed([f"photo,{text},7" for text in made], truth)
    assert not hashed([hashlib.new(algorithm, f"other {row}".encode()).hexdigest() for row in range(40)], truth)


def test_an_order_tells_only_where_it_follows_the_targets() -> None:
    assert ordered(["a"] * 6 + ["b"] * 6)
    assert ordered([str(number) for number in range(20)])
    assert not ordered(["a", "b"] * 6)
    assert not ordered([str(number * 7 % 20) for number in range(20)])


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (finding,) = check(tmp_path).findings
    assert "competition.toml does not exist" in finding.what
