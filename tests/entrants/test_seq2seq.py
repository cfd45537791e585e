"""Models of Hugging Face that say a text of a text, made small here; and the transformer that copies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import safetensors.torch
import torch

from concours.core.digests import canonical_json
from concours.core.errors import RecipeError
from concours.entrants.attending import attention
from concours.entrants.beginnings import Beginning
from concours.entrants.fitting import Fitted
from concours.entrants.models import dump_model, load_model
from concours.entrants.sequences import CopyingTransformer
from concours.entrants.subwords import NOTHING
from concours.entrants.translators import TransformerTranslator

pytest.importorskip("transformers")
WORDS = ["sun", "rain", "wind", "snow", "hail", "fog"]
TEXTS = np.array([" ".join(np.random.default_rng(row).choice(WORDS, size=5)) for row in range(40)], dtype=object)
SAID = pa.array([[" ".join(text.split()[:2]), text.split()[0]][: 1 + row % 2] for row, text in enumerate(TEXTS)])


@pytest.fixture(scope="module")
def beginning(tmp_path_factory):
    """A T5 of one layer with a tokenizer of whole words, as a contest keeps a folder."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    place = tmp_path_factory.mktemp("t5")
    config = T5Config(
        vocab_size=16, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0, eos_token_id=1
    )
    torch.manual_seed(0)
    T5ForConditionalGeneration(config).save_pretrained(place)
    numbers = {word: number for number, word in enumerate(["[PAD]", "[END]", "[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    told = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", eos_token="[END]", unk_token="[UNK]")
    told.save_pretrained(place)
    return files_of(place)


def files_of(place: Path) -> dict[str, bytes]:
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    about = {"about.json": canonical_json({"form": "folder", "name": place.name})}
    return {**{name: (place / name).read_bytes() for name in names}, **about}


def begun(files, **params):
    from concours.entrants.seq2seq import PretrainedSeq2Seq

    made = PretrainedSeq2Seq(length=8, longest=4, beam=2, random_state=0, **params)
    return made.begin_with(Beginning.of_files(files, ()))


def test_it_learns_and_is_kept(beginning):
    """It says at most `beam` texts with shares, the same after it was kept, and needs the folder no more."""
    fitted = begun(beginning, epochs=4).fit(TEXTS, SAID)
    said = fitted.predict(TEXTS[:5])
    assert all(
        1 <= len(row) <= 2 and sum(each["score"] for each in row) == pytest.approx(1) for row in said.to_pylist()
    )
    assert fitted.history_.train_loss[-1] < fitted.history_.train_loss[0]
    form, files, why = dump_model(Fitted(fitted, np.empty(0, dtype=np.int64), None, len(TEXTS)))
    assert (form, why) == ("safetensors", "")
    assert load_model(form, files).predict(TEXTS[:5]).equals(said)


@pytest.mark.parametrize("before", ["", "rain: "])
def test_it_tells_which_words_it_looks_at(beginning, before):
    """Word by word as the library has its attention; what is put before a text is none of its words."""
    fitted = begun(beginning, epochs=1, before=before).fit(TEXTS, SAID)
    told = fitted.predict(TEXTS[:2])
    found = attention(fitted, "sun snow fog", "fog sun")
    assert found.shape == (2, 3)
    assert found.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert fitted.predict(TEXTS[:2]).equals(told)  # looking changes nothing
    model = fitted.network_.model
    model.set_attn_implementation("eager")
    ids, labels = (torch.tensor([fitted.tokens_.of([text], 8)[0]]) for text in (f"{before}sun snow fog", "fog sun"))
    with torch.no_grad():
        own = model(input_ids=ids, labels=labels, output_attentions=True).cross_attentions[0][0].mean(dim=0).numpy()
    assert found == pytest.approx(own[:, -3:] / own[:, -3:].sum(axis=1, keepdims=True), abs=1e-5)


def test_what_is_no_such_model_is_refused(beginning):
    """A folder of another kind of model, or that lacks weights, is named."""
    other = {**beginning, "config.json": json.dumps({"model_type": "bert", "vocab_size": 16}).encode()}
    with pytest.raises(RecipeError, match="config.json"):
        begun(other).fit(TEXTS, SAID)
    tensors = safetensors.torch.load(beginning["model.safetensors"])
    few = {name: tensor for name, tensor in tensors.items() if "decoder" not in name}
    with pytest.raises(RecipeError, match="lacks .* tensors"):
        begun({**beginning, "model.safetensors": safetensors.torch.save(few)}).fit(TEXTS, SAID)


def test_without_a_folder_there_is_nothing_to_begin_from():
    """It says what is missing."""
    from concours.entrants.seq2seq import PretrainedSeq2Seq

    with pytest.raises(ValueError, match="begin is missing"):
        PretrainedSeq2Seq().fit(TEXTS, SAID)


def test_chances_of_a_network_that_copies_add_up():
    """A mixture of what it says itself and of pieces of the source is a distribution; padding is never copied."""
    torch.manual_seed(0)
    network = CopyingTransformer(9, 5, 32, 1, 1, 0.0, 0.0).eval()
    source = torch.tensor([[4, 5, 6, NOTHING, NOTHING]])
    with torch.no_grad():
        memory = network.remember(source)
        logs = network.logs(torch.randn(1, 3, 32), memory)
    assert torch.allclose(logs.exp().sum(dim=2), torch.ones(1, 3), atol=1e-4)
    with torch.no_grad():
        network.copies.bias.fill_(50.0)  # it copies alone
        alone = network.logs(torch.randn(1, 1, 32), memory).exp()[0, 0]
    assert alone[[4, 5, 6]].sum() == pytest.approx(1, abs=1e-3)


def test_a_translator_that_copies_is_kept():
    """References in lists are learned from; it says the same after it was kept."""
    fitted = TransformerTranslator(copies=True, epochs=2, pieces=40, width=32, random_state=0).fit(TEXTS, SAID)
    form, files, _ = dump_model(Fitted(fitted, np.empty(0, dtype=np.int64), None, len(TEXTS)))
    assert load_model(form, files).predict(TEXTS[:3]).equals(fitted.predict(TEXTS[:3]))
