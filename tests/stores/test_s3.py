"""The store in a bucket: the laws, what a bucket alone can suffer, and what it says when it refuses. Loopback only."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from concours import Contest
from concours.core import scratch
from concours.core.digests import digest_json
from concours.core.errors import ObjectDamaged, StoreRefused
from concours.engine.scratch import FolderScratch, forget
from concours.stores.address import store_at
from concours.stores.s3 import S3Store
from concours.testing import check_store

pytest.importorskip("obstore")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")

KEY = "a key that nobody may read"


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The bucket as somebody else reaches it; the environment says how we do."""
    settings = {"AWS_ENDPOINT_URL": s3, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": KEY}
    for name, value in {**settings, "AWS_REGION": "us-east-1", "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    client.create_bucket(Bucket="bucket")
    yield client
    client.close()


@pytest.fixture
def make(bucket: Any, tmp_path: Path) -> Callable[[], S3Store]:
    """Makes new, empty stores, as a machine has them that has never seen them."""
    numbers = itertools.count()
    return lambda: S3Store(f"s3://bucket/{tmp_path.name}/{next(numbers)}", cache=tmp_path / str(next(numbers)))


def test_conformance(make: Callable[[], S3Store]) -> None:
    """A store in a bucket keeps the laws of `concours.core.ports.Store`."""
    check_store(make)


def test_what_one_machine_puts_another_reads(make: Callable[[], S3Store], tmp_path: Path) -> None:
    """Content travels through the bucket; what is read twice is fetched once."""
    here = make()
    there = S3Store(here.address, cache=tmp_path / "there")
    digest = here.put(io.BytesIO(b"travels" * 1000))
    assert there.verify(digest)
    path = there.local_path(digest)
    assert path.read_bytes() == b"travels" * 1000
    assert path.is_relative_to(tmp_path / "there")
    assert list(there) == [digest]
    here.delete(digest)
    assert digest not in there
    assert there.local_path(digest) == path


def test_what_a_job_has_kept_on_one_machine_it_goes_on_from_on_another(
    make: Callable[[], S3Store], tmp_path: Path
) -> None:
    """A fit whose node is lost goes on elsewhere: what is newest is in the bucket, whatever a machine kept itself."""
    here, job, code = make(), digest_json("a job"), digest_json("the code")
    there = S3Store(here.address, cache=tmp_path / "there")

    def slot(store: S3Store) -> scratch.Slot:
        return FolderScratch(store.folder, job, lambda: code, bucket=store).slot()

    assert slot(here).read() is None
    slot(here).write(b"the first epoch")
    slot(there).write(b"the second epoch")
    assert slot(here).read() == b"the second epoch"
    assert list(here) == []
    forget(there.folder, job, there)
    assert here.note("scratch/") is None
    assert slot(there).read() is None


def test_what_is_changed_in_the_bucket_is_found_and_mended(
    make: Callable[[], S3Store], bucket: Any, tmp_path: Path
) -> None:
    """Whoever reads it anew is given nothing, though it was whole before; who has it goes on; `put` mends it."""
    here = make()
    there = S3Store(here.address, cache=tmp_path / "there")
    digest = here.put(io.BytesIO(b"as it was"))
    assert here.verify(digest)
    key = f"{here.address.removeprefix('s3://bucket/')}/{digest[7:9]}/{digest[9:]}"
    bucket.put_object(Bucket="bucket", Key=key, Body=b"otherwise")
    assert not here.verify(digest)
    assert not there.verify(digest)
    with pytest.raises(ObjectDamaged, match="is damaged: its content is not what its name says"):
        there.open(digest)
    assert not there.leftovers()
    here.put(io.BytesIO(b"as it was"))
    assert there.verify(digest)
    with there.open(digest) as file:
        assert file.read() == b"as it was"


@pytest.mark.parametrize(
    ("address", "environment", "says"),
    [
        (
            "s3://none-such/x",
            {},
            r"s3://none-such/x is not there: NoSuchBucket \(The specified bucket does not exist\)",
        ),
        ("s3://bucket/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "s3://bucket/x does not answer: HTTP error"),
        ("s3://", {}, "a store in a bucket is s3://BUCKET/PREFIX; got 's3://'"),
        ("gs://bucket/x", {}, "a store in a bucket is s3://BUCKET/PREFIX; got 'gs://bucket/x'"),
    ],
)
def test_a_store_that_refuses_says_so_in_one_line(
    address: str, environment: dict[str, str], says: str, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bucket, no answer, no address: what, where and what to set; the key is in no message."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreRefused, match=says) as refused:
        S3Store(address).require_open()
    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_wrong_key_is_told(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server says of a key reaches the person, in one line, without the key."""
    import obstore

    def refuse(*_args: object) -> None:
        raise obstore.exceptions.PermissionDeniedError(
            f"403: <Error><Code>SignatureDoesNotMatch</Code><Message>Check your key.</Message>{KEY}</Error>\n\nDebug"
        )

    monkeypatch.setattr(obstore, "put", refuse)
    with pytest.raises(StoreRefused) as refused:
        S3Store("s3://bucket/x").require_open()
    assert "lets nobody in with this key: SignatureDoesNotMatch (Check your key); set AWS_" in str(refused.value)
    assert KEY not in str(refused.value)


CONTEST = """
[task]
kind = "tabular-classification"
data = "sklearn:wine"
[compete]
lineup = "none"
[cooperate]
strategies = ["average"]
[[entrant]]
name = "knn"
recipe = "knn"
"""


@pytest.mark.slow
def test_a_contest_whose_content_is_in_a_bucket(
    bucket: Any, concours: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The default engine too: the digest is that of one in a folder; show, predict, verify and gc find the content; the
    folder says where it lies, and no key; a run that has its content elsewhere is not moved.
    """
    file, out = tmp_path / "wine.toml", tmp_path / "away"
    file.write_text(CONTEST)
    contest = Contest.from_file(file)
    away = contest.with_options(out=out, store="s3://bucket/runs/", workers=1).run()
    here = contest.with_options(out=tmp_path / "here", engine="inline").run()
    assert away.to_json()["digest"] == here.to_json()["digest"]
    address = json.loads((out / "store.json").read_text())["address"]
    assert address.startswith("s3://bucket/runs/away-")
    assert not (out / "store").exists()
    assert not any(KEY.encode() in path.read_bytes() for path in out.rglob("*") if path.is_file())
    rows = tmp_path / "rows.csv"
    from sklearn.datasets import load_wine

    load_wine(as_frame=True).data.head(5).to_csv(rows, index=False)
    assert concours("predict", str(out), str(rows), "-o", str(tmp_path / "p.csv"))[0] == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 6
    code, text, _ = concours("verify", str(out))
    assert (code, "HOLDS" in " ".join(text.split())) == (0, True)
    store_at(address).put(io.BytesIO(b"of a job that was killed"))
    assert "removed 1 object, 24 bytes" in concours("gc", str(out))[1]
    code, _, error = concours("run", str(file), "--out", str(out), "--store", "s3://bucket/others")
    assert (code, error.splitlines()[-1]) == (
        2,
        f"concours: the objects of {out} lie in {address}; go on without --store",
    )
    again = contest.with_options(out=out, engine="inline").run()
    assert again.to_json()["digest"] == here.to_json()["digest"]
