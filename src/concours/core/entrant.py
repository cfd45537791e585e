"""Entrants: recipes that can be fitted; candidates: entrants with what they have so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypedDict

from concours.core.calls import Calls
from concours.core.digests import Digest, digest_json, is_digest
from concours.core.errors import RecipeError
from concours.core.frozen import frozen
from concours.core.had import HONEST, Had, Seen, had_by
from concours.core.joint import Joint
from concours.core.objects import last_name, portable, recipe_of
from concours.core.typed import typed

Role = Literal["baseline", "single", "alliance"]

BEGIN = "begin"
"""The parameter that says what a network begins from: the digest of that in the store, whatever a user has named."""

WISHES = ("class_weight", "monotone", BEGIN)
"""Parameters that say how any family is to be fitted, by labels of classes and names of columns."""


def begins_from(params: Mapping[str, Any]) -> Digest | None:
    """The object of the store that an entrant with these parameters begins from; none where it begins anew."""
    named = params.get(BEGIN)
    return Digest(str(named)) if is_digest(named) else None


@dataclass(frozen=True)
class Entrant:
    """A recipe with its parameters: to be fitted, or asked as it is, or the file that has its predictions. A value.

    Attributes:
        name: what a board shows; unique within a contest.
        recipe: a dotted path (`sklearn.svm:SVC`), a file (`./mine.py:Model`), a name of the zoo (`dnn`), a model that
            is fitted already (`onnx:model.onnx`), a language model (`openai:NAME`, `transformers:FOLDER`), predictions
            that are there (`recorded:predictions.csv`), or, of what a cooperation returns, the rule that joins
            predictions (`mean`, `vote`, `pool`, `boosted`).
            An estimator, a pipeline, a torch module, or a class of these, is written down as one (`core.objects`).
        params: JSON values, passed to the recipe by name; those that it has no place for go to its `set_params`.
        prepare: `auto`, the preparation that suits; `none`, the data as it is; or a preparation by name. By default
            `auto` for what comes from a library and `none` for a file, and for a pipeline that begins with what chooses
            columns, encodes words or reads texts itself.
        role: how the board treats it.
        joint: of an alliance, whom it joins and how; none of one that is fitted.
        search: ranges and choices from which parameters are chosen before the entrant competes (`compete.search`);
            not part of the digest.
        frozen: whether what the recipe makes is asked as it is, and never fitted.
        seen: of what is not fitted here, which rows of the task it has seen: `none`; `out-of-fold`, where predictions
            in a file are, for each row, of a model that has not seen it; `train`, those of the training part; or
            `unknown`, which is the default. Only with the first two it has a cross-validation score, may be joined and
            be the default; otherwise it stands on the board by the test part alone.
    """

    name: str
    recipe: str
    params: Mapping[str, Any] = field(default_factory=dict)
    prepare: str | None = None
    role: Role = "single"
    joint: Joint | None = None
    search: Mapping[str, Any] = field(default_factory=dict)
    frozen: bool = False
    seen: Seen | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, str):
            if self.frozen:
                raise RecipeError(
                    f"entrant {self.name}: what is fitted already cannot be written down; export it as ONNX and name "
                    'it by "onnx:model.onnx", or make it in a file, "./mine.py:model"'
                )
            recipe, own = _written(self.name, self.recipe)
            object.__setattr__(self, "recipe", recipe)
            object.__setattr__(self, "params", {**own, **self.params})
        object.__setattr__(self, "params", frozen(self.params))
        object.__setattr__(self, "search", frozen(self.search))

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings cannot be pickled; ordinary ones can."""
        values = (self.name, self.recipe, dict(self.params), self.prepare, self.role, self.joint, dict(self.search))
        return type(self), (*values, self.frozen, self.seen)

    @property
    def had(self) -> Had:
        """How its predictions are had."""
        return had_by(self.recipe, frozen=self.frozen)

    @property
    def honest(self) -> bool:
        """Whether its predictions of the training part are of models that have not seen the rows."""
        return self.had.fitted or self.seen in HONEST

    @property
    def declared(self) -> dict[str, Any]:
        """What is declared of one that is not fitted; nothing of others."""
        return {**({"frozen": True} if self.frozen else {}), **({"seen": self.seen} if self.seen else {})}

    @cached_property
    def digest(self) -> Digest:
        """Covers what predicts, not how it is called: two entrants that differ in name only share it.

        A recipe in a file counts by the file's name, so that a contest gives the same seeds from any folder;
        the content of the file is part of the identity of the jobs that run it. Of an alliance it covers whom it joins
        by which weights, not in which way these were found. What a file holds that is no code is a parameter.
        """
        joined = self.joint.settings if self.joint else {}
        return digest_json(
            {
                "recipe": last_name(self.recipe),
                "params": {**portable(self.params), **joined},
                "prepare": self.prepare,
                "parents": list(self.joint.parents) if self.joint else [],
                **self.declared,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """The entrant as JSON."""
        return {
            "name": self.name,
            "recipe": self.recipe,
            "params": dict(self.params),
            "prepare": self.prepare,
            "role": self.role,
            "joint": self.joint.to_json() if self.joint else None,
            "search": dict(self.search),
            **self.declared,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Entrant:
        """The inverse of `to_json`. Raises ContentRefused where it is no entrant."""
        return typed(cls, value)

    def amiss(self) -> str:
        """What is wrong between its values: only an alliance has a joint, only what is not fitted says what it saw."""
        if self.seen is not None and self.seen not in self.had.seen:
            return f"seen: {self.seen!r} cannot be said of what is {self.had.what}"
        alliance = self.role == "alliance"
        return "" if alliance == (self.joint is not None) else "expected a joint of an alliance, and of nobody else"


def _written(name: str, thing: Any) -> tuple[str, dict[str, Any]]:
    try:
        return recipe_of(thing)
    except RecipeError as error:
        raise RecipeError(f"entrant {name}: {error}") from None


class Correction(TypedDict):
    """How probabilities are corrected; see `kernels.joining.calibration`."""

    temperature: float
    mix: float
    prior: tuple[float, ...]


class Decision(TypedDict):
    """By which weights of the classes one is named; see `kernels.joining.decisions`."""

    weights: list[float]
    fold_weights: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An entrant with what it has so far.

    Attributes:
        code: the content of the file that the recipe names, with the local modules it imports; where the file holds
            predictions, these are `oof` and `test` from the beginning.
        oof: out-of-fold predictions on the training part, (rows, outputs) float64.
        test: predictions of the model on the board for the test part, (rows, outputs) float64.
        models: fitted models; one when refitted on the whole training part, one a fold in a bag.
        calibration: how the model's probabilities are corrected (`kernels.joining.calibration`); none where they are
            not.
        decision: weights of the classes by which one is named (`kernels.joining.decisions`): `weights` for new rows,
            and `fold_weights` for the out-of-fold predictions; none where the most probable class is named.
        fit_s, predict_s: seconds that fitting the models and predicting the test part took.
        row_s: seconds that preparing and predicting one row of many takes on one core, by all models; none where that
            was not measured.
        expected_s: seconds that one fit takes on a usual core, about; none where nobody knows.
        prepare_s: the same of preparing what a fold is fitted on.
        family: the name of those that are much alike; empty for one of a family of its own.
        merging: whether its weights are to be merged with those of others: then all fits of a fold begin alike.
        fold_models: where they are read by others, the models of the folds, also where another stands on the board.
        calls: what it took to ask it, where it is asked in words.
        said: then a table of what it said about the rows that judge.
        verdicts: what judges said of its predictions for the part that evaluates, a table; none where nobody judges.
    """

    entrant: Entrant
    code: Digest | None = None
    oof: Digest | None = None
    test: Digest | None = None
    models: tuple[Digest, ...] = ()
    calibration: Correction | None = None
    decision: Decision | None = None
    fit_s: float = 0.0
    predict_s: float = 0.0
    row_s: float | None = None
    expected_s: float | None = None
    prepare_s: float | None = None
    family: str = ""
    merging: bool = False
    fold_models: tuple[Digest, ...] = ()
    calls: Calls | None = None
    said: Digest | None = None
    verdicts: Digest | None = None

    @property
    def recorded(self) -> dict[str, Digest]:
        """The digests of predictions that were there from the beginning; nothing of others."""
        if self.entrant.had.fitted or self.entrant.had.asked:
            return {}
        return {name: digest for name, digest in (("oof", self.oof), ("test", self.test)) if digest}

    def of_fold(self, fold: int | None, named: Mapping[Digest, Digest]) -> Candidate:
        """As it is for the rows of a fold: with the model that has not seen them, and joined as on the other folds.

        How it is corrected is left out, since that was found on all rows.

        Args:
            fold: none for new rows, for which it is as it stands on the board.
            named: digests of those that it joins, as they are of the fold, by those that they have on the board.
        """
        if fold is None:
            return replace(self, calibration=None)
        entrant, joint = self.entrant, self.entrant.joint
        if joint and not joint.join.own:
            entrant = replace(entrant, joint=joint.of_fold(fold, [named[parent] for parent in joint.parents]))
        models = (self.fold_models[fold],) if self.fold_models else self.models
        return replace(self, entrant=entrant, models=models, fold_models=(), calibration=None)

    def to_json(self) -> dict[str, Any]:
        """The candidate as JSON; what is of merging, asking or judging alone is named where there is any."""
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}
        merging, folds = {"merging": plain.pop("merging")}, {"fold_models": list(plain.pop("fold_models"))}
        calls, said, verdicts = (plain.pop(name) for name in ("calls", "said", "verdicts"))
        kept = (merging if self.merging else {}) | (folds if self.merging or self.fold_models else {})
        kept |= {"calls": vars(calls)} if calls else {}
        kept |= ({"said": said} if said else {}) | ({"verdicts": verdicts} if verdicts else {})
        return {**plain, **kept, "entrant": self.entrant.to_json(), "models": list(self.models)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Candidate:
        """The inverse of `to_json`; what is not named is as by default. Raises ContentRefused where it is none."""
        return typed(cls, value)
