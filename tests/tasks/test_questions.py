"""Questions: what columns are, how answers name choices, what is refused, and that new rows are read as the old."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ContestError, DataError
from concours.core.registry import load
from concours.stores.memory import MemoryStore
from concours.tasks.choices import letter_of, place_of, right_of, way_of
from concours.tasks.kinds import KINDS
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.choice import Choice
from concours.tasks.questions_found import find_answers, find_choices
from concours.tasks.readers.opened import Options
from concours.tasks.task import Split, Task

ANSWERS, CHOICES = KINDS["question-answering"], KINDS["multiple-choice"]
SUMS = [
    {"question": "What is 2 + 2?", "subject": "sums", "answer": ["4", "four"]},
    {"question": "What is 3 + 3?", "subject": None, "answer": ["6"]},
    {"question": "What is 007?", "subject": "NA", "answer": ["7"]},
]
NEAR = [
    {"question": "What is near?", "options": ["sea", "hill"], "label": "B", "passage": "p"},
    {"question": "What is far?", "options": ["sea", "hill", "road", "sea"], "label": "A", "passage": "p"},
]


def read(kind, data, folder=Path(), **keys):
    """The data of a task, and its test part."""
    own = {key: keys.pop(key) for key in ("question", "choices", "answer", "extract") if key in keys}
    return load(kind.input.reader)(Task(kind=kind.name, data=data, options=own, **keys), kind, folder)


def renewed(kind, source, data, **meta):
    told = []
    rows, _ = load(kind.input.renewer)(source, data.x, meta={**data.meta, **meta}, told=told.append)
    return rows, told


def lay(folder, form, rows):
    """The rows in a file of a form."""
    file, frame = folder / f"rows.{form}", pd.DataFrame(rows)
    if form == "csv":
        lists = [name for name in frame if isinstance(frame[name][0], list)]
        frame.assign(**{name: frame[name].map(json.dumps) for name in lists}).to_csv(file, index=False)
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file.name


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "list", "frame", "columns"])
def test_choices_are_the_same_in_any_form(tmp_path, form):
    """A file, a frame, a list of objects: first the question, then the choices, then all else as it is written."""
    objects = {
        "list": NEAR,
        "frame": pd.DataFrame(NEAR),
        "columns": {key: [row[key] for row in NEAR] for key in NEAR[0]},
    }
    source = objects[form] if form in objects else lay(tmp_path, form, NEAR)
    data, _ = read(CHOICES, source, tmp_path)
    assert data.x.column_names == ["question", "choices", "passage"]
    assert data.x.schema.field("choices").type == pa.list_(pa.string())
    assert data.x["choices"].to_pylist() == [row["options"] for row in NEAR]
    assert data.y.to_pylist() == [[1], [0, 3]]
    assert dict(data.meta) == {"extract": "letter", "choices": ("options",), "most": 4}
    encoded = Choice.encode(data.y, Task(kind="multiple-choice", data=None), "x", **data.meta)
    assert encoded.values.tolist() == [[0, 1, 0, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize("form", ["jsonl", "list"])
def test_several_right_answers(tmp_path, form):
    """Lists of them; gaps are empty texts, and words that tables take for gaps stay words."""
    data, _ = read(ANSWERS, SUMS if form == "list" else lay(tmp_path, form, SUMS), tmp_path)
    assert data.x.to_pydict() == {"question": [row["question"] for row in SUMS], "subject": ["sums", "", "NA"]}
    assert data.y.to_pylist() == [["4", "four"], ["6"], ["7"]]
    assert data.meta == {"extract": "whole"}


def test_cells_of_csv_stay_as_they_are_written(tmp_path):
    """A 007 is no number, nor is a code of dates; numbers that are right are taken by their last number."""
    (tmp_path / "q.csv").write_text('question,code,final,day\nWhat?,007,"1,800",2026-01-02\nWhy?,1e5,3.50,2026-01-03\n')
    data, _ = read(ANSWERS, "q.csv", tmp_path)
    assert data.x["code"].to_pylist() == ["007", "1e5"]
    assert data.x["day"].to_pylist() == ["2026-01-02", "2026-01-03"]
    assert data.y.to_pylist() == [["1,800"], ["3.50"]]
    assert data.meta == {"extract": "last-number"}


def test_choices_in_columns_of_their_own(tmp_path):
    """One a choice; the last ones may be empty, and no other may."""
    lines = ["prompt,A,B,C,correct", "Which?,red,blue,green,C", "What?,1,2,,A", "Who?,me,,you,A"]
    (tmp_path / "q.csv").write_text("\n".join(lines[:3]))
    data, _ = read(CHOICES, "q.csv", tmp_path, question="prompt", choices=("A", "B", "C"), answer="correct")
    assert data.x["choices"].to_pylist() == [["red", "blue", "green"], ["1", "2"]]
    (tmp_path / "q.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match="q.csv: row 3: choice B is empty; 1 such rows of 3"):
        read(CHOICES, "q.csv", tmp_path, question="prompt", choices=("A", "B", "C"), answer="correct")


@pytest.mark.parametrize(
    ("answers", "way"),
    [
        ([["hill"], ["road"]], "their texts"),
        ([["B"], ["C"]], "their letters"),
        ([["(b)"], ["c."]], "their letters"),
        ([["1"], ["2"]], "their positions, from 0"),
    ],
)
def test_answers_name_choices_by_text_letter_or_position(answers, way):
    """By the way that fits most of them; a text that is there twice is right twice."""
    choices = [["sea", "hill"], ["sea", "hill", "road", "road"]]
    assert way_of(answers, choices) == way
    assert right_of(answers, choices, way) == [[1], [2, 3]]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(2, 7), st.integers(0, 6)), min_size=1, max_size=8), st.sampled_from("tlp"))
def test_whatever_the_way_the_same_are_right(rows, way):
    """Generated questions of any number of choices: text, letter and position lead to the same places."""
    rows = [(count, place % count) for count, place in rows]
    choices = [[f"choice {row} {each}" for each in range(count)] for row, (count, _) in enumerate(rows)]
    said = {
        "t": lambda row, place: choices[row][place],
        "l": lambda _, place: letter_of(place),
        "p": lambda _, p: str(p),
    }
    table = [
        {"question": "Which one?", "choices": choices[row], "answer": said[way](row, place)}
        for row, (_, place) in enumerate(rows)
    ]
    data, _ = read(CHOICES, table)
    assert data.y.to_pylist() == [[place] for _, place in rows]
    assert data.meta["most"] == max(count for count, _ in rows)


def test_letters_go_on_behind_z():
    """As columns of spreadsheets are called."""
    assert [letter_of(place) for place in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]
    assert all(place_of(letter_of(place)) == place for place in range(200))
    assert place_of("b") == 1
    assert place_of("é") is place_of("1") is place_of("") is None


FAULTS = {
    "an empty question": ({"question": " "}, "row 2: the question is empty"),
    "no answer": ({"label": None}, "row 2: no answer"),
    "another answer": ({"label": "E"}, "row 2: the answer 'E' is none of its choices by their letters"),
    "one choice": ({"options": ["sea"]}, "row 2: one choice, where two were expected"),
    "no choices": ({"options": []}, "row 2: 0 choices, where two were expected"),
    "an empty choice": ({"options": ["sea", ""]}, "row 2: choice B is empty"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_question_that_lacks_something_is_refused_or_left_out(fault):
    """With its row; `skip` leaves it out, with a word, and its weight too."""
    change, said = FAULTS[fault]
    rows = [NEAR[0], {**NEAR[1], **change}, NEAR[1]]
    with pytest.raises(DataError, match=f"{said}.*; 1 such rows of 3; on_bad_row"):
        read(CHOICES, rows)
    data, _ = read(CHOICES, rows, on_bad_row="skip", weight=np.array([1.0, 5.0, 2.0]))
    assert data.x["question"].to_pylist() == ["What is near?", "What is far?"]
    assert data.weights.tolist() == [1.0, 2.0]
    assert data.left_out == 1
    assert any(said in text for text in data.warnings)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"question": "ask"}, "task.question: the data has no column 'ask' for the questions"),
        ({"answer": "right"}, "task.answer: the data has no column 'right'"),
        ({"choices": "option"}, "task.choices: the data has no column 'option'; did you mean 'options'"),
        ({"choices": 3}, "task.choices must be the name of a column"),
        ({"extract": "number"}, "task.extract: unknown rule 'number'"),
        ({"target": "label"}, "task.target: of questions the column of the right answers is named by task.answer"),
        ({"drop": ("hint",)}, "column 'hint' is missing"),
        ({"classes": ("a",)}, "task.classes: a task of kind multiple-choice has no such thing"),
    ],
)
def test_keys_that_do_not_suit(keys, said):
    """In one line that names the key."""
    with pytest.raises((ContestError, DataError), match=said) as error:
        read(CHOICES, NEAR, **keys)
    assert "\n" not in str(error.value)


def test_groups_keep_questions_of_a_passage_together(tmp_path):
    """The passage is content: models get it; an empty one is no group."""
    from concours.engine.ingest import ingest
    from concours.stores.blobs import get_array, get_table

    rows = [{**NEAR[0], "passage": f"p{row // 3}", "label": "AB"[row % 2]} for row in range(30)]
    task = Task(kind="multiple-choice", data=rows, split=Split(test=0.3, folds=2, group="passage"))
    store = MemoryStore()
    problem = ingest(task, store, seed=0, folder=tmp_path).problem
    train, test = (set(get_table(store, part.x)["passage"].to_pylist()) for part in (problem.train, problem.test))
    assert not train & test
    assert len(np.unique(get_array(store, problem.test.groups))) == len(test)
    with pytest.raises(
        DataError, match="task.split.group: the data: column 'passage' is empty in 1 of 3 rows, first in row 3"
    ):
        read(CHOICES, [*NEAR, {**NEAR[0], "passage": None}], split=Split(group="passage"))


def test_new_questions_are_read_as_the_old(tmp_path):
    """From a file, a frame, or a list of texts; what is missing besides is empty, which is said."""
    data, _ = read(ANSWERS, SUMS)
    rows, told = renewed(ANSWERS, ["What is 5 + 5?"], data)
    assert rows.to_pydict() == {"question": ["What is 5 + 5?"], "subject": [""]}
    assert told == ["the data has no column subject: empty for every question"]
    data, _ = read(CHOICES, NEAR)
    rows, told = renewed(CHOICES, lay(tmp_path, "jsonl", NEAR) and tmp_path / "rows.jsonl", data)
    assert rows.equals(data.x)
    assert told == []
    for source, said in (
        ([{"question": "What?"}], "column 'options' is missing"),
        ([{"question": "What?", "options": ["a"]}], "row 1: one choice"),
        ([{"question": "", "options": ["a", "b"]}], "row 1: the question is empty"),
    ):
        with pytest.raises(DataError, match=said):
            renewed(CHOICES, source, data)


def test_lists_are_refused_where_none_are_asked_for(tmp_path):
    """As they always were, of every other kind."""
    with pytest.raises(DataError, match=r"rows.jsonl: column 'options' holds list<.*; expected numbers, texts"):
        read(KINDS["tabular-classification"], lay(tmp_path, "jsonl", NEAR), tmp_path, target="label")


def found(folder, name, content, find, **options):
    (folder / name).write_text(
        content if isinstance(content, str) else "".join(f"{json.dumps(row)}\n" for row in content)
    )
    return find(folder / name, Options(**options))


def test_what_is_a_table_of_questions(tmp_path):
    """By names, and by how short answers are; nothing that is learned from otherwise is taken for one."""
    sums = [
        {"id": n, "question": f"What is {n} and {n}?", "answer": f"It is {2 * n}.", "final": 2 * n} for n in range(30)
    ]
    keys = found(tmp_path, "sums.jsonl", sums, find_answers)
    assert {key: value for key, (value, _) in keys.items() if key != "data"} == {
        "question": "question",
        "answer": "final",
        "extract": "last-number",
        "id": "id",
        "drop": ["answer"],
        "metrics": ["numeric_match", "exact_match"],
        "split": {"test": 0.3},
    }
    assert found(tmp_path, "sums.jsonl", sums, find_choices) is None
    near = [{**NEAR[row % 2], "passage": f"p{row // 4}", "label_index": 0} for row in range(40)]
    keys = found(tmp_path, "near.jsonl", near, find_choices)
    assert keys["choices"][0] == "options"
    assert keys["drop"][0] == ["label_index"]
    assert keys["split"][0] == {"test": 0.3, "group": "passage"}
    assert found(tmp_path, "near.jsonl", near, find_answers) is None
    long = [{"question": f"What is {n}?", "answer": "a long story " * 20} for n in range(30)]
    assert found(tmp_path, "long.jsonl", long, find_answers) is None
    labelled = [{**row, "category": "a"} for row in sums]
    assert found(tmp_path, "labelled.jsonl", labelled, find_answers) is None
    assert found(tmp_path, "sums.jsonl", sums, find_answers, names=("question",)) is None
    assert found(tmp_path, "sums.jsonl", sums, find_answers, names=("answer",))["answer"][0] == "answer"
    assert found(tmp_path, "table.csv", "input,label\n1,a\n2,b\n", find_answers) is None
    for names in (("input", "label"), ("question", "label"), ("input", "answer"), ("prompt", "target")):
        rows = [dict(zip(names, (f"a sentence about {n}", "ab"[n % 2]), strict=True)) for n in range(30)]
        assert found(tmp_path, "classes.jsonl", rows, find_answers) is None
    assert find_answers(tmp_path, Options()) is None


def test_predictions_of_answers():
    """What is said with and without an answer, in files and joined."""
    output = Answer(extract="last-number")
    said = output.answered(["so 1,800", "who knows", None])
    assert said.to_pylist() == [[{"text": "1800", "score": 1.0}], [], []]
    assert output.answers(said, None).tolist() == ["1800", None, None]
    assert output.written(said) == ["1800", "no answer", "no answer"]
    table = pa.table(output.columns(said, None, proba=False))
    assert output.given(table, "p.csv").named.equals(said)
    given = output.given(pa.table({"response": ["it is 7", ""]}), "p.csv")
    assert output.answers(given.named, None).tolist() == ["7", None]
    assert given.notes == ("p.csv: extract = 'last-number' finds no answer in 1 of 2 responses, which count as wrong",)
    y = pa.array([["1800"], ["x"], ["y", "z"]], pa.list_(pa.string()))
    assert output.metric("numeric_match").score(y, said) == pytest.approx(1 / 3)
    assert output.prior(pa.array([["4", "four"], ["4"], ["5"]]), None).to_pylist()[0][0]["text"] == "4"


def voted(texts, weights=None):
    output = Answer()
    members = [output.accepted(pa.array([text], pa.string()), 1) for text in texts]
    even = np.ones(len(texts)) / len(texts) if weights is None else np.asarray(weights)
    return output.join("vote", members, even).to_pylist()[0]


def test_a_vote_is_a_majority():
    """AAABB is A; answers that are the same add up; weights count; of ties the first in the order of texts."""
    assert [one["text"] for one in voted("AAABB")] == ["A", "B"]
    assert voted("AAABB")[0]["score"] == pytest.approx(0.6)
    assert voted(["18", "$18.00", "20", "20"])[0]["text"] == "18"
    assert voted(["The cat", "cat!", "dog"])[0]["score"] == pytest.approx(2 / 3)
    assert voted(["a", "b"], [0.2, 0.8])[0]["text"] == "b"
    assert voted(["b", "x"])[0]["text"] == "b"
    assert voted([None, "b", None]) == [{"text": "b", "score": 1.0}]
    assert voted([None, None]) == []


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["a", "A", "the a", "1", "1.0", "$1", "b", None]), min_size=1, max_size=6), st.data())
def test_a_vote_does_not_know_the_order_of_members(texts, data):
    """To the last bit, with any weights."""
    weights = data.draw(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.7]), min_size=len(texts), max_size=len(texts)))
    order = data.draw(st.permutations(range(len(texts))))
    assert voted([texts[k] for k in order], [weights[k] for k in order]) == voted(texts, weights)


def test_predictions_of_choices():
    """Letters, responses, or probabilities; what is none of them is refused with its row."""
    output = Choice(most=3)
    given = output.given(pa.table({"response": ["The answer is (B).", "hm"]}), "p.csv")
    assert given.named.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert output.answers(given.named, None).tolist() == ["B", None]
    p = output.accepted(np.array([[0.5, 0.5], [0.0, 0.0], [0.2, 0.8]]), 3)
    assert p.shape == (3, 3)
    assert output.given(pa.table(output.columns(p, None, proba=False)), "p.csv").named == pytest.approx(p)
    assert output.given(pa.table({"prediction": ["a", "C"]}), "p.csv").named.tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(DataError, match=r"p\.csv: 1 predictions are the letter of no choice, first 'E' in row 2"):
        output.given(pa.table({"prediction": ["A", "E"]}), "p.csv")
    with pytest.raises(DataError, match="must be at least 0 and add up to 1 in each row, or to 0; row 1 has"):
        output.accepted(np.array([[1.0, 0.0], [0.7, 0.7]]), 2)
    assert output.accepted(np.full((1, 4), 0.25), 1).shape == (1, 4)
