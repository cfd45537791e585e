"""A platform from Python."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from urllib.parse import quote

import httpx

from concours.api.client import logins, records
from concours.api.client.asking import Asking
from concours.api.client.packing import Packed, pack
from concours.api.client.records import (
    Board,
    Competition,
    Declared,
    Finals,
    Left,
    Listing,
    Log,
    Membership,
    Rules,
    Submission,
    read,
)
from concours.core.errors import DataError, PlatformRefused, nearest

Progress = Callable[[int, int], None]
"""Told how many bytes have gone or come, and how many there are."""

_CHUNK: Final = 1 << 20
_LOOKS_S: Final = 1.0
_SILENT_S: Final = 20.0
_TRIES: Final = 4


def _nothing(*_: Any) -> None:
    """Whoever is told is nobody."""


class Client:
    """A platform of Concours, and what those who take part do there. It is closed by `with` or `close`.

    Everything raises PlatformRefused, a ConcoursError, with the platform's own line where it refuses, and where it does
    not answer. What is the same when it is asked twice is asked again where the platform is away for a moment.

    Args:
        url: of the platform; by default that which `concours login` was called for last.
        token: of who asks; by default what `concours login` has kept. Empty for a visitor.
        transport: in place of the network.

    Raises:
        PlatformRefused: nobody has logged in, and no address is given.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        kept = logins.known()
        url = (url or kept.last).rstrip("/")
        if not url:
            raise PlatformRefused("no platform is known here: log in first, with `concours login URL`")
        self._asking = Asking(url, kept.tokens.get(url, "") if token is None else token, transport)

    @property
    def url(self) -> str:
        """The address of the platform."""
        return self._asking.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets the connections go."""
        self._asking.close()

    # Who

    def me(self) -> str:
        """Your name there."""
        return read(records.Me, self._asking.get("/me")).account.name

    def new_token(self, user: str, password: str, name: str) -> str:
        """A token by name and password, to take part and to host with."""
        told = {"name": name, "scopes": ["read", "submit", "write", "host"], "user": user, "password": password}
        return read(records.Made, self._asking.send("POST", "/tokens", json=told).json()).token

    # Competitions

    def competitions(self, search: str = "", *, mine: bool = False) -> Listing:
        """Competitions that you may know of, the first hundred, the next to end first."""
        params = {"search": search, "mine": mine, "limit": 100}
        return read(Listing, self._asking.get("/competitions", params=params))

    def competition(self, name: str) -> Competition:
        """One of them by its name. Raises PlatformRefused: there is none, and which one may be meant."""
        try:
            return read(Competition, self._asking.get(_of(name)))
        except PlatformRefused as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            names = [one.slug for one in self.competitions().competitions]
            known = nearest(name, names) if names else f"{self.url} has none"
            raise PlatformRefused(f"there is no competition {name!r}; {known}", status=error.status) from None

    def rules(self, name: str) -> Rules:
        """The rules of a competition, which are accepted by their version."""
        return read(Rules, self._asking.get(f"{_of(name)}/rules"))

    def join(self, name: str, rules: str = "") -> Membership:
        """Takes part in a competition, by accepting its rules of that version."""
        return read(
            Membership, self._asking.send("POST", f"{_of(name)}/join", again=True, json={"rules": rules}).json()
        )

    def download(self, name: str, into: Path | str, *, told: Callable[[str, int, int], None] = _nothing) -> list[Path]:
        """Fetches the data of a competition into a folder; what was begun before goes on, what is there is left alone.

        Args:
            told: called with the path of a file, the bytes that are there, and how many it has.

        Raises:
            DataError: what came is not what the platform has, or a path leads out of the folder.
        """
        folder, found = Path(into), []
        for file in self.competition(name).files:
            path = _below(folder, file.path)
            self._fetch(f"{_of(name)}/files/{quote(file.path)}", path, partial(told, file.path))
            found.append(path)
        return found

    def _fetch(self, address: str, path: Path, told: Progress) -> None:
        part = path.with_name(f"{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in range(_TRIES - 1, -1, -1):
            try:
                digest = self._fetch_rest(address, path, part, told)
                break
            except PlatformRefused as error:
                if error.status or not left:
                    raise
        if digest and part.exists() and _digest(part) != digest:
            part.unlink()
            raise DataError(f"what came as {path.name} is not what the platform has: fetch it again")
        if part.exists():
            os.replace(part, path)

    def _fetch_rest(self, address: str, path: Path, part: Path, told: Progress) -> str:
        """Goes on with a file, if it is the same that was begun; its digest, where the platform tells it."""
        headers = {"if-none-match": f'"{_digest(path)}"'} if path.exists() else {}
        tag = part.with_name(f"{part.name}.tag")
        if part.exists() and tag.exists():
            headers |= {"range": f"bytes={part.stat().st_size}-", "if-range": tag.read_text()}
        with self._asking.stream(address, headers=headers) as answer:
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return ""
            goes_on = answer.status_code == httpx.codes.PARTIAL_CONTENT
            tag.write_text(answer.headers.get("etag", ""))
            with part.open("ab" if goes_on else "wb") as file:
                there = file.tell()
                size = there + int(answer.headers.get("content-length", 0))
                for piece in answer.iter_bytes(_CHUNK):
                    there += file.write(piece)
                    told(there, size)
        tag.unlink()
        return str(answer.headers.get("etag", "")).strip('"')

    # Submissions

    def submit(
        self,
        name: str,
        path: Path | str,
        *,
        message: str = "",
        phase: str = "",
        called: str = "",
        told: Progress = _nothing,
        packed: Callable[[Packed], None] = _nothing,
    ) -> Submission:
        """Sends a file, or a folder as an archive. It is sent again where the connection breaks, and counts once.

        Args:
            phase: a key; by default the one that is open.
            called: what the submission is called; by default as the file.
            packed: told what of a folder is sent.

        Raises:
            DataError: there is no such file. ContestError: a folder that cannot be packed.
        """
        path = Path(path)
        if not path.exists():
            raise DataError(f"there is no {path}")
        fields = {key: value for key, value in (("phase", phase), ("name", called), ("message", message)) if value}
        key = secrets.token_hex(16)
        with ExitStack() as stack:
            if path.is_dir():
                file: BinaryIO = stack.enter_context(tempfile.TemporaryFile())
                packed(pack(path, file))
                sent_as = f"{path.resolve().name or 'entry'}.zip"
            else:
                file, sent_as = stack.enter_context(path.open("rb")), path.name
            for left in range(_TRIES - 1, -1, -1):
                try:
                    answer = self._asking.send(
                        "POST",
                        f"{_of(name)}/submissions",
                        data=fields,
                        files={"file": (sent_as, _Told(file, told))},
                        headers={"idempotency-key": key},
                    )
                    return read(Submission, answer.json())
                except PlatformRefused as error:
                    if error.status or not left:
                        raise
                    time.sleep(_LOOKS_S)
        raise AssertionError("the last try returns or raises")

    def submission(self, name: str, id: int) -> Submission:
        """A submission by its number."""
        return read(Submission, self._asking.get(f"{_of(name)}/submissions/{id}"))

    def submissions(self, name: str, *, phase: str = "") -> tuple[Submission, ...]:
        """Your team's, the latest first."""
        found: list[Submission] = []
        before: dict[str, Any] = {}
        while True:
            more = self._asking.get(f"{_of(name)}/submissions", params={"phase": phase, "most": 500, **before})
            found += read(tuple[Submission, ...], more)  # type: ignore[arg-type]
            if len(more) < 500:
                return tuple(found)
            before = {"before": found[-1].id}

    def stop(self, name: str, id: int) -> Submission:
        """Stops one that waits or runs; it does not count then."""
        return read(Submission, self._asking.send("POST", f"{_of(name)}/submissions/{id}/stop").json())

    def left(self, name: str, phase: str = "") -> Left:
        """How many your team may still send."""
        return read(Left, self._asking.get(f"{_of(name)}/left", params={"phase": phase}))

    def log(self, name: str, id: int, *, after: int = -1) -> Log:
        """What a run has printed, after the `number` of what was told before."""
        return read(Log, self._asking.get(f"{_of(name)}/submissions/{id}/log", params={"after": after}))

    def wait(self, name: str, id: int, *, told: Callable[[Submission, Log | None], None] = _nothing) -> Submission:
        """Waits until a submission has ended.

        Args:
            told: called whenever there is something new: with the submission, and of code with what it has printed.
        """
        number = -1
        for _ in self._looks(name, id):
            found = self.submission(name, id)
            log = self.log(name, id, after=number) if found.brings == "code" else None
            number = log.number if log else number
            told(found, log)
            if found.ended:
                return found
        raise AssertionError("looking does not end by itself")

    def _looks(self, name: str, id: int) -> Iterator[None]:
        """When to look: of predictions when the platform says that something has changed, else every second."""
        yield
        if self.submission(name, id).brings == "predictions":
            try:
                timeout = httpx.Timeout(_SILENT_S, connect=10.0)
                with self._asking.stream("/changes", params={"topic": f"submission {id}"}, timeout=timeout) as answer:
                    for line in answer.iter_lines():
                        if line.startswith(("retry:", "data:")):  # it begins to tell, or has told
                            yield
            except PlatformRefused:  # it is looked at now and then instead
                pass
        while True:
            time.sleep(_LOOKS_S)
            yield

    # Hosting

    def declared(self, name: str) -> Declared | None:
        """A competition as its hosts have it; none where there is none, or it is a draft of others."""
        try:
            return read(Declared, self._asking.get(f"{_of(name)}/settings"))
        except PlatformRefused as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def bring(self, name: str, archive: Path, *, told: Progress = _nothing) -> Declared:
        """Sends the archive of a competition's folder: a new draft, or the same one as it is now."""
        method, address = ("PUT", f"{_of(name)}/folder") if self.declared(name) else ("POST", "/folders")
        with archive.open("rb") as file:
            content = _Told(file, told)
            headers = {"content-length": str(archive.stat().st_size), "content-type": "application/zip"}
            pieces = iter(partial(content.read, _CHUNK), b"")
            return read(Declared, self._asking.send(method, address, content=pieces, headers=headers).json())

    def check(self, name: str) -> Declared:
        """Has a draft's data read by the platform, and waits until it is: `complaint` says why it cannot be."""
        found = read(Declared, self._asking.send("POST", f"{_of(name)}/check").json())
        while found.state == "checking":
            found = read(Declared, self._asking.get(f"{_of(name)}/settings"))
            if found.state == "checking":
                time.sleep(_LOOKS_S)
        return found

    def publish(self, name: str) -> Declared:
        """From now on its readers see a draft that was checked."""
        return read(Declared, self._asking.send("POST", f"{_of(name)}/publish").json())

    # Boards

    def board(self, name: str, *, phase: str = "", key: str = "") -> Board:
        """A board, by default the first one of the phase that is open."""
        return read(Board, self._asking.get(f"{_of(name)}/board", params={"phase": phase, "key": key}))

    def board_csv(self, name: str, *, phase: str = "", key: str = "") -> str:
        """The same as a table."""
        params = {"phase": phase, "key": key}
        return self._asking.send("GET", f"{_of(name)}/board.csv", again=True, params=params).text

    def finals(self, name: str, phase: str = "") -> Finals:
        """The submissions that your team is ranked by in the end."""
        return read(Finals, self._asking.get(f"{_of(name)}/finals", params={"phase": phase}))

    def choose(self, name: str, *ids: int, phase: str = "") -> Finals:
        """Chooses these, up to two; none brings the default back."""
        told = {"submissions": list(ids), "phase": phase}
        return read(Finals, self._asking.send("PUT", f"{_of(name)}/finals", again=True, json=told).json())


class _Told:
    """A file that tells how much of it was read, each time from its beginning."""

    def __init__(self, file: BinaryIO, told: Progress) -> None:
        self._file, self._told = file, told
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._told(self._file.tell(), self._size)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _of(name: str) -> str:
    return f"/competitions/{quote(name, safe='')}"


def _below(folder: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise DataError(f"the platform names a file {path!r:.100}, which would lie outside: it is not fetched")
    return folder.joinpath(*parts)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
