"""Sounds with classes: where they lie, what their names tell, what is wrong in them, and new ones."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.io import wavfile

from concours.core.errors import ContestError, DataError
from concours.core.optional import installed
from concours.tasks.kinds import KINDS
from concours.tasks.readers import sounds
from concours.tasks.readers.archives import files_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.sounds import read_sounds
from concours.tasks.recordings import read, renew
from concours.tasks.recordings_found import find
from concours.tasks.task import Split, Task

KIND = KINDS["audio-classification"]
Files = dict[str, bytes]


def wav(samples: object = 800, rate: int = 8000, kind: str = "int16") -> bytes:
    """A tone of so many samples, or these."""
    if isinstance(samples, int):
        samples = 8000 * np.sin(2 * np.pi * 440 * np.arange(samples) / rate)
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, np.asarray(samples).astype(kind))
    return buffer.getvalue()


FOLDERS: Files = {f"set/{label}/{n}.wav": wav(700 + 50 * n) for label in ("cat", "dog") for n in range(3)}
NAMED: Files = {f"set/{d}_{who}_{n}.wav": wav() for d in (0, 1) for who in ("ann", "bob", "cy") for n in (0, 1)}
TABLE: Files = {
    **{f"set/clips/{n}.wav": wav(700 + n) for n in range(4)},
    "set/clips.csv": b"path,animal,speaker\n"
    + b"".join(b"clips/%d.wav,%s,s%d\n" % (n, b"cd"[n % 2 :][:1], n // 2) for n in range(4)),
}


def laid(folder: Path, files: Files, how: str = "folder") -> str:
    if how == "folder":
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return "set"
    if how == "zip":
        with zipfile.ZipFile(folder / "set.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return "set.zip"
    with tarfile.open(folder / "set.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return "set.tar.gz"


def was_read(folder: Path, files: Files, how: str = "folder", **keys):
    return read(Task(kind=KIND.name, data=laid(folder, files, how), **keys), KIND, folder)


@pytest.mark.parametrize("how", ["folder", "zip", "tar.gz"])
def test_a_folder_a_class(how, tmp_path):
    """The folder is the label, samples stay as they are, and lengths differ."""
    data, test = was_read(tmp_path, FOLDERS, how)
    assert test is None
    assert list(data.y) == ["cat"] * 3 + ["dog"] * 3
    assert data.x.column_names == ["sound", "rate"]
    assert [len(one) for one in data.x["sound"].to_pylist()] == [700, 750, 800] * 2
    assert data.x["sound"][0].as_py() == wavfile.read(io.BytesIO(FOLDERS["set/cat/0.wav"]))[1].tolist()
    assert data.x["rate"].to_pylist() == [8000] * 6


@pytest.mark.parametrize("how", ["folder", "zip", "tar.gz"])
def test_names_of_files_tell(how, tmp_path):
    """The parts of names are columns: one is the label, another keeps speakers together."""
    form = "{digit}_{who}_{n}"
    data, _ = was_read(
        tmp_path, NAMED, how, target="digit", options={"file_name": form}, split=Split(group="who"), id="file"
    )
    assert sorted(set(data.y)) == ["0", "1"]
    assert sorted(set(data.x["who"].to_pylist())) == ["ann", "bob", "cy"]
    assert data.ids is not None
    assert len(set(data.ids.to_pylist())) == 12


@pytest.mark.parametrize("source", ["set", "set/clips.csv"])
def test_a_table_names_sounds(source, tmp_path):
    """Rows and labels are those of the table, whether it is named or found; other columns can split."""
    laid(tmp_path, TABLE)
    data, _ = read(Task(kind=KIND.name, data=source, target="animal", split=Split(group="speaker")), KIND, tmp_path)
    assert list(data.y) == ["c", "d", "c", "d"]
    assert data.x["speaker"].to_pylist() == ["s0", "s0", "s1", "s1"]
    assert [len(one) for one in data.x["sound"].to_pylist()] == [700, 701, 702, 703]


def test_jsonl_in_an_archive(tmp_path):
    """A table of another form, in a zip."""
    rows = "".join(f'{{"file": "clips/{n}.wav", "animal": "{"cd"[n % 2]}"}}\n' for n in range(4)).encode()
    files = {**{name: content for name, content in TABLE.items() if name.endswith(".wav")}, "set/clips.jsonl": rows}
    data, _ = was_read(tmp_path, files, "zip")
    assert list(data.y) == ["c", "d", "c", "d"]


def test_a_test_part_has_the_rate_of_the_rest(tmp_path):
    """Folders train and test divide; what judges is brought to the rate of what is fitted on, and that is said."""
    files = {
        name.replace("set/", f"set/{part}/"): content for part in ("train", "test") for name, content in FOLDERS.items()
    }
    files |= {name: wav(1400, 16000) for name in files if "/test/" in name}
    data, test = was_read(tmp_path, files)
    assert test is not None
    assert (len(data), len(test)) == (6, 6)
    assert set(test.x["rate"].to_pylist()) == {8000}
    assert [len(one) for one in test.x["sound"].to_pylist()] == [700] * 6
    assert "6 of 6 sounds were resampled to 8,000 samples a second" in " ".join(test.warnings)


def test_other_rates_and_channels_are_told(tmp_path):
    """The most common rate counts; a tone keeps its pitch and loudness; channels become their mean."""
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    files = {
        **FOLDERS,
        "set/cat/high.wav": wav(tone, 16000),
        "set/dog/wide.wav": wav(np.stack([tone[:400], -tone[:400]], 1)),
    }
    data, _ = was_read(tmp_path, files)
    said = " ".join(data.warnings)
    assert "1 of 8 sounds were resampled to 8,000 samples a second; first: cat/high.wav (16,000)" in said
    assert "1 of 8 sounds have several channels, whose mean is taken; first: dog/wide.wav" in said
    high = np.array(data.x["sound"][3].as_py())
    expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    assert np.abs(high - expected)[200:-200].max() < 20
    assert set(data.x["sound"][7].as_py()) == {0}


@pytest.mark.parametrize(("kind", "one"), [("uint8", 128 + 64), ("int16", 16384), ("int32", 2**30), ("float32", 0.5)])
def test_samples_of_any_width_become_16_bits(kind, one, tmp_path):
    """Half of full scale is half of full scale, however it is written."""
    laid(tmp_path, {"set/a.wav": wav([one] * 10, kind=kind)})
    assert read_sounds(files_of(tmp_path / "set"), ["a.wav"]).samples[0].tolist() == [16384] * 10


WHOLE = wav()
BROKEN = {
    "empty": (b"", "the file is empty"),
    "text": (b"these are words and no sound", "does not begin as a WAV file"),
    "cut off": (WHOLE[:-200], ""),
    "header alone": (WHOLE[:20], ""),
    "no samples": (wav(0), "no samples"),
    "not finite": (wav([np.nan] * 9, kind="float32"), ""),
    "no rate": (WHOLE[:24] + b"\0\0\0\0" + WHOLE[28:], ""),
    "unknown coding": (WHOLE[:20] + b"\x55\0" + WHOLE[22:], ""),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_broken_sounds_are_named(case, tmp_path):
    """A file that is no sound is named with what is wrong; it is left out only where that is asked for, and counted."""
    content, why = BROKEN[case]
    files = {**FOLDERS, "set/cat/bad.wav": content}
    with pytest.raises(DataError, match=rf"cat/bad\.wav is no sound that can be read: .*{why}.*on_bad_row"):
        was_read(tmp_path, files)
    data, _ = was_read(tmp_path, files, on_bad_row="skip")
    assert (len(data), data.left_out) == (6, 1)
    assert list(data.y) == ["cat"] * 3 + ["dog"] * 3
    assert "1 sound left out as broken; first: cat/bad.wav" in " ".join(data.warnings)


def test_rows_without_their_sound(tmp_path):
    """A table that names what is not there says which row; such rows are left out where that is asked for."""
    rows = (
        b"path,animal\n"
        + b"".join(b"clips/%d.wav,%s\n" % (n % 4, b"cd"[n % 2 :][:1]) for n in range(19))
        + b"clips/x.wav,c\n"
    )
    files = {**TABLE, "set/clips.csv": rows}
    with pytest.raises(DataError, match="1 of 20 rows name no sound that is there, .* first in row 20, 'clips/x.wav'"):
        was_read(tmp_path, files)
    data, _ = was_read(tmp_path, files, on_bad_row="skip")
    assert len(data) == 19


@pytest.mark.parametrize(
    ("files", "keys", "said"),
    [
        (NAMED, {}, "has no labels: lay sounds into a folder a class"),
        (NAMED, {"options": {"file_name": "{a}-{b}"}}, r"the name of 0_ann_0.wav is not of the form"),
        (NAMED, {"options": {"file_name": "digits"}}, "parts in braces were expected"),
        (NAMED, {"options": {"file_name": "{file}_{b}_{c}"}}, "has a column 'file' already"),
        (NAMED, {"options": {"file_name": "{a}_{b}_{c}"}}, "task.target is missing: name the column of the labels; set has: a, b, c"),
        (FOLDERS, {"target": "digit"}, "task.target: set has no column 'digit'"),
        (FOLDERS, {"split": Split(group="speaker")}, "task.split.group: set has no column 'speaker'"),
        (TABLE, {"options": {"sound": "clip"}}, "task.sound: clips.csv has no column 'clip'"),
        ({"set/a.csv": b"a,b\n1,2\n"}, {}, "set holds no sounds"),
    ],
)  # fmt: skip
def test_keys_that_do_not_suit(files, keys, said, tmp_path):
    """Each is told in one line, with what is there."""
    with pytest.raises((ContestError, DataError), match=said):
        was_read(tmp_path, files, **keys)


def test_new_sounds(tmp_path):
    """New sounds come at the rate of the fit, from folders, tables or a single file."""
    data, _ = was_read(tmp_path, FOLDERS)
    laid(tmp_path / "new", {"set/b.wav": wav(1600, 16000), "set/a.wav": wav(500)})
    told: list[str] = []
    x, opened = renew(tmp_path / "new" / "set", data.x, told=told.append)
    assert [len(one) for one in x["sound"].to_pylist()] == [500, 800]
    assert x.schema == pa.schema([data.x.schema.field("sound"), data.x.schema.field("rate")])
    assert opened.x["file"].to_pylist() == ["a.wav", "b.wav"]
    assert "resampled" in told[0]
    assert len(renew(tmp_path / "new" / "set" / "b.wav", data.x)[0]) == 1
    (tmp_path / "new" / "set" / "b.wav").write_bytes(b"")
    with pytest.raises(DataError, match="b.wav is no sound that can be read: the file is empty; mend or remove it$"):
        renew(tmp_path / "new" / "set" / "b.wav", data.x)


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_packed_sounds(suffix, tmp_path, monkeypatch):
    """FLAC and Ogg are read by a library; without it the message has the extra."""
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)
    laid(tmp_path, {f"set/a.{suffix}": b"", "set/b.wav": wav(tone)})
    if installed("soundfile"):
        import soundfile

        soundfile.write(tmp_path / "set" / f"a.{suffix}", tone, 8000)
        found = read_sounds(files_of(tmp_path / "set"), [f"a.{suffix}"])
        assert np.abs(found.samples[0].astype(int) - tone)[500:-500].mean() < (1 if suffix == "flac" else 300)
    monkeypatch.setattr(sounds, "installed", lambda module: False)
    with pytest.raises(DataError, match=r"read by soundfile; get it with: pip install 'concours\[audio\]'"):
        read_sounds(files_of(tmp_path / "set"), [f"a.{suffix}"])


def found_in(folder: Path, files: Files, source: str = "set", **options):
    laid(folder, files)
    keys = find(folder / source, Options(**options))
    return keys and {key: value for key, (value, _) in keys.items() if key != "data"}


def test_a_source_tells_the_kind(tmp_path):
    """Folders, names of files and tables are found; speakers stay together; a person's own words count."""
    assert found_in(tmp_path / "a", FOLDERS) == {"target": "folder", "id": "file", "split": {"test": 0.3}}
    form, split = "{part1}_{part2}_{part3}", {"test": 0.3, "group": "part2", "folds": 2}
    assert found_in(tmp_path / "b", NAMED) == {"file_name": form, "target": "part1", "id": "file", "split": split}
    assert found_in(tmp_path / "b", NAMED, names=("part3",))["target"] == "part3"
    for source in ("set", "set/clips.csv"):
        keys = found_in(tmp_path / "c", TABLE, source)
        assert (keys["target"], keys["split"]["group"]) == ("animal", "speaker")
    with pytest.raises(DataError, match="nothing tells their labels: lay the sounds|nothing tells their labels"):
        found_in(tmp_path / "d", {f"set/x{n}.wav": WHOLE for n in range(5)})
    assert found_in(tmp_path / "e", {"set/a.csv": b"a,b\n1,2\n"}) is None
