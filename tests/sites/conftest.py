"""Federations of real sites in tests: a SuperLink on loopback, with certificates and keys made here."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytest.importorskip("flwr")
pytest.importorskip("torch")

from flwr.app import RecordDict

from concours.api.contest import Contest
from concours.api.federating import federate, serve
from concours.core.job import Job
from concours.core.ports import Listener, ignore
from concours.engine.sites.keys import own_key, public_keys
from concours.engine.sites.ledger import Bound, Ledger
from concours.engine.sites.link import Place
from concours.engine.sites.rows import OwnRows
from concours.engine.sites.secrets import OwnSecrets
from concours.engine.sites.site import Site
from concours.engine.sites.wire import Answer, Asked
from concours.runs.result import Result
from concours.stores.disk import DiskStore

_START = "from flwr.superlink.cli.flower_superlink import flower_superlink; flower_superlink()"
_PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Certified:
    """Files (PEM): a certificate with its key, and that of the authority which signed it."""

    authority: Path
    certificate: Path
    key: Path


def certified(folder: Path) -> Certified:
    """A certificate for loopback, signed by an authority of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    above, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    made = Certified(authority=folder / "ca.crt", certificate=folder / "server.crt", key=folder / "server.key")
    made.authority.write_bytes(_signed("authority", above, above, authority=True))
    made.certificate.write_bytes(_signed("localhost", own, above, authority=False))
    made.key.write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def _signed(subject: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, authority: bool) -> bytes:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    loopback = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    signing = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .add_extension(loopback, critical=False)
    )
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def superlink(folder: Path, certificates: Certified) -> Iterator[str]:
    """The address of a SuperLink that runs for as long as the context lasts. It has TLS and knows nodes by their keys."""
    port = free_port()
    words = [
        *("--isolation", "process", "--enable-supernode-auth", "--host", "127.0.0.1", "--port", str(port)),
        *("--ssl-ca-certfile", str(certificates.authority)),
        *("--ssl-certfile", str(certificates.certificate), "--ssl-keyfile", str(certificates.key)),
    ]
    quiet = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "FLWR_HOME": str(folder / "flwr")}
    with (folder / "superlink.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *words], stdout=log, stderr=log, env=os.environ | quiet
        )
        try:
            _await(port, process)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the SuperLink ended with {process.returncode}")
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the SuperLink does not start")


ROUNDS = 2
CONTEST = f"""
[task]
kind = "tabular-classification"
data = "public.csv"
target = "colour"
[task.split]
test = 0.5
folds = 2
[compete]
lineup = "none"
[cooperate]
strategies = []
[federation]
rounds = {ROUNDS}
learning_rate = 0.1
"""


def rows(count: int, seed: int) -> pd.DataFrame:
    """Rows of three classes that differ in two numbers; a third column is words."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, count)
    numbers = rng.normal(size=(count, 2)) + 2 * np.eye(3)[codes][:, :2]
    frame = pd.DataFrame(numbers, columns=["width", "height"])
    return frame.assign(
        form=rng.choice(["circular", "rectangular"], count), colour=np.array(["crimson", "emerald", "sapphire"])[codes]
    )


class Eavesdropper:
    """Passes encrypted connections on to a SuperLink, and keeps what sites say."""

    def __init__(self, address: str, certificates: Certified) -> None:
        self.heard = bytearray()
        self._to = ("127.0.0.1", int(address.rpartition(":")[2]))
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_cert_chain(certificates.certificate, certificates.key)
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client.load_verify_locations(certificates.authority)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(taken,), daemon=True).start()

    def _pass_on(self, taken: socket.socket) -> None:
        with (
            suppress(OSError),
            self._server.wrap_socket(taken, server_side=True) as site,
            socket.create_connection(self._to) as beyond,
            self._client.wrap_socket(beyond, server_hostname="localhost") as link,
        ):
            site.settimeout(0.05)
            link.settimeout(0.05)
            while True:
                for source, sink in ((site, link), (link, site)):
                    with suppress(TimeoutError):
                        if not (data := source.recv(1 << 16)):
                            return
                        if source is site:
                            self.heard += data
                        sink.settimeout(30)
                        sink.sendall(data)
                        sink.settimeout(0.05)


class Hall:
    """Sites in this process, in the place of a SuperLink. What they are asked and answer is kept.

    Attributes:
        heard: each job that came to a site, and what reached the server of it; nothing where the site left over it.
        leaves: whether a site leaves over a job that comes to it; `away` are those that have.
        said: what each site tells its owner.
    """

    def __init__(self, folder: Path, names: Iterable[str], bounds: Mapping[str, Bound] | None = None) -> None:
        self._folder, self._bounds = folder, bounds or {}
        self.heard: list[tuple[Job, Answer | None]] = []
        self.leaves: Callable[[Job], bool] = lambda _: False
        self.away: set[str] = set()
        self.said: dict[str, list[str]] = {name: [] for name in names}
        self._sites = {name: self.started(name) for name in names}
        self._waiting: dict[str, Answer | None] = {}

    def started(self, name: str) -> Site:
        """A site that has just been started."""
        file, told = self._folder / f"{name}.csv", self.said[name].append
        rows, store = OwnRows(file, told), DiskStore(self._folder / f"store-{name}")
        ledger = Ledger(file, self._bounds.get(name, Bound()))
        return Site(store, {"x": rows, "y": rows, "secret": OwnSecrets()}, ledger, told)

    def restart(self, name: str) -> None:
        """Ends a site, and starts it anew."""
        self._sites[name] = self.started(name)

    def admit(self, keys: Mapping[str, bytes]) -> None:
        """They are known."""

    def places(self) -> list[Place]:
        return [Place(node=n, name=name, online=name not in self.away, key=b"") for n, name in enumerate(self._sites)]

    def send(self, contents: Sequence[tuple[int, RecordDict]], *, ttl_s: float) -> list[str]:
        names = list(self._sites)
        return [self._asked(names[node], content) for node, content in contents]

    def _asked(self, name: str, content: RecordDict) -> str:
        asked, answer = Asked.of(content), None
        if self.leaves(asked.job):
            self.away.add(name)
        else:
            answer = self._sites[name].answer(asked)
        self.heard.append((asked.job, answer))
        self._waiting[str(len(self.heard))] = answer
        return str(len(self.heard))

    def replies(self, names: Iterable[str]) -> dict[str, Any]:
        came = {name: self._waiting.pop(name) for name in list(names) if name in self._waiting}
        return {name: answer and SimpleNamespace(content=answer.content()) for name, answer in came.items()}

    def close(self) -> None:
        """There is nothing to be closed."""


@dataclass
class Together:
    """A folder with a contest and the files of sites `a`, `b` and `c`, who are in this process."""

    folder: Path
    patch: pytest.MonkeyPatch

    def hall(self, **bounds: Bound) -> Hall:
        """The sites, just started."""
        return Hall(self.folder, "abc", bounds)

    def run(self, hall: Hall, out: str, **federation: Any) -> Result:
        """The federation's server."""
        made = Contest.from_file(self.folder / "contest.toml")
        made = made.with_options(out=self.folder / out, engine="inline", seed=1)
        options = {**made.options, **federation}
        self.patch.setattr("concours.engine.sites.link.Link", lambda *_: hall)
        self.patch.setattr("concours.engine.sites.executor._PLACES_S", 0.0)
        return federate(replace(made, options=options), "here:1", keys=dict.fromkeys("abc", b""), wait_s=0.0)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """Three sites of 90, 60 and 75 rows, and a server with 80 of its own."""
    folder = tmp_path_factory.mktemp("together")
    rows(80, 0).to_csv(folder / "public.csv", index=False)
    for name, count, seed in (("a", 90, 1), ("b", 60, 2), ("c", 75, 3)):
        rows(count, seed).to_csv(folder / f"{name}.csv", index=False)
    (folder / "contest.toml").write_text(CONTEST)
    with pytest.MonkeyPatch.context() as patch:
        yield Together(folder, patch)


@dataclass
class Around:
    """A folder with a contest and the files of sites, and a SuperLink."""

    folder: Path
    address: str
    certificates: Certified
    said: dict[str, list[str]] = field(default_factory=dict)

    @property
    def root(self) -> bytes:
        return self.certificates.authority.read_bytes()

    @contextmanager
    def overheard(self) -> Iterator[Eavesdropper]:
        """Somebody in the middle, whom sites trust."""
        found = Eavesdropper(self.address, self.certificates)
        try:
            yield found
        finally:
            found.close()

    @contextmanager
    def site(self, name: str, *, address: str = "") -> Iterator[list[str]]:
        """A site in a thread, for as long as the context lasts; what it tells its owner."""
        over, said = threading.Event(), self.said.setdefault(name, [])
        thread = threading.Thread(
            target=serve,
            args=(address or self.address, self.folder / f"{name}.csv", self.folder / "keys" / name),
            kwargs={"root": self.root, "told": said.append, "until": over.is_set},
            daemon=True,
        )
        thread.start()
        try:
            yield said
        finally:
            over.set()
            thread.join(30)

    def run(self, out: str, *, wait_s: float = 60.0, listener: Listener = ignore) -> Result:
        """The federation's server, in this process."""
        contest = Contest.from_file(self.folder / "contest.toml").with_options(
            out=self.folder / out, engine="inline", seed=1
        )
        keys = public_keys(self.folder / "keys")
        return federate(contest, self.address, root=self.root, keys=keys, wait_s=wait_s, listener=listener)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """Two sites `a` and `b` of 90 and 60 rows, and a server with 80 of its own."""
    folder = tmp_path_factory.mktemp("federation")
    rows(80, 0).to_csv(folder / "public.csv", index=False)
    for name, count, seed in (("a", 90, 1), ("b", 60, 2)):
        rows(count, seed).to_csv(folder / f"{name}.csv", index=False)
        own_key(folder / "keys" / name)
    (folder / "contest.toml").write_text(CONTEST)
    certificates = certified(folder / "certificates")
    with superlink(folder, certificates) as address:
        yield Around(folder, address, certificates)
