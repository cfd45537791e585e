"""Metrics of what was heard: the rates of words and of characters that are wrong, as jiwer counts them.

Both are errors of all rows over words or characters of all targets: substitutions, deletions and insertions of the
alignment with the fewest. Texts are compared as they are, but for blanks: case and punctuation count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.core.optional import install_command, installed
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.texts import Remembered
from concours.tasks.nbest import first_texts

Floats = NDArray[np.float64]


def heard(p: Any) -> list[str]:
    """The text of each row; an empty one where nothing was heard."""
    return [text or "" for text in first_texts(p)]


def _counted(process: str) -> Remembered:
    """Errors, and words or characters of the target, (pairs, 2), by a function of jiwer."""

    def of(said: Sequence[str], right: Sequence[str]) -> Floats:
        import jiwer  # an extra

        found = getattr(jiwer, process)(_plain(right), _plain(said))
        wrong = [sum(map(_length, chunks)) for chunks in found.alignments]
        return np.array([wrong, [len(each) for each in found.references]], dtype=np.float64).T

    return Remembered(of, 2, heard)


def _plain(texts: Sequence[str]) -> list[str]:
    return [" ".join(text.split()) for text in texts]


def _length(chunk: Any) -> int:
    """The errors of a stretch of an alignment."""
    if chunk.type == "equal":
        return 0
    return max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)


_WORDS, _CHARACTERS = _counted("process_words"), _counted("process_characters")


def _rate(means: Floats) -> Floats:
    return np.asarray(means[..., 0] / means[..., 1])


def _of_row(y: Any, p: Any) -> Floats:
    return _rate(_WORDS(y, p))


def _measured(name: str, way: Rows) -> Callable[[Any], Metric]:
    metric = Metric(name=name, greater_is_better=False, target="transcript", needs="values", way=way, low=0.0)

    def made(_output: Any) -> Metric:
        if not installed("jiwer"):
            raise ContestError(
                f"task.metrics: {name} is measured by jiwer, which is not installed; get it with: "
                f"{install_command('jiwer')}"
            )
        return metric

    return made


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "wer": _measured("wer", Rows(of=_WORDS, value=_rate, single=False)),
    "cer": _measured("cer", Rows(of=_CHARACTERS, value=_rate, single=False)),
    "wer_sentence": _measured("wer_sentence", Mean(of=_of_row)),
}
"""`wer_sentence` is the mean over rows of each one's word error rate."""
