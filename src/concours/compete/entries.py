"""How far all have come, kept from event to event: an outcome concerns those entries alone that asked for its job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from concours.compete.way import Entry
from concours.core.digests import Digest
from concours.core.growing import Growing


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Entries in their order, and who has asked for which job.

    Law: what is kept is what a walk over the state from nothing gives, if each outcome's entries are walked anew.
    """

    each: tuple[Entry, ...] = ()
    askers: Growing[Digest, tuple[int, ...]] = field(default_factory=Growing)

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Entries:
        askers: dict[Digest, list[int]] = {}
        for index, entry in enumerate(entries):
            for job in entry.jobs:
                askers.setdefault(job.digest, []).append(index)
        return cls(each=tuple(entries), askers=Growing({job: tuple(indices) for job, indices in askers.items()}))

    def concerned(self, job: Digest) -> tuple[int, ...]:
        """The numbers of the entries that have asked for a job."""
        return self.askers.get(job, ())

    def with_entry(self, index: int, entry: Entry) -> Entries:
        """With another entry at a place, or at the end."""
        askers, new = self.askers, entry.jobs
        known = self.each[index].jobs if index < len(self.each) else ()
        for job in new if new != known else ():
            asked = askers.get(job.digest, ())
            if index not in asked:
                askers = askers.with_item(job.digest, (*asked, index))
        return Entries(each=(*self.each[:index], entry, *self.each[index + 1 :]), askers=askers)
