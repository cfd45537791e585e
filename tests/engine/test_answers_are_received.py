"""Files of prompts and of answers, by the real runners: taken whole, or refused with the rows that are wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.engine.runners import RUNNERS
from concours.engine.runners.answered import LONGEST
from concours.engine.work import execute
from concours.stores.memory import MemoryStore
from concours.stores.numbered import numbered

PROMPTS = b'id,prompt\n01,Why is the sky blue?\n2,"Name a river,\nand a lake."\n3,Say None.\n'


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def received(store: MemoryStore, answers: bytes, called: str = "a.csv", prompts: bytes = PROMPTS) -> Done | Failed:
    """What comes of a file of answers."""
    inputs = {"answers": store.put(io.BytesIO(answers)), "prompts": store.put(io.BytesIO(prompts))}
    params = {"called": called, "prompts": "prompts.csv"}
    job = Job(runner="receive_answers", inputs=inputs, params=params, outputs=("texts",), label="receive")
    return execute(job, store, RUNNERS)


def texts(store: MemoryStore, ended: Done | Failed) -> list[str]:
    assert isinstance(ended, Done), ended
    return [numbered(store, ended.outputs["texts"], number) for number in range(ended.values["texts"])]


def test_prompts_are_kept_in_their_order_as_they_are_written(store: MemoryStore) -> None:
    """With breaks of lines, and words that elsewhere mean that something is missing."""
    inputs = {"prompts": store.put(io.BytesIO(PROMPTS))}
    job = Job(runner="read_prompts", inputs=inputs, params={"called": "p.csv"}, outputs=("texts",), label="read")
    assert texts(store, execute(job, store, RUNNERS)) == [
        "Why is the sky blue?",
        "Name a river,\nand a lake.",
        "Say None.",
    ]


GOOD = {"3": "None", "01": "Air.\n\nIt scatters.", "2": "42"}


def as_csv() -> bytes:
    return b'id,answer\n3,None\n01,"Air.\n\nIt scatters."\n2,42\n'


def as_lines() -> bytes:
    return b"".join(json.dumps({"id": id, "answer": text}).encode() + b"\n" for id, text in GOOD.items())


def as_parquet(tmp: Path) -> bytes:
    pq.write_table(pa.table({"id": list(GOOD), "answer": list(GOOD.values())}), tmp / "a.parquet")
    return (tmp / "a.parquet").read_bytes()


def test_answers_come_in_the_order_of_the_prompts_from_every_form(store: MemoryStore, tmp_path: Path) -> None:
    """So that the number of a prompt finds the answer to it; and the object is the same whatever file it came in."""
    forms = {"a.csv": as_csv(), "a.jsonl": as_lines(), "a.parquet": as_parquet(tmp_path)}
    ended = [received(store, content, called) for called, content in forms.items()]
    for one in ended:
        assert texts(store, one) == ["Air.\n\nIt scatters.", "42", "None"]
    assert len({one.outputs["texts"] for one in ended if isinstance(one, Done)}) == 1


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (b"id,answer\n01,x\n2,y\n", "no answer to 1 of 3 prompts, first '3'"),
        (b"id,answer\n01,x\n2,y\n3,z\n4,w\n", "1 prompt that nobody asked, first '4'"),
        (b"id,answer\n01,x\n2,y\n2,y\n3,z\n", "1 id stand in more than one row, first '2'"),
        (
            b"id,answer\n01,x\n2,\n3,  \n",
            "2 rows cannot be taken, first row 2 (id '2') is empty, then row 3 (id '3') is empty",
        ),
        (b"id,answer\n01,x\n,y\n3,z\n", "row 2 has no id"),
        (b"id,answer\n01,x\n2," + b"y" * (LONGEST + 1) + b"\n3,z\n", "50,001 characters, and 50,000 at most"),
        (b"id,reply\n01,x\n2,y\n3,z\n", "must have one column 'answer'; its columns are id, reply"),
        (b"id,answer,answer\n01,x,x\n2,y,y\n3,z,z\n", "answer"),
        (b"", "a.csv"),
        (b"\x00\x01\x02\xff" * 50, "a.csv"),
    ],
    ids=["missing", "strange", "twice", "empty", "no id", "long", "column", "columns", "nothing", "rubbish"],
)
def test_what_is_wrong_is_told_row_by_row(store: MemoryStore, answers: bytes, said: str) -> None:
    """In one line, with the file's name, and nothing is kept."""
    before = set(store)
    ended = received(store, answers)
    assert isinstance(ended, Failed)
    assert said in ended.reason
    assert "a.csv" in ended.reason and "\n" not in ended.reason
    assert ended.cause == "exception"
    assert len(set(store) - before) <= 2


def test_the_first_faults_are_told_and_the_others_counted(store: MemoryStore) -> None:
    """A file of many faults has a message that can be read."""
    prompts = b"id,prompt\n" + b"".join(b"%d,why?\n" % number for number in range(40))
    answers = b"id,answer\n" + b"".join(b"%d,\n" % number for number in range(40))
    ended = received(store, answers, prompts=prompts)
    assert isinstance(ended, Failed)
    assert "40 rows cannot be taken" in ended.reason and "and 35 more" in ended.reason
    assert len(ended.reason) < 400


def test_numbers_that_a_file_types_are_answers_too(store: MemoryStore) -> None:
    """JSON Lines may write 42 without quotes, and ids as numbers."""
    prompts = b"id,prompt\n1,six times seven?\n"
    assert texts(store, received(store, b'{"id": 1, "answer": 42}\n', "a.jsonl", prompts)) == ["42"]


def test_lists_are_no_answers(store: MemoryStore) -> None:
    """What is shown is a text."""
    ended = received(store, b'{"id": "01", "answer": ["x"]}\n', "a.jsonl")
    assert isinstance(ended, Failed)
    assert "holds list" in ended.reason
