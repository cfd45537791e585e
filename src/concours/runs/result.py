"""Results: what a contest leaves in its folder, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from concours.contest.alliance import Alliance
from concours.contest.circle import Outcome
from concours.contest.credit import Credit
from concours.contest.formats import LEADERBOARD, shown_of
from concours.contest.looking import Looked, narrowed_to
from concours.contest.savings import Saving
from concours.contest.setup import Setup
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate
from concours.core.errors import ContentRefused, DataError, NothingFitted, RunFolderError, nearest
from concours.core.joint import Joint
from concours.core.lineage import by_digest, in_turn
from concours.core.standings import Standings
from concours.engine.versions import versions
from concours.runs.folder import RunFolder, existing
from concours.runs.kept import kept_candidates, kept_setup
from concours.runs.result_json import kept_of, line_to_json, lines_from_json, task_to_json, timeless
from concours.runs.trust import remembered
from concours.runs.upgrade import SCHEMA
from concours.tasks.outputs.table import output_valued


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """What came of a contest.

    Attributes:
        standings: the board, best first by the score on the test part (by the cross-validation score where there is
            none).
        default: the name of the best by cross-validation score, which `predict` uses; none where nothing could be
            fitted.
        folder: where the models lie.
        complete: whether the contest has come to its end.
        format: the way to compete by its name, and what is shown of it.
        credit: by the name of an alliance of two members or more, what each is worth to it, and who needs whom.
        savings: by the name of a model that was made of others, what it takes and keeps of these.
        looked: how far the rows that judge were asked about, where that could stop early; then `setup` has these alone.
        agreed: what may run without a question of what is asked about (`core.asked`).
        until: of a contest that has just been run, when its budget is used up, on `time.monotonic`.
    """

    setup: Setup
    standings: Standings
    candidates: Mapping[str, Candidate]
    default: str | None
    folder: RunFolder
    complete: bool
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    credit: Mapping[str, Credit] = field(default_factory=dict)
    savings: Mapping[str, Saving] = field(default_factory=dict)
    format: Mapping[str, Any] = field(default_factory=dict)
    looked: Looked | None = None
    agreed: frozenset[str] = field(default=frozenset(), compare=False)
    until: float | None = field(default=None, compare=False)

    @classmethod
    def of(cls, outcome: Outcome, setup: Setup, folder: RunFolder) -> Result:
        """The result that an outcome stands for."""
        return cls(
            setup=narrowed_to(setup, outcome.looked),
            standings=replace(
                outcome.standings,
                metrics=tuple(m.name for m in setup.problem.metrics),
                default=outcome.default,
                final=setup.final,
            ),
            candidates=outcome.candidates,
            default=outcome.default,
            folder=folder,
            complete=outcome.complete,
            warnings=(*setup.warnings, *outcome.warnings),
            versions=versions(setup.plugins.values()),
            credit=outcome.credit,
            savings=outcome.savings,
            format=outcome.format,
            looked=outcome.looked,
            agreed=remembered(folder.path),
        )

    @property
    def alliances(self) -> dict[str, Alliance]:
        """The alliances that were made, by name; without those that failed, as a talk does where nobody answers."""
        entrants = [line.entrant for line in self.standings]
        failed = {line.entrant.name for line in self.standings if line.status == "failed"}
        names = by_digest(sorted(entrants, key=lambda e: e.joint is not None))
        return {
            entrant.name: Alliance(
                strategy=joint.how,
                weights=_of_members(joint, joint.weights, names),
                limits=joint.artifacts.get("limits", {}),
                uses=joint.artifacts.get("uses", {}),
                asked=_of_members(joint, joint.artifacts.get("asked", ()), names),
                curve=joint.artifacts.get("curve", ()),
                chosen=joint.artifacts.get("chosen", ()),
            )
            for entrant in sorted(entrants, key=lambda entrant: entrant.name)
            if (joint := entrant.joint) and entrant.name not in failed
        }

    @property
    def digest(self) -> Digest:
        """Covers task, seed, entrants, predictions, weights, scores and what the format shows; never times."""
        lines = [
            {
                "entrant": line.entrant.digest,
                "weights": list(line.entrant.joint.weights) if line.entrant.joint else [],
                "status": line.status,
                "selection": line.cv_score.score if line.cv_score else None,
                "metrics": dict(line.metrics),
                "predictions": [candidate.oof, candidate.test]
                if (candidate := self.candidates.get(line.entrant.name))
                else [],
            }
            for line in sorted(self.standings, key=lambda line: (line.entrant.digest, line.entrant.name))
            if not (line.entrant.joint and line.status == "failed")  # of which nothing is kept
        ]
        shown = timeless(self.format) if self.setup.format != LEADERBOARD else None
        format = {"format": shown} if shown else {}
        return digest_json({"task": self.setup.problem.digest, "seed": self.setup.seed, "lines": lines, **format})

    def save(self) -> None:
        """Writes `result.json` and what `load` needs."""
        self.folder.write("candidates.json", [c.to_json() for c in self.candidates.values()])
        self.folder.write("result.json", self.to_json())

    @classmethod
    def load(cls, path: Path | str) -> Result:
        """The result in the folder of a finished contest.

        Raises:
            RunFolderError: there is none, or the contest has not come to its end.
        """
        folder = existing(path)
        value, setup = folder.read("result.json"), kept_setup(folder)
        known = kept_candidates(folder, setup)
        if value is None or known is None or setup is None:
            raise RunFolderError(
                f"the contest in {path} has not come to its end; run it again with the same command to go on"
            )
        if value.get("schema") != SCHEMA:
            raise RunFolderError(
                f"{path} was written by another version of Concours (schema {value.get('schema')!r}), which this one "
                "cannot read; run the contest anew, into another folder"
            )
        with folder.believing("result.json"):
            return cls.from_json(value, setup, known, folder)

    def to_json(self) -> dict[str, Any]:
        """The content of `result.json`."""
        return {
            "schema": SCHEMA,
            "task": task_to_json(self.setup.problem),
            "greater_is_better": self.setup.problem.metrics[0].greater_is_better,
            "complete": self.complete,
            "standings": [line_to_json(line) for line in self.standings],
            "alliances": {name: alliance.to_json() for name, alliance in self.alliances.items()},
            "credit": {name: credit.to_json() for name, credit in self.credit.items()},
            **({"savings": {name: saving.to_json() for name, saving in self.savings.items()}} if self.savings else {}),
            "format": dict(self.format),
            **({"looked": self.looked.to_json()} if self.looked else {}),
            "default": self.default,
            "lineup": [
                {
                    "name": e.name,
                    "recipe": e.recipe,
                    "params": dict(e.params),
                    "prepare": e.prepare,
                    "search": dict(e.search),
                    **e.declared,
                }
                for e in (c.entrant for c in self.setup.candidates)
            ],
            "seed": self.setup.seed,
            "command": self.setup.command,
            "final": self.setup.final,
            "reading": list(self.setup.reading),
            "warnings": list(self.warnings),
            "versions": dict(self.versions),
            "digest": self.digest,
        }

    @classmethod
    def from_json(
        cls, value: Mapping[str, Any], setup: Setup, candidates: Mapping[str, Candidate], folder: RunFolder
    ) -> Result:
        """The inverse of `to_json`, with what lies beside it in the folder.

        Raises:
            ContentRefused: it is no result, or none of this setup and these candidates.
        """
        kept = kept_of(value)
        if kept["default"] is not None and kept["default"] not in candidates:
            raise ContentRefused(f"default: expected the name of a candidate, got {kept['default']!r}")
        looked = kept.get("looked")
        setup = narrowed_to(setup, looked)
        entrants = {c.entrant.name: c.entrant for c in setup.candidates} | {n: c.entrant for n, c in candidates.items()}
        return cls(
            setup=setup,
            standings=Standings(
                lines_from_json(kept["standings"], entrants),
                metrics=tuple(m.name for m in setup.problem.metrics),
                default=kept["default"],
                final=setup.final,
            ),
            candidates=candidates,
            default=kept["default"],
            folder=folder,
            complete=kept["complete"],
            warnings=kept["warnings"],
            versions=kept["versions"],
            credit={name: Credit.from_json(credit) for name, credit in kept.get("credit", {}).items()},
            savings=kept.get("savings", {}),
            format=shown_of(setup.format, kept.get("format", {})),
            looked=looked,
            agreed=remembered(folder.path),
        )

    def candidate(self, name: str | None = None) -> Candidate:
        """A model by its name on the board; the default by default.

        Raises:
            DataError: there is none of that name.
            NothingFitted, RunFolderError: there is none at all, or none yet.
        """
        if not self.candidates and not self.complete and self._waiting:
            raise RunFolderError(f"the contest in {self.folder.path} has not come to its end, and has no model yet")
        if name is None and self.default is None and any(line.status == "test_only" for line in self.standings):
            raise NothingFitted(
                "no entrant has a cross-validation score, so there is no default; choose a model, by --with NAME or "
                "model="
            )
        if name is None and self.default is None:
            raise NothingFitted(
                "no entrant could be fitted, so there is no model to predict with; `concours show` has the reasons"
            )
        chosen = name or self.default or ""
        if chosen not in self.candidates:
            raise DataError(f"there is no model {chosen!r}; {nearest(chosen, self.candidates)}")
        return self.candidates[chosen]

    @property
    def _waiting(self) -> bool:
        return any(line.status == "running" for line in self.standings)

    def __repr__(self) -> str:
        state = "" if self.complete else ", not finished"
        name = self.setup.problem.name
        return f"<Result of {name!r}: {len(self.standings)} on the board, default {self.default!r}{state}>"

    def __str__(self) -> str:
        """The headline, the board, and who joins in the alliances that have weights of their own."""
        joined = [repr(self.alliances[name])[1:-1] for name in self._told]
        return "\n".join([self.headline, repr(self.standings), *joined])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        from html import escape

        joined = "".join(f"<div>{escape(repr(self.alliances[name])[1:-1])}</div>" for name in self._told)
        return f"<p><b>{escape(self.headline)}</b></p>{self.standings._repr_html_()}{joined}"

    @property
    def headline(self) -> str:
        """The task, its kind, and how many rows teach and judge."""
        problem = self.setup.problem
        what = output_valued(problem.output).said
        judges = f", {problem.test.rows:,} to judge by" if problem.test else ""
        state = "" if self.complete else "  (not finished: by cross-validation score so far)"
        return f"{problem.name}  {problem.kind}: {what}; {problem.train.rows:,} rows to learn from{judges}{state}"

    @property
    def _told(self) -> list[str]:
        """Alliances whose weights were chosen: all but the plain ones."""
        return [name for name, alliance in self.alliances.items() if not alliance.even]


def _of_members(joint: Joint, values: Sequence[float], names: Mapping[Digest, Sequence[str]]) -> dict[str, float]:
    """Those of values of the parents, if there are any, that are of members that count, by name."""
    counting = joint.counting if values else []
    members = in_turn([joint.parents[place] for place in counting], names)
    return dict(zip(members, (values[place] for place in counting), strict=True))
