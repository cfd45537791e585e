"""Gives commands inputs that nobody means, each in a process of its own, and watches what comes of it.

    python tests/fuzz/driver.py FAMILY FIRST COUNT [KEEP]

Prints a line of JSON for each fault: another exit code than 0, 2 or 130, a signal, a traceback, a message that is not one
line or calls an input a defect, a character that commands the terminal, and whatever is changed, started or asked beyond
the run folder and the file that the command was to write. `KEEP` is a folder for the inputs that did it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import inputs

SECONDS = 60
ADDRESSES = 12 << 30
HEAVY = ("pandas", "pyarrow", "pyarrow.json", "pyarrow.csv", "sklearn.tree", "sklearn.naive_bayes", "sklearn.pipeline", "PIL.Image",
         "skops.io", "rich.table", "rich.live", "concours.cli.board", "concours.api.new", "concours.api.contest", "concours.api.score",
         "concours.runs.report", "concours.runs.predictions", "concours.runs.verify", "concours.runs.compare", "concours.votes.rate",
         "concours.votes.pair", "concours.votes.audit", "concours.engine.inline", "concours.entrants.zoo")  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "shutil.rmtree",
}
STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "socket.connect", "socket.bind", "pty.spawn",
          "webbrowser.open", "pickle.find_class"}  # fmt: skip

WORKER = ["-P", "-m", "concours.engine.worker"]
"""What a command may start: a report does again what is damaged of what it found out before."""


def watch(home: Path, log: int) -> None:
    """Notes each file that is written beyond the home of a case, each program that is started, each address that is asked."""
    inside = (str(home), "/dev/null", "/dev/tty", "/proc/")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = (*arguments, None, None)[:3]
            if not isinstance(path, (str, bytes)) or not isinstance(flags, int) or not flags & WRITES:
                return
        elif event in CHANGES:
            path = arguments[1] if event in ("os.rename", "os.link", "os.symlink") else arguments[0]
        elif event in STARTS:
            if event == "subprocess.Popen" and list(arguments[1])[1:4] == WORKER:
                return
            os.write(log, f"{event} {arguments!r}"[:300].encode("utf-8", "replace") + b"\n")
            return
        else:
            return
        if isinstance(path, int):
            return
        where = os.path.realpath(os.fsdecode(path))
        if not where.startswith(inside) and "__pycache__" not in where:
            os.write(log, f"{event} {where}"[:300].encode("utf-8", "replace") + b"\n")

    sys.addaudithook(hook)


def state_of(folder: Path) -> dict[str, str]:
    """Every file, folder and link below a folder, and what is in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        what = (
            os.readlink(path)
            if path.is_symlink()
            else "folder"
            if path.is_dir()
            else ""
            if not path.is_file()
            else None
        )
        found[str(path.relative_to(folder))] = (
            what if what is not None else hashlib.sha256(path.read_bytes()).hexdigest()
        )
    return found


def run(words: list[str], home: Path, out: Path) -> int:
    """The status of a command in a process of its own; what it prints and what was noted lie in `out`."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 70
    try:
        os.setsid()
        os.chdir(home / "work")
        os.environ.update(HOME=str(home), XDG_STATE_HOME=str(home / "state"), TMPDIR=str(home / "tmp"), COLUMNS="120")
        tempfile.tempdir = None
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        watch(home, os.open(out / "noted", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        sys.argv = ["concours", *words]
        from concours.cli.app import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def obeyed(text: str) -> str:
    """What a terminal would obey in a text, besides line ends."""
    return "".join(c for c in text if not (c.isprintable() or c in "\n\xa0\u3000"))


def faults(words: list[str], status: int, out: Path, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What is wrong with how a command ended."""
    printed, told = ((out / name).read_bytes().decode("utf-8", "replace") for name in ("stdout", "stderr"))
    found = []
    if os.WIFSIGNALED(status):
        found.append(f"ended by {signal.Signals(os.WTERMSIG(status)).name}")
    else:
        code = os.WEXITSTATUS(status)
        fails = code == 1 and words[0] == "verify" and "does NOT hold" in printed
        if code not in (0, 2, 130) and not fails:
            found.append(f"exit code {code}")
        if code == 2 and not told.rstrip("\n").rpartition("\n")[2].startswith("concours: "):
            found.append("the last line does not say what is wrong")
    if "Traceback" in printed + told:
        found.append("a traceback")
    if re.search(r"unexpected \w+: .*a defect", told):
        found.append("an input is called a defect")
    if odd := obeyed(re.sub(r"^\s*\{.*\}\s*$", "", printed, flags=re.DOTALL) + told):
        found.append(f"the terminal is commanded: {odd[:20]!r}")
    if noted := (out / "noted").read_text():
        found.append(f"beyond its folder: {noted.splitlines()[0]}")
    allowed = tuple(f"work/{name}" for name in ("out", "mine", "runs", "n.toml", "q.csv", "r.md", "r.html")) + (
        "state",
    )
    moved = [
        name for name in {**before, **after} if before.get(name) != after.get(name) and not name.startswith(allowed)
    ]
    if moved:
        found.append(f"changed: {moved[:3]}")
    return [f"{fault}: {told.strip()[-300:]}" for fault in found]


def lay_out(home: Path, base: Path | None) -> Path:
    for name in ("work", "tmp", "state"):
        (home / name).mkdir(parents=True)
    if base is not None:
        shutil.copytree(base, home / "work", dirs_exist_ok=True, symlinks=True)
    return home


def made_base(at: Path) -> Path:
    """A finished contest with its files, which every case begins with."""
    home = lay_out(at, None)
    work = home / "work"
    (work / "t.csv").write_bytes(inputs.csv_of(inputs.table()))
    (work / "p.csv").write_bytes(
        inputs.csv_of(inputs.table().select(["id", "sold"]).rename_columns(["id", "prediction"]))
    )
    (work / "c.toml").write_text(inputs.CONTEST)
    status = run(["run", "c.toml", "--engine", "inline", "--out", "out"], home, at)
    assert status == 0, (at / "stderr").read_text()
    return work


def main(family: str, first: int, count: int, keep: Path | None) -> int:
    for name in HEAVY:
        importlib.import_module(name)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="concours-fuzz-") as folder:
        top = Path(folder).resolve()
        base = made_base(top / "base")
        for number in range(first, first + count):
            home = lay_out(top / f"case{number}", base)
            words = inputs.FAMILIES[family](random.Random(f"{family} {number}"), home / "work")
            before = state_of(home)
            status = run(words, home, top)
            if told := faults(words, status, top, before, state_of(home)):
                wrong += 1
                print(json.dumps({"family": family, "number": number, "words": words, "faults": told}), flush=True)
                if keep is not None:
                    shutil.copytree(home, keep / f"{family}-{number}", dirs_exist_ok=True, symlinks=True)
            shutil.rmtree(home)
    print(json.dumps({"family": family, "tried": count, "faults": wrong}), flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None))
