"""Numbers as people write them: thousands set apart, decimal commas, signs of currencies and per cent, brackets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

_ISO = "USD|EUR|GBP|CHF|JPY|CNY|CAD|AUD|NZD|INR|SEK|NOK|DKK|PLN|CZK|HUF|RUB|BRL|MXN|ZAR|KRW|TRY|SGD|HKD"
_SIGN = rf"(?:US|R|A|C|NZ|HK|S)?\$|\p{{Sc}}|(?i:{_ISO}|kr\.?|Kč|zł|Fr\.|Rs\.?)"
_SAME = {"\u2212": "-", "\u2013": "-", "\u2014": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"}
"""Signs that are written in several ways."""

_ACCOUNTS = (
    (rf"^({_SIGN})\s*\(", r"(\1"),
    (rf"\)\s*({_SIGN}|%|‰)$", r"\1)"),
    (rf"^({_SIGN})\s*-$", r"\1 0"),
    (rf"^-\s*({_SIGN})$", r"0 \1"),
)
"""Currencies outside of brackets, and at a dash for nothing, as accounts have them: `$ (5)`, `(5) €`, `$ -`."""

LONGEST = 18
"""Digits that a whole number of 64 bits holds in any case."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What words say as numbers, each (n,).

    Attributes:
        values: int64 where whole numbers are asked for and all are, else float64, perhaps infinite; null where a word
            is no number.
        signs: the sign that stands at the number, "" for none; null where a word is no number.
        whole: whether it is written without decimals and exponent.
        apart: whether a sign in it sets thousands or decimals apart.
        coded: whether it is a whole number that begins with a needless zero, or is longer than 64 bits hold.
    """

    values: pa.Array
    signs: pa.Array
    whole: pa.Array
    apart: pa.Array
    coded: pa.Array


def numbers_of(words: pa.Array, decimal: str, signs: tuple[str, ...] | None, *, whole: bool = False) -> Numbers:
    """Words (n,) without blanks around as numbers.

    Thousands may be set apart by the other one of comma and point, a blank or an apostrophe, in groups of three. A dash
    instead of decimals is none of them (`12.-` is 12), and beside a currency alone it is 0, as accounts have it.

    Args:
        decimal: the sign between whole and part, `.` or `,`.
        signs: those that may stand at a number; none for all.
    """
    parts = pc.extract_regex(_alike(words), _pattern(decimal))
    number, sign = pc.struct_field(parts, "number"), _sign(parts)
    fits = pc.equal(_has(parts, "bracket"), _has(parts, "closed"))
    if signs is not None:
        fits = pc.and_(fits, pc.is_in(sign, pa.array(["", *signs], pa.string())))
    number = pc.if_else(fits, number, pa.scalar(None, pa.string()))
    digits = pc.replace_substring_regex(number, "[ '.]" if decimal == "," else "[ ',]", "")
    digits = pc.replace_substring_regex(digits, rf"\{decimal}-+$", "")
    digits = pc.replace_substring(digits, decimal, ".")
    negative = pc.or_(
        pc.or_(_has(parts, "before"), _has(parts, "inner")), pc.or_(_has(parts, "behind"), _has(parts, "bracket"))
    )
    written = pc.binary_join_element_wise(pc.if_else(negative, "-", ""), digits, "")
    valid = pc.is_valid(number)
    integers = pc.match_substring_regex(digits, r"^\d+$")
    long = pc.greater(pc.binary_length(digits), LONGEST)
    zero = pc.match_substring_regex(number, r"^0\d")
    plain = pc.and_(integers, pc.invert(long))
    as_whole = whole and bool(pc.all(pc.or_(plain, pc.invert(valid))).as_py() in (True, None))
    written = pc.if_else(valid, written, pa.scalar(None, pa.string()))
    return Numbers(
        values=written.cast(pa.int64() if as_whole else pa.float64()),
        signs=pc.if_else(valid, sign, pa.scalar(None, pa.string())),
        whole=pc.fill_null(integers, False),
        apart=pc.fill_null(pc.match_substring_regex(number, r"[.,]"), False),
        coded=pc.fill_null(pc.and_(integers, pc.and_(pc.equal(sign, ""), pc.or_(zero, long))), False),
    )


@cache
def _pattern(decimal: str) -> str:
    part = rf"(?:\{decimal}(?:-{{1,2}}|\d*))?"
    groups = [rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" for mark in (" ", "'", r"\." if decimal == "," else ",")]
    if decimal == ".":
        groups.append(r"[1-9]\d?(?:,\d{2})+,\d{3}")  # as in India
    power = r"(?:[eE][+-]?\d+)?"
    number = rf"(?i:inf(?:inity)?)|(?:{'|'.join(groups)}){part}|\d+{part}{power}|\{decimal}\d+{power}"
    return (
        rf"^(?P<bracket>\()?\s*(?P<before>-)?\+?\s*(?P<sign>{_SIGN})?\s*(?P<inner>-)?(?P<number>{number})"
        rf"\s*(?P<unit>{_SIGN}|%|‰)?(?P<behind>-)?\s*(?P<closed>\))?$"
    )


def _alike(words: pa.Array) -> pa.Array:
    for other, usual in _SAME.items():
        words = pc.replace_substring(words, other, usual)
    for pattern, usual in _ACCOUNTS:
        words = pc.replace_substring_regex(words, pattern, usual)
    return words


def _sign(parts: pa.Array) -> pa.Array:
    return pc.utf8_upper(
        pc.binary_join_element_wise(pc.struct_field(parts, "sign"), pc.struct_field(parts, "unit"), "")
    )


def _has(parts: pa.Array, name: str) -> pa.Array:
    return pc.not_equal(pc.struct_field(parts, name), "")
