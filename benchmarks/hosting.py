"""The platform under load: how long from a file to a place on the board, how many pages a second, what it takes.

    PYTHONPATH=src python benchmarks/hosting.py [PART …] [--seconds 120]

Parts: `start` (until it answers, what the web process holds), `submissions` (10 a second, 10,000 rows each, from the
first byte sent to the score in the API), `large` (a million rows), `board` (2,000 teams, with 1,000 and with 100,000
submissions), `live` (1,000 pages that wait for changes). Each starts `concours up` as an organiser does, with SQLite,
and asks it over loopback; whoever asks shares the cores with it. CPU seconds are of the platform and all below it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform as machine
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil
from sqlalchemy import insert, select, update

from concours.core.digests import digest_json
from concours.core.event import utc_now
from concours.server.accounts import tokens
from concours.server.actor import Actor
from concours.server.database.changes import tell
from concours.server.database.tables import (
    APPLIED,
    PHASES,
    PLACES,
    SCORES,
    SUBMISSIONS,
    TALLIES,
    TEAMS,
    USERS,
)
from concours.server.database.texts import text_of
from concours.server.hosting.competition import Competition
from concours.server.platform import Platform
from concours.server.services import membership, publishing
from concours.server.services.access import accessed
from concours.server.services.editing import begin
from concours.server.services.files import keep, put_all
from concours.server.settings import Settings

NAME: Final = "benchmark"
HOST: Final = Actor(user=1, name="host")
DIFFERENT: Final = 100
"""Files that are sent in turn; what is the same to the letter would be scored once."""


def main(parts: list[str], seconds: float) -> None:
    """Prints a line or some for each part."""
    print(
        f"{machine.machine()}, {os.cpu_count()} cores, Python {machine.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="concours-benchmark-") as folder:
            PARTS[part](Path(folder), seconds)


# What is asked for


def start(folder: Path, _: float) -> None:
    """Until the first answer, over five starts; then what the web process holds, and what it has not imported."""
    Platform.opened(Settings.of(folder)).close()
    times = []
    for _ in range(5):
        began = time.monotonic()
        with running(folder, wait=False) as (url, _process):
            answering(url)
            times.append(time.monotonic() - began)
    with running(folder) as (url, process):
        for _ in range(20):
            httpx.get(f"{url}/").raise_for_status()
        time.sleep(10)
        held = process.memory_info().rss / 1e6
        heavy = [one for one in ("torch", "sklearn", "pandas", "pyarrow", "scipy") if _maps(process, one)]
    print(
        f"start: answers after {statistics.median(times):.2f} s (worst {max(times):.2f}); the web process holds "
        f"{held:.0f} MB"
    )
    print(f"start: of torch, sklearn, pandas, pyarrow and scipy it has loaded {', '.join(heavy) or 'none'}")


def submissions(folder: Path, seconds: float) -> None:
    """Ten a second, by fifty people, of whom each waits for its score; none may be lost."""
    rows, rate, people = 10_000, 10.0, 50
    opened, truth, secrets = hosted(folder, rows, people)
    files = [predictions(truth, seed) for seed in range(DIFFERENT)]
    opened.close()
    with running(folder) as (url, process):
        warm(url, secrets[0], files[0])
        before, found, count = cpu_seconds(process), list[float](), int(rate * seconds)
        lock, began = threading.Lock(), time.monotonic()

        def send(number: int) -> None:
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            with suppress(httpx.HTTPError):
                took = scored(
                    url, secrets[number % people], files[number % DIFFERENT] + b"\n" * (number // DIFFERENT + 1)
                )
                with lock:
                    found.append(took)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(count)]
        for number, thread in enumerate(threads):
            time.sleep(max(began + number / rate - time.monotonic() - 1, 0))
            thread.start()
        for thread in threads:
            thread.join()
        spent = cpu_seconds(process) - before
    print(
        f"submissions: {len(found):,} of {count:,} at {rate:g} a second, {rows:,} rows: p50 {at(found, 50):.2f} s, p99 "
        f"{at(found, 99):.2f} s, worst {max(found):.2f} s; {1000 * spent / count:.0f} ms of CPU each"
    )


def large(folder: Path, _: float) -> None:
    """A million rows, five times."""
    rows = 1_000_000
    opened, truth, secrets = hosted(folder, rows, 1)
    opened.close()
    with running(folder) as (url, _process):
        warm(url, secrets[0], predictions(truth, 99))
        found = [scored(url, secrets[0], predictions(truth, seed)) for seed in range(5)]
    print(f"large: {rows:,} rows: median {statistics.median(found):.2f} s, worst {max(found):.2f} s")


def board(folder: Path, seconds: float) -> None:
    """Pages of a board of 2,000 teams, whatever they have sent, by eight who ask without a pause."""
    for sent in (1_000, 100_000):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            opened, _, _ = hosted(Path(place), 1_000, 1)
            crowd(opened, teams=2_000, sent=sent)
            opened.close()
            with running(Path(place)) as (url, process):
                address = f"{url}/c/{NAME}/board"
                httpx.get(address).raise_for_status()
                before = cpu_seconds(process)
                found, took = asyncio.run(asked(address, min(seconds, 20.0), 8))
                spent = cpu_seconds(process) - before
                bytes_ = len(httpx.get(address).content)
        print(
            f"board: 2,000 teams, {sent:,} submissions: {len(found) / took:.0f} pages a second, p50 "
            f"{1000 * at(found, 50):.0f} ms, p99 {1000 * at(found, 99):.0f} ms; {1000 * spent / len(found):.1f} ms of "
            f"CPU a page of {bytes_ / 1000:.0f} kB"
        )


def live(folder: Path, _: float) -> None:
    """1,000 connections that wait; how much the web process holds more, and when all have heard of a change."""
    opened, _, _ = hosted(folder, 1_000, 1)
    crowd(opened, teams=20, sent=20)
    with running(folder) as (url, process):
        httpx.get(f"{url}/c/{NAME}/board").raise_for_status()
        before = process.memory_info().rss
        late = asyncio.run(heard(url, 1_000, opened))
        held = process.memory_info().rss
    opened.close()
    print(
        f"live: 1,000 connections: the web process holds {held / 1e6:.0f} MB, {(held - before) / 1e6:.0f} MB more than "
        f"before; a change is heard after {at(late, 50):.2f} s by half, {max(late):.2f} s by all"
    )


PARTS: Final[Mapping[str, Callable[[Path, float], None]]] = {
    "start": start,
    "submissions": submissions,
    "large": large,
    "board": board,
    "live": live,
}


# A platform


def hosted(folder: Path, rows: int, people: int) -> tuple[Platform, Any, list[str]]:
    """A platform with a competition that is being published, and tokens of people who take part, each a team."""
    opened = Platform.opened(Settings.of(folder))
    truth, files = data(rows)
    began = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    competition = Competition.from_json(
        {
            "title": "Benchmark",
            "slug": NAME,
            "phases": [{"key": "main", "title": "Main", "begins": began}],
            "task": {
                "kind": "tabular-classification",
                "data": "data/train.csv",
                "test": "truth/test.csv",
                "target": "answer",
                "id": "id",
                "metrics": ["log_loss", "accuracy"],
                "split": {"public": 0.3},
            },
        }
    )
    kept = {path: keep(opened.store, BytesIO(content), 1 << 30) for path, content in files.items()}
    with opened.database.writing() as db:
        db.execute(insert(USERS).values(id=1, name="host", display="Host", created=utc_now()))
        number = begin(db, HOST, competition)
        put_all(db, number, kept)
        publishing.check(db, accessed(db, HOST, NAME))
    with running(folder):
        until(lambda: _state(opened) == "draft")
        with opened.database.writing() as db:
            publishing.publish(db, accessed(db, HOST, NAME))
        until(lambda: _phase(opened) == "open")
    return opened, truth, [_person(opened, number) for number in range(people)]


def _person(opened: Platform, number: int) -> str:
    with opened.database.writing() as db:
        values = {"name": f"user-{number}", "display": f"User {number}", "created": utc_now()}
        who = Actor(
            user=db.execute(insert(USERS).values(**values).returning(USERS.c.id)).scalar_one(), name=values["name"]
        )
        membership.join(db, accessed(db, who, NAME))
        return tokens.add(db, who, "benchmark", ["submit", "read"])[1]


def crowd(opened: Platform, *, teams: int, sent: int) -> None:
    """What a board shows, as the conductor would have written it."""
    rng = np.random.default_rng(0)
    first, at_ = 100_000, utc_now()
    with opened.database.writing() as db:
        row = db.execute(select(PHASES)).one()
        phase, board_, problem = row.id, f"phase {row.id}", row.problem
        entries = [
            {
                "id": first + number,
                "competition": 1,
                "phase": phase,
                "team": first + number % teams,
                "user": 1,
                "name": "an entry",
                "brings": "predictions",
                "called": "file.csv",
                "digest": digest_json(number),
                "size": 1000,
                "at": at_,
                "state": "scored",
            }
            for number in range(sent)
        ]
        values = {"competition": 1, "leader": 1, "created": at_}
        db.execute(insert(TEAMS), [{**values, "id": first + n, "name": f"Team {n}"} for n in range(teams)])
        db.execute(insert(SUBMISSIONS), entries)
        scores = np.sort(rng.random(teams))
        lines = []
        for number, score in enumerate(scores.tolist()):
            numbers = {"log_loss": score, "accuracy": 1 - score / 2}
            ends = {name: [value - 0.01, value + 0.01] for name, value in numbers.items()}
            places = {"rank": number + 1, "rank_best": max(number - 5, 1), "rank_worst": min(number + 7, teams)}
            ranks = {name: list(places.values()) for name in numbers}
            lines.append({**places, "score": score, "metrics": numbers, "intervals": ends, "ranks": ranks})
        of = {"board": board_, "part": "public"}
        db.execute(
            insert(PLACES),
            [
                {**of, "entry": first + n, "team": str(first + n), "number": n, "line": text_of(line)}
                for n, line in enumerate(lines[: min(teams, sent)])
            ],
        )
        told = {"board": board_, "problem": problem, "intervals": text_of({}), "reason": ""}
        metrics = text_of({"log_loss": 0.5, "accuracy": 0.7})
        db.execute(insert(SCORES), [{**told, "entry": entry["id"], "metrics": metrics} for entry in entries])
        many = [{"phase": phase, "team": first + n, "entries": sent // teams, "last": at_} for n in range(teams)]
        db.execute(insert(TALLIES), many)
        db.execute(update(PHASES).where(PHASES.c.id == phase).values(state="closed"))
        if not db.execute(select(APPLIED)).first():
            db.execute(insert(APPLIED).values(board=board_, number=1, at=at_))


@contextmanager
def running(folder: Path, *, wait: bool = True) -> Iterator[tuple[str, psutil.Process]]:
    """`concours up`; its address, and its web process, which all others are below."""
    command = [sys.executable, "-m", "concours", "up", "--data", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            said = next(line for line in process.stdout or () if "Concours is at" in line)
            url = said.split(" at ")[1].partition(";")[0]
            threading.Thread(target=lambda: list(process.stdout or ()), daemon=True).start()
            if wait:
                answering(url)
            yield url, psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def data(rows: int) -> tuple[Any, dict[str, bytes]]:
    """Truth, and the files of a competition."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows + 2_000)
    y = x + rng.normal(size=len(x)) > 0
    lines = [f"r{n},{value:.4f}" for n, value in enumerate(x.tolist())]
    told = [f"{line},{'yes' if label else 'no'}" for line, label in zip(lines, y.tolist(), strict=True)]
    files = {
        "data/train.csv": ["id,x,answer", *told[rows:]],
        "data/test.csv": ["id,x", *lines[:rows]],
        "truth/test.csv": ["id,x,answer", *told[:rows]],
    }
    return y[:rows], {path: "\n".join(content).encode() for path, content in files.items()}


def predictions(truth: Any, seed: int) -> bytes:
    """A file of two probabilities a row."""
    rng = np.random.default_rng(seed)
    p = np.clip(np.where(truth, 0.7, 0.3) + rng.normal(size=len(truth)) * (0.2 + seed / 300), 0.01, 0.99)
    lines = [f"r{n},{1 - value:.5f},{value:.5f}" for n, value in enumerate(p.tolist())]
    return "\n".join(["id,p_no,p_yes", *lines]).encode()


# Whoever asks


def scored(url: str, secret: str, content: bytes) -> float:
    """Sends a file and waits until the API tells its score; seconds."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret}"}, timeout=120) as client:
        began = time.monotonic()
        sent = client.post(f"/api/competitions/{NAME}/submissions", files={"file": ("file.csv", content)})
        sent.raise_for_status()
        while True:
            asked = client.get(f"/api/competitions/{NAME}/submissions/{sent.json()['id']}")
            if asked.status_code == httpx.codes.TOO_MANY_REQUESTS:
                time.sleep(float(asked.headers["retry-after"]))
                continue
            one = asked.raise_for_status().json()
            if one["state"] not in ("waiting", "running"):
                if one["state"] != "scored":
                    raise SystemExit(f"a submission has {one['state']}: {one['reason']}")
                return time.monotonic() - began
            time.sleep(0.05)


def warm(url: str, secret: str, content: bytes) -> None:
    """Until scorers have imported what they need."""
    for number in range(4):
        scored(url, secret, content + b"\n" * (900 + number))


async def asked(address: str, seconds: float, many: int) -> tuple[list[float], float]:
    """Seconds of each answer, and in all."""
    found = list[float]()
    began = time.monotonic()

    async def ask() -> None:
        async with httpx.AsyncClient() as client:
            while time.monotonic() < began + seconds:
                at_ = time.monotonic()
                (await client.get(address)).raise_for_status()
                found.append(time.monotonic() - at_)

    await asyncio.gather(*(ask() for _ in range(many)))
    return found, time.monotonic() - began


async def heard(url: str, many: int, opened: Platform) -> list[float]:
    """After how many seconds each of many connections hears of a change."""
    host, port = url.removeprefix("http://").split(":")
    request = f"GET /api/changes?topic=board+1 HTTP/1.1\r\nhost: {host}:{port}\r\naccept: text/event-stream\r\n\r\n"
    streams = []
    for _ in range(many):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request.encode())
        streams.append((reader, writer))
    for reader, _ in streams:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        if b" 200 " not in head:
            raise SystemExit(f"live: {head[:200]!r}")
    await asyncio.sleep(2)

    async def wait(reader: asyncio.StreamReader) -> float:
        while b"data" not in await reader.readline():
            pass
        return time.monotonic() - began

    for reader, _ in streams:
        with suppress(TimeoutError):
            while True:
                await asyncio.wait_for(reader.read(65536), 0.001)
    began = time.monotonic()
    with opened.database.writing() as db:
        tell(db, "board 1")
    late = await asyncio.wait_for(asyncio.gather(*(wait(reader) for reader, _ in streams)), 60)
    for _, writer in streams:
        writer.close()
    return list(late)


def answering(url: str) -> None:
    until(lambda: _well(url))


def _well(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health").status_code == 200
    return False


def until(holds: Callable[[], Any], seconds: float = 300) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("the platform did not come so far")
        time.sleep(0.02)


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and all below it that live."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def at(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def _maps(process: psutil.Process, package: str) -> bool:
    return any(f"/{package}/" in found.path for found in process.memory_maps())


def _state(opened: Platform) -> str:
    with opened.database.reading() as db:
        declared = accessed(db, HOST, NAME).competition
    if declared.complaint:
        raise SystemExit(f"the competition was refused: {declared.complaint}")
    return str(declared.state)


def _phase(opened: Platform) -> str:
    with opened.database.reading() as db:
        return str(db.execute(select(PHASES.c.state)).scalar())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The platform under load.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--seconds", type=float, default=120.0, help="of load, for each part that has some")
    given = parser.parse_args()
    main(given.parts or list(PARTS), given.seconds)
