"""What `concours up` was told: a value that all processes of a platform share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where a platform keeps what, and how it is reached.

    Attributes:
        data: the folder of what lies on this machine: database and store where these are not elsewhere, secrets, logs.
        host, port: where it listens.
        database: URL of the database.
        store: a folder or `s3://BUCKET/PREFIX`.
        workers: processes that score here, and programs of participants that run at a time.
        url: how people reach it, where that is not `http://HOST:PORT`; then it stands behind a proxy, whose
            `X-Forwarded-For` is believed, and cookies are sent over TLS alone if it begins with https.
        upload_bytes: how large a file may be that is sent.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database: str = ""
    store: str = ""
    workers: int = 2
    url: str = ""
    upload_bytes: int = 2 << 30

    @classmethod
    def of(cls, data: Path, **told: Any) -> Self:
        """With what was not said at its usual place below `data`."""
        data = data.absolute()
        found = {name: value for name, value in told.items() if value != ""}
        found.setdefault("database", f"sqlite:///{data / 'concours.db'}")
        found.setdefault("store", str(data / "store"))
        return cls(data=data, **found)

    @property
    def address(self) -> str:
        """How people reach it, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether people reach it over TLS."""
        return self.address.startswith("https://")

    @property
    def proxied(self) -> bool:
        """Whether a proxy stands in front of it."""
        return bool(self.url)

    def secret(self) -> bytes:
        """32 bytes that this platform alone knows, the same for all its processes; made when first asked for."""
        file = self.data / "secret"
        if not file.exists():
            with NamedTemporaryFile(dir=self.data) as made:  # whole before it has its name: others may look meanwhile
                made.write(os.urandom(32))
                made.flush()
                with suppress(FileExistsError):
                    os.link(made.name, file)
        return file.read_bytes()

    def to_json(self) -> Mapping[str, Any]:
        return {**asdict(self), "data": str(self.data)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**{**value, "data": Path(value["data"])})
