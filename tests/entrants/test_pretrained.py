"""Networks that begin from a model that was trained before: what they take of it, what is refused, and what is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from concours.core.digests import canonical_json
from concours.core.errors import RecipeError
from concours.entrants.attributes import attributes_of
from concours.entrants.beginnings import Beginning
from concours.entrants.fitting import Fitted, fit
from concours.entrants.merging import mergeable
from concours.entrants.models import dump_model, load_model
from concours.entrants.neural import ConvClassifier, DenseClassifier, DenseRegressor
from concours.entrants.pretrained import PretrainedClassifier, Tokens
from concours.entrants.text_networks import EmbeddingBagClassifier
from concours.kernels.merging.averages import average

RANDOM = np.random.default_rng(3)
WORDS = ["sun", "rain", "wind", "snow", "hail", "fog"]
TEXTS = np.array([" ".join(RANDOM.choice(WORDS, size=5)) for _ in range(48)], dtype=object)
CODES = np.array(["sun" in text for text in TEXTS]).astype(np.int64) + np.arange(48) % 2
ROWS = RANDOM.normal(size=(48, 4)).astype(np.float32)
LABELS = ("a", "b", "c")

BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "vocab_size": 12,
}
LLAMA = {**BERT, "num_key_value_heads": 2, "max_position_embeddings": 32}


def folder_of(place: Path, config: Any, model: type) -> Path:
    """A small model as Hugging Face keeps it, with a tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    torch.manual_seed(0)
    model(config).save_pretrained(place)  # type: ignore[call-arg]
    numbers = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(place)
    return place


def bundle_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder as a contest keeps them."""
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    about = canonical_json({"form": "folder", "name": folder.name})
    return {**{name: (folder / name).read_bytes() for name in names}, "about.json": about}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

    place = tmp_path_factory.mktemp("models")
    return {
        "masked": bundle_of(folder_of(place / "bert", BertConfig(**BERT), BertForMaskedLM)),
        "causal": bundle_of(folder_of(place / "llama", LlamaConfig(**LLAMA), LlamaForCausalLM)),
    }


def begun(files: dict[str, bytes], **params: Any) -> PretrainedClassifier:
    options: dict[str, Any] = {"epochs": 2, "random_state": 1, **params}
    return PretrainedClassifier(**options).begin_with(Beginning.of_files(files, LABELS))


def model_of(estimator: Any, name: str = "first", labels: tuple[str, ...] = LABELS) -> Beginning:
    """A fitted network as what others begin from."""
    kind = f"{type(estimator).__module__}:{type(estimator).__qualname__}"
    about = {"form": "model", "name": name, "kind": kind, "state": estimator.get_state(), "labels": list(labels)}
    tensors = {key: torch.from_numpy(array) for key, array in estimator.get_tensors().items()}
    files = {"about.json": canonical_json(about), "weights.safetensors": safetensors.torch.save(tensors)}
    return Beginning.of_files(files, LABELS)


@pytest.mark.parametrize("form", ["masked", "causal"])
def test_it_is_fitted_kept_and_merged_as_networks_of_the_zoo_are(folders: Any, form: str) -> None:
    """A kept model stands alone: configuration and tokenizer are with it, and nothing of it is pickled."""
    fitted = fit(begun(folders[form]), TEXTS, CODES, 3, calibrate=False)
    format, files, _ = dump_model(fitted)
    assert format == "safetensors"
    again = load_model(format, files)
    assert np.array_equal(again.predict(TEXTS), fitted.predict(TEXTS))
    assert mergeable(fitted.estimator)
    json.dumps(fitted.estimator.architecture())
    other = fit(begun(folders[form], learning_rate=1e-3), TEXTS, CODES, 3, calibrate=False)
    assert other.estimator.architecture() == fitted.estimator.architecture()
    merged = average([each.estimator.get_tensors() for each in (fitted, other)], [0.5, 0.5])
    soup = again.estimator.set_tensors(merged, fitted.estimator.get_state())
    assert np.isfinite(Fitted(soup, fitted.codes, 3, 48).predict(TEXTS)).all()


@pytest.mark.parametrize("form", ["masked", "causal"])
def test_it_learns_what_can_be_learned(folders: Any, form: str) -> None:
    """By its own settings: texts that it has not seen are told apart far better than by guessing, which loses 0.69."""
    random = np.random.default_rng(5)
    words = random.choice(WORDS, size=(600, 6))
    good = np.isin(words, WORDS[:3]).sum(axis=1)
    texts = np.array([" ".join(row) for row in words], dtype=object)[good != 3]
    codes = (good > 3).astype(np.int64)[good != 3]
    fitted = begun(folders[form], epochs=None).fit(texts[:300], codes[:300])
    told = fitted.predict_proba(texts[300:])
    lost = -np.log(told[np.arange(len(told)), codes[300:]])
    assert lost.mean() < 0.3, fitted.history_


@pytest.mark.parametrize(("width", "rate"), [(16, 4e-3), (64, 1e-3), (768, 5e-4 / 6)])
def test_wide_networks_learn_at_a_lower_rate(folders: Any, width: int, rate: float) -> None:
    """The rate at which a narrow network learns in few steps makes a wide one forget; who names a rate gets that."""
    chosen = begun(folders["masked"])
    chosen.config_, chosen.tokens_ = {**BERT, "model_type": "bert", "hidden_size": width}, Tokens({"pad": 0})
    assert chosen._settings(100).learning_rate == pytest.approx(rate)
    assert chosen.set_params(learning_rate=0.25)._settings(100).learning_rate == 0.25


@pytest.mark.parametrize("form", ["masked", "causal"])
def test_it_begins_with_the_weights_of_the_folder(folders: Any, form: str) -> None:
    """With all layers but the last frozen, these are the folder's to the byte, whatever is learned."""
    freeze = {"masked": ["model.bert.embeddings", "model.bert.encoder"], "causal": ["model.model"]}[form]
    fitted = begun(folders[form], training={"freeze": freeze}).fit(TEXTS, CODES)
    theirs = safetensors.torch.load(folders[form]["model.safetensors"])
    mine = fitted.get_tensors()
    common = [name for name in theirs if any(f"model.{name}".startswith(f"{prefix}.") for prefix in freeze)]
    assert len(common) > 10
    assert all(np.array_equal(mine[f"model.{name}"], theirs[name].numpy()) for name in common)


def test_a_fit_is_the_same_each_time_and_padding_changes_nothing(folders: Any) -> None:
    """Rows are read to the longest of a batch, so a text must not hang on its neighbours."""
    one, other = (begun(folders["masked"]).fit(TEXTS, CODES) for _ in range(2))
    assert all(np.array_equal(one.get_tensors()[name], tensor) for name, tensor in other.get_tensors().items())
    texts = np.array(["sun", "sun rain wind snow hail", ""], dtype=object)
    together = one.predict_proba(texts)
    alone = np.concatenate([one.predict_proba(texts[[row]]) for row in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.allclose(together.sum(axis=1), 1)


def test_its_training_can_be_gone_on_with(folders: Any) -> None:
    """A network with attributes that nobody can describe is trained without a bookmark; this one has none."""
    assert attributes_of(begun(folders["causal"]).fit(TEXTS, CODES).network_) is not None


def test_networks_begin_alike_from_one_model(folders: Any) -> None:
    """Only then their mean lies in one valley: the new output layer follows from the seed that all are given."""
    still = {"learning_rate": 1e-30, "weight_decay": 0.0}
    one, other = (
        begun(folders["masked"], random_state=seed, epochs=1, training=still).begin_alike(7).fit(TEXTS, CODES)
        for seed in (1, 2)
    )
    theirs = other.get_tensors()
    told = [name for name in theirs if name != "sharpness"]
    assert all(np.allclose(one.get_tensors()[name], theirs[name], rtol=0, atol=1e-20) for name in told)


@pytest.mark.parametrize("form", ["masked", "causal"])
def test_the_weights_that_it_began_with_are_those_of_the_folder(folders: Any, form: str) -> None:
    """What `ties` takes for the common beginning: what was read before is no part of what was learned since."""
    still = {"learning_rate": 1e-30, "weight_decay": 0.0}
    unmoved = begun(folders[form], epochs=1, training=still).begin_alike(7).fit(TEXTS, CODES).get_tensors()
    trained = begun(folders[form], learning_rate=1e-2).begin_alike(7).fit(TEXTS, CODES)
    first = trained.begin_with(Beginning.of_files(folders[form], LABELS)).first_tensors(7)
    assert first.keys() == {name for name, _ in trained.network_.named_parameters()}
    assert all(np.allclose(array, unmoved[name], rtol=0, atol=1e-20) for name, array in first.items())
    assert any(not np.array_equal(array, trained.get_tensors()[name]) for name, array in first.items())


def test_a_network_of_the_zoo_takes_all_that_one_of_the_same_classes_knows() -> None:
    """Nothing is learned here: so it says what the other says."""
    first = DenseClassifier(hidden=[6], epochs=4, random_state=0).fit(ROWS, CODES)
    still = DenseClassifier(
        hidden=[6], learning_rate=1e-30, epochs=1, norm="batch", training={"freeze": ["body.1", "body.2"]}
    )
    second = still.begin_with(model_of(first)).fit(ROWS, CODES)
    taken = [name for name in first.get_tensors() if name != "sharpness"]
    assert all(np.array_equal(first.get_tensors()[name], second.get_tensors()[name]) for name in taken)


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "c", "b")])
def test_the_output_layer_begins_anew_where_other_classes_are_told(labels: tuple[str, ...]) -> None:
    """As many classes of other names are other classes; the body is taken all the same."""
    codes = CODES.clip(max=len(labels) - 1)
    first = DenseClassifier(hidden=[6], norm="none", epochs=4, random_state=0).fit(ROWS, codes)
    still = DenseClassifier(hidden=[6], norm="none", learning_rate=1e-30, epochs=1, random_state=3)
    second = still.begin_with(model_of(first, labels=labels)).fit(ROWS, CODES).get_tensors()
    assert np.array_equal(second["body.1.weight"], first.get_tensors()["body.1.weight"])
    assert not np.array_equal(second["body.5.weight"][: len(labels)], first.get_tensors()["body.5.weight"])


def test_a_network_of_texts_takes_the_words_too() -> None:
    """Weights are of numbered words: with other numbers they would be of other words."""
    first = EmbeddingBagClassifier(width=4, epochs=2, random_state=0).fit(TEXTS, CODES)
    others = np.array(["fog and hail", "a storm", "hail", "sun"] * 12, dtype=object)
    second = EmbeddingBagClassifier(width=4, epochs=1, random_state=0).begin_with(model_of(first)).fit(others, CODES)
    assert second.get_state()["vocabulary"] == first.get_state()["vocabulary"]


def test_numbers_begin_with_a_new_output_layer() -> None:
    """What is told is standardised by the rows of each fit."""
    first = DenseRegressor(hidden=[6], epochs=2, random_state=0).fit(ROWS, ROWS[:, 0])
    begin = model_of(first, labels=())
    second = (
        DenseRegressor(hidden=[6], epochs=1, learning_rate=1e-30, random_state=1)
        .begin_with(begin)
        .fit(ROWS, ROWS[:, 1])
    )
    assert np.array_equal(second.get_tensors()["body.1.weight"], first.get_tensors()["body.1.weight"])


def test_what_cannot_be_begun_from_is_refused_with_its_name(folders: Any) -> None:
    """Each says which model, what was expected, and what to do."""
    first = DenseClassifier(hidden=[6], epochs=1, random_state=0).fit(ROWS, CODES)
    with pytest.raises(ValueError, match=r"first has other layers: body.1.bias: \[6\] there, \[5\] here \(\d+ of \d+ "):
        DenseClassifier(hidden=[5], epochs=1).begin_with(model_of(first)).fit(ROWS, CODES)
    with pytest.raises(RecipeError, match="first is a DenseClassifier, and a ConvClassifier cannot begin from it"):
        ConvClassifier().begin_with(model_of(first))
    with pytest.raises(RecipeError, match="cannot begin from a folder of Hugging Face"):
        DenseClassifier().begin_with(Beginning.of_files(folders["masked"], LABELS))
    with pytest.raises(ValueError, match="begin is missing"):
        PretrainedClassifier().fit(TEXTS, CODES)
    first.network_.body[1].weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"tensor body.1.weight holds values that are not finite"):
        DenseClassifier(hidden=[6], epochs=1).begin_with(model_of(first)).fit(ROWS, CODES)


@pytest.mark.parametrize("cut", [0, 5, 9, 400])
def test_a_file_that_is_cut_off_is_refused_by_name(folders: Any, cut: int) -> None:
    """A download that broke off must not be half a model."""
    files = {**folders["masked"], "model.safetensors": folders["masked"]["model.safetensors"][:cut]}
    with pytest.raises(RecipeError, match="bert: model.safetensors is no whole file of weights"):
        Beginning.of_files(files, LABELS)


def test_a_folder_that_lacks_a_layer_is_refused(folders: Any) -> None:
    """Layers that were made up beside layers that were learned would be worse than either."""
    tensors = safetensors.torch.load(folders["masked"]["model.safetensors"])
    some = {name: tensor for name, tensor in tensors.items() if ".layer.1." not in name}
    files = {**folders["masked"], "model.safetensors": safetensors.torch.save(some)}
    with pytest.raises(RecipeError, match=r"bert lacks \d+ of \d+ tensors, bert.encoder.layer.1"):
        begun(files).fit(TEXTS, CODES)
