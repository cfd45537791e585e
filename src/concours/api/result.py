"""Results: what a contest leaves in its folder, and what can be done with it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.api.alliance import PLAIN, Alliance
from concours.api.circle import Outcome
from concours.api.credit import Credit
from concours.api.folder import RunFolder, existing
from concours.api.formats import LEADERBOARD, shown_of
from concours.api.kept import kept_candidates, kept_setup
from concours.api.result_json import kept_of, line_to_json, lines_from_json, task_to_json, timeless
from concours.api.setup import Setup
from concours.api.trust import Trust, permitted, remembered
from concours.commons.blobs import get_array, get_table, is_table, texts_in, unit_of_texts
from concours.core import consent
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate
from concours.core.errors import ContentRefused, DataError, DataWarning, NothingFitted, RunFolderError, nearest
from concours.core.standings import Standings
from concours.engine.rows import as_rows
from concours.engine.versions import versions
from concours.kernels.decisions import decide

SCHEMA = 2


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """New rows to predict.

    Attributes:
        x: as models take them.
        name: of where they came from.
        table: all their columns, where they came in a table.
    """

    x: Any
    name: str
    table: pa.Table | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, those that no model gets among them."""
        return () if self.table is None else tuple(self.table.column_names)

    def column(self, name: str | None) -> pa.ChunkedArray | None:
        """One of the columns, if there is one of that name."""
        return self.table[name] if self.table is not None and name in self.columns else None


def _warn(text: str) -> None:
    warnings.warn(text, DataWarning, stacklevel=5)


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """What came of a contest.

    Attributes:
        standings: the board, best first by the score on the test part (by the selection score where there is none).
        default: the name of the best by selection score, which `predict` uses; none where nothing could be fitted.
        folder: where the models lie.
        complete: whether the contest has come to its end.
        format: the way to compete by its name, and what is shown of it.
        credit: by the name of an alliance of two members or more, what each is worth to it, and who needs whom.
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
    format: Mapping[str, Any] = field(default_factory=dict)
    agreed: frozenset[str] = field(default=frozenset(), compare=False)
    until: float | None = field(default=None, compare=False)

    @classmethod
    def of(cls, outcome: Outcome, setup: Setup, folder: RunFolder) -> Result:
        """The result that an outcome stands for."""
        return cls(
            setup=setup,
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
            versions=versions(),
            credit=outcome.credit,
            format=outcome.format,
            agreed=remembered(folder.path),
        )

    @property
    def alliances(self) -> dict[str, Alliance]:
        """The alliances that were made, by name."""
        names = {line.entrant.digest: line.entrant.name for line in self.standings if line.entrant.role != "alliance"}
        return {
            line.entrant.name: Alliance(
                strategy=line.entrant.name,
                weights={
                    names[p]: w for p, w in zip(line.entrant.parents, line.entrant.params["weights"], strict=True) if w
                },
                limits=line.entrant.params.get("limits", {}),
                uses=line.entrant.params.get("uses", {}),
            )
            for line in sorted(self.standings, key=lambda line: line.entrant.name)
            if line.entrant.role == "alliance"
        }

    @property
    def digest(self) -> Digest:
        """Covers task, seed, entrants, predictions, weights, scores and what the format shows; never times."""
        lines = [
            {
                "entrant": line.entrant.digest,
                "weights": list(line.entrant.params.get("weights", [])) if line.entrant.parents else [],
                "status": line.status,
                "selection": line.selection.score if line.selection else None,
                "metrics": dict(line.metrics),
                "predictions": [candidate.selection, candidate.test]
                if (candidate := self.candidates.get(line.entrant.name))
                else [],
            }
            for line in sorted(self.standings, key=lambda line: (line.entrant.digest, line.entrant.name))
        ]
        shown = timeless(self.format) if self.setup.format != LEADERBOARD else None
        format = {"format": shown} if shown else {}
        return digest_json({"task": self.setup.problem.digest, "seed": self.setup.seed, "lines": lines, **format})

    def predict(
        self,
        rows: Any,
        *,
        model: str | None = None,
        proba: bool = False,
        trust: Trust | None = None,
        told: Callable[[str], None] = _warn,
    ) -> NDArray[Any]:
        """Predictions for new rows: labels or values (rows,), or, with `proba`, probabilities (rows, classes).

        Args:
            rows: a file, a frame, a table, or an array, in the form of the task's data; or what `read` gave.
            model: a name on the board; the default by default.
            trust: asked, with a sentence, before code runs that was not agreed to when the folder was made here; by
                default it is refused.
            told: is given what a person should know of how the rows were read; by default a `DataWarning` each.

        Raises:
            DataError: the rows do not suit, or there is no such model.
            TrustError: code was not to be run.
        """
        from concours.engine.prediction import Predictor

        candidate, store = self._candidate(model), self.folder.store
        agreed = self.permitted(self.asked([candidate.entrant.name]), trust, who=f"{candidate.entrant.name} runs")
        by_digest = {c.entrant.digest: c for c in self.candidates.values()}
        read = rows if isinstance(rows, NewRows) else self.read(rows, told=told)
        with consent.granted(agreed):
            p = Predictor(store, by_digest, read.x).predict(candidate)
        classes = self.setup.problem.classes
        if proba and not classes:
            raise DataError("probabilities were asked for, but this task predicts a number")
        if proba:
            return p
        return self.named(p, model=model) if classes else p[:, 0]

    def asked(self, models: Iterable[str]) -> frozenset[str]:
        """What is asked about before these models predict (`core.asked`)."""
        from concours.engine.prediction import asked_of

        by_digest, store = {c.entrant.digest: c for c in self.candidates.values()}, self.folder.store
        return frozenset[str]().union(*(asked_of(store, by_digest, self._candidate(name)) for name in models))

    def permitted(self, asked: Iterable[str], trust: Trust | None, *, who: str) -> frozenset[str]:
        """What was asked about, once it is agreed to.

        Raises:
            TrustError: it is not.
        """
        return permitted(asked, known=self.agreed, who=who, trust=trust)

    def report(
        self,
        path: Path | str | None = None,
        *,
        format: Literal["html", "md", "json"] = "html",
        engine: Literal["inline", "processes"] = "processes",
        trust: Trust | None = None,
    ) -> Path:
        """Looks into the contest and writes its report: by default `report.html` in its folder. Gives where it is.

        As `predict` does, it asks `trust` before code runs.

        Raises:
            DataError: there is no such format, or the file cannot be written.
            TrustError: code was not to be run. RunFolderError: somebody else is writing to the folder.
        """
        from concours.api.report import write_report

        return write_report(self, path, format=format, engine=engine, trust=trust)

    def named(self, p: NDArray[np.float64], *, model: str | None = None) -> NDArray[Any]:
        """The labels (rows,) that a model names, given its probabilities (rows, classes): see `kernels.decisions`."""
        return np.asarray(self.setup.problem.classes)[self.codes(p, model=model)]

    def codes(self, p: NDArray[np.float64], *, model: str | None = None) -> NDArray[np.int64]:
        """As `named`, the places of the labels among the classes, (rows,)."""
        decision = self._candidate(model).decision
        weights = decision["weights"] if decision else np.ones(len(self.setup.problem.classes))
        return decide(p, np.asarray(weights))

    def read(self, rows: Any, *, written: Sequence[str] = (), told: Callable[[str], None] = _warn) -> NewRows:
        """New rows, read for `predict`.

        Args:
            written: columns that no model gets, to keep as a file writes them, besides that of ids.
            told: is given what a person should know of how the rows were read; by default a `DataWarning` each.

        Raises:
            DataError: they cannot be read, or do not suit.
        """
        from concours.tasks.new_rows import read_inputs

        digest, store = self.setup.problem.train.x, self.folder.store
        like: Any = get_table(store, digest) if is_table(store, digest) else get_array(store, digest)
        text = texts_in(like) if isinstance(like, pa.Table) else None
        more: dict[str, Any] = {"written": (*written, *([self.setup.id] if self.setup.id else []))}
        if text is not None:
            more |= {"text": text, "unit": unit_of_texts(like), "classes": self.setup.problem.classes}
            like = like.column(0)
        x: Any
        x, opened = read_inputs(rows, like, told=told, **more)
        if isinstance(x, pa.Table):
            x = as_rows(x)
        elif text is not None:
            x = np.asarray(x.to_pylist(), dtype=object)
        return NewRows(x=x, name=opened.name, table=opened.x if isinstance(opened.x, pa.Table) else None)

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
                f"{path} was written by another version of Concours; run the contest again with the same command: "
                "what has finished is not run again"
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
            "format": dict(self.format),
            "default": self.default,
            "lineup": [
                {
                    "name": e.name,
                    "recipe": e.recipe,
                    "params": dict(e.params),
                    "prepare": e.prepare,
                    "search": dict(e.search),
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
            format=shown_of(setup.format, kept.get("format", {})),
            agreed=remembered(folder.path),
        )

    def _candidate(self, name: str | None) -> Candidate:
        if not self.candidates and not self.complete and self._waiting:
            raise RunFolderError(f"the contest in {self.folder.path} has not come to its end, and has no model yet")
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
        what = f"{len(problem.classes)} classes" if problem.classes else "a number"
        judges = f", {problem.test.rows:,} to judge by" if problem.test else ""
        state = "" if self.complete else "  (not finished: by selection score so far)"
        return f"{problem.name}  {problem.kind}: {what}; {problem.train.rows:,} rows to learn from{judges}{state}"

    @property
    def _told(self) -> list[str]:
        """Alliances whose weights were chosen: all but the plain ones."""
        return [name for name in self.alliances if name not in PLAIN]
