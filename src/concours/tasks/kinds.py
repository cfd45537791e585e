"""Kinds of tasks: an input and an output, and who competes. A kind is a row of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from concours.core.errors import ContestError, nearest
from concours.core.kind import Form
from concours.core.registry import Registry
from concours.tasks.inputs.condition import CONDITION
from concours.tasks.inputs.couple import COUPLE
from concours.tasks.inputs.grouped import GROUPED
from concours.tasks.inputs.input import InputKind
from concours.tasks.inputs.interactions import HISTORY, PAIR
from concours.tasks.inputs.opening import OPENING
from concours.tasks.inputs.pairs import DOCUMENT, SENTENCE
from concours.tasks.inputs.passage import PASSAGE
from concours.tasks.inputs.question import CHOSEN, QUESTION, REQUEST
from concours.tasks.inputs.ranked import RANKED
from concours.tasks.inputs.sequence import SEQUENCE, UNIT
from concours.tasks.inputs.series import SERIES
from concours.tasks.inputs.signal import SIGNAL
from concours.tasks.inputs.sound import SOUND, SPEECH
from concours.tasks.inputs.survived import SURVIVED
from concours.tasks.inputs.table import BOXED, IMAGE, MASKED, TABLE, TEXT, WIDE
from concours.tasks.inputs.video import VIDEO
from concours.tasks.outputs.anomaly import Anomaly
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.boxes import BoxesOutput
from concours.tasks.outputs.choice import Choice
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.groups import Groups
from concours.tasks.outputs.items import Items
from concours.tasks.outputs.language import Language
from concours.tasks.outputs.life import Life
from concours.tasks.outputs.masks import MasksOutput
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.order import Order
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.pictures import PicturesOutput
from concours.tasks.outputs.points import Points
from concours.tasks.outputs.series import Series
from concours.tasks.outputs.several import Several
from concours.tasks.outputs.summary import Summary
from concours.tasks.outputs.survival import Survival
from concours.tasks.outputs.text import Text
from concours.tasks.outputs.transcript import Transcript
from concours.tasks.outputs.writing import Writing

Lineups = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of task.

    Attributes:
        input: what a row is.
        output: what is predicted of it.
        metrics: what is measured unless the task says otherwise; the first one ranks. By default the output's.
        lineups: the names of entrants by that of the line-up: `fast`, `full`.
        mixed: the same for tables with columns of sentences, where that is something else.
        finder: says of a source whether it is of this kind, as `module:attribute`: from its path, and the `Options` by
            which a person wants it read, to keys of `[task]` with a reason each, or none; empty where `tasks.discovery`
            does. Where a source is of the kind and the options do not suit it, it raises DataError.
        named: says of a text whether it names a source of this kind that is no file, as `module:attribute`.
        sure: whether that is said by how the data lies; else a person has to name the kind, as that of a plugin always.
        sample: invents a little data of the kind, as `module:attribute`: from a folder to lie in and a seed to a task;
            the kind is checked by it (`concours.testing.check_kind`).
        baseline: the entrant that stands on every board.
    """

    name: str
    input: InputKind
    output: type[OutputKind]
    metrics: tuple[str, ...] = ()
    lineups: Lineups = field(default_factory=dict)
    mixed: Lineups = field(default_factory=dict)
    finder: str = ""
    named: str = ""
    sure: bool = True
    sample: str = ""
    baseline: str = "dummy"

    @property
    def form(self) -> Form:
        """What its entrants are chosen by."""
        return self._form(self.input.name, self.lineups)

    @property
    def widest(self) -> Form:
        """The same where rows may have sentences beside numbers; that suits all that the other does."""
        return self._form("mixed", self.mixed) if self.mixed else self.form

    def _form(self, rows: str, lineups: Lineups) -> Form:
        return Form(
            name=f"{rows}:{self.output.name}",
            preparations=self.input.preparations,
            network=self.input.network,
            lineups=lineups,
            baseline=self.baseline,
        )


_TABLE = (
    "lightgbm",
    "xgboost",
    "dnn-embedded",
    "catboost",
    "extra-trees",
    "dnn",
    "knn",
    "lightgbm-random",
    "forest",
    "svm",
)
_MORE = ("lightgbm-large", "catboost-deep", "boosting", "transformer")
_TEXT = ("naive-bayes", "logistic", "nb-logistic", "svm", "bag-of-words", "boosting")
_WORDY = ("naive-bayes", "logistic", "nb-logistic")
_IMAGE = ("knn", "boosting", "logistic", "dnn-patches", "residual", "svm", "cnn")
_SOUND = ("logistic", "svm", "forest", "residual")
_SPEECH = ("pauses", "gru")
_VIDEO = ("logistic", "extra-trees", "conv3d", "frame-lstm")
_RANKING = ("ridge", "lightgbm", "boosting", "logistic", "xgboost", "catboost", "extra-trees")
_SEQUENCES = ("logistic", "minirocket", "lightgbm", "extra-trees", "cnn")
_SENSORS = ("ridge", "lightgbm", "minirocket", "extra-trees", "cnn")
_SURVIVAL = ("cox", "xgboost", "forest", "dnn", "cox-net")
_SEVERAL = ("linear", "lightgbm", "extra-trees", "dnn", "boosting", "linear-chain", "xgboost")
_GROUPS = ("k-means", "gaussian-mixture", "hdbscan", "autoencoder")
_SERIES = ("ridge", "boosting", "dlinear", "n-beats", "patch-transformer")
_PAIRS = ("word-table", "nearest", "gru", "transformer")
_COUPLES = ("logistic", "boosting", "svm", "forest")
_ALIKE = ("ridge", "boosting", "forest")
_SUMMARIES = ("textrank", "ridge", "boosting")
_ANSWERS = ("nearest", "logistic")
_CHOICES = ("overlap", "nearest")
_WRITERS = ("nearest", "typical")
_LANGUAGE = ("ngram", "words", "gpt", "lstm")
_SEGMENTATION = ("threshold", "colours", "pixel-boosting", "u-net", "pixel-forest")
_DETECTION = ("blobs", "windows", "centres")

_AGENTS = ("greedy-agent", "minimax", "mcts", "tabular-q", "dqn")
_STRANGE = ("isolation-forest", "ecod", "lof", "one-class-svm")
_LABELLED = ("labelled-boosting",)
_WATCHED = ("past-surprise", "isolation-forest", "past-alarm", "past-forest", "forecast-residual", "nearest-window")
_RATERS = ("als", "item-knn", "bayesian-factors", "user-knn")
_RECOMMENDERS = ("ease", "item-knn", "als")

_DRAWN = ("pca-gaussian", "gaussian-mixture", "vae", "diffusion")

_OWN = {
    kind.name: kind
    for kind in (
        Kind(
            name="tabular-classification",
            sample="concours.tasks.samples:classified",
            input=TABLE,
            output=Classes,
            lineups={"fast": ("logistic", *_TABLE), "full": ("logistic", *_TABLE, "svm-primal", *_MORE)},
            mixed={"fast": (*_WORDY, *_TABLE), "full": (*_WORDY, *_TABLE, "svm-primal", *_MORE)},
        ),
        Kind(
            name="tabular-regression",
            sample="concours.tasks.samples:counted",
            input=TABLE,
            output=Number,
            lineups={"fast": ("ridge", *_TABLE), "full": ("ridge", *_TABLE, "elastic-net", *_MORE)},
            mixed={"fast": ("ridge", *_TABLE), "full": ("ridge", *_TABLE, "elastic-net", *_MORE)},
        ),
        Kind(
            name="text-classification",
            sample="concours.tasks.samples:texts",
            input=TEXT,
            output=Classes,
            lineups={"fast": _TEXT, "full": (*_TEXT, "svm-primal", "dnn", "transformer")},
        ),
        Kind(
            name="image-classification",
            sample="concours.tasks.samples:pictures",
            input=IMAGE,
            output=Classes,
            lineups={"fast": _IMAGE, "full": (*_IMAGE, "forest", "dnn", "vit")},
        ),
        Kind(
            name="speech-recognition",
            input=SPEECH,
            output=Transcript,
            lineups={"fast": _SPEECH, "full": (*_SPEECH, "conformer")},
            baseline="typical",
            finder="concours.tasks.speech_found:find",  # before that of sounds with classes, which takes any table
            sample="concours.tasks.samples:spoken",
        ),
        Kind(
            name="audio-classification",
            input=SOUND,
            output=Classes,
            lineups={"fast": _SOUND, "full": (*_SOUND, "extra-trees", "boosting", "cnn")},
            finder="concours.tasks.recordings_found:find",
            sample="concours.tasks.samples:tones",
        ),
        Kind(
            name="video-classification",
            input=VIDEO,
            output=Classes,
            lineups={"fast": _VIDEO, "full": (*_VIDEO, "forest")},
            finder="concours.tasks.filmed:find",
            sample="concours.tasks.samples:moving",
        ),
        Kind(
            name="sequence-classification",
            input=SEQUENCE,
            output=Classes,
            lineups={"fast": _SEQUENCES, "full": (*_SEQUENCES, "lstm", "transformer", "forest")},
            finder="concours.tasks.sequences.finding:find_classes",
            sample="concours.tasks.samples_sequences:gestures",
        ),
        Kind(
            name="sequence-regression",
            input=SEQUENCE,
            output=Number,
            lineups={"fast": _SENSORS, "full": (*_SENSORS, "lstm", "transformer", "forest")},
            finder="concours.tasks.sequences.finding:find_number",
            sample="concours.tasks.samples_sequences:speeds",
        ),
        Kind(
            name="remaining-useful-life",
            input=UNIT,
            output=Life,
            lineups={"fast": (*_SENSORS, "lstm"), "full": (*_SENSORS, "lstm", "transformer", "forest")},
            finder="concours.tasks.life.finding:find",
            sample="concours.tasks.samples_sequences:worn",
        ),
        Kind(
            name="forecasting",
            input=SERIES,
            output=Series,
            lineups={"fast": _SERIES, "full": (*_SERIES, "theta", "ets", "arima")},
            finder="concours.tasks.series.finding:find",
            sure=False,
            sample="concours.tasks.series.finding:sample",
            baseline="seasonal-naive",
        ),
        Kind(
            name="anomaly-detection",
            input=SIGNAL,
            output=Anomaly,
            lineups={
                "fast": (*_WATCHED, "labelled-logistic"),
                "full": (*_WATCHED, "labelled-logistic", "lof", "one-class-svm", "autoencoder"),
            },
            baseline="robust-z",
            finder="concours.tasks.signals.finding:find",
            sample="concours.tasks.signals.finding:sample",
        ),
        Kind(
            name="tabular-anomaly-detection",
            input=TABLE,
            output=Anomaly,
            lineups={"fast": (*_STRANGE, *_LABELLED), "full": (*_STRANGE, "autoencoder", *_LABELLED)},
            baseline="robust-z",
            finder="concours.tasks.signals.finding:find_rows",
            sure=False,
            sample="concours.tasks.signals.finding:sample_rows",
        ),
        Kind(
            name="ranking",
            input=RANKED,
            output=Order,
            lineups={"fast": _RANKING, "full": (*_RANKING, "forest")},
            finder="concours.tasks.queries_found:find",
            sample="concours.tasks.queries_found:sample",
        ),
        Kind(
            name="multi-output",
            input=WIDE,
            output=Several,
            lineups={"fast": _SEVERAL, "full": (*_SEVERAL, "lightgbm-chain", "forest", "catboost", "boosting-chain")},
            finder="concours.tasks.several_found:find",
            sample="concours.tasks.several_found:sample",
        ),
        Kind(
            name="survival",
            input=SURVIVED,
            output=Survival,
            lineups={"fast": _SURVIVAL, "full": (*_SURVIVAL, "extra-trees", "boosting")},
            finder="concours.tasks.survival.finding:find",
            sure=False,
            sample="concours.tasks.survival.finding:sample",
            baseline="kaplan-meier",
        ),
        Kind(
            name="clustering",
            input=GROUPED,
            output=Groups,
            lineups={"fast": _GROUPS, "full": _GROUPS},
            finder="concours.tasks.clusters.finding:find",
            sure=False,
            sample="concours.tasks.clusters.finding:sample",
            baseline="random-centres",
        ),
        Kind(
            name="translation",
            input=SENTENCE,
            output=Text,
            lineups={"fast": _PAIRS, "full": _PAIRS},
            baseline="copy",
            finder="concours.tasks.pairs_found:find",
            sample="concours.tasks.samples:translated",
        ),
        Kind(
            name="text-pairs",
            input=COUPLE,
            output=Classes,
            lineups={"fast": _COUPLES, "full": (*_COUPLES, "extra-trees", "dnn")},
            finder="concours.tasks.couples_found:find_classes",
            sample="concours.tasks.samples:coupled",
        ),
        Kind(
            name="text-similarity",
            input=COUPLE,
            output=Number,
            metrics=("spearman", "mae"),
            lineups={"fast": _ALIKE, "full": (*_ALIKE, "extra-trees", "dnn")},
            finder="concours.tasks.couples_found:find_number",
            sample="concours.tasks.samples:likened",
        ),
        Kind(
            name="summarization",
            input=DOCUMENT,
            output=Summary,
            lineups={"fast": _SUMMARIES, "full": (*_SUMMARIES, "transformer")},
            baseline="lead",
            finder="concours.tasks.summaries_found:find",
            sample="concours.tasks.samples:summarised",
        ),
        Kind(
            name="game",
            input=OPENING,
            output=Points,
            lineups={"fast": _AGENTS, "full": (*_AGENTS, "self-play")},
            baseline="random-agent",
            finder="concours.tasks.games.finding:find",  # before that of documents, which takes any text
            named="concours.kernels.games.named:known",
            sample="concours.tasks.games.finding:sample",
        ),
        Kind(
            name="language-modelling",
            input=PASSAGE,
            output=Language,
            lineups={"fast": _LANGUAGE, "full": _LANGUAGE},
            baseline="frequencies",
            finder="concours.tasks.documents_found:find",
            sample="concours.tasks.samples:written",
        ),
        Kind(
            name="object-detection",
            finder="concours.tasks.boxed:find",
            sample="concours.tasks.samples:boxed",
            input=BOXED,
            output=BoxesOutput,
            lineups={"fast": _DETECTION, "full": _DETECTION},
        ),
        Kind(
            name="segmentation",
            finder="concours.tasks.masked:find",
            sample="concours.tasks.samples:masked",
            input=MASKED,
            output=MasksOutput,
            lineups={"fast": _SEGMENTATION, "full": _SEGMENTATION},
        ),
        Kind(
            name="image-generation",
            input=CONDITION,
            output=PicturesOutput,
            lineups={"fast": _DRAWN, "full": (*_DRAWN, "gan")},
            baseline="independent-pixels",
            finder="concours.tasks.drawings_found:find",
            sample="concours.tasks.samples:drawn",
        ),
        Kind(
            name="question-answering",
            input=QUESTION,
            output=Answer,
            lineups={"fast": _ANSWERS, "full": _ANSWERS},
            finder="concours.tasks.questions_found:find_answers",
            sample="concours.tasks.samples:answered",
        ),
        Kind(
            name="multiple-choice",
            input=CHOSEN,
            output=Choice,
            lineups={"fast": _CHOICES, "full": _CHOICES},
            baseline="even",
            finder="concours.tasks.questions_found:find_choices",
            sample="concours.tasks.samples:chosen",
        ),
        Kind(
            name="text-generation",
            input=REQUEST,
            output=Writing,
            lineups={"fast": _WRITERS, "full": _WRITERS},
            baseline="silent",
            sample="concours.tasks.samples:requested",
        ),
        Kind(
            name="recommendation",
            input=HISTORY,
            output=Items,
            lineups={"fast": _RECOMMENDERS, "full": (*_RECOMMENDERS, "bpr", "two-tower", "session-transformer")},
            baseline="popular",
            finder="concours.tasks.interactions.finding:find_items",
            sample="concours.tasks.interactions.samples:taken",
        ),
        Kind(
            name="rating",
            input=PAIR,
            output=Number,
            metrics=("rmse", "mae"),
            lineups={"fast": _RATERS, "full": (*_RATERS, "factorisation")},
            baseline="biases",
            finder="concours.tasks.interactions.finding:find_ratings",
            sample="concours.tasks.interactions.samples:rated",
        ),
    )
}

KINDS = Registry("kinds", _OWN, of=Kind)


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        ContestError: there is none; the message has the nearest.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise ContestError(f"task.kind: unknown kind {name!r}; {nearest(name, KINDS)}") from None
