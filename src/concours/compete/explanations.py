"""The explanations: what the report tells beyond the board. It decides nothing, and comes after the evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log2
from typing import Any

from concours.compete.pairs import Side, inputs_of, names_of
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.kind import REFERENCE
from concours.core.needs import Needs
from concours.core.problem import Part, Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed

SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the rows that a fold is fitted on: the points of a learning curve. The last one is fitted anew too: the board's
predictions are calibrated on more rows than a fold has, and beside the others that would look like a gain."""

_CURVES = 3
_CURVE_FOLDS = 2
_CURVES_S = 45.0
"""Seconds of fitting that learning curves may take, about."""

_CHANGES, _LOOKED_AT = 40, 20_000
"""In about how many ways rows are changed to see what a model looks at, and how many rows at most."""

_PROMPTS, _TEMPERATURES, _WRITTEN = 2, (0.5, 0.8, 1.0), 160
"""Texts that a language model goes on with, at which temperatures, and for how many characters."""

_DEPENDENCES = 4
_OCCLUDED = 12

_LOOKING_S, _FEWEST, _MOST = 20.0, 256, 20_000
"""Seconds of a core for changed texts and pictures that the default model is asked about, about, and how many of them
there are in any case, and at most."""


@dataclass(frozen=True, kw_only=True)
class Explanations(MemoProcess):
    """Jobs whose values the report draws: about all candidates, the default model, and the data.

    Candidates are all that are complete, with the best by cross-validation score first.

    Attributes:
        default: the model that is looked into; with `parents` as far as it joins others.
        judged: all that have predictions of the rows that judge, whatever else they have.
    """

    problem: Problem
    default: Candidate
    parents: Mapping[Digest, Candidate] = field(default_factory=dict)
    judged: tuple[Candidate, ...] = ()
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [job for _, job in self._jobs(state)])

    def findings(self, state: Memo) -> dict[str, Any]:
        """What is known so far by the kind of job: its values, or of several jobs a list; `missing` has reasons.

        What a job yielded besides is told under `objects`, as digests. Those of `curve` are told by the name of the
        entrant, with the share and the fold. `late` says what for there was no time, in words.
        """
        found: dict[str, Any] = {"missing": {}, "late": []}
        for name, job in self._jobs(state):
            ended = state.ended(job)
            if isinstance(ended, Failed) and ended.budget_spent:
                words = "learning curves" if job.runner == "curve" else job.label.partition(": ")[2]
                found["late"] += [] if words in found["late"] else [words]
            elif isinstance(ended, Failed):
                found["missing"][name] = ended.reason
            elif isinstance(ended, Done) and job.runner == "curve":
                point = {"share": job.params["share"], "fold": job.params["fold"], **ended.values}
                found.setdefault("curve", {}).setdefault(name, []).append(point)
            elif isinstance(ended, Done):
                found[name] = {**ended.values, **({"objects": dict(ended.outputs)} if ended.outputs else {})}
        if "by_fold" in found:
            found["by_fold"]["names"] = [c.entrant.name for c in state.candidates if c.oof]
        return found

    def _jobs(self, state: Memo) -> Iterator[tuple[str, Job]]:
        """Every job that can be named so far, what is quick first."""
        yield "card", self._card(state)
        diagnose = self._diagnose(state) if "diagnose" in self.problem.output.can else None
        if diagnose:
            yield "diagnose", diagnose
        if "answers" in self.problem.output.can and self.default in self.judged:
            yield "answers", self._answers(state)
        if (runner := self.problem.output.can.get("draw")) and self.judged:
            yield runner, self._drawn(state, runner)
        yield "by_fold", self._by_fold(state)
        if "continue" in self.problem.output.can and self._asked_freely:
            yield "continued", self._continued(state)
        if any(candidate.verdicts for candidate in state.candidates):
            yield "judgements", self._judgements(state)
        if "complement" in self.problem.output.can:
            yield from self._complement(state)
        curves, of_default = list(self._curves(state)), list(self._of_default(state, diagnose))
        yield from (*curves, *of_default) if self._curves_s(state) < self._of_default_s() else (*of_default, *curves)

    def _of_default(self, state: Memo, diagnose: Job | None) -> Iterator[tuple[str, Job]]:
        """What the default model looks at, where asking costs nothing: changes of a prediction that are numbers, or
        words.
        """
        if not self._asked_freely:
            return
        if (
            (runner := self.problem.output.can.get("align"))
            and "words" in self.problem.input.can
            and self.default in self.judged
        ):
            yield runner, self._aligned(state, runner)
        explained, seen = "explain" in self.problem.output.can, {"pictures", "clips"} & {*self.problem.input.can}
        if explained and "columns" in self.problem.input.can:
            yield from self._of_columns(state)
        if diagnose and (done := state.done(diagnose)):
            rows = list(done.values["mistakes"]["rows"])[:_OCCLUDED]
            if explained and "parts" in self.problem.input.can:
                yield "occlude", self._occlude(state, rows)
            if (runner := self.problem.output.can.get("trace")) and seen:
                yield runner, self._gradients(state, rows, runner)

    def _aligned(self, state: Memo, runner: str) -> Job:
        """What is said by the default, or a network that it joins, beside what was read."""
        inputs, params = self._model()
        inputs |= {"predictions": self._predictions(self.default)}
        looked_at, codes = _looked_at((self.default, *self.parents.values()))
        params = {**params, **self._told, "looked_at": looked_at}
        return self._job(state, runner, {**inputs, **codes}, params, label="report: which word comes from which")

    @property
    def _asked_freely(self) -> bool:
        """Whether the default model, and all that it joins, can be asked about new rows, and asking costs nothing."""
        had = [one.entrant.had for one in (self.default, *self.parents.values())]
        return all(one.answers and not one.calls for one in had)

    def _of_default_s(self) -> float:
        """About how many seconds that takes: rows are predicted again, changed in many ways, by all that are joined."""
        return _CHANGES * min(self._part.rows, _LOOKED_AT) * self._row_s

    @property
    def _row_s(self) -> float:
        """Seconds that the default model takes for a row, with all that it joins."""
        return sum(candidate.row_s or 0.0 for candidate in self.parents.values() or [self.default])

    def _card(self, state: Memo) -> Job:
        train, test = self.problem.train, self.problem.test
        inputs = {"x": train.x, "y": train.y, **({"test": test.y} if test else {})}
        return self._job(state, "card", inputs, self._told, label="report: the data")

    def _diagnose(self, state: Memo) -> Job:
        part = self._part
        inputs = {"x": part.x, "y": part.y, "predictions": self._predictions(self.default)}
        inputs |= {**part.counting, **part.calling}
        if not self.problem.test:
            inputs["folds"] = self.problem.folds
        params = {**self.problem.measuring(), **self._told, "decision": _plain(self.default.decision)}
        return self._job(state, "diagnose", inputs, params, label="report: the default's predictions")

    def _continued(self, state: Memo) -> Job:
        inputs, params = self._model()
        inputs |= {"train": self.problem.train.x}
        params = {**params, "prompts": _PROMPTS, "temperatures": list(_TEMPERATURES), "length": _WRITTEN}
        return self._job(state, "continued", inputs, params, label="report: what it writes")

    def _answers(self, state: Memo) -> Job:
        part, everyone = self._part, self.judged
        inputs = {"x": part.x, "y": part.y, "ids": part.ids, **part.counting}
        for place, candidate in enumerate(everyone):
            inputs[f"predictions{place}"] = self._predictions(candidate)
            inputs |= {f"said{place}": candidate.said} if candidate.said else {}
        params = {
            **self.problem.measuring(),
            **self._told,
            "names": [candidate.entrant.name for candidate in everyone],
            "single": [candidate.entrant.role == "single" for candidate in everyone],
            "samples": [_samples(candidate) for candidate in everyone],
            "best": everyone.index(self.default),
            "part": "test" if self.problem.test else "oof",
            **part.looking,
        }
        return self._job(state, "answers", inputs, params, label="report: what was answered")

    def _drawn(self, state: Memo, runner: str) -> Job:
        """What everybody drew, beside real pictures; and whether these are copies of what was fitted on."""
        part, everyone = self._part, self.judged
        inputs = {"x": part.x, "y": part.y, "known": self.problem.train.y}
        inputs |= {f"predictions{place}": self._predictions(candidate) for place, candidate in enumerate(everyone)}
        params = {**self._told, "names": [candidate.entrant.name for candidate in everyone]}
        job = self._job(state, runner, inputs, params, label="report: what they draw")
        return replace(job, outputs=("sheets", "pairs"))

    def _by_fold(self, state: Memo) -> Job:
        predictions = {f"predictions{i}": c.oof for i, c in enumerate(state.candidates) if c.oof}
        decisions = [_plain(candidate.decision) for candidate in state.candidates]
        return self._job(
            state,
            "by_fold",
            {"y": self.problem.train.y, "folds": self.problem.folds, **self.problem.train.weighing, **predictions},
            {**self.problem.measuring(1), "decisions": decisions},
            label="report: each fold",
        )

    def _judgements(self, state: Memo) -> Job:
        """What judges said of all whom they judged; alliances that pass on what members wrote were not."""
        other = REFERENCE if self.problem.output.meta["referenced"] else ""
        sides = [
            Side(
                name=candidate.entrant.name,
                other=other,
                texts=self._predictions(candidate),
                others=self._part.y,
                verdicts=candidate.verdicts,
            )
            for candidate in state.candidates
            if candidate.verdicts and candidate.entrant.role == "single"
        ]
        params = {"pairs": names_of(sides)}
        return self._job(state, "judgements", inputs_of(sides), params, label="report: what judges said")

    def _complement(self, state: Memo) -> Iterator[tuple[str, Job]]:
        """Singles that are better than guessing may complement one another; it takes two."""
        singles = [c for c in state.candidates if c.entrant.role == "single"]
        if len(singles) < 2:
            return
        inputs = {"y": self._part.y, "folds": self.problem.folds, "oof_y": self.problem.train.y}
        inputs |= self._part.counting
        if self.problem.train.weights:
            inputs["oof_weights"] = self.problem.train.weights
        for index, candidate in enumerate(singles):
            inputs[f"predictions{index}"] = self._predictions(candidate)
            inputs[f"oof{index}"] = candidate.oof or Digest("")
        params = {
            **self.problem.measuring(1),
            "decisions": [_plain(candidate.decision) for candidate in singles],
            "names": [candidate.entrant.name for candidate in singles],
            "part": "test" if self.problem.test else "oof",
        }
        yield "complement", self._job(state, "complement", inputs, params, label="report: who complements whom")

    def _of_columns(self, state: Memo) -> Iterator[tuple[str, Job]]:
        inputs, params = self._model()
        importance = self._job(state, "importance", inputs, params, label="report: which columns matter")
        yield "importance", importance
        if done := state.done(importance):
            kinds = zip(done.values["columns"], done.values["kinds"], strict=True)  # the greatest drop first
            columns = [name for name, sort in kinds if sort != "text"][:_DEPENDENCES]
            if columns:
                params = {**params, "columns": columns}
                yield "dependence", self._job(state, "dependence", inputs, params, label="report: how columns matter")

    def _occlude(self, state: Memo, rows: Sequence[int]) -> Job:
        inputs, params = self._model()
        params = {**params, "rows": rows, "most": _copies(self._row_s)}
        return self._job(state, "occlude", inputs, params, label="report: what is looked at")

    def _gradients(self, state: Memo, rows: Sequence[int], runner: str) -> Job:
        """Of the best network among all that get the pictures or clips as they are; the job finds out which are one."""
        looked_at, codes = _looked_at(state.candidates)
        params = {**self.problem.measuring(1), "looked_at": looked_at, "rows": rows}
        inputs = {"x": self._part.x, **codes}
        return self._job(state, runner, inputs, params, label="report: what a network looks at")

    def _curves(self, state: Memo) -> Iterator[tuple[str, Job]]:
        """Learning curves of the best single entrants, as far as they take little; judges are asked no more."""
        if self.problem.output.judged:
            return
        left_s = _CURVES_S
        for candidate in self._curved(state):
            left_s -= _curve_s(candidate)
            if left_s < 0:
                return
            for share in SHARES:
                for fold in self.problem.crossing[:_CURVE_FOLDS]:
                    yield candidate.entrant.name, self._curve(state, candidate, share, fold)

    def _curves_s(self, state: Memo) -> float:
        return min(sum(_curve_s(candidate) for candidate in self._curved(state)), _CURVES_S)

    def _curved(self, state: Memo) -> list[Candidate]:
        fitted = (candidate for candidate in state.candidates if candidate.entrant.had.fitted)
        return [candidate for candidate in fitted if candidate.entrant.role == "single"][:_CURVES]

    def _curve(self, state: Memo, candidate: Candidate, share: float, fold: int) -> Job:
        entrant, train = candidate.entrant, self.problem.train
        code = {"code": candidate.code} if candidate.code else {}
        return Job(
            runner="curve",
            inputs={"x": train.x, "y": train.y, **self.problem.dividing, **code, **train.counting},
            params={
                **self.problem.measuring(1),
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                **self.problem.labelling(entrant.params, candidate.code),
                "preparation": None if entrant.prepare in (None, "none") else entrant.prepare,
                "fold": fold,
                "share": share,
                **train.timing,
            },
            seed=derive_seed(state.seed, entrant.digest, "curve", fold),
            threads=self.threads,
            needs=Needs.of_params(entrant.params),
            label=f"report: {entrant.name} on {share:.1%} of fold {fold + 1}",
        )

    def _model(self) -> tuple[dict[str, Digest], dict[str, Any]]:
        """Inputs and parameters of a job that predicts with the default model."""
        part = self._part
        everyone = [self.default, *self.parents.values()]
        codes = dict.fromkeys(candidate.code for candidate in everyone if candidate.code)
        inputs = {"x": part.x, "y": part.y, **part.counting}
        inputs |= {f"code{index or ''}": code for index, code in enumerate(codes)}
        parents = {digest: _known(candidate) for digest, candidate in self.parents.items()}
        return inputs, {**self.problem.measuring(1), "model": _known(self.default), "parents": parents}

    @property
    def _told(self) -> dict[str, Any]:
        """What is predicted of rows, and what can be asked of these."""
        return {"output": self.problem.output.told, "rows": list(self.problem.input.can)}

    @property
    def _part(self) -> Part:
        return self.problem.test or self.problem.train

    def _predictions(self, candidate: Candidate) -> Digest:
        return (candidate.test if self.problem.test else candidate.oof) or Digest("")

    def _job(self, state: Memo, kind: str, inputs: Mapping[str, Digest], params: Mapping[str, Any], label: str) -> Job:
        return Job(
            runner=kind,
            inputs=inputs,
            params=params,
            seed=derive_seed(state.seed, "report", kind),
            threads=self.threads,
            label=label,
        )


def _samples(candidate: Candidate) -> int:
    """How often each question was put to it in the same words."""
    params = candidate.entrant.params
    in_words = params.get("by", "said") == "said" and not params.get("rotate")
    return int(params.get("samples", 1)) if candidate.said and in_words else 1


def _curve_s(candidate: Candidate) -> float:
    """Seconds that fits of a learning curve take, about."""
    return _CURVE_FOLDS * sum(SHARES) * candidate.fit_s / max(len(candidate.models), 1)


def _looked_at(candidates: Sequence[Candidate]) -> tuple[list[dict[str, Any]], dict[str, Digest]]:
    """The single entrants that get rows as they are, in their order, and the code of users' files."""
    singles = (each for each in candidates if each.models and each.entrant.role == "single")
    bare = [each for each in singles if each.entrant.prepare in (None, "none")]
    codes = {f"code_bare{place}": candidate.code for place, candidate in enumerate(bare) if candidate.code}
    return [_known(candidate) for candidate in bare], codes


def _copies(row_s: float) -> int:
    """How many changed rows may be predicted; a power of two, so that times of one machine lead to one number."""
    return min(max(2 ** round(log2(_LOOKING_S / max(row_s, 1e-6))), _FEWEST), _MOST)


def _known(candidate: Candidate) -> dict[str, Any]:
    """What predicting with a candidate takes, without times: these are no part of a job's digest."""
    timeless = replace(candidate, fit_s=0.0, predict_s=0.0, row_s=None, expected_s=None, prepare_s=None)
    return replace(timeless, calls=None, said=None, verdicts=None).to_json()


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)
