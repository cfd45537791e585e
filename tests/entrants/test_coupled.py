"""Pairs of texts read by models of Hugging Face, made small here: a vector of each, and both at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from concours.entrants.beginnings import Beginning
from concours.entrants.fitting import Fitted
from concours.entrants.models import dump_model, load_model

pytest.importorskip("transformers")
WORDS = ["sun", "rain", "wind", "snow", "hail", "fog"]
RANDOM = np.random.default_rng(0)
ONE = [" ".join(RANDOM.choice(WORDS, size=3)) for _ in range(40)]
PAIRS = pd.DataFrame(
    {"a": ONE, "b": [text if row % 2 else " ".join(RANDOM.choice(WORDS, size=3)) for row, text in enumerate(ONE)]}
)
CODES = np.arange(40) % 2


@pytest.fixture(scope="module")
def beginning(tmp_path_factory):
    """A BERT of two layers, whose tokenizer puts two texts together with a sign between."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    place = tmp_path_factory.mktemp("bert")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=16, max_position_embeddings=16, **sizes)).save_pretrained(place)
    numbers = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", pair="$A [SEP] $B:1 [SEP]:1", special_tokens=[("[SEP]", 2)]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(place)
    from concours.core.digests import canonical_json

    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    about = {"about.json": canonical_json({"form": "folder", "name": "bert"})}
    return Beginning.of_files({**{name: (place / name).read_bytes() for name in names}, **about}, ("no", "yes"))


def test_vectors_of_equal_texts_are_alike(beginning):
    """The cosine of a text with itself is 1, so that a head tells pairs of equal texts from others."""
    from concours.entrants.coupled import EmbeddedPairs

    fitted = EmbeddedPairs(length=8).begin_with(beginning).fit(PAIRS, CODES)
    features = fitted._vectors(PAIRS)
    assert features.shape == (40, 2 * 16 + 1)
    assert np.allclose(features[CODES == 1, -1], 1)
    assert np.mean(fitted.predict(PAIRS) == CODES) > 0.8


def test_a_cross_encoder_reads_both_texts_at_once_and_is_kept(beginning):
    """Its rows are the tokens of both with the tokenizer's sign between; what is kept says the same."""
    from concours.entrants.coupled import PretrainedPairs

    made = PretrainedPairs(length=12, epochs=2, random_state=0).begin_with(beginning)
    fitted = made.fit(PAIRS, CODES)
    row = fitted._read(PAIRS.iloc[:1])[0]
    assert (row == 2).sum() == 2
    assert (row >= 0).sum() == 8
    said = fitted.predict_proba(PAIRS.iloc[:5])
    form, files, why = dump_model(Fitted(fitted, np.array([0, 1]), 2, 40))
    assert (form, why) == ("safetensors", "")
    assert np.array_equal(load_model(form, files).estimator.predict_proba(PAIRS.iloc[:5]), said)
