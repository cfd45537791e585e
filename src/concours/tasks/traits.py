"""Simple numbers that tell texts and pictures apart: their length, how many digits they have, how bright they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_READ = 2000  # characters of a text; longer ones are looked at as far as here, but for their length
_SHARES = {"digits": r"\d", "capitals": r"\p{Lu}", "punctuation and signs": r"[\p{P}\p{S}]"}
_SIGNS = {
    "characters beyond ASCII": r"[^\x00-\x7f]",
    "a web address": r"(?i)https?://|www\.",
    "a question mark": r"\?",
    "an exclamation mark": "!",
    "words in capitals": r"\b\p{Lu}{3,}\b",
    "a number of five digits or more": r"\d{5,}",
}
_SIDE = 64  # pixels; of larger pictures every second, third, ... pixel is looked at
_AT_ONCE = 500
_FULL, _FLOOR = 32768, 1e-10


def text_lengths(texts: pa.ChunkedArray) -> dict[str, Floats]:
    """How many `characters` and `words` each text has, (rows,)."""
    words = pc.count_substring_regex(texts, r"\S+")
    return {"characters": _floats(pc.utf8_length(texts)), "words": _floats(words)}


def text_shares(texts: pa.ChunkedArray) -> dict[str, Floats]:
    """The share of the characters of each text that are digits, capitals, …, (rows,) in [0, 1]; 0 of empty texts."""
    seen = pc.utf8_slice_codeunits(texts, 0, _READ)
    length = np.maximum(_floats(pc.utf8_length(seen)), 1)
    return {name: _floats(pc.count_substring_regex(seen, form)) / length for name, form in _SHARES.items()}


def text_signs(texts: pa.ChunkedArray) -> dict[str, NDArray[np.bool_]]:
    """Whether a web address, a question mark, … occurs in each text, (rows,)."""
    seen = pc.utf8_slice_codeunits(texts, 0, _READ)
    return {
        name: np.asarray(pc.match_substring_regex(seen, form).to_numpy(zero_copy_only=False))
        for name, form in _SIGNS.items()
    }


def sound_traits(sounds: pa.Table) -> pa.Table:
    """How long and how loud sounds are: a table with a column of seconds, and one of decibels below full scale.

    Sounds are as `tasks.recordings` has them: `sound`, lists of int16, and `rate`, samples a second.
    """
    rows = zip(sounds["sound"].to_numpy(), sounds["rate"].to_pylist(), strict=True)
    told = [(len(samples) / rate, np.square(samples / _FULL, dtype=np.float64).mean()) for samples, rate in rows]
    seconds, power = np.asarray(told, dtype=np.float64).reshape(-1, 2).T
    loudness = np.round(10 * np.log10(power + _FLOOR), 1)
    return pa.table({"length in seconds": np.round(seconds, 2), "loudness in dB": loudness})


def history_traits(histories: pa.Table) -> pa.Table:
    """How many items are known of users, and what they rate on average, where they rate.

    Histories are as `tasks.interactions.histories` has them: lists of `items`, and perhaps of `ratings`.
    """
    columns = {"items known": pc.list_value_length(histories["items"])}
    if "ratings" in histories.column_names:
        means = [each.mean() if len(each) else None for each in histories["ratings"].to_numpy()]
        columns["mean rating"] = pa.array(means, pa.float64())
    return pa.table(columns)


def picture_traits(pictures: NDArray[Any], rows: NDArray[np.int64]) -> dict[str, Floats]:
    """Brightness and contrast of some pictures in [0, 1], and where there is colour the colourfulness, (rows,).

    Brightness and contrast are mean and standard deviation of the grey values; colourfulness is that of Hasler and
    Süsstrunk (2003). Values are scaled to [0, 1]: of uint8 by 255, of others by their extremes if they are not within.

    Args:
        pictures: (pictures, height, width) or (…, channels): grey, or red, green, blue; further channels are not
            looked at. Read a piece at a time.
        rows: which of them.
    """
    apart = -(-min(pictures.shape[1:3]) // _SIDE)
    pieces = [_piece(pictures[rows[i : i + _AT_ONCE]][:, ::apart, ::apart]) for i in range(0, len(rows), _AT_ONCE)]
    low = 0.0 if pictures.dtype == np.uint8 else min(0.0, *(least for least, _, _ in pieces))
    high = 255.0 if pictures.dtype == np.uint8 else max(1.0, *(most for _, most, _ in pieces))
    found = {name: np.concatenate([traits[name] for _, _, traits in pieces]) for name in pieces[0][2]}
    return {name: (values - low * (name == "brightness")) / (high - low) for name, values in found.items()}


def _piece(pictures: NDArray[Any]) -> tuple[float, float, dict[str, Floats]]:
    """The extremes of some pictures, and their traits in units of the pictures."""
    flat = pictures.reshape(len(pictures), pictures.shape[1] * pictures.shape[2], -1).astype(np.float64)
    return float(flat.min()), float(flat.max()), _traits(flat)


def _traits(flat: Floats) -> dict[str, Floats]:
    if flat.shape[2] < 3:
        return {"brightness": flat[:, :, 0].mean(axis=1), "contrast": flat[:, :, 0].std(axis=1)}
    red, green, blue = flat[:, :, 0], flat[:, :, 1], flat[:, :, 2]
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(axis=1), second.std(axis=1))
    shift = np.hypot(first.mean(axis=1), second.mean(axis=1))
    return {"brightness": grey.mean(axis=1), "contrast": grey.std(axis=1), "colourfulness": spread + 0.3 * shift}


def _floats(values: pa.ChunkedArray) -> Floats:
    return np.asarray(values.to_numpy(), dtype=np.float64)
