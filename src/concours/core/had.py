"""How the predictions of a single entrant are had: it is fitted, asked as it is, or they are there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

Seen = Literal["none", "out-of-fold", "train", "unknown"]
"""Which rows of the task a model has been fitted on, as somebody declares: none; of each row of the training part all
but some with that row (`out-of-fold`), and none of the test part; those of the training part; or nobody knows."""

SEEN: Final = get_args(Seen)

CONTENT: Final = "content"
"""The parameter that says what a file or a folder holds that a recipe names: its digest."""

HONEST: Final = ("none", "out-of-fold")
"""What must have been seen for predictions of the training part to tell anything."""


@dataclass(frozen=True, kw_only=True)
class Had:
    """A way in which predictions are had.

    Attributes:
        what: in words for people.
        fitted: whether a job fits it on each fold; what is not is taken as it is, neither calibrated nor decided on.
        checked: the kind of the job that finds out whether it can take part; empty where nothing is to be run.
        asked: the kind of the job that asks it once a row; empty where no job does.
        calls: whether each row is a request that takes tokens and money, so that what was said is kept beside.
        answers: whether it can be asked for new rows.
        seen: what may be declared of it.
        usual: what is taken to be so where nobody declares it.
    """

    what: str
    fitted: bool = False
    checked: str = ""
    asked: str = ""
    calls: bool = False
    answers: bool = True
    seen: tuple[Seen, ...] = ()
    usual: Seen = "unknown"


HAD: Final[Mapping[str, Had]] = {
    "fitted": Had(what="fitted on each fold", fitted=True, checked="check"),
    "frozen": Had(
        what="a model that is not fitted here, and is asked once a row",
        checked="check_frozen",
        asked="ask_frozen",
        seen=("none", "train", "unknown"),
    ),
    "asked": Had(
        what="a language model, which is asked in words, once a row",
        checked="check_asked",
        asked="ask_in_words",
        calls=True,
        seen=("none", "train", "unknown"),
        usual="none",
    ),
    "recorded": Had(what="predictions in a file", answers=False, seen=("none", "out-of-fold", "train", "unknown")),
}
"""By name."""


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """What a recipe `scheme:rest` stands for.

    Attributes:
        had: how its predictions are had, a name of `HAD`.
        names: what the rest is: a `file`, which is content, read and not run; a `program`, a file that is run; a
            `folder` of such that stays where it is; a model at an `address`, which rows are sent to; or who was trained
            in a `federation`, which no contest file can name.
        found: what finds such a folder, as `module:attribute`.
        params: what checks the parameters that it takes, as `module:attribute` of a dataclass; empty where it takes
            none.
        opened: what makes it ready to be asked, as `module:attribute`; empty where nothing asks it.
        speaker: of a language model, what is asked (`entrants.endpoints.speaker`), as `module:attribute`.
        packages: what it needs.
        holds: what of a folder is taken in place of a file, as patterns of names (`fnmatch`); empty where no folder is.
    """

    had: str
    names: Literal["file", "program", "folder", "address", "federation"] = "file"
    found: str = ""
    params: str = ""
    opened: str = ""
    speaker: str = ""
    packages: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()

    @property
    def brings(self) -> bool:
        """Whether the rest is a file whose content travels with a contest."""
        return self.names in ("file", "program")


_TOLD: Final = ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")
"""Files of a folder of Hugging Face that say how a model is made and asked."""

_IN_A_FOLDER: Final = Scheme(
    had="asked",
    names="folder",
    found="concours.entrants.local.folders:in_folder",
    params="concours.entrants.local.params:Local",
    opened="concours.engine.words:InWords",
    speaker="concours.entrants.local.speaker:InFolder",
    packages=("torch", "transformers"),
)

SCHEMES: Final[Mapping[str, Scheme]] = {
    "onnx": Scheme(
        had="frozen",
        params="concours.entrants.onnx_files:Params",
        opened="concours.engine.asking:onnx",
        packages=("onnx", "onnxruntime"),
        holds=("model.onnx", *_TOLD),
    ),
    "keras": Scheme(
        had="frozen",
        params="concours.entrants.keras_files:Params",
        opened="concours.engine.asking:keras",
        packages=("keras",),
    ),
    "classifier": Scheme(
        had="frozen",
        params="concours.entrants.classifiers:Params",
        opened="concours.engine.asking:classifier",
        packages=("torch", "transformers"),
        holds=("*.safetensors", *_TOLD),
    ),
    "detector": Scheme(
        had="frozen",
        params="concours.entrants.detectors:Params",
        opened="concours.engine.asking:detector",
        packages=("torch", "transformers"),
        holds=("*.safetensors", *_TOLD),
    ),
    "program": Scheme(
        had="frozen",
        names="program",
        params="concours.entrants.programs:Params",
        opened="concours.engine.programs:opened",
    ),
    "recorded": Scheme(had="recorded"),
    "federated": Scheme(had="frozen", names="federation", opened="concours.engine.federated:opened"),
    "openai": Scheme(
        had="asked",
        names="address",
        params="concours.entrants.endpoints.params:Address",
        opened="concours.engine.words:InWords",
        speaker="concours.entrants.endpoints.address:AtAddress",
        packages=("httptools",),
    ),
    "transformers": _IN_A_FOLDER,
    "hf": replace(_IN_A_FOLDER, found="concours.entrants.local.folders:in_cache"),
}
"""By what a recipe begins with, before a colon."""


def scheme_of(recipe: str) -> Scheme | None:
    """The scheme of a recipe `scheme:rest`; none of other recipes."""
    scheme, colon, _ = recipe.partition(":")
    return SCHEMES.get(scheme) if colon else None


def content_file(recipe: str) -> str | None:
    """The file of a recipe `scheme:file`, whose content travels with a contest; none of other recipes."""
    scheme = scheme_of(recipe)
    return recipe.partition(":")[2] if scheme and scheme.brings else None


def had_by(recipe: str, *, frozen: bool) -> Had:
    """How the predictions of a recipe are had; `frozen` says that it is not to be fitted."""
    scheme = scheme_of(recipe)
    return HAD[scheme.had if scheme else "frozen" if frozen else "fitted"]


def caveat(seen: Seen) -> str:
    """Why one that has seen this stands on a board by the test part alone; empty where it need not."""
    return {
        "none": "",
        "out-of-fold": "",
        "train": "it has seen the rows of the training part",
        "unknown": 'nobody says which rows it has seen, perhaps those of the test part too (seen = "none" if it has '
        "seen no row of the task)",
    }[seen]
