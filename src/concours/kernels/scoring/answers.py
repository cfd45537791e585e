"""Short answers as texts: when two are the same, as SQuAD compares them, and when they are the same number.

Rajpurkar et al., SQuAD: 100,000+ Questions for Machine Comprehension of Text (2016), whose evaluation this is.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_NUMBER: Final = re.compile(r"([-+]?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d*))?")
_MARKS: Final = str.maketrans({"%": None, "\\": None, " ": None, "−": "-"})
_LONGEST: Final = 200
"""Characters that a number has at most."""
_REMEMBERED: Final = 1 << 16


@lru_cache(_REMEMBERED)
def normalised(text: str) -> str:
    """A text in small letters, without ASCII punctuation and the articles a, an, the, one blank between words.

    >>> normalised("The  U.S.A.'s 3,000 -- cats!")
    'usas 3000 cats'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


@lru_cache(_REMEMBERED)
def number_written(text: str) -> str | None:
    """The number that a text is, written plainly; none where it is no number.

    A text is a number if digits with at most one sign before them and one point in them are left, once signs of
    currencies, percent signs, backslashes, blanks, a full stop at the end, and commas between groups of three digits
    are taken away. So 50% is 50 and not one half; what has other words in it is no number. Two texts are the same
    number if this is the same, to the last digit.

    >>> [number_written(text) for text in ("1,800.00", "$18.00", "50%", "-0.50", "5 (see page 3)", "1,80")]
    ['1800', '18', '50', '-0.5', None, None]
    """
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text).translate(_MARKS).strip().removesuffix(".")
    bare = "".join(sign for sign in plain if unicodedata.category(sign) != "Sc" and not sign.isspace())
    found = _NUMBER.fullmatch(bare) if bare.isascii() else None
    if found is None or not (found[2] or found[3]):
        return None
    whole, part = found[2].replace(",", "").lstrip("0") or "0", (found[3] or "").rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if found[1] == "-" and number != "0" else number


def same_answer(text: str) -> str:
    """What answers that count as one have in common: their number, or else the text, normalised."""
    number = number_written(text)
    return normalised(text) if number is None else number


def exact_match(said: str, right: str) -> float:
    """1 where two texts are the same, normalised, else 0."""
    return float(normalised(said) == normalised(right))


def numeric_match(said: str, right: str) -> float:
    """1 where both are the same number, else 0."""
    number = number_written(said)
    return float(number is not None and number == number_written(right))


def token_f1(said: str, right: str) -> float:
    """The harmonic mean of precision and recall over the words of two texts, normalised, each as often as it comes.

    Two texts without words are the same, which is 1; one without words against one with some is 0.

    >>> round(token_f1("the cat sat on the mat, mat", "cat mat"), 6)
    0.571429
    """
    words, others = normalised(said).split(), normalised(right).split()
    if not words or not others:
        return float(words == others)
    shared = sum((Counter(words) & Counter(others)).values())
    return 2 * shared / (len(words) + len(others))
