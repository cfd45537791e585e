"""Networks go on from their last epoch after a kill, and end with the bytes of those that nobody disturbed."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import Tensor, nn

from concours import Contest, Entrant, Split, Task
from concours.core import scratch
from concours.core.digests import Digest, digest_json
from concours.core.errors import NoSpace
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Notice
from concours.engine import scratch as scratches
from concours.engine.inline import InlineExecutor
from concours.engine.limits import Limits
from concours.engine.processes import ProcessExecutor
from concours.engine.runners import RUNNERS
from concours.engine.scratch import SCRATCH, FolderScratch, forget, resumed
from concours.engine.work import JobResult, RunnerSpec, execute
from concours.entrants.generators import gan_round, pair_of
from concours.entrants.modules import ModuleClassifier
from concours.entrants.neural import ConvClassifier, DenseClassifier, DenseRegressor, VisionTransformerClassifier
from concours.entrants.passes import Form
from concours.entrants.population import ScheduledClassifier
from concours.entrants.stack import Hyperparameters, Stack, train
from concours.entrants.text_networks import TextTransformerClassifier
from concours.runs.gc import collect
from concours.stores.blobs import put_array
from concours.stores.disk import DiskStore
from concours.stores.memory import MemoryStore
from concours.testing.toys import toy_output

JOB, CODE = digest_json("a job"), digest_json("its code")
CPU = {"device": "cpu"}


class Killed(BaseException):
    """What stands for the end of a process: no `except Exception` takes it."""


class Watched(scratch.Slot):
    """A slot that counts what is written, and after so many pages the process is gone."""

    def __init__(self, slot: scratch.Slot, pages: Pages) -> None:
        self._slot, self._pages, self.keeps = slot, pages, slot.keeps

    def read(self) -> bytes | None:
        return self._slot.read()

    def go_on(self) -> None:
        self._slot.go_on()

    def due(self) -> bool:
        return self._slot.due()

    def write(self, content: bytes) -> None:
        self._slot.write(content)
        self._pages.written += 1
        if self._pages.written == self._pages.last:
            raise Killed


@dataclass
class Pages:
    """How many were written; after which one the process is gone."""

    last: int | None = None
    written: int = 0


@dataclass
class Place:
    """A folder of scratch, and what is done with it."""

    folder: Path
    code: Digest = CODE
    pages: Pages = field(default_factory=Pages)

    def do(self, work: Callable[[], Any], *, last: int | None = None, job: Digest = JOB) -> Any:
        """Does some work with scratch; what it gives, or None where it was killed after so many pages."""
        self.pages = pages = Pages(last)

        class Counting(FolderScratch):
            def slot(self) -> scratch.Slot:
                return Watched(super().slot(), pages)

        with scratch.keeping(Counting(self.folder, job, lambda: self.code)):
            try:
                return work()
            except Killed:
                return None

    def files(self) -> list[Path]:
        """What is kept."""
        return sorted((self.folder / SCRATCH).glob("*"))


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Epochs of milliseconds are kept, too; and bytes are promised for a number of threads."""
    monkeypatch.setattr(scratches, "EVERY_S", 0.0)
    monkeypatch.setattr(scratches, "SHARE", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty one."""
    return Place(tmp_path / "store")


class Plain(nn.Module):
    """A user's module with all that moves: norms, dropout, a buffer of its own that is kept with no model, a table."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
        self.table = torch.linspace(0.9, 1.1, 6)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64), persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        if self.training:
            self.seen += len(rows)
            rows = rows + 0.01 * float(self.seen) * torch.rand(1) + 0.01 * float(np.random.random() + random.random())
        said: Tensor = self.body(rows * self.table)
        return said


class Counts(Plain):
    """A module that remembers in a number of Python's how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def forward(self, rows: Tensor) -> Tensor:
        self.steps += self.training
        return super().forward(rows) * (1 + 0.01 * self.steps)


class Draws(Plain):
    """A module with random numbers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = torch.Generator().manual_seed(3)

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows) + torch.rand(3, generator=self.chance)


def rows_of(sort: str) -> tuple[Any, np.ndarray]:
    """Eighty rows of a sort, and their targets: three classes, or numbers."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, size=80)
    if sort == "images":
        return (rng.random((80, 8, 8, 1)) * 100 + 50 * labels[:, None, None, None]).astype(np.uint8), labels
    if sort == "texts":
        words = np.array(["ant", "bee", "cow", "dog", "elk", "fox"])
        return np.array([" ".join(words[rng.integers(label, label + 4, size=6)]) for label in labels]), labels
    table = (rng.normal(size=(80, 6)) + labels[:, None]).astype(np.float32)
    return table, table[:, 0].astype(np.float64) * 3 + 7 if sort == "numbers" else labels


def estimator(sort: str, kind: type, **params: Any) -> Callable[[], Any]:
    """Fits one anew each time, with the global generators as a job would seed them; gives all that was fitted."""

    def fit() -> Any:
        random.seed(1)
        np.random.seed(1)
        found = kind(random_state=7, **params).fit(*rows_of(sort))
        tensors = {name: array.tobytes() for name, array in found.get_tensors().items()}
        return tensors, json.dumps(found.get_state(), sort_keys=True), random.random(), np.random.random()

    return fit


def module(kind: type[nn.Module]) -> Callable[[], Any]:
    """Fits a user's module."""

    def made(*, random_state: int) -> ModuleClassifier:
        return ModuleClassifier("mine", kind, training={"epochs": 4, **CPU}, random_state=random_state)

    return estimator("table", made)  # type: ignore[arg-type]


def stack(threads: int) -> Callable[[], Any]:
    """Trains three members in blocks of one."""

    def work() -> Any:
        form = Form(inputs=6, hidden=(8,), outputs=3)
        found = Stack.begin(form, [1, 2, 3])
        x, y = rows_of("table")
        how = [Hyperparameters(learning_rate=rate, dropout=0.2) for rate in (0.01, 0.02, 0.005)]
        told = (torch.from_numpy(x), torch.from_numpy(y), how, [4, 5, 6])
        losses = train(found, *told, epochs=3, batch_size=16, threads=threads, block=1)
        return (
            losses.tobytes(),
            found.steps,
            *(getattr(found, n).numpy().tobytes() for n in ("weights", "first", "second")),
        )

    return work


def generators() -> Any:
    """A round of a generator against its discriminator."""
    pictures = (rows_of("images")[0] / 127.5 - 1).astype(np.float32)
    pair = pair_of("conv", "dense", (8, 8, 1), seed=3)
    losses = gan_round(pair, pictures, epochs=3, seed=4)
    return losses, {name: array.tobytes() for name, array in pair.tensors().items()}


WORKS = {
    "dense": estimator("table", DenseClassifier, epochs=5, training={"patience": 2, **CPU}),
    "sgd, nothing held out": estimator(
        "table", DenseClassifier, epochs=4, training={"validation_share": 0.0, "optimiser": "sgd", **CPU}
    ),
    "numbers": estimator("numbers", DenseRegressor, epochs=4, training=CPU, norm="batch", dropout=0.2),
    "convolutional": estimator("images", ConvClassifier, epochs=3, training=CPU),
    "vision": estimator("images", VisionTransformerClassifier, epochs=3, training=CPU),
    "texts": estimator("texts", TextTransformerClassifier, epochs=3, training=CPU),
    "a user's": module(Plain),
    "schedule": estimator(
        "table",
        ScheduledClassifier,
        hidden=[8],
        schedule=[{"epochs": 2, "learning_rate": 0.01, "dropout": 0.2}, {"epochs": 2, "learning_rate": 0.002}],
    ),
    "members": stack(1),
    "generators": generators,
}


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_killed_after_any_epoch_it_ends_in_the_same_bytes(
    work: Callable[[], Any], place: Place, tmp_path: Path
) -> None:
    """Weights, moments, random states of every sort, the order of rows and the best epoch so far are as they were; and only
    the epochs that were lost are done again. Scratch itself changes nothing.
    """
    undisturbed = work()
    assert place.do(work) == undisturbed
    epochs = place.pages.written
    assert epochs >= 3
    for last in range(1, epochs + 1):
        killed = Place(tmp_path / f"killed{last}")
        assert killed.do(work, last=last) is None
        assert killed.do(work) == undisturbed
        assert killed.pages.written == epochs - last


def test_killed_again_and_again_it_ends_in_the_same_bytes(place: Place) -> None:
    """One epoch a session."""
    work = WORKS["dense"]
    undisturbed, sessions = work(), 0
    while (found := place.do(work, last=1)) is None:
        sessions += 1
    assert found == undisturbed
    assert sessions >= 3
    assert len(place.files()) == 1  # the last epoch alone


def test_blocks_on_threads_go_on_each_from_its_own(place: Place) -> None:
    """Members are trained in blocks, several at once: each has a place of its own."""
    work = stack(2)
    undisturbed = work()
    assert place.do(work, last=4) is None
    assert place.do(work) == undisturbed
    assert len(place.files()) == 3


@pytest.mark.parametrize("kind", [Counts, Draws])
def test_a_module_that_remembers_elsewhere_is_fitted_from_the_beginning(kind: type[nn.Module], place: Place) -> None:
    """What a module keeps in attributes cannot be put back: a bookmark would end in other bytes, so there is none."""
    work = module(kind)
    undisturbed = work()
    assert place.do(work) == undisturbed
    assert place.pages.written == 0


# What is not taken up


@pytest.mark.parametrize("what", ["job", "code", "rows", "settings"])
def test_another_job_other_code_other_rows_or_settings_take_nothing_up(what: str, place: Place) -> None:
    """What was kept is of one job, one code, and one beginning."""
    work = WORKS["dense"]
    assert place.do(work, last=3) is None
    other, job = work, JOB
    if what == "job":
        job = digest_json("another job")
    if what == "code":
        place.code = digest_json("other code")
    if what == "rows":
        other = estimator("numbers", DenseRegressor, epochs=5, training={"patience": 2, **CPU})
    if what == "settings":
        other = estimator("table", DenseClassifier, epochs=6, training={"patience": 2, **CPU})
    undisturbed = other()
    assert place.do(other, job=job) == undisturbed
    assert place.pages.written >= 5


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _flipped(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def _longer(content: bytes, rng: random.Random) -> bytes:
    return content + rng.randbytes(5)


def _other(content: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(200)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("damage", [_cut, _flipped, _longer, _other])
def test_damaged_scratch_does_no_harm(damage: Callable[..., bytes], seed: int, place: Place) -> None:
    """The fit is done from its beginning, to the same bytes, and what is kept then is whole again."""
    work = WORKS["dense"]
    undisturbed = work()
    place.do(work, last=3)
    (file,) = place.files()
    file.write_bytes(damage(file.read_bytes(), random.Random(seed)))
    assert place.do(work) == undisturbed
    assert place.pages.written == 5


@pytest.mark.parametrize("what", ["file", "folder"])
def test_no_link_is_followed(what: str, place: Place, tmp_path: Path) -> None:
    """Neither to read nor to write: a fit goes on without scratch."""
    work, elsewhere = WORKS["dense"], tmp_path / "elsewhere"
    place.do(work, last=3)
    (file,) = place.files()
    if what == "file":
        content = file.read_bytes()
        elsewhere.write_bytes(content)
        file.unlink()
        file.symlink_to(elsewhere)
    else:
        (place.folder / SCRATCH).rename(elsewhere)
        (place.folder / SCRATCH).symlink_to(elsewhere)
        content = (elsewhere / file.name).read_bytes()
    assert place.do(work) == work()
    assert (elsewhere if what == "file" else elsewhere / file.name).read_bytes() == content


def test_where_nothing_can_be_written_a_fit_goes_on_without(place: Place) -> None:
    """A full or read-only disk is no reason to fail: here a file stands where the folder should be."""
    place.folder.mkdir()
    (place.folder / SCRATCH).write_bytes(b"")
    assert place.do(WORKS["dense"]) == WORKS["dense"]()


# When something is kept


def test_epochs_of_milliseconds_are_not_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every two seconds at most, and not more than a fiftieth of the time; a fit that is shorter leaves nothing."""
    monkeypatch.undo()
    assert scratches.EVERY_S == 2.0
    place.do(WORKS["dense"])
    assert place.pages.written == 0
    assert not place.files()


def failing(job: Job, store: Any) -> JobResult:
    """Keeps something, and fails."""
    scratch.current().slot().write(b"half")
    raise ValueError("no")


def short_of_space(job: Job, store: Any) -> JobResult:
    raise NoSpace("no space left")


def killed(job: Job, store: Any) -> JobResult:
    """Keeps something, and its process is gone."""
    scratch.current().slot().write(b"half")
    raise Killed


def late(job: Job, store: Any) -> JobResult:
    """Goes on from where it had taken a hundred seconds."""
    began = scratch.clock()
    scratch.current().went_on(100.0, 50.0)  # type: ignore[attr-defined]
    return JobResult(phases={"fit": scratch.clock() - began})


def _of(work: Callable[..., Any]) -> dict[str, RunnerSpec]:
    spec = RunnerSpec(reference="", version=1)
    vars(spec)["runner"] = work
    return {"toy": spec}


def test_scratch_goes_when_its_job_has_ended_and_stays_when_it_was_interrupted(tmp_path: Path) -> None:
    """Well or badly. A memory store keeps none."""
    store, job = DiskStore(tmp_path / "store"), Job(runner="toy")
    with pytest.raises(Killed):
        _done(job, store, killed)
    assert len(Place(store.folder).files()) == 1
    assert isinstance(_done(Job(runner="toy", seed=1), store, failing), Failed)
    assert len(Place(store.folder).files()) == 1  # of the other job
    assert isinstance(_done(job, store, short_of_space), Failed)
    assert len(Place(store.folder).files()) == 1  # it could end well on a disk that has room
    assert isinstance(_done(job, store, failing), Failed)
    assert not Place(store.folder).files()
    assert isinstance(_done(job, MemoryStore(), failing), Failed)
    forget(store.folder, job.digest)


def test_a_fit_that_went_on_says_what_it_took_in_all(tmp_path: Path) -> None:
    """Seconds on the board are those of the work, as if it had not been interrupted; lost epochs count once."""
    event = _done(Job(runner="toy"), DiskStore(tmp_path / "store"), late)
    assert isinstance(event, Done)
    assert 99 < event.cost.phases["fit"] <= event.cost.wall_s < 160
    assert 49.9 < event.cost.cpu_s < 110  # clocks of processors count in steps
    place = FolderScratch(tmp_path, JOB, lambda: CODE)
    place.went_on(30.0, 3.0)
    place.went_on(20.0, 2.0)  # an earlier piece of the same work, which is in the thirty
    assert 30.0 <= place.spent()[0] < 45.0


def _done(job: Job, store: Any, work: Callable[..., Any]) -> Done | Failed:
    return resumed(job, store, _of(work), lambda: execute(job, store, _of(work)))


# Jobs, and whole contests


@pytest.fixture(scope="module")
def fitting(tmp_path_factory: pytest.TempPathFactory) -> tuple[DiskStore, Job]:
    """A store with rows, and the job of fitting a network on them."""
    store = DiskStore(tmp_path_factory.mktemp("fitting") / "store")
    x, y = rows_of("table")
    inputs = {
        "x": put_array(store, np.tile(x, (40, 1)).astype(np.float64)),
        "y": put_array(store, np.tile(y, 40)),
        "folds": put_array(store, np.arange(3200) % 4),
    }
    recipe = "concours.entrants.neural:DenseClassifier"
    own = {"epochs": 12, "hidden": [256, 256], "training": {"patience": 12, **CPU}}
    params = {"recipe": recipe, "params": own, "output": toy_output(3).told, "fold": 0, "prepared": False}
    return store, Job(runner="fit", inputs=inputs, params=params, seed=3, outputs=("valid", "model"))


def test_a_worker_is_killed_in_training(
    fitting: tuple[DiskStore, Job], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By SIGKILL, from outside: its job fails, and the next session of the same command goes on from the last epoch."""
    store, job = fitting
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
    inline = InlineExecutor(DiskStore(tmp_path / "store", beneath=store.folder), RUNNERS)
    inline.submit(job)
    (undisturbed,) = inline.outcomes()
    assert isinstance(undisturbed, Done), undisturbed
    first, failed = _in_a_worker(store, job, kill_at=4)
    assert isinstance(failed, Failed)
    assert failed.retryable
    assert Limits().allows_again(failed)
    assert len(Place(store.folder).files()) == 1
    second, done = _in_a_worker(store, job)
    assert isinstance(done, Done), done
    assert dict(done.outputs) == dict(undisturbed.outputs)
    assert first[0] == 1
    assert second == list(range(second[0], 13))
    assert second[0] >= 4
    assert done.cost.phases["fit"] <= done.cost.wall_s
    assert not Place(store.folder).files()


def _in_a_worker(store: DiskStore, job: Job, kill_at: int | None = None) -> tuple[list[int], Done | Failed]:
    """The epochs that a worker told of, and how the job ended; at one of them the worker is killed."""
    epochs: list[int] = []

    def hear(notice: Notice) -> None:
        if notice.topic == "progress" and notice.values:
            epochs.append(int(notice.values["epoch"]))
            if epochs[-1] == kill_at:
                workers = [child for keeper in psutil.Process().children() for child in keeper.children()]
                for worker in workers:
                    worker.send_signal(signal.SIGKILL)

    executor = ProcessExecutor(store, "eager:RUNNERS", workers=1, listener=hear)
    try:
        executor.submit(job)
        (event,) = executor.outcomes()
    finally:
        executor.close()
    return epochs, event


MINE = """
import torch
from torch import nn


class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))

    def forward(self, rows):
        return self.body(rows)
"""


def test_a_contest_of_networks_is_interrupted_and_ends_undisturbed(tmp_path: Path) -> None:
    """The zoo's and a user's own, interrupted after every third epoch: the same digest, and nothing is left over."""
    (tmp_path / "mine.py").write_text(MINE)
    dense = Entrant("dense", "concours.entrants.neural:DenseClassifier", {"epochs": 4})
    mine = Entrant("mine", "./mine.py:Mine", {"epochs": 4})

    def contest(out: str) -> Contest:
        x, y = rows_of("table")
        task = Task(kind="tabular-classification", data=x, target=y, split=Split(test=0.3, folds=2))
        how: dict[str, Any] = {"cooperate": ["average"], "engine": "inline"}
        return Contest(task=task, entrants=[dense, mine], out=tmp_path / out, folder=tmp_path, **how)

    undisturbed: list[float] = []
    epochs: list[float] = []

    def count(notice: Notice) -> None:
        if notice.topic == "progress" and notice.values and "epoch" in notice.values:
            undisturbed.append(notice.values["epoch"])

    def interrupt(notice: Notice) -> None:
        if notice.topic == "progress" and notice.values and "epoch" in notice.values:
            epochs.append(notice.values["epoch"])
            if len(epochs) % 3 == 0:
                raise KeyboardInterrupt

    whole = contest("whole").run(listener=count)
    assert len(undisturbed) >= 16  # two networks, two folds, four epochs, and those of learning curves

    sessions = 0
    while True:
        try:
            result = contest("interrupted").run(listener=interrupt)
            break
        except KeyboardInterrupt:
            sessions += 1
    assert result.digest == whole.digest
    assert sorted(epochs) == sorted(undisturbed)  # none of them twice
    assert sessions == len(undisturbed) // 3
    assert not list((tmp_path / "interrupted" / "store" / SCRATCH).glob("*"))
    left = tmp_path / "interrupted" / "store" / SCRATCH / "0.1"
    left.write_bytes(b"of a job that nobody asks for again")
    collect(tmp_path / "interrupted")
    assert not left.exists()
