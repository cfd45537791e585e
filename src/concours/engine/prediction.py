"""Prediction: new rows through the models of a candidate."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.asked import asked_of_metrics, asked_of_recipe
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ConcoursError, ContentRefused
from concours.core.job import Job
from concours.core.joint import Joint
from concours.core.lineage import lineage, member
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.asking import FROZEN, asked_by
from concours.engine.deterministic import deterministic
from concours.engine.fitting import built, fitted_by, said, training_rows
from concours.engine.joints import Ask, Asking, joined
from concours.engine.made import needed_by, require_made_for
from concours.engine.meta_learners import Learner, get_meta_learner
from concours.engine.routers import Router, get_router
from concours.engine.rows import take_rows
from concours.entrants.fitting import Fitted
from concours.entrants.models import load_model, load_object
from concours.entrants.shortcuts import shortened, through
from concours.kernels.joining.calibration import Calibration
from concours.stores.blobs import get_bundle
from concours.stores.values import concat
from concours.tasks.judges import asked_of_judges
from concours.tasks.outputs.output import OutputKind, Values

Rows = NDArray[np.int64]
"""Numbers of rows, in their order."""


class Models:
    """The models, preparations and learners of a store, each loaded when it is first asked for, and kept.

    Args:
        short: models are asked by shorter ways where there are some (`entrants.shortcuts`).
    """

    def __init__(self, store: Store, *, short: bool = False) -> None:
        self._store, self._short = store, short
        self._loaded: dict[Digest, tuple[Job, Any]] = {}
        self.preparation = cache(self._preparation)
        self.learner = cache(self._learner)
        self.router = cache(self._router)

    def model(self, digest: Digest, candidate: Candidate | None = None) -> tuple[Job, Any]:
        """A model, `Fitted` or what is asked as it is, and the job that fitted or asked it.

        Raises:
            RunFolderError: it was not made for this candidate.
        """
        if digest not in self._loaded:
            job, model = self._model(digest, candidate)
            self._loaded[digest] = job, shortened(model) if self._short and isinstance(model, Fitted) else model
        elif candidate:
            require_made_for(self._loaded[digest][0], candidate)
        return self._loaded[digest]

    def _model(self, digest: Digest, candidate: Candidate | None) -> tuple[Job, Any]:
        files = get_bundle(self._store, digest)
        with _damage_named(f"the model {digest[:19]}… is damaged"):
            manifest = json.loads(files["manifest.json"])
            job = Job.from_json(manifest["job"])
            if candidate:
                require_made_for(job, candidate)
            if manifest["format"] == FROZEN:
                return job, asked_by(job, self._store)
            if manifest["format"] != "refit":
                return job, load_model(manifest["format"], files, made=partial(built, job, self._store))
        return job, fitted_by(job, self._store, *training_rows(job, self._store))

    def _preparation(self, digest: Digest) -> Any:
        files = get_bundle(self._store, digest)
        with _damage_named(f"the preparation {digest[:19]}… is damaged"):
            return load_object(files["transformer.skops"])

    def _learner(self, digest: Digest) -> Learner:
        with _damage_named(f"the meta-learner {digest[:19]}… is damaged"):
            return get_meta_learner(self._store, digest)

    def _router(self, digest: Digest) -> Router:
        with _damage_named(f"the router {digest[:19]}… is damaged"):
            return get_router(self._store, digest)


@contextmanager
def _damage_named(what: str) -> Iterator[None]:
    """Whatever goes wrong with a model from a file is said of it, in one line."""
    try:
        yield
    except (ConcoursError, ImportError, MemoryError):
        raise
    except Exception as error:
        text = str(error).strip().partition("\n")[0][:200]
        raise ContentRefused(f"{what} ({type(error).__name__}: {text})") from error


def _cannot_predict(candidate: Candidate) -> AbstractContextManager[None]:
    name = candidate.entrant.name
    return _damage_named(f"{name} cannot predict: what is kept of it is damaged, or the rows are not as it takes them")


class Predictor:
    """Predicts rows with the candidates of one contest; what two of them share is done once.

    A model that says that it was made for another candidate is refused, with a RunFolderError.

    Args:
        output: of the contest's task.
        candidates: complete candidates by the digest of their entrant.
        x: the rows, as they are read.
        models: for who predicts other rows too: those that are loaded already.
    """

    def __init__(
        self,
        store: Store,
        output: OutputKind,
        candidates: Mapping[Digest, Candidate],
        x: Any,
        *,
        models: Models | None = None,
    ) -> None:
        self._output = output
        self._candidates, self._x, self._models = candidates, x, models or Models(store)
        self._all = np.arange(x.shape[0])
        self._whole: dict[Digest, Any] = {}
        self._shared: dict[Digest, _Told] = {}
        self._known: dict[Digest, Values] = {}

    def know(self, digest: Digest, p: Values) -> None:
        """Takes what a candidate predicts, (rows, …), from who has asked it already."""
        told = self._shared[digest] = _Told(len(self._all))
        told.keep(self._all, p)
        self._known[digest] = p

    def predict(self, candidate: Candidate) -> Values:
        """Predictions (rows, outputs) of the model on the board.

        A member is asked about those rows alone that its alliance asks it about.

        Raises:
            ContentRefused: what is kept of it is damaged, or it raises whatever it may on these rows.
        """
        with _cannot_predict(candidate):
            below = lineage(candidate, self._candidates)
            joints = (one.entrant.joint for one in below.values() if one.entrant.joint)
            asked = Counter(parent for joint in joints for parent in joint.needs.parents)
            for digest, times in asked.items():
                if times > 1 or below[digest].entrant.joint:
                    self._shared.setdefault(digest, _Told(len(self._all)))
            wholly = _asked_wholly(candidate, below)
        for digest, one in below.items():  # from the bottom up, so that no depth is too great
            if digest in self._shared and digest in wholly:
                self._predict(one, self._all)
        return self._predict(candidate, self._all)

    def predict_until(self, candidate: Candidate, late: Callable[[], bool]) -> tuple[Values, str]:
        """Predictions (rows, …) of what is ready in time, and what they lack, in a sentence; empty where nothing.

        No member of an alliance is asked once it is late, but the first where nothing is known of any; whoever is asked
        is waited for. Then members that answered are joined by their weights, where that is how they are joined; a
        cascade has stopped where it was; else the one of the largest weight stands for all.

        Raises:
            Late: some rows have no answer.
        """
        joint = candidate.entrant.joint
        if joint is None or joint.join.own:
            return self.predict(candidate), ""
        known = {
            place: self._known[digest] for place, digest in enumerate(joint.needs.parents) if digest in self._known
        }
        heard = _Heard(late, known, self._all)
        try:
            with _cannot_predict(candidate):
                p = joined(candidate.entrant, joint, self._asking(candidate, self._all, heard.by))
                return self._corrected(candidate, p), ""
        except Late:
            names = [member(self._candidates, parent).entrant.name for parent in joint.needs.parents]
            p, ready = heard.ready(self._output, candidate.entrant, joint, len(self._all))
            whole = self._corrected(candidate, p) if joint.join.run == _BY_WEIGHTS else p
            return whole, f"{len(ready)} of {len(names)} members answered in time: {', '.join(names[i] for i in ready)}"

    def _predict(self, candidate: Candidate, rows: Rows) -> Values:
        """The same of some rows; what several joints ask for, and what alliances below predict, is kept."""
        told = self._shared.get(candidate.entrant.digest)
        if told is None:
            return self._calibrated(candidate, rows)
        if len(missing := told.missing(rows)):
            told.keep(missing, self._calibrated(candidate, missing))
        return told.of(rows)

    def _calibrated(self, candidate: Candidate, rows: Rows) -> Values:
        with _cannot_predict(candidate):
            return self._corrected(candidate, self._raw(candidate, rows))

    def _corrected(self, candidate: Candidate, raw: Values) -> Values:
        return raw if candidate.calibration is None else Calibration(**candidate.calibration).apply(raw)

    def _asking(
        self, candidate: Candidate, rows: Rows, heard: Callable[[int, Ask], Ask] = lambda _, ask: ask
    ) -> Asking:
        """What an alliance joins; `heard` is given the place of each member and how it is asked."""
        joint = candidate.entrant.joint
        assert joint is not None  # noqa: S101 (for the type checker)
        parents = [member(self._candidates, parent) for parent in joint.needs.parents]
        return Asking(
            rows=len(rows),
            members=[heard(place, self._asked(parent, rows)) for place, parent in enumerate(parents)],
            models=[self._speaking(parent) for parent in parents],
            x=partial(self._inputs, None, rows),
            learner=self._models.learner,
            router=self._models.router,
            output=self._output,
        )

    def _raw(self, candidate: Candidate, rows: Rows) -> Values:
        joint, models = candidate.entrant.joint, candidate.models
        if joint and not joint.join.own:
            return joined(candidate.entrant, joint, self._asking(candidate, rows))
        bag = (self._by_model(model, candidate, rows) for model in models)
        return self._output.join(next(iter(self._output.joins)), bag, np.full(len(models), 1 / len(models)))

    def _asked(self, candidate: Candidate, rows: Rows) -> Ask:
        """A member, who can be asked about some of these rows, by their places among them."""
        return lambda places: self._predict(candidate, rows if len(places) == len(rows) else rows[places])

    def _speaking(self, candidate: Candidate) -> Callable[[], Any] | None:
        """A language model, which can be asked about rows in other words; none of others."""
        if not candidate.entrant.had.calls:
            return None
        return lambda: self._models.model(candidate.models[0], candidate)[1]

    def _by_model(self, model: Digest, candidate: Candidate, rows: Rows) -> Values:
        job, fitted = self._models.model(model, candidate)
        x = self._inputs(job.inputs.get("transformer"), rows)
        with deterministic(threads=job.threads, seed=job.seed):
            return said(job, fitted, x)

    def _inputs(self, transformer: Digest | None, rows: Rows) -> Any:
        """Rows as a model takes them; all of them are prepared once."""
        if len(rows) == len(self._all):
            return self._prepared(transformer)
        if transformer is None or transformer in self._whole:
            return take_rows(self._prepared(transformer), rows)
        return self._transformed(transformer, take_rows(self._x, rows))

    def _prepared(self, transformer: Digest | None) -> Any:
        if transformer is None:
            return self._x
        if transformer not in self._whole:
            self._whole[transformer] = self._transformed(transformer, self._x)
        return self._whole[transformer]

    def _transformed(self, transformer: Digest, x: Any) -> Any:
        fitted = self._models.preparation(transformer)
        with deterministic(threads=1, seed=0):
            return through(fitted, x)


class Late(ConcoursError):
    """A deadline came before there was an answer."""


_BY_WEIGHTS: Final = "concours.engine.joints:by_weights"


class _Heard:
    """What members answered before it was late; who is asked first is heard in any case.

    Args:
        known: answers about all rows that are there already, by the place of who gave them.
    """

    def __init__(self, late: Callable[[], bool], known: Mapping[int, Values], rows: Rows) -> None:
        self._late, self._known = late, known
        self._said = [(place, rows, said) for place, said in known.items()]

    def by(self, place: int, ask: Ask) -> Ask:
        """The same member, heard."""
        if place in self._known:
            return ask

        def heard(rows: Rows) -> Values:
            if self._said and self._late():
                raise Late("nobody answered in time")
            self._said.append((place, rows, said := ask(rows)))
            return said

        return heard

    def ready(self, output: OutputKind, entrant: Entrant, joint: Joint, rows: int) -> tuple[Values, list[int]]:
        """The best of it, (rows, …), and whose it is, by place. Raises Late where a row has no answer."""
        places = [place for place, _, _ in self._said]
        if joint.join.of == "calls":
            asked = np.concatenate([rows for _, rows, _ in self._said])
            last = np.full(rows, -1)
            last[asked] = np.arange(len(asked))
            if (last < 0).any():
                raise Late("nobody was asked about some rows in time")
            return take(concat([said for _, _, said in self._said]), last), places
        of_all = dict(zip(joint.parents, joint.weights, strict=True))
        weights = np.asarray([of_all[joint.needs.parents[place]] for place in places])
        if joint.join.run == _BY_WEIGHTS:
            weights *= sum(joint.weights) / weights.sum()
            return output.join(entrant.recipe, [said for _, _, said in self._said], weights), places
        best = int(np.argmax(weights))
        return self._said[best][2], [places[best]]


class _Told:
    """What a model predicted, as far as it was asked."""

    def __init__(self, rows: int) -> None:
        self._place, self._parts, self._count = np.full(rows, -1), list[Values](), 0

    def missing(self, rows: Rows) -> Rows:
        """Those of the rows that it was not asked about."""
        return rows[self._place[rows] < 0]

    def keep(self, rows: Rows, told: Values) -> None:
        """Keeps predictions of rows that are not known yet."""
        self._place[rows] = self._count + np.arange(len(rows))
        self._parts, self._count = [*self._parts, told], self._count + len(rows)

    def of(self, rows: Rows) -> Values:
        """Predictions of rows that are known."""
        if len(self._parts) > 1:
            self._parts = [concat(self._parts)]
        places = self._place[rows]
        whole = len(places) == self._count and bool((places == np.arange(len(places))).all())
        return self._parts[0] if whole else take(self._parts[0], places)


def _asked_wholly(candidate: Candidate, below: Mapping[Digest, Candidate]) -> set[Digest]:
    """Those of a lineage that are asked about all rows whatever others tell of them."""
    wholly = {candidate.entrant.digest}
    for digest, one in reversed(list(below.items())):
        if digest in wholly and one.entrant.joint:
            needs = one.entrant.joint.needs
            wholly |= set(needs.parents) - set(needs.sometimes)
    return wholly


def needed_for(store: Store, candidates: Mapping[Digest, Candidate], candidate: Candidate) -> set[Digest]:
    """All objects that predicting with a candidate reads, those of the parents that count among them."""
    found = set[Digest]()
    for one in lineage(candidate, candidates).values():
        joint = one.entrant.joint
        found.update(joint.needs.objects if joint else (), *(needed_by(model, store) for model in one.models))
    return found


def asked_of(store: Store, candidates: Mapping[Digest, Candidate], candidate: Candidate) -> frozenset[str]:
    """What is asked about before a candidate predicts (`core.asked`).

    What counts is what the kept models say: those that are fitted again, made anew from a user's module, or asked as
    they are, bring a recipe, and perhaps a user's file.
    """
    models = (model for one in lineage(candidate, candidates).values() for model in one.models)
    return frozenset[str]().union(*(asked_of_model(store, model) for model in models))


def asked_of_model(store: Store, model: Digest) -> frozenset[str]:
    """What is asked about before a kept model predicts; nothing of a meta-learner, which is no model of an entrant."""
    files = get_bundle(store, model)
    with _damage_named(f"the model {model[:19]}… is damaged"):
        manifest = json.loads(files.get("manifest.json", "{}"))
        as_it_is = manifest.get("format") not in ("refit", "weights", FROZEN)
        return frozenset() if as_it_is else asked_of_job(Job.from_json(manifest["job"]))


def asked_of_job(job: Job) -> frozenset[str]:
    """What is asked about before a job runs: the recipe that it makes an estimator by, its metrics, and its judges."""
    params = job.params
    metrics = asked_of_metrics(params.get("metrics", ())) | asked_of_judges(params.get("judges", ()))
    if "recipe" not in params or "params" not in params:
        return metrics
    return metrics | asked_of_recipe(params["recipe"], params["params"], code=job.inputs.get("code"))
