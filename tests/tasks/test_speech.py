"""Recordings of speech: how they are found and read, what is wrong in them, and how transcripts are measured and joined."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from concours.core.errors import ContestError, DataError
from concours.core.registry import load
from concours.kernels.scoring.edits import edits
from concours.tasks import traits
from concours.tasks.kinds import KINDS
from concours.tasks.metrics import speech as measures
from concours.tasks.outputs.transcript import Transcript
from concours.tasks.readers.opened import Options
from concours.tasks.recordings import read as read_sounds
from concours.tasks.speech import read
from concours.tasks.speech_found import find
from concours.tasks.task import Split, Task

pytest.importorskip("jiwer")

KIND = KINDS["speech-recognition"]
TEXTS = st.lists(st.sampled_from(["one", "two", "three"]), max_size=4).map(" ".join)


def wav(length: int = 800) -> bytes:
    buffer = io.BytesIO()
    wavfile.write(buffer, 8000, (8000 * np.sin(np.arange(length) / 3)).astype(np.int16))
    return buffer.getvalue()


def laid(folder: Path, texts: list[str], *, column: str = "text") -> Path:
    """Sounds and a manifest of what is said in them."""
    lines = []
    for row, text in enumerate(texts):
        (folder / f"{row}.wav").write_bytes(wav(700 + 20 * row))
        lines.append(json.dumps({"path": f"{row}.wav", column: text, "speaker": f"s{row % 3}"}))
    (folder / "all.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "all.jsonl"


def said(rows: list[list[tuple[str, float]]]) -> pa.Array:
    """Predictions of a model."""
    lists = pa.array([[{"text": text, "score": share} for text, share in row] for row in rows])
    kind = pa.list_(pa.struct([("text", pa.string()), ("score", pa.float64())]))
    return Transcript().accepted(lists.cast(kind), len(rows))


def test_a_manifest_is_found_and_read(tmp_path):
    """Protects `new` and `run`: transcripts by the name of their column, digits as texts, speakers kept together."""
    path = laid(tmp_path, ["7", "one two", "three", "one", "two two", "1 2"])
    keys = find(path, Options())
    assert keys["target"][0] == "text"
    assert keys["split"][0]["group"] == "speaker"
    data, test = read(Task(kind=KIND.name, data=str(path), split=Split(group="speaker")), KIND, tmp_path)
    assert test is None
    assert data.y.to_pylist() == ["7", "one two", "three", "one", "two two", "1 2"]
    assert data.x.column_names == ["sound", "rate", "speaker"]
    assert [len(sound) for sound in data.x["sound"].to_pylist()] == [700, 720, 740, 760, 780, 800]


def test_labels_of_one_word_are_classes(tmp_path):
    """Protects sounds with classes, which a table names too: nothing there is a transcript."""
    assert find(laid(tmp_path, ["cat", "dog"] * 3), Options()) is None
    assert load(KINDS["audio-classification"].finder)(tmp_path / "all.jsonl", Options()) is not None
    assert find(laid(tmp_path, ["a cat", "dog"], column="heard"), Options(names=("heard",)))["target"][0] == "heard"


def test_transcripts_are_known_by_what_they_hold(tmp_path):
    """Protects manifests with names of their own; where something is called a label, sounds have classes."""
    keys = find(laid(tmp_path, ["one two", "two", "two one three", "a b"], column="what was said"), Options())
    assert keys["target"][0] == "what was said"
    assert (
        find(laid(tmp_path, ["a dog", "a cat", "a dog", "a cat", "a dog", "a cat"], column="heard"), Options()) is None
    )
    assert find(laid(tmp_path, ["one two", "two one", "a b"], column="genre"), Options()) is None


BAD = {
    "empty": ([" ", "one"], {}, DataError, r"text is empty for 0\.wav \(row 1\); 1 such rows of 2; write what is said"),
    "no column": (["one", "two"], {"target": "txet"}, DataError, "no column 'txet'; did you mean 'text'"),
    "one text": (["one", "one"], {}, DataError, "the target is 'one' in every row; there is nothing to learn"),
    "classes": (["one", "two"], {"classes": ("one",)}, ContestError, "task.classes: a task of kind speech-recognition"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_file_and_row(case, tmp_path):
    """Protects what a person reads who has made a mistake."""
    texts, keys, error, words = BAD[case]
    task = Task(kind=KIND.name, data=str(laid(tmp_path, texts)), **keys)
    with pytest.raises(error, match=words):
        Transcript.encode(read(task, KIND, tmp_path)[0].y, task, "x")


def test_bad_rows_are_left_out_where_that_is_asked_for(tmp_path):
    """Protects `on_bad_row`: an empty text, a broken sound and one that is not there are counted, and the rest is read."""
    path = laid(tmp_path, ["one", " ", "two three", "four", "five"])
    (tmp_path / "2.wav").write_bytes(b"RIFF nothing")
    (tmp_path / "3.wav").unlink()
    data, _ = read(Task(kind=KIND.name, data=str(path), on_bad_row="skip", options={"sound": "path"}), KIND, tmp_path)
    assert data.y.to_pylist() == ["one", "five"]
    assert data.left_out == 3
    assert any("1 rows with an empty text were left out; first: 1.wav (row 2)" in line for line in data.warnings)
    assert any("1 sound left out as broken; first: 2.wav" in line for line in data.warnings)
    assert any("1 row of all.jsonl without a sound left out; first: row 4" in line for line in data.warnings)


@given(st.lists(st.tuples(TEXTS, TEXTS.filter(bool)), min_size=1, max_size=5))
@settings(max_examples=50)
def test_rates_are_errors_over_words(pairs):
    """Protects the board: jiwer's counts are those of our own distance, of words and of characters, rows together."""
    p = Transcript().accepted(pa.array([text for text, _ in pairs], pa.string()), len(pairs))
    y = pa.array([right for _, right in pairs])
    for name, parted in (("wer", str.split), ("cer", list)):
        wrong = [edits(parted(one), parted(right)) for one, right in pairs]
        lengths = [len(parted(right)) for _, right in pairs]
        assert measures.MEASURES[name](None).score(y, p) == pytest.approx(sum(wrong) / sum(lengths))


def test_without_jiwer_the_extra_is_named(monkeypatch):
    """Protects an installation without the extra."""
    monkeypatch.setattr(measures, "installed", lambda name: False)
    with pytest.raises(ContestError, match=r"wer is measured by jiwer.*pip install 'concours\[audio\]'"):
        Transcript().metric("wer")


MEMBERS = [
    said([[("one two", 0.8), ("one", 0.2)], [("six", 1.0)], []]),
    said([[("one too", 1.0)], [], []]),
    said([[("won two", 0.6), ("one two", 0.4)], [("six", 0.6), ("sick", 0.4)], [("a", 1.0)]]),
]


@pytest.mark.parametrize("rule", list(Transcript.joins))
def test_joins_keep_their_laws(rule):
    """Protects both rules: order does not matter, who has no weight is not heard, one alone stays; silence has its vote."""
    output, weights = Transcript(), np.array([0.5, 0.2, 0.3])
    joined = output.join(rule, MEMBERS, weights)
    assert output.answers(joined, None).tolist() == ["one two", "six", None]
    assert output.join(rule, MEMBERS[::-1], weights[::-1]).equals(joined)
    assert output.joining(rule, MEMBERS)(weights).equals(joined)
    some = output.join(rule, MEMBERS, np.array([0.7, 0.0, 0.3]))
    assert some.equals(output.join(rule, [MEMBERS[0], MEMBERS[2]], np.array([0.7, 0.3])))
    alone = output.join(rule, [MEMBERS[1]], np.ones(1))
    assert output.answers(alone, None).tolist() == ["one too", None, None]
    by_row = output.join(rule, MEMBERS[:2], np.array([[1.0, 1.0, 1.0], [0.0, 9.0, 0.0]]))
    assert output.answers(by_row, None).tolist() == ["one two", None, None]
    with pytest.raises(ValueError, match="all weights are zero"):
        output.join(rule, MEMBERS, np.zeros(3))


def test_a_file_of_predictions_has_gaps_where_nothing_is_heard():
    """Protects `predict` and `score`: what is written is understood again."""
    output = Transcript()
    columns = output.columns(MEMBERS[1], None, proba=False)
    assert columns["prediction"].to_pylist() == ["one too", None, None]
    assert output.answers(output.given(pa.table(columns), "p.csv").named, None).tolist() == ["one too", None, None]
    assert output.written(MEMBERS[1]) == ["one too", "nothing", "nothing"]


SOUNDS = KINDS["audio-classification"]
FRAME = pd.DataFrame(
    {
        "sound": [np.sin(np.arange(400 + 10 * row)) for row in range(6)],
        "rate": 8000,
        "pitch": ["low", "high"] * 3,
        "speaker": ["s0", "s0", "s1", "s1", "s2", "s2"],
    }
)


def test_sounds_may_be_objects_of_python(tmp_path):
    """Protects contests from Python: fractions and whole numbers, targets in a column or beside it, groups."""
    split = Split(group="speaker")
    data, _ = read_sounds(Task(kind=SOUNDS.name, data=FRAME, target="pitch", split=split), SOUNDS, tmp_path)
    assert data.y.tolist() == ["low", "high"] * 3
    assert data.x["speaker"].to_pylist() == FRAME["speaker"].tolist()
    whole = [np.rint(32768 * sound).clip(-32768, 32767).astype(np.int16) for sound in FRAME["sound"]]
    assert [sound == other.tolist() for sound, other in zip(data.x["sound"].to_pylist(), whole, strict=True)] == [
        True
    ] * 6
    given_apart = {"sound": whole, "rate": [8000] * 6}
    other, _ = read_sounds(Task(kind=SOUNDS.name, data=given_apart, target=["a", "b"] * 3), SOUNDS, tmp_path)
    assert other.x["sound"].equals(data.x["sound"])
    assert other.y.tolist() == ["a", "b"] * 3


NO_SOUNDS = {
    "a list": ([1, 2], "sounds were expected, got a list: give a frame"),
    "no rate": ({"sound": [np.ones(3)]}, "got columns sound: give a frame"),
    "a text": ({"sound": ["x"], "rate": [8000]}, "row 1 holds no sound, but <U1 of shape"),
    "no rate in a row": ({"sound": [np.ones(3)] * 2, "rate": [8000, 0]}, "row 2: rate must be a whole number"),
    "no samples": (
        {"sound": [np.ones(3), np.empty(0)], "rate": [8000, 8000]},
        "row 2.wav is no sound that can be read",
    ),
    "no numbers": ({"sound": [np.array([np.nan])], "rate": [8000]}, "row 1.wav is no sound.*no numbers"),
}


@pytest.mark.parametrize("case", NO_SOUNDS)
def test_objects_that_are_no_sounds_are_told(case, tmp_path):
    """Protects what a person reads who gives something else."""
    source, words = NO_SOUNDS[case]
    target = ["a"] * (len(source["sound"]) if isinstance(source, dict) else 2)
    with pytest.raises(DataError, match=words):
        read_sounds(Task(kind=SOUNDS.name, data=source, target=target), SOUNDS, tmp_path)


def test_sounds_are_described_by_length_and_loudness():
    """Protects the data card and the slices: full scale is 0 dB but for the sine's 3, and silence is far below."""
    wave = (32767 * np.sin(2 * np.pi * np.arange(8000) / 8)).astype(np.int16)
    table = pa.table({"sound": pa.array([wave, wave[:4000] * 0], pa.list_(pa.int16())), "rate": [8000, 8000]})
    assert traits.sound_traits(table).to_pydict() == {
        "length in seconds": [1.0, 0.5],
        "loudness in dB": [-3.0, -100.0],
    }
