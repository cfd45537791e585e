"""The executor of a federation: jobs whose rows lie at a site go there, all others run here."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from safetensors.numpy import save

from concours.core.digests import Digest
from concours.core.errors import ContentRefused
from concours.core.event import Cost, Done, Failed
from concours.core.job import Job
from concours.core.ports import Executor, Listener, Notice, Store, ignore
from concours.engine.sites.link import Link, Place
from concours.engine.sites.reaching import NotThere, Unwanted
from concours.engine.sites.wire import Answer, Asked

_LOOK_S = (0.1, 0.5)
"""How often is asked for replies: at first, and when they are long in coming."""
_PLACES_S = 1.0
_TRIES = 3


@dataclass(kw_only=True)
class _Sent:
    """A job of a site: since when it is wanted there, how often it was sent, and under which name it is under way."""

    job: Job
    since: float
    tries: int = 0
    name: str = ""
    begun: float = 0.0


class SitesExecutor:
    """Runs jobs at the sites that they need, and the others by another executor.

    A site that is not there is waited for, so long in all since it was last seen; then its jobs fail as `absent`, until
    it is seen again: a round goes on without it. A site that leaves while it is at work is waited for likewise, and
    asked again. Where the SuperLink cannot be reached, everybody is waited for.

    Args:
        home: for jobs that need no site. It is closed with this one.
        wait_s: how long a site that is not there is waited for.
        job_s: how long a job may take at a site.
    """

    def __init__(
        self, home: Executor, link: Link, store: Store, *, wait_s: float, job_s: float, listener: Listener = ignore
    ) -> None:
        self._home, self._link, self._store, self._listener = home, link, store, listener
        self._wait_s, self._job_s = wait_s, job_s
        self._jobs: dict[Digest, _Sent] = {}
        self._at_home: set[Digest] = set()
        self._seen: dict[str, float] = {}
        self._places: Mapping[str, Place] = {}
        self._looked = self._began = time.monotonic()
        self._silent = False

    def submit(self, job: Job) -> None:
        if not job.needs.site:
            self._at_home.add(job.digest)
            self._home.submit(job)
        elif (sent := self._jobs.pop(job.digest, None)) and sent.name:
            self._jobs[job.digest] = sent
        else:
            self._jobs[job.digest] = sent or _Sent(job=job, since=time.monotonic())

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        began, pause = time.monotonic(), _LOOK_S[0]
        while self._jobs or self._at_home:
            ended = [*self._from_sites(), *self._from_home(pause)]
            yield from ended
            left = pause if timeout_s is None else began + timeout_s - time.monotonic()
            if ended or left <= 0:
                return
            if not self._at_home:
                time.sleep(min(pause, left))
            pause = min(pause * 1.2, _LOOK_S[1])

    def cancel(self, job: Job) -> None:
        self._jobs.pop(job.digest, None)
        self._home.cancel(job)
        self._at_home.discard(job.digest)

    def close(self) -> None:
        self._jobs.clear()
        self._at_home.clear()
        self._home.close()
        self._link.close()

    def _from_home(self, pause: float) -> list[Done | Failed]:
        ended = list(self._home.outcomes(timeout_s=pause)) if self._at_home else []
        self._at_home.difference_update(event.job for event in ended)
        return ended

    def _from_sites(self) -> list[Done | Failed]:
        """What has come of jobs at sites; those that can be sent are."""
        if not self._jobs:
            return []
        try:
            self._look_around()
            self._send()
            replies = self._replies()
        except NotThere as error:
            if not self._silent:
                self._listener(Notice(topic="warning", text=f"{error}; it is waited for"))
            self._silent = True
            return []
        except Unwanted as error:
            self._listener(Notice(topic="warning", text=f"{error}; what is under way is asked for anew"))
            for sent in self._jobs.values():
                sent.name = ""
            return []
        self._silent = False
        return [*replies, *self._given_up()]

    def _look_around(self) -> None:
        """Notes which sites are there."""
        now = time.monotonic()
        if self._places and now - self._looked < _PLACES_S:
            return
        self._looked, before = now, {place.name for place in self._places.values() if place.online}
        self._places = {place.name: place for place in self._link.places()}
        here = {place.name for place in self._places.values() if place.online}
        self._seen |= dict.fromkeys(here, now)
        for name in sorted(here ^ before):
            self._listener(Notice(topic="reading", text=f"site {name} {'is here' if name in here else 'has left'}"))

    def _send(self) -> None:
        """Sends each job to its site, if that is there."""
        ready = [
            sent
            for sent in self._jobs.values()
            if not sent.name and (place := self._places.get(sent.job.needs.site)) and place.online
        ]
        contents = [
            (self._places[sent.job.needs.site].node, Asked(job=sent.job, objects=self._read(sent.job)).content())
            for sent in ready
        ]
        names = self._link.send(contents, ttl_s=self._job_s) if ready else []
        for sent, name in zip(ready, names, strict=True):
            sent.name, sent.tries, sent.begun = name, sent.tries + 1, time.monotonic()
            self._listener(Notice(topic="started", job=sent.job))

    def _read(self, job: Job) -> dict[Digest, bytes]:
        """What a job reads of what is here; the rest is the site's own."""
        found = {}
        for digest in sorted(set(job.inputs.values())):
            if digest in self._store:
                with self._store.open(digest) as file:
                    found[digest] = file.read()
        return found

    def _replies(self) -> list[Done | Failed]:
        under_way = {sent.name: sent for sent in self._jobs.values() if sent.name}
        if not under_way:
            return []
        ended = []
        for name, message in self._link.replies(under_way).items():
            sent = under_way[name]
            if message is None:  # its site has gone
                sent.name = ""
                continue
            del self._jobs[sent.job.digest]
            self._seen[sent.job.needs.site] = time.monotonic()
            try:
                event = self._ended(sent.job, Answer.of(message.content))
            except ContentRefused as error:
                reason = f"site {sent.job.needs.site}: {error}"
                event = Failed(job=sent.job.digest, cause="exception", reason=reason)
            ended.append(replace(event, cost=Cost(wall_s=time.monotonic() - sent.begun)))
        return ended

    def _ended(self, job: Job, answer: Answer) -> Done | Failed:
        """What a site says came of a job. Raises ContentRefused where it is not what the job yields."""
        if answer.cause:
            return Failed(job=job.digest, cause=answer.cause, reason=f"site {job.needs.site}: {answer.reason}")
        if sorted(answer.outputs) != sorted(job.outputs):
            raise ContentRefused(f"expected {', '.join(job.outputs)}, got {', '.join(answer.outputs) or 'nothing'}")
        outputs = {name: self._store.put(io.BytesIO(save(dict(some)))) for name, some in answer.outputs.items()}
        return Done(job=job.digest, outputs=outputs, values=answer.values)

    def _given_up(self) -> list[Failed]:
        """The ends of jobs whose sites have been waited for long enough."""
        now, ended = time.monotonic(), list[Failed]()
        for sent in list(self._jobs.values()):
            if reason := self._absent(sent, now):
                del self._jobs[sent.job.digest]
                reason = f"site {sent.job.needs.site} {reason}"
                ended.append(Failed(job=sent.job.digest, cause="absent", reason=reason, limit=self._wait_s))
        return ended

    def _absent(self, sent: _Sent, now: float) -> str:
        """Why a job is no longer waited for; nothing while it is."""
        name = sent.job.needs.site
        if sent.name:
            return f"did not answer in {self._job_s:g} s" if now - sent.begun > self._job_s else ""
        if self._looked < sent.since:  # it may have come since
            return ""
        if name not in self._places:
            return "is not registered with the SuperLink"
        if sent.tries >= _TRIES:
            return f"left {sent.tries} times while it was at work"
        if self._places[name].online or now - self._seen.get(name, self._began) <= self._wait_s:
            return ""
        return "was not there" if name not in self._seen else f"has been away for {self._wait_s:g} s"
