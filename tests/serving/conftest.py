"""Runs to serve, and servers that serve them."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.serving.wire import Ask, Told
from concours.serving.worker import Spec, opened

SPLIT = Split(test=0.3, folds=2)
NEAREST = Entrant("nearest", "sklearn.neighbors:KNeighborsClassifier", {"n_neighbors": 3})
TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})
FOREST = Entrant("forest", "sklearn.ensemble:RandomForestClassifier", {"n_estimators": 5})
LINEAR = Entrant("linear", "sklearn.linear_model:LogisticRegression")


def flowers(rows: int = 90) -> pd.DataFrame:
    """Rows of numbers, whole numbers, words and truth values, of three classes."""
    rng = np.random.default_rng(3)
    y = np.arange(rows) % 3
    return pd.DataFrame(
        {
            "length": np.round(rng.normal(size=rows) + 1.5 * y, 3),
            "petals": rng.integers(3, 9, size=rows) + y,
            "colour": np.array(["red", "green", "blue"])[(y + (rng.random(rows) < 0.2)) % 3],
            "wild": rng.random(rows) < 0.3 + 0.2 * y,
            "kind": np.array(["rose", "lily", "iris"])[y],
        }
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contest on flowers."""
    out = tmp_path_factory.mktemp("runs") / "flowers"
    task = Task(kind="tabular-classification", data=flowers(), target="kind", split=SPLIT)
    Contest(
        task=task, entrants=(NEAREST, TREE, FOREST, LINEAR), lineup="none", engine="inline", out=out,
        cooperate=("average", "vote"),
    ).run()  # fmt: skip
    return out


@pytest.fixture(scope="session")
def result(run: Path) -> Result:
    return Result.load(run)


@pytest.fixture(scope="session")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A regression on columns of fractions alone."""
    rng = np.random.default_rng(5)
    x = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd"))
    out = tmp_path_factory.mktemp("runs") / "numbers"
    task = Task(kind="tabular-regression", data=x.assign(y=x.sum(axis=1)), target="y", split=SPLIT)
    tree = Entrant("tree", "sklearn.tree:DecisionTreeRegressor", {"max_depth": 3})
    Contest(task=task, entrants=(tree,), lineup="none", engine="inline", out=out, cooperate=()).run()
    return out


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short texts of two classes."""
    rng = np.random.default_rng(7)
    words = {"good": ["fine", "great", "nice"], "bad": ["poor", "awful", "sad"]}
    kinds = ["good", "bad"] * 30
    rows = [f"a {rng.choice(words[kind])} day number {number}" for number, kind in enumerate(kinds)]
    out = tmp_path_factory.mktemp("runs") / "texts"
    task = Task(
        kind="text-classification", data=pd.DataFrame({"text": rows, "kind": kinds}), target="kind", split=SPLIT
    )
    bayes = Entrant("bayes", "sklearn.naive_bayes:MultinomialNB", prepare="tfidf")
    Contest(task=task, entrants=(bayes,), lineup="none", engine="inline", out=out, cooperate=()).run()
    return out


class Running:
    """A `concours serve` of its own process.

    Attributes:
        url: of HTTP; grpc: the address of gRPC.
    """

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "concours", "serve", *words, "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.said = list[str]()
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if line.startswith("listening"):
                break
        else:
            raise AssertionError(f"it ended: {self.said}")
        self._rest = threading.Thread(target=lambda: self.said.extend(map(str.rstrip, self.process.stderr or ())))
        self._rest.start()
        found = re.search(r"(http://\S+), and for gRPC on (\S+)", self.said[-1])
        assert found is not None
        self.url, self.grpc = found.groups()

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(30)
        self._rest.join(10)
        self.process.stderr.close()
        return code


class Here:
    """A pool whose model is in this process, which answers one request at a time."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.steps, self.ready = opened(spec)
        self.about = json.loads(self.ready.about)

    async def start(self) -> None:
        """It is there."""

    async def parts(self, ask: Ask) -> AsyncIterator[Told]:
        told = self.steps.step([ask])
        while True:
            for part in told:
                yield part
                if part.last:
                    return
            told = self.steps.step([])


@pytest.fixture(scope="session")
def served(run: Path, numbers: Path, texts: Path) -> Iterator[Running]:
    """A server of three runs, whose models can all be asked together."""
    running = Running(str(run), str(numbers), str(texts), "--with", "forest", "--with", "tree", "--with", "bayes")
    yield running
    assert running.stop() == 0


@pytest.fixture
def go() -> Iterator[asyncio.Runner]:
    """Runs coroutines, all on one loop."""
    with asyncio.Runner() as runner:
        yield runner
