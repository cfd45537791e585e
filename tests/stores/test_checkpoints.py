"""Weights of files: heads are not believed, stretches change nothing, and a run that is killed goes on."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.digests import digest_json
from concours.core.errors import DataError
from concours.kernels.merging.gram import BLOCK
from concours.kernels.merging.methods import METHODS
from concours.stores.checkpoints.folders import INDEX, opened_checkpoint
from concours.stores.checkpoints.machines import Device, Machine, Processor
from concours.stores.checkpoints.pieces import Files, Piece, make
from concours.stores.checkpoints.staging import shards_of, staged
from concours.stores.checkpoints.streaming import Written, merge_into
from concours.stores.checkpoints.tensors import Stored, head_of, tensors_in

SIZE = (1 << 16) * 2 + 5000


def written(folder: Path, tensors: dict[str, np.ndarray]) -> dict[str, Stored]:
    """The tensors of a folder that holds these."""
    folder.mkdir(parents=True)
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    return dict(opened_checkpoint(folder).tensors)


def models(folder: Path, count: int = 2, size: int = SIZE, dtype: str = "f4") -> list[dict[str, Stored]]:
    """Models, the first the base of the others."""
    random = np.random.default_rng(0)
    base = random.normal(size=size).astype(dtype)
    made = [base, *((base + random.integers(-9, 10, size) / 64).astype(dtype) for _ in range(count))]
    small = {"bias": np.arange(5).astype(dtype), "count": np.array([3], dtype=np.int64)}
    return [written(folder / f"m{number}", {"layer": one, **small}) for number, one in enumerate(made)]


def pieces_of(parents: list[dict[str, Stored]], method: str = "ties", dtype: str | None = None) -> list[Piece]:
    """A merge of all tensors."""
    base, *others = parents
    others = others[: METHODS[method].models[1] or len(others)]
    known: dict[str, Any] = {"weights": [1.0] * len(others), "density": 0.3, "gamma": 0.1, "t": 0.4, "seed": 9}
    given_to = {key: value for key, value in known.items() if METHODS[method].takes(key)}
    return [
        Piece(name, dtype or own.dtype, own.shape, method, tuple(other[name] for other in others),
              base[name] if METHODS[method].takes("base") else None, given_to)
        if own.dtype.startswith("F")
        else Piece(name, own.dtype, own.shape, None, tuple(other[name] for other in parents))
        for name, own in base.items()
    ]  # fmt: skip


def merged(out: Path, pieces: list[Piece], machine: Machine | None = None, workers: int = 2) -> bytes:
    """The bytes of the weights that come out."""
    plan = digest_json([[piece.name, piece.dtype, piece.method] for piece in pieces])
    merge_into(out, pieces, plan=plan, machine=machine or Processor(), workers=workers, beside=lambda folder: None)
    return b"".join(file.read_bytes() for file in sorted(out.glob("*.safetensors")))


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("dtype", ["f4", "f2"])
def test_files_are_merged_as_arrays_are(tmp_path: Path, method: str, dtype: str) -> None:
    """What is written is what the method makes of whole arrays, however long the stretches are and how many work."""
    parents = models(tmp_path, dtype=dtype)
    pieces = pieces_of(parents, method)
    whole = merged(tmp_path / "whole", pieces, Processor(1 << 30), workers=1)
    assert merged(tmp_path / "cut", pieces, Processor(1 << 16), workers=3) == whole
    found = safetensors.numpy.load_file(tmp_path / "whole" / "model.safetensors")
    arrays = [safetensors.numpy.load_file(tmp_path / f"m{number}" / "model.safetensors") for number in range(3)]
    wide = np.float64 if dtype == "f4" else np.float32
    for piece in pieces:
        own = [one[piece.name] for one in arrays]
        if piece.method is None:
            assert np.array_equal(found[piece.name], own[0])
            continue
        more = {"base": own[0].astype(wide)} if piece.base else {}
        others = [one.astype(wide) for one in own[1 : 1 + len(piece.tensors)]]
        expected = METHODS[method].merge(others, **piece.given or {}, **more).astype(dtype)
        assert np.array_equal(found[piece.name], expected), piece.name


def test_a_device_comes_to_the_same(tmp_path: Path) -> None:
    """Torch's way, tried on its processor: forms go in and out by their bits, also those that numpy has not."""
    pytest.importorskip("torch")
    pieces = pieces_of(models(tmp_path), "ties", dtype="BF16")
    assert merged(tmp_path / "a", pieces) == merged(tmp_path / "b", pieces, Device("cpu", stretch=1 << 16))
    again = [dict(opened_checkpoint(tmp_path / "a").tensors)] * 3
    halves = pieces_of(again, "linear", dtype="F16")
    assert merged(tmp_path / "c", halves) == merged(tmp_path / "d", halves, Device("cpu"))


def test_weights_may_lie_in_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards are read by their index, and written with one where there is too much for a file; they are read again."""
    pieces = pieces_of(models(tmp_path), "linear")
    one = merged(tmp_path / "one", pieces)
    monkeypatch.setattr("concours.stores.checkpoints.streaming.shards_of", lambda pieces: shards_of(pieces, 100))
    merged(tmp_path / "many", pieces)
    assert len(list((tmp_path / "many").glob("*.safetensors"))) == 2
    index = json.loads((tmp_path / "many" / INDEX).read_text())
    assert index["metadata"]["total_size"] == sum(piece.bytes for piece in pieces)
    read = {name: tensor.shape for name, tensor in opened_checkpoint(tmp_path / "many").tensors.items()}
    assert read == {piece.name: piece.shape for piece in pieces}
    monkeypatch.undo()
    again = [dict(opened_checkpoint(tmp_path / "many").tensors)] * 2
    assert merged(tmp_path / "again", pieces_of(again, "linear")) == one


KILLED = """
    import os, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_checkpoints import opened_checkpoint, pieces_of, merged
    import concours.stores.checkpoints.staging as staging
    staging._SYNCED = 1
    count = 0
    through = staging.Staging._through
    def counting(self, lines):
        global count
        through(self, lines)
        count += len(lines)
        if count >= {after}:
            os.kill(os.getpid(), 9)
    staging.Staging._through = counting
    folder = Path({folder!r})
    parents = [dict(opened_checkpoint(folder / f"m{{number}}").tensors) for number in range(3)]
    merged(folder / "out", pieces_of(parents), workers=1)
"""


@pytest.mark.parametrize("after", [1, 2])
def test_a_run_that_was_killed_goes_on(tmp_path: Path, after: int) -> None:
    """Killed after some tensors: nothing has the wanted name, nothing looks like a model; the same run makes the rest."""
    parents = models(tmp_path)
    expected = merged(tmp_path / "expected", pieces_of(parents))
    text = KILLED.format(tests=str(Path(__file__).parent), after=after, folder=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], env=dict(os.environ), timeout=60)
    assert ended.returncode == -signal.SIGKILL
    out = tmp_path / "out"
    assert not out.exists()
    assert not list(staged(out).glob("*.safetensors"))
    made: list[str] = []
    pieces = pieces_of(parents)
    plan = digest_json([[piece.name, piece.dtype, piece.method] for piece in pieces])
    came = merge_into(
        out,
        pieces,
        plan=plan,
        machine=Processor(),
        workers=1,
        beside=lambda folder: None,
        told=lambda piece: made.append(piece.name),
    )
    assert came.before == after
    assert len(made) == len(pieces) - after
    assert (out / "model.safetensors").read_bytes() == expected
    assert sorted(file.name for file in out.iterdir()) == ["model.safetensors"]
    assert not staged(out).exists()


def test_what_another_plan_has_left_is_not_taken_up(tmp_path: Path) -> None:
    """A merge of other models or settings begins anew, and so does one whose half file is of another length."""
    parents = models(tmp_path)

    def broken(folder: Path) -> None:
        raise OSError("no more")

    def begin(plan: str) -> None:
        with pytest.raises(OSError, match="no more"):
            merge_into(out, pieces_of(parents), plan=digest_json(plan), machine=Processor(), workers=1, beside=broken)

    out = tmp_path / "out"
    for change in (lambda: None, lambda: os.truncate(staged(out) / "model.safetensors.part", 100)):
        begin("one")
        change()
        plan = digest_json(
            "two" if change() is None and (staged(out) / "model.safetensors.part").stat().st_size > 100 else "one"
        )
        came = merge_into(
            out, pieces_of(parents), plan=plan, machine=Processor(), workers=1, beside=lambda folder: None
        )
        assert came.before == 0
        assert (out / "model.safetensors").read_bytes() == merged(tmp_path / "fresh", pieces_of(parents))
        for folder in (out, tmp_path / "fresh"):
            (folder / "model.safetensors").unlink()
            folder.rmdir()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """What lies where the model is to go is never written over; and two runs do not write one folder."""
    pieces = pieces_of(models(tmp_path))
    (tmp_path / "out").mkdir()
    merged(tmp_path / "out", pieces)  # an empty folder is none
    with pytest.raises(DataError, match="is there already"):
        merged(tmp_path / "out", pieces)

    def meanwhile(folder: Path) -> None:
        with pytest.raises(DataError, match="being written by another command"):
            merged(tmp_path / "two", pieces)

    merge_into(tmp_path / "two", pieces, plan=digest_json(1), machine=Processor(), workers=1, beside=meanwhile)


def test_broken_numbers_are_named(tmp_path: Path) -> None:
    """NaN in a parent, with its folder and tensor; what float16 cannot hold; counts that differ. Nothing is left."""
    parents = models(tmp_path, size=1000)
    values = np.ones(1000, dtype="f4")
    values[77] = np.nan
    lost = written(tmp_path / "lost", {"layer": values, "bias": np.zeros(5, "f4"), "count": np.array([3])})
    for method in ("ties", "slerp", "linear"):
        with pytest.raises(DataError, match=r"lost: tensor 'layer' holds NaN"):
            merged(tmp_path / "out", pieces_of([parents[0], parents[1], lost], method))
    great = written(
        tmp_path / "great", {"layer": np.full(1000, 7e4, "f4"), "bias": np.zeros(5, "f4"), "count": np.array([3])}
    )
    with pytest.raises(DataError, match=r"'layer' comes out greater than float16"):
        merged(tmp_path / "out", pieces_of([great, great, great], "linear", dtype="F16"))
    other = written(
        tmp_path / "other", {"layer": np.ones(1000, "f4"), "bias": np.zeros(5, "f4"), "count": np.array([4])}
    )
    with pytest.raises(DataError, match=r"'count' is of I64, which are no weights"):
        merged(tmp_path / "out", pieces_of([parents[0], parents[1], other]))
    assert not (tmp_path / "out").exists()
    assert not staged(tmp_path / "out").exists()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("number", [np.inf, -np.inf])
def test_infinite_numbers_that_are_carried_over_are_told(tmp_path: Path, dtype: str, number: float) -> None:
    """Of either sign, in any stretch: which tensor has them, and from whom; also where an earlier run has made it."""
    parents = models(tmp_path, dtype=dtype)
    values = np.ones(SIZE, dtype=dtype)
    values[-3] = number
    odd = written(
        tmp_path / "odd", {"layer": values, "bias": np.zeros(5, dtype), "count": np.array([3], dtype=np.int64)}
    )
    pieces, ran = pieces_of([parents[0], odd, parents[1]], "linear"), []

    def interrupted(folder: Path) -> None:
        if not ran:
            ran.append(folder)
            raise OSError("no more")

    def run() -> Written:
        out, plan = tmp_path / "out", digest_json(1)
        return merge_into(out, pieces, plan=plan, machine=Processor(1 << 16), workers=1, beside=interrupted)

    with pytest.raises(OSError, match="no more"):
        run()
    assert run() == Written(3, {"layer": [str(tmp_path / "odd")]})
    with pytest.raises(DataError, match=r"'layer' comes out as NaN: infinite numbers in \S*odd; get that model anew"):
        merged(tmp_path / "far", pieces_of([odd, odd, parents[1]], "task_arithmetic"))
    with pytest.raises(DataError, match="'layer': numbers are infinite or too great for angles"):
        merged(tmp_path / "arc", pieces_of([parents[0], odd, parents[1]], "slerp"))


def test_numbers_too_great_for_their_form_are_no_infinite_ones(tmp_path: Path) -> None:
    """In every form: what cannot be held is an error that says in which form it can be."""
    great = written(tmp_path / "great", {"layer": np.full(9, 1e300), "bias": np.ones(2)})
    for form, said in (
        ("F16", r"float16 can hold \(65504\); write it as float64 or float32 or bfloat16 "),
        ("F32", r"float32 can hold \(3.40282e\+38\); write it as float64 "),
        ("BF16", r"bfloat16 can hold \(3.38953e\+38\); write it as float64 or float32 "),
    ):
        with pytest.raises(DataError, match=said):
            merged(tmp_path / "out", pieces_of([great, great], "linear", dtype=form))
    with pytest.raises(DataError, match="numbers are infinite or too great for angles"):
        merged(tmp_path / "out", pieces_of([great, great, great], "slerp"))


def test_slow_work_is_written_through_before_there_is_much_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tensor that was long in coming stands in the ledger before the next is made, however small it is."""
    monkeypatch.setattr("concours.stores.checkpoints.staging._EVERY", 0.0)
    pieces = pieces_of(models(tmp_path, size=1000), "linear")
    ledger = staged(tmp_path / "out") / "merged.jsonl"
    lines: list[int] = []

    def told(piece: Piece) -> None:
        deadline = time.monotonic() + 30
        while len(ledger.read_text().splitlines()) <= len(lines) + 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        lines.append(len(ledger.read_text().splitlines()))

    merge_into(
        tmp_path / "out",
        pieces,
        plan=digest_json(1),
        machine=Processor(),
        workers=1,
        beside=lambda folder: None,
        told=told,
    )
    assert lines == [2, 3, 4]


def test_memory_does_not_grow_with_the_models(tmp_path: Path) -> None:
    """A stretch of many models is shorter, down to what is needed: how long is told from what is allowed."""
    longest = 0

    class Counting(Processor):
        def widened(self, kept: Any, dtype: str, wide: str) -> Any:
            nonlocal longest
            longest = max(longest, len(kept))
            return super().widened(kept, dtype, wide)

    parents = models(tmp_path, count=1)
    for count in (2, 50):
        longest = 0
        many = [parents[0], *([parents[1]] * count)]
        piece = next(piece for piece in pieces_of(many) if piece.name == "layer")
        files = Files()
        make(piece, files, Counting(), lambda content, begin: None, memory=1 << 23)
        files.close()
        assert longest * 8 * 6 * (count + 2) <= 1 << 23 or longest == BLOCK


def tampered(head: Callable[[dict[str, Any]], Any], tmp_path: Path) -> Path:
    """A file whose head was changed."""
    file = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({"a": np.ones((2, 3), "f4"), "b": np.ones(4, "f4")}, file)
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    rows = json.loads(content[8 : 8 + length])
    changed = head(rows)
    text = json.dumps(rows if changed is None else changed).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return file


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (lambda rows: rows["a"].update(shape=[2, 4]), "should take 32 bytes, its head says 24"),
        (lambda rows: rows["a"].update(dtype="F31"), "says no tensor"),
        (lambda rows: rows["a"].update(shape=[-2, -3]), "says no tensor"),
        (lambda rows: rows["a"].update(shape=[2, 3.0]), "says no tensor"),
        (lambda rows: rows["a"].update(data_offsets=[0]), "says no tensor"),
        (lambda rows: rows["a"].pop("shape") and None, "says no tensor"),
        (lambda rows: rows["b"].update(data_offsets=[8, 24]), "does not begin where"),
        (lambda rows: rows["b"].update(shape=[1000], data_offsets=[24, 4024]), "is cut off: its head says"),
        (lambda rows: rows.pop("b") and None, "16 bytes more than its head says"),
        (lambda rows: [1, 2], "head is not that of a safetensors file"),
        (lambda rows: {"a": 3}, "head is not that of a safetensors file"),
    ],
)
def test_a_head_is_not_believed(tmp_path: Path, head: Callable[[dict[str, Any]], Any], said: str) -> None:
    """What it says is compared with what is there, before anything is read by it."""
    with pytest.raises(DataError, match=said):
        tensors_in(tampered(head, tmp_path))


@given(cut=st.integers(0, 400), flip=st.none() | st.tuples(st.integers(0, 200), st.integers(1, 255)))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_told_in_one_way(tmp_path: Path, cut: int, flip: tuple[int, int] | None) -> None:
    """Cut anywhere or changed in any byte of its head, a file is read as it says, or is a DataError that names it."""
    file = tmp_path / "damaged.safetensors"
    content = bytearray(safetensors.numpy.save({"a": np.ones((2, 3), "f4"), "b": np.ones(4, "f4")}))
    if flip:
        content[flip[0] % len(content)] ^= flip[1]
    file.write_bytes(bytes(content[: max(0, len(content) - cut)]))
    try:
        found = tensors_in(file)
    except DataError as error:
        assert "damaged.safetensors" in str(error)  # noqa: PT017 (either is right)
    else:
        assert all(tensor.begin + tensor.bytes <= file.stat().st_size for tensor in found.values())


def test_heads_are_those_of_the_library(tmp_path: Path) -> None:
    """What is written is read by safetensors itself, with its forms and shapes."""
    content = head_of([("a", "BF16", (2, 2)), ("b", "F32", ())], {"format": "pt"}) + bytes(8 + 4)
    (tmp_path / "x.safetensors").write_bytes(content)
    with safetensors.safe_open(tmp_path / "x.safetensors", framework="numpy") as file:
        assert file.metadata() == {"format": "pt"}
        assert file.get_slice("a").get_dtype() == "BF16"
        assert file.get_slice("a").get_shape() == [2, 2]
    assert [tensor.shape for tensor in tensors_in(tmp_path / "x.safetensors").values()] == [(2, 2), ()]


def test_folders_that_hold_no_model_say_what_they_hold(tmp_path: Path) -> None:
    """Pickles are never read, adapters are no models, and an index may neither lie nor lead outside."""
    with pytest.raises(DataError, match="there is no such folder"):
        opened_checkpoint(tmp_path / "none")
    with pytest.raises(DataError, match="has no weights"):
        opened_checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(DataError, match=r"weights are pickles \(pytorch_model.bin\), which run code"):
        opened_checkpoint(tmp_path)
    safetensors.numpy.save_file({"a": np.ones(2)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(DataError, match="holds an adapter and no model"):
        opened_checkpoint(tmp_path)
    (tmp_path / "adapter_model.safetensors").rename(tmp_path / "one.safetensors")
    assert [*opened_checkpoint(tmp_path).tensors] == ["a"]
    safetensors.numpy.save_file({"a": np.ones(2)}, tmp_path / "two.safetensors")
    with pytest.raises(DataError, match=r"2 files of safetensors and no model.safetensors.index.json"):
        opened_checkpoint(tmp_path)
    for index, said in (
        ({"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}}, "1 tensor is not there, which .* names: b"),
        ({"weight_map": {"a": "../one.safetensors"}}, "files lie beside it"),
        ({"weight_map": {"a": "three.safetensors"}}, "three.safetensors is missing"),
        ({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}, "1 tensor is not there"),
        ({"weight_map": 3}, "expected `weight_map`"),
    ):
        (tmp_path / INDEX).write_text(json.dumps(index))
        with pytest.raises(DataError, match=said):
            opened_checkpoint(tmp_path)
