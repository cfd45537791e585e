"""Words by which a column says whether an event came: in English, German, French and Spanish."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_YES: Final = "1 true t yes y wahr ja j vrai oui verdadero si"
_NO: Final = "0 false f no n falsch nein faux non falso"
_CAME: Final = (
    "dead died death deceased event failed failure relapse relapsed churned "
    "tot gestorben verstorben tod ereignis ausgefallen defekt rezidiv gekündigt "
    "mort morte décédé décédée décès événement panne rechute "
    "muerto muerta muerte fallecido fallecida evento fallo recaída"
)
_CENSORED: Final = (
    "alive living censored survived running "
    "lebt lebend lebendig zensiert überlebt läuft "
    "vivant vivante censuré censurée "
    "vivo viva vive censurado censurada"
)
_OPPOSITE: Final = "cens censor censoring alive living survived"
"""Beside the words for who was censored, names of columns whose yes says that the event did not come."""


def folded(text: str) -> str:
    """Small letters without accents, words apart by one `_`: `Zeit bis Ereignis` and `zeitBisEreignis` are alike."""
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", spread.casefold()) if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "_", bare).strip("_")


def _known(words: str) -> frozenset[str]:
    return frozenset(map(folded, words.split()))


_ANSWERS: Final = {**dict.fromkeys(_known(_YES), True), **dict.fromkeys(_known(_NO), False)}
_STATES: Final = {**dict.fromkeys(_known(_CAME), True), **dict.fromkeys(_known(_CENSORED), False)}
_TURNED: Final = _known(f"{_OPPOSITE} {_CENSORED}")


def came(value: str, event: str) -> bool | None:
    """Whether a value of a column says that the event came; none where its words are not known, or contradict.

    Yes and no answer what the column is called: yes says that the event came in `died`, and that it did not in
    `censored`. Words such as dead and alive say it in any column. `1:DECEASED` says what `deceased` does.
    """
    whole = folded(value)
    if whole in _ANSWERS:
        return _ANSWERS[whole] != bool(_TURNED & set(folded(event).split("_")))
    words = [word for word in whole.split("_") if not word.isdecimal()]
    said = {_STATES.get(word, _ANSWERS.get(word)) for word in words} - {None}
    return said.pop() if len(said) == 1 else None


def that_came(values: Sequence[str], event: str) -> str | None:
    """That of two values which says that the event came, where the words of both are known; else none."""
    said = {came(value, event): value for value in values}
    return said[True] if len(values) == 2 and set(said) == {True, False} else None
