"""What smaller models keep of what they were made of: how many bytes each reads to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from concours.cooperate.joining import sizes_of
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done
from concours.core.lineage import kept_objects
from concours.core.process import Memo, MemoProcess, Plan, unfinished


@dataclass(frozen=True, kw_only=True)
class Keeping(MemoProcess):
    """Asks for the bytes that models and those before them read; candidates are all that are complete.

    Attributes:
        before: by the name of a smaller model, the names of those that it was made of.
    """

    before: Mapping[str, Sequence[str]]

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [sizes_of(self._kept(state, name), name) for name in self._known(state)])

    def bytes(self, state: Memo) -> dict[str, tuple[int, int]]:
        """By name, those of the smaller model, and those of all that it was made of together."""
        found = {name: state.done(sizes_of(self._kept(state, name), name)) for name in self._known(state)}
        return {name: tuple(done.values["bytes"]) for name, done in found.items() if isinstance(done, Done)}

    def _known(self, state: Memo) -> list[str]:
        there = {candidate.entrant.name for candidate in state.candidates}
        return [name for name, of in self.before.items() if there.issuperset((name, *of))]

    def _kept(self, state: Memo, name: str) -> list[list[Digest]]:
        """Objects that the smaller one reads, and objects that those before it read."""
        by_name: dict[str, Candidate] = {one.entrant.name: one for one in state.candidates}
        known = {one.entrant.digest: one for one in state.candidates}
        before = [digest for other in self.before[name] for digest in kept_objects(by_name[other], known)]
        return [kept_objects(by_name[name], known), list(dict.fromkeys(before))]
