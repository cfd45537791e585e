"""A platform to look at: `make demo-platform`, or python examples/platform/demo.py [DIR] [PORT].

It begins as any does, by `concours up`, and everything is then done as people do it: a host makes a competition of
handwritten digits and publishes it, three teams join, send predictions and code, and talk. One program is still running
when the addresses are printed. Ctrl-C ends it; the same command begins anew.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from concours import Client
from concours.server.hosting.archive import archive_of
from concours.server.hosting.new import new

HERE: Final = Path(__file__).parent
NAME: Final = "handwritten-digits"
PASSWORD: Final = "a-long-walk-by-the-river"  # of people who live as long as the demo
PEOPLE: Final = {
    "host-of-digits": "The host",
    "forest-team": "Forest",
    "lines-team": "Straight lines",
    "near-team": "Neighbours",
}
ABOUT: Final = """# Which digit is it?

Each row is a picture of a handwritten digit, 8 by 8 pixels from 0 to 16, turned into a table. Say how probable each of
the ten digits is. Entries are ranked by log loss; the board also shows **what all entries achieve together**.

The pictures come with scikit-learn; they are a part of the *Optical Recognition of Handwritten Digits* of
the UCI Machine Learning Repository (CC BY 4.0).
"""


def main(folder: Path, port: int) -> None:
    """Runs until it is interrupted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    competition = made(folder / "competition")
    with running(folder / "data", port) as (url, link):
        people = {name: entered(url, name, link if name == "host-of-digits" else None) for name in PEOPLE}
        host = people.pop("host-of-digits")
        host.bring(NAME, archive_of(competition, folder / f"{NAME}.zip"))
        checked = host.check(NAME)
        if checked.checked is None:
            raise SystemExit(f"the competition was refused: {checked.complaint}")
        host.publish(NAME)
        play(people, folder)
        print(
            f"\nLook at {url}/c/{NAME}/board\n\nSign in as {', '.join(PEOPLE)}; everybody's password is {PASSWORD}\n"
            "forest-team has a program running: its log is on the page of its latest submission. Ctrl-C ends it all.",
            flush=True,
        )
        signal.pause()


def made(folder: Path) -> Path:
    """The competition as a folder, as its host has it."""
    source = folder.with_suffix(".csv")
    load_digits(as_frame=True).frame.to_csv(source, index=False)
    new(folder, source=str(source), target="target", now=datetime.now(UTC))
    file = folder / "competition.toml"
    text = file.read_text("utf-8")
    for usual, ours in (
        (r'title = "Competition"\nslug = "competition"', f'title = "Handwritten digits"\nslug = "{NAME}"'),
        (r'subtitle = ""', 'subtitle = "Ten digits, 64 pixels, and what all entries know together"'),
        (r'licence = ""', 'licence = "CC-BY-4.0"'),
        (r'takes = \["predictions"\]', 'takes = ["predictions", "code"]'),
        (r"per_day = 5", "per_day = 50, seconds = 600"),
    ):
        text, times = re.subn(usual, ours, text, count=1)
        if not times:
            raise SystemExit(f"{file} has no {usual}")
    file.write_text(text, "utf-8")
    (folder / "pages" / "overview.md").write_text(ABOUT, "utf-8")
    return folder


@contextmanager
def running(data: Path, port: int) -> Iterator[tuple[str, str]]:
    """A platform: its address, and the secret of the link by which its first administrator comes in."""
    command = [sys.executable, "-m", "concours", "up", "--data", str(data), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = link = ""
            for line in process.stdout or ():
                print(line, end="", flush=True)
                url = url or "".join(re.findall(r"http://\S+(?=;)", line))
                if found := re.findall(r"/links/(\S+)", line):
                    link = found[0]
                    break
            if not link:
                raise SystemExit("the platform did not start; its reason stands above")
            yield url, link
        finally:
            process.send_signal(signal.SIGTERM)


def entered(url: str, name: str, link: str | None) -> Client:
    """Somebody with an account and a token."""
    account = {"name": name, "display": PEOPLE[name], "password": PASSWORD, **({"link": link} if link else {})}
    for _ in range(100):  # it answers in a moment
        try:
            httpx.post(f"{url}/api/register", json=account, headers={"origin": url}).raise_for_status()
            break
        except httpx.ConnectError:
            time.sleep(0.1)
    with Client(url) as nobody:
        token = nobody.new_token(name, PASSWORD, "the demo")
    return Client(url, token)


def play(people: dict[str, Client], folder: Path) -> None:
    """What three teams do."""
    for client in people.values():
        client.join(NAME, client.rules(NAME).version)
        client.download(NAME, folder / "mine")
    train, test = (pd.read_csv(folder / "mine" / "data" / f"{part}.csv") for part in ("train", "test"))
    pixels = [column for column in test if column.startswith("pixel")]
    for name, model, message in (
        ("near-team", KNeighborsClassifier(5), "five neighbours"),
        ("lines-team", make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500)), "straight lines"),
        ("forest-team", RandomForestClassifier(50, random_state=0), "a small forest"),
        ("near-team", KNeighborsClassifier(20, weights="distance"), "twenty, the near ones count more"),
        ("forest-team", RandomForestClassifier(300, random_state=0), "a larger forest"),
    ):
        told = model.fit(train[pixels], train["target"]).predict_proba(test[pixels])
        file = folder / f"{name}.csv"
        columns = {f"p_{label}": told[:, place] for place, label in enumerate(model.classes_)}
        pd.DataFrame({"id": test["id"], **columns}).to_csv(file, index=False)
        ended = people[name].wait(NAME, people[name].submit(NAME, file, message=message).id)
        print(f"{name} sent {message}: {ended.state} {ended.reason}", flush=True)
    lines, forest = people["lines-team"], people["forest-team"]
    ended = lines.wait(NAME, lines.submit(NAME, HERE / "code", message="code: an entrant, trained there").id)
    print(f"lines-team sent code: {ended.state} {ended.reason}", flush=True)
    forest.submit(NAME, HERE / "slow", message="code that takes its time")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the platform below ends with this program
    place, at = (*sys.argv[1:], *("runs/demo-platform", "8000")[len(sys.argv) - 1 :])
    with suppress(KeyboardInterrupt):
        main(Path(place), int(at))
