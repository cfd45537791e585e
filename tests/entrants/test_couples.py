"""Pairs of texts as numbers: hashed terms against those by name, likeness, and what is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from concours.entrants.couples import PairLikeness, PairTerms
from concours.entrants.hashed import HashedTerms
from concours.entrants.models import dump_object, load_object

TEXTS = ["a man walks by the sea", "the sea is wide and the man walks", "nobody walks", "a wide sea", ""]
PAIRS = pd.DataFrame(
    {
        "one": ["Rain fell in 1999", "the sun is out", "a man walks", "…", ""],
        "two": ["In 1999 rain fell", "the sun is not out", "birds sing 12 songs", "…", "a"],
    }
)


@pytest.mark.parametrize(
    "options", [{}, {"high": 2}, {"least": 0}, {"analyzer": "char_wb", "low": 3, "high": 4, "least": 1}]
)
def test_hashed_terms_are_tf_idf_by_another_name(options):
    """The cosines of texts are those of scikit-learn's TF-IDF with the same terms."""
    made = HashedTerms(**options)
    pattern = {"token_pattern": r"\w+"} if made.analyzer == "word" else {}
    options = {"analyzer": made.analyzer, "ngram_range": (made.low, made.high), "sublinear_tf": True, **pattern}
    named = TfidfVectorizer(min_df=max(made.least, 1), **options)
    found, expected = made.fit_transform(TEXTS), named.fit_transform(TEXTS)
    assert np.allclose((found @ found.T).toarray(), (expected @ expected.T).toarray())
    assert np.allclose(made.transform(TEXTS).toarray(), found.toarray())


def test_likeness_tells_like_from_unlike():
    """Equal words are alike in either order of the texts; numbers, and who denies, are seen; nothing is not finite."""
    fitted = PairLikeness().fit(PAIRS)
    found = fitted.transform(PAIRS)
    assert np.isfinite(found).all()
    assert found[0, 0] == pytest.approx(1)
    assert found[0, 0] > found[1, 0] > found[2, 0] == 0
    assert fitted.transform(pd.DataFrame({"one": ["unseen words"], "two": ["unseen others"]}))[0, 0] < 1
    assert found[:, -1].tolist() == [0, 1, 0, 0, 0]
    turned = fitted.transform(PAIRS[["two", "one"]].set_axis(["one", "two"], axis=1))
    assert np.allclose(found[:, :4], turned[:, :4])


@pytest.mark.parametrize("kind", [PairLikeness, PairTerms])
def test_what_is_kept_says_the_same(kind):
    """A preparation that was kept and loaded gives the same numbers."""
    fitted = kind().fit(PAIRS)
    again = load_object(dump_object(fitted))
    one, other = fitted.transform(PAIRS), again.transform(PAIRS)
    assert np.array_equal(*(part.toarray() if hasattr(part, "toarray") else part for part in (one, other)))


def test_a_pair_has_two_texts():
    """Another number of columns is refused."""
    with pytest.raises(ValueError, match="two columns of texts; got 1"):
        PairLikeness().fit(PAIRS[["one"]])
