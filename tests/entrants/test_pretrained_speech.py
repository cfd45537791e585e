"""Recognisers from a folder of Hugging Face: of CTC and Whisper, small ones made here, asked as they are and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from concours.core.digests import canonical_json
from concours.core.errors import RecipeError
from concours.entrants.beginnings import Beginning
from concours.entrants.fitting import Fitted
from concours.entrants.models import dump_model, load_model
from concours.entrants.pretrained_speech import PretrainedRecogniser

pytest.importorskip("transformers")

X = pd.DataFrame(
    {
        "sound": [(3000 * np.random.default_rng(row).normal(size=6000)).astype(np.int16) for row in range(2)],
        "rate": 8000,
    }
)
Y = pa.array(["one", "two"])
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def of_letters(place: Path) -> Path:
    """A recogniser by CTC, as it is saved."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    conv = {"conv_dim": (8, 8), "conv_kernel": (10, 8), "conv_stride": (10, 8), "num_feat_extract_layers": 2}
    config = Wav2Vec2Config(
        vocab_size=8, pad_token_id=0, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, **SMALL, **conv
    )
    torch.manual_seed(0)
    Wav2Vec2ForCTC(config).save_pretrained(place)
    Wav2Vec2FeatureExtractor().save_pretrained(place)
    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6, "C": 7}
    (place / "vocab.json").write_text(json.dumps(letters))
    return place


def that_writes(place: Path) -> Path:
    """A small Whisper, as it is saved."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    sides = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in {"layers": 1, "attention_heads": 2, "ffn_dim": 16}.items()
    }
    ids = {"decoder_start_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "bos_token_id": 1}
    config = WhisperConfig(
        vocab_size=8,
        d_model=16,
        max_source_positions=50,
        max_target_positions=8,
        suppress_tokens=None,
        begin_suppress_tokens=None,
        **sides,
        **ids,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    model.generation_config.max_length = 6
    model.save_pretrained(place)
    WhisperFeatureExtractor(chunk_length=1).save_pretrained(place)
    words = ["[PAD]", "[BOS]", "[EOS]", "[UNK]", "one", "two", "three", "four"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(place)
    return place


def beginning_of(folder: Path, without: str = "") -> Beginning:
    """The folder as a contest keeps it."""
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".json", ".safetensors")}
    files.pop(without, None)
    about = {"about.json": canonical_json({"form": "folder", "name": folder.name})}
    return Beginning.of_files({**files, **about}, ())


@pytest.mark.parametrize("made", [of_letters, that_writes])
def test_a_folder_is_asked_as_it_is_and_kept(made, tmp_path):
    """Protects recognisers of others: the kept model says the same without it."""
    model = PretrainedRecogniser(beam=2, lower=True).begin_with(beginning_of(made(tmp_path / "folder"))).fit(X, Y)
    said = model.predict(X)
    assert len(said) == 2
    for row in said.to_pylist():
        assert not row or sum(each["score"] for each in row) == pytest.approx(1)
        assert all(each["text"] == each["text"].lower() for each in row)
    format, files, why = dump_model(Fitted(model, np.empty(0, dtype=np.int64), 0, "frame"))
    assert format == "safetensors", why
    assert load_model(format, files).estimator.predict(X).equals(said)


def test_what_a_folder_lacks_is_told(tmp_path):
    """Protects what a user reads: no folder, no letters, another sort of model."""
    with pytest.raises(ValueError, match="begin is missing: a folder of Hugging Face with a recogniser"):
        PretrainedRecogniser().fit(X, Y)
    folder = of_letters(tmp_path / "letters")
    with pytest.raises(RecipeError, match=r"letters has no vocab\.json"):
        PretrainedRecogniser().begin_with(beginning_of(folder, "vocab.json")).fit(X, Y)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(RecipeError, match="is no recogniser of speech"):
        PretrainedRecogniser().begin_with(beginning_of(folder)).fit(X, Y)
