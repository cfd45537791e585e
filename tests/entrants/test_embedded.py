"""Entrants from folders of Hugging Face: vectors with a linear head, the library's own trainer, and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.linear_model import Ridge

from concours.core.digests import canonical_json
from concours.core.errors import RecipeError
from concours.entrants import heads
from concours.entrants.beginnings import Beginning
from concours.entrants.classifiers import FolderClassifier, Params, of_files
from concours.entrants.embedded import EmbeddedClassifier
from concours.entrants.embedders import Embedder
from concours.entrants.fitting import fit
from concours.entrants.looking import views
from concours.entrants.models import dump_model, load_model
from concours.entrants.neural import ConvClassifier
from concours.entrants.pixels import Pixels
from concours.entrants.pretrained_pictures import PretrainedImageClassifier, Seeing
from concours.entrants.trained_by_trainer import TrainerClassifier

RANDOM = np.random.default_rng(3)
WORDS = ["sun", "rain", "wind", "snow", "hail", "fog"]
TEXTS = np.array([" ".join(RANDOM.choice(WORDS, size=5)) for _ in range(48)], dtype=object)
CODES = np.array(["sun" in text for text in TEXTS]).astype(np.int64) + np.arange(48) % 2
PICTURES = RANDOM.integers(0, 256, size=(30, 10, 12, 3), dtype=np.uint8)
SEEN = np.arange(30) % 3
BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "vocab_size": 12,
}
LOOKS = {"do_normalize": True, "image_mean": [0.4] * 3, "image_std": [0.5] * 3, "size": {"height": 8, "width": 8}}


def files_of(place: Path, model: Any, **more: Any) -> dict[str, bytes]:
    """What a small model is kept as, with other files beside it."""
    model.save_pretrained(place)
    for name, value in more.items():
        (place / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return {file.name: file.read_bytes() for file in place.iterdir() if file.suffix in (".json", ".safetensors")}


def tokenizer() -> str:
    from tokenizers import Tokenizer, models, pre_tokenizers

    numbers = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    made = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made.to_str()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """By what they read: a BERT and a ViT of two layers, each a classifier that nobody has trained."""
    import transformers

    place = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    named = {"id2label": dict(enumerate("cab")), "label2id": {name: code for code, name in enumerate("cab")}}
    speaking = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT, **named))
    sizes = {"image_size": 8, "patch_size": 4, "num_channels": 3}
    narrow = {name: BERT[name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
    seeing = transformers.ViTForImageClassification(
        transformers.ViTConfig(**narrow, intermediate_size=16, **sizes, **named)
    )
    return {
        "texts": files_of(place / "texts", speaking, tokenizer=tokenizer()),
        "pictures": files_of(place / "pictures", seeing, preprocessor_config=LOOKS),
    }


def beginning(files: dict[str, bytes]) -> Beginning:
    about = canonical_json({"form": "folder", "name": "small"})
    return Beginning.of_files({**files, "about.json": about}, ())


@pytest.mark.parametrize("reads", ["texts", "pictures"])
def test_a_vector_hangs_on_its_row_alone(folders: Any, reads: str) -> None:
    """To the byte, whatever is asked beside it and however often: so it may be remembered."""
    rows = TEXTS[:6] if reads == "texts" else PICTURES[:6]
    made = [Embedder(beginning(folders[reads]), length=8, pooling="statistics", layers=(0, -1)) for _ in range(2)]
    together = made[0].vectors(rows)
    assert together.shape == (6, 2 * 2 * 16)
    alone = np.concatenate([made[1].vectors(rows[[row]]) for row in reversed(range(6))])[::-1]
    assert np.array_equal(together, alone)


def test_vectors_are_statistics_of_the_states_of_layers(folders: Any) -> None:
    """By hand, of one text."""
    import transformers

    told = json.loads(folders["texts"]["config.json"])
    model = transformers.BertModel(transformers.BertConfig(**BERT)).eval()
    tensors = beginning(folders["texts"]).tensors
    model.load_state_dict(
        {n.removeprefix("bert."): t for n, t in tensors.items() if n.startswith("bert.")}, strict=False
    )
    numbers = torch.tensor([[2 + WORDS.index(word) for word in TEXTS[0].split()]])
    with torch.no_grad():
        states = model(input_ids=numbers, output_hidden_states=True).hidden_states
    by_hand = np.concatenate([np.r_[s[0].numpy().mean(0), s[0].numpy().std(0)] for s in (states[0], states[2])])
    found = Embedder(beginning(folders["texts"]), length=8, pooling="statistics", layers=(0, -1)).vectors(TEXTS[:1])
    assert told["model_type"] == "bert"
    np.testing.assert_allclose(found[0], by_hand, atol=1e-5)


@pytest.mark.parametrize("reads", ["texts", "pictures"])
def test_a_head_is_kept_without_the_model(folders: Any, reads: str) -> None:
    """The model lies in the store already: what is kept of a fit is small, and predicts the same with it."""
    rows, codes = (TEXTS, CODES) if reads == "texts" else (PICTURES, SEEN)

    def begun() -> EmbeddedClassifier:
        return EmbeddedClassifier(length=8).begin_with(beginning(folders[reads]))

    fitted = fit(begun(), rows, codes, 3, calibrate=False)
    format, files, _ = dump_model(fitted)
    assert format == "weights"
    assert sum(map(len, files.values())) < 20_000
    again = load_model(format, files, made=begun)
    assert np.array_equal(again.predict(rows), fitted.predict(rows))


@pytest.mark.parametrize("weighed", [False, True])
def test_a_head_is_chosen_by_rows_left_out(weighed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by fitting anew without each row, for each penalty and sharpness, which is the long way."""
    random = np.random.default_rng(1)
    vectors, codes = random.normal(size=(24, 5)), np.arange(24) % 3
    vectors[:, 0] += codes
    weights = random.random(24) + 0.5 if weighed else np.ones(24)
    monkeypatch.setattr(heads, "_PENALTIES", (0.3, 3.0, 30.0))
    monkeypatch.setattr(heads, "_SHARPNESS", (1.0, 3.0, 9.0))
    found, targets = [], np.eye(3)[codes]
    for penalty in (0.3, 3.0, 30.0):
        said = np.array([
            Ridge(penalty).fit(np.delete(vectors, row, 0), np.delete(targets, row, 0), np.delete(weights, row)).predict(
                vectors[[row]]
            )[0]
            for row in range(24)
        ])  # fmt: skip
        for sharp in (1.0, 3.0, 9.0):
            lost = -(weights * log_softmax(sharp * said, axis=1)[np.arange(24), codes]).mean()
            found.append((lost, penalty, sharp))
    _, penalty, sharp = min(found)
    head = heads.fitted(vectors, codes, 3, weights if weighed else None)
    whole = Ridge(penalty).fit(vectors, targets, weights)
    np.testing.assert_allclose(head.coefficients, sharp * whole.coef_.T, atol=1e-9)
    np.testing.assert_allclose(head.intercepts, sharp * whole.intercept_, atol=1e-9)


def test_the_trainer_learns_and_its_model_is_kept_as_those_of_pretrained(folders: Any) -> None:
    """Arguments are the library's; the same seed gives the same weights; nothing is written beside."""
    options: dict[str, Any] = {"epochs": 4, "random_state": 1, "arguments": {"lr_scheduler_type": "cosine"}}
    one, other = (
        fit(TrainerClassifier(**options).begin_with(beginning(folders["texts"])), TEXTS, CODES, 3, calibrate=False)
        for _ in range(2)
    )
    assert np.array_equal(one.predict(TEXTS), other.predict(TEXTS))
    losses = one.estimator.history_.train_loss
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    format, files, _ = dump_model(one)
    assert format == "safetensors"
    assert np.array_equal(load_model(format, files).predict(TEXTS), one.predict(TEXTS))


def test_weights_of_rows_reach_the_trainer(folders: Any) -> None:
    """A row of twice the weight counts as two: not the same as none."""
    made = [TrainerClassifier(epochs=1, random_state=1).begin_with(beginning(folders["texts"])) for _ in range(2)]
    weights = np.where(CODES == 0, 2.0, 0.5)
    plain, weighed = made[0].fit(TEXTS, CODES), made[1].fit(TEXTS, CODES, weights)
    assert not np.array_equal(plain.predict_proba(TEXTS), weighed.predict_proba(TEXTS))


@pytest.mark.parametrize("name", ["output_dir", "push_to_hub", "report_to", "weight_dekay"])
def test_what_the_trainer_may_not_be_told(folders: Any, name: str) -> None:
    """Nothing is written, sent or saved where a contest file says so; and a slip is told."""
    made = TrainerClassifier(arguments={name: True}).begin_with(beginning(folders["texts"]))
    with pytest.raises(ValueError, match=f"arguments: '{name}' is not to be chosen here"):
        made.fit(TEXTS, CODES)


def test_a_model_of_pictures_is_fine_tuned_and_kept_whole(folders: Any) -> None:
    """With configuration and sizes, so that the folder is needed no more; the body is the folder's where it is frozen."""
    freeze = {"freeze": ["model.vit.embeddings", "model.vit.layers", "model.vit.layernorm"]}
    made = PretrainedImageClassifier(epochs=2, random_state=0, training=freeze)
    fitted = fit(made.begin_with(beginning(folders["pictures"])), PICTURES, SEEN, 3, calibrate=False)
    format, files, _ = dump_model(fitted)
    assert format == "safetensors"
    assert np.array_equal(load_model(format, files).predict(PICTURES), fitted.predict(PICTURES))
    asked = FolderClassifier(of_files(folders["pictures"], "small"), classes=("a", "b", "c"), params=Params())
    theirs, mine = asked._model.state_dict(), fitted.estimator.get_tensors()
    body = [name for name in theirs if name.startswith("vit.")]
    assert len(body) > 10
    assert all(np.array_equal(mine[f"model.{name}"], theirs[name].numpy()) for name in body)


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("size", [None, (8, 8), (15, 9)])
def test_pictures_go_in_alike_by_numpy_and_by_torch(colours: int, size: Any) -> None:
    """What a network sees while it trains is what it sees as it is asked; and without a change of size, by hand."""
    pictures = PICTURES[..., :colours]
    pixels = Pixels(size=size, mean=(0.4, 0.5, 0.6), deviation=(0.2, 0.3, 0.4))
    taken = pixels.taken(pictures, 255.0)
    seeing = Seeing(torch.nn.Identity(), pixels)
    seeing.largest.fill_(255.0)
    np.testing.assert_allclose(seeing._taken(torch.from_numpy(pictures.copy())).numpy(), taken, atol=2e-5)
    if size is None:
        by_hand = (np.repeat(pictures, 3 // colours, axis=3) / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
        np.testing.assert_allclose(taken, np.moveaxis(by_hand, 3, 1), atol=1e-5)


@pytest.mark.parametrize("reads", ["texts", "pictures"])
def test_a_classifier_of_a_folder_is_asked_as_it_is(folders: Any, reads: str) -> None:
    """Its own names of classes say which column is which; each row is answered as if it were alone."""
    rows = TEXTS[:5] if reads == "texts" else PICTURES[:5]
    made = FolderClassifier(of_files(folders[reads], "small"), classes=("a", "b", "c"), params=Params(length=8))
    other = FolderClassifier(of_files(folders[reads], "small"), classes=("c", "a", "b"), params=Params(length=8))
    p = made.predict(rows)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert np.array_equal(other.predict(rows), p[:, [2, 0, 1]])
    assert np.array_equal(made.predict(rows[2:3]), p[2:3])


@pytest.mark.parametrize(
    ("change", "classes", "said"),
    [
        (lambda f: {n: c for n, c in f.items() if n != "config.json"}, "abc", "it has no config.json"),
        (lambda f: {n: c for n, c in f.items() if n != "model.safetensors"}, "abc", r"no weights as \*.safetensors"),
        (lambda f: f, "abd", "knows 3 classes .*'d' is in one of them alone"),
        (lambda f: {**f, "config.json": b'{"model_type": "nothing"}'}, "abc", "describes no model of transformers"),
        (lambda f: {**f, "model.safetensors": b"garbage"}, "abc", "no whole file of weights"),
    ],
)
def test_a_folder_that_is_no_classifier(folders: Any, change: Any, classes: str, said: str) -> None:
    """What is missing or other is told in one line."""
    with pytest.raises(RecipeError, match=said) as told:
        FolderClassifier(of_files(change(folders["texts"]), "small"), classes=tuple(classes), params=Params())
    assert "\n" not in str(told.value)


def test_a_model_of_texts_does_not_see_pictures(folders: Any) -> None:
    """Nor is a folder of pictures asked for a text."""
    with pytest.raises(RecipeError, match="is a model of texts, and these are pictures"):
        PretrainedImageClassifier().begin_with(beginning(folders["texts"])).fit(PICTURES, SEEN)


@pytest.mark.parametrize("mirrored", [False, True])
def test_views_of_pictures(mirrored: bool) -> None:
    """By hand: as they are, moved by a pixel with the edge repeated, and mirrored."""
    found = list(views(PICTURES[:2], mirrored=mirrored))
    padded = np.pad(PICTURES[:2], ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    expected = []
    for down, right in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        moved = padded[:, 1 - down : 11 - down, 1 - right : 13 - right]
        expected += [moved, moved[:, :, ::-1]] if mirrored else [moved]
    assert len(found) == len(expected)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_network_that_looks_again_says_the_mean() -> None:
    """Of what it says of each view; the fit is the same."""
    once = ConvClassifier(width=4, epochs=1, random_state=0).fit(PICTURES, SEEN)
    again = ConvClassifier(width=4, epochs=1, random_state=0, augment_test=True).fit(PICTURES, SEEN)
    by_hand = np.mean([once.predict_proba(view) for view in views(PICTURES, mirrored=True)], axis=0)
    np.testing.assert_allclose(again.predict_proba(PICTURES), by_hand, atol=1e-12)
