"""The secrets of a site in rounds that are summed up unseen. They live as long as its process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from safetensors import SafetensorError

from concours.core.digests import Digest
from concours.core.errors import ContentRefused
from concours.core.job import Job
from concours.engine.federating import get_tensors
from concours.engine.runners.secure import put_secret
from concours.engine.sealing import Secret
from concours.engine.sites.rows import Gone
from concours.stores.disk import DiskStore

_KEPT = 64


@dataclass(frozen=True, kw_only=True)
class _Round:
    """Where a secret lies, and the one job of each kind that it was used in."""

    secret: Digest
    used: dict[str, Digest] = field(default_factory=dict)


class OwnSecrets:
    """The input `secret` of a job, by the public key that came with it; `secret_keys` has a new one each time.

    Law: a secret serves one job of each kind. So a site masks one vector with it, and tells one part of each
    neighbour's: whoever asks for another is refused.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, _Round] = OrderedDict()

    def __call__(self, job: Job, store: DiskStore) -> Mapping[str, Digest]:
        if job.runner == "secret_keys":
            return {"secret": self._begun(store)}
        try:
            public = get_tensors(store, job.inputs[f"keys{job.params['place']}"])["mask"].tobytes()
        except (KeyError, SafetensorError):
            raise ContentRefused("what was sent does not say which of its keys it is about") from None
        known = self._known.get(public)
        if known is None:
            raise Gone("it was started anew in this round, and no longer has its secret")
        if known.used.setdefault(job.runner, job.digest) != job.digest:
            raise ContentRefused(f"its secret of this round has served another {job.runner!r} already")
        return {"secret": known.secret}

    def _begun(self, store: DiskStore) -> Digest:
        secret = Secret.drawn()
        kept = put_secret(store, secret)
        self._known[secret.public.mask] = _Round(secret=kept)
        while len(self._known) > _KEPT:
            store.delete(self._known.popitem(last=False)[1].secret)
        return kept
