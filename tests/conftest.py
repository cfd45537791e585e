"""What all tests share."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from concours.cli.app import main
from concours.core.job import Job
from concours.core.ports import Notice

_MAY_LACK = "CONCOURS_MODELS"
"""Named by skips that stand everywhere: of models of hundreds of megabytes, which no install of ours brings."""


# The same examples in every run, however slow the machine; to search for others: --hypothesis-profile default.
settings.register_profile("concours", derandomize=True, deadline=None)
settings.load_profile("concours")


def pytest_configure() -> None:
    """A shell that runs something in the background has it ignore Ctrl-C, and what is started here would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Where CONCOURS_NO_SKIPS is set, what is skipped has failed: it was to be tested there."""
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[Any]:
    """The same for whole files."""
    return _not_skipped((yield))


def _not_skipped(report: Any) -> Any:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CONCOURS_NO_SKIPS"):
        if _MAY_LACK in str(report.longrepr[2]):
            return report
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[2]}"
    return report


def pytest_collection_finish() -> None:
    """Fourteen thousand tests and all modules live to the end: who collects garbage need not look at them each time."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered of trust stays in the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@dataclass(frozen=True)
class PostgreSQL:
    """A PostgreSQL of the tests' own, on a socket in a folder that goes with it."""

    place: str
    control: list[str | Path]
    quiet: dict[str, Any]

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.place}"

    def start(self) -> None:
        options = f"-k {self.place} -c listen_addresses='' -c fsync=off"
        subprocess.run([*self.control, "-o", options, "start"], **self.quiet)

    def stop(self) -> None:
        """At once, as if it were killed."""
        subprocess.run([*self.control, "-m", "immediate", "stop"], **self.quiet)


@contextmanager
def _postgresql() -> Iterator[PostgreSQL]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(place).parent for place in [shutil.which("initdb")] if place
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed; apt-get install postgresql")
    who = {"user": "postgres"} if os.getuid() == 0 else {}  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as place:
        if who:
            shutil.chown(place, "postgres")
        quiet = {"cwd": place, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **who}
        data = f"{place}/data"
        subprocess.run([found[-1] / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], **quiet)
        control = [found[-1] / "pg_ctl", "-D", data, "-w", "-l", f"{place}/log"]
        server = PostgreSQL(place, control, quiet)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of one for all tests."""
    with _postgresql() as server:
        yield server.url


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """One for a test that stops it and starts it again; it runs when the test ends."""
    with _postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server on loopback."""
    moto = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass
class Notices:
    """A listener that remembers."""

    heard: list[Notice] = field(default_factory=list)

    def __call__(self, notice: Notice) -> None:
        self.heard.append(notice)

    def jobs(self, *topics: str) -> list[Job]:
        """The jobs of some topics, in the order in which they came."""
        return [notice.job for notice in self.heard if notice.topic in topics and notice.job]

    def labels(self, *topics: str) -> list[str]:
        """The labels of those jobs."""
        return [job.label for job in self.jobs(*topics)]

    def ended(self, kind: str) -> Counter[str]:
        """How many jobs of a kind were done, not recalled, by the name of the entrant."""
        return Counter(job.label.partition(":")[0] for job in self.jobs("ended") if job.runner == kind)

    @property
    def warnings(self) -> list[str]:
        return [notice.text for notice in self.heard if notice.topic == "warning"]


@pytest.fixture
def notices() -> Notices:
    """A listener that remembers what it hears."""
    return Notices()


@pytest.fixture(scope="session")
def listener() -> Callable[[], Notices]:
    """Makes listeners that remember."""
    return Notices


@pytest.fixture(scope="session")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Sixty rows of four numbers in three classes that overlap a little."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    return rng.normal(size=(60, 4)) + 1.5 * np.eye(3, 4)[y], np.array(["red", "green", "blue"])[y]


@pytest.fixture
def concours(monkeypatch, capfd):
    """Runs a command, as one text or word by word: its exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concours", *(words[0].split() if len(words) == 1 else words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        return code, *capfd.readouterr()

    return run


_TURNS = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a llama of two layers, which knows some words and all bytes; it has a chat template."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    known = ["<s>", "</s>", *letters]
    tokenizer = Tokenizer(models.BPE(vocab={word: place for place, word in enumerate(known)}, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    folder = tmp_path_factory.mktemp("models") / "tiny"
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", chat_template=_TURNS
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(known),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.5,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder
