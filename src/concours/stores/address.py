"""Stores by their addresses: a folder, or a bucket. So a worker, wherever it runs, opens the store of the contest."""

from __future__ import annotations

import tempfile
from pathlib import Path

from concours.core.errors import StoreRefused
from concours.stores.disk import DiskStore
from concours.stores.s3 import S3Store

AddressedStore = DiskStore | S3Store
"""A store with an `address`, and a `folder` on this machine."""

_buckets: dict[str, S3Store] = {}


def store_at(address: str | Path, *, beneath: str = "") -> AddressedStore:
    """The store at an address: `s3://BUCKET/PREFIX`, or else a folder.

    Args:
        beneath: the address of a store whose objects show through that in a folder.

    Raises:
        StoreRefused, MissingPackage: as of `S3Store`.
    """
    text = str(address)
    if "://" not in text:
        return DiskStore(text, beneath=store_at(beneath) if beneath else None)
    if text not in _buckets:
        _buckets[text] = S3Store(text)
    return _buckets[text]


def require_open(address: str) -> None:
    """Checks that something can be written at an address, before there is work to lose.

    Raises:
        StoreRefused: with what refuses it. MissingPackage: as of `S3Store`.
    """
    store = store_at(address)
    if isinstance(store, S3Store):
        store.require_open()
        return
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store.folder):
            pass
    except OSError as error:
        raise StoreRefused(f"{address} cannot be written to: {error.strerror or error}; name another --store") from None
