"""Detectors of Hugging Face: as they are they say what their library says, and they learn what can be found."""

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
from concours.entrants.beginnings import Beginning
from concours.entrants.classifiers import of_files
from concours.entrants.detectors import FolderDetector, Params
from concours.entrants.fitting import fit
from concours.entrants.models import dump_model, load_model
from concours.entrants.pixels import Pixels
from concours.entrants.pretrained_detectors import PretrainedDetector, _Mirrored, _told
from concours.kernels.rows.boxes import Boxes
from concours.kernels.scoring.boxes import hits, precisions

LABELS = ("person", "disc", "car", "square")
CLASSES = ("disc", "square")
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": [24, 24],
    "patch_size": 8,
    "num_detection_tokens": 5,
}
PICTURES = np.random.default_rng(0).integers(0, 255, (6, 20, 28, 3)).astype(np.uint8)


def folder_of(place: Path, family: str, labels: tuple[str, ...] = LABELS) -> Path:
    """A small model as Hugging Face keeps it, with its processor of pictures."""
    import transformers

    torch.manual_seed(0)
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: code for code, label in enumerate(labels)}}
    if family == "yolos":
        model = transformers.YolosForObjectDetection(transformers.YolosConfig(**SMALL, **named))
        told: Any = {
            "size": {"shortest_edge": 24, "longest_edge": 32},
            "image_mean": [0.5] * 3,
            "image_std": [0.25] * 3,
        }
    else:
        backbone = transformers.RTDetrResNetConfig(
            embedding_size=8,
            hidden_sizes=[8, 8, 8, 8],
            depths=[1, 1, 1, 1],
            out_features=["stage2", "stage3", "stage4"],
        )
        sizes = {"encoder_in_channels": [8, 8, 8], "decoder_in_channels": [16, 16, 16], "encoder_hidden_dim": 16}
        width = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_queries": 6, "decoder_layers": 1}
        heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        config = transformers.RTDetrConfig(backbone_config=backbone, **sizes, **width, **heads, **named)
        model = transformers.RTDetrForObjectDetection(config)
        told = {"size": {"height": 64, "width": 64}, "do_normalize": False}
    model.save_pretrained(place)
    (place / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, **told}))
    return place


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        name: (folder / name).read_bytes() for name in ("config.json", "preprocessor_config.json", "model.safetensors")
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("detectors")
    return {family: folder_of(place / family, family) for family in ("yolos", "rt_detr")}


def asked(folder: Path, task: tuple[str, ...] = CLASSES, **params: Any) -> FolderDetector:
    return FolderDetector(of_files(files_of(folder), folder.name, "a detector"), classes=task, params=Params(**params))


@pytest.mark.parametrize("family", ["yolos", "rt_detr"])
def test_boxes_are_those_that_the_library_says(folders: Any, family: str) -> None:
    """Scores, labels and places beside the library's own reading of its model, written out: softmax of a network that has
    an output for nothing, sigmoid of one that has none; classes that the task has not are left out.
    """
    import transformers

    kind = {"yolos": transformers.YolosForObjectDetection, "rt_detr": transformers.RTDetrForObjectDetection}[family]
    model = kind.from_pretrained(folders[family]).eval()
    found = asked(folders[family]).predict(PICTURES)
    seen = Pixels.of(
        {"edges": [24, 32], "mean": [0.5] * 3, "deviation": [0.25] * 3, "colours": 3}
        if family == "yolos"
        else {"size": [64, 64], "mean": [0.0], "deviation": [1.0], "colours": 3}
    )
    for row, picture in enumerate(PICTURES):
        with torch.inference_mode():
            said = model(pixel_values=torch.from_numpy(seen.taken(picture[None], 255.0)))
        logits = said.logits[0].double()
        scores = logits.softmax(-1)[:, :-1] if family == "yolos" else logits.sigmoid()
        expected = []
        for query, (x, y, width, height) in enumerate(said.pred_boxes[0].tolist()):
            for code, label in enumerate(CLASSES):
                if (score := float(scores[query, LABELS.index(label)])) >= 0.01:
                    sides = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
                    expected.append((score, code, *np.clip(sides, 0, 1)))
        mine = slice(found.offsets[row], found.offsets[row + 1])
        own = np.column_stack([found.scores[mine], found.labels[mine], found.corners[mine]])
        assert own[np.lexsort(own.T)] == pytest.approx(np.array(expected)[np.lexsort(np.array(expected).T)], abs=1e-5)
    assert len(found) == len(PICTURES)


@pytest.mark.parametrize(
    ("classes", "params", "said"),
    [
        (("disc", "sqare"), {}, "knows 4 classes and not 'sqare', of this task; did you mean 'square'.*params = "),
        (("a", "b"), {"classes": ("a", "b")}, "has 4 outputs, and 2 names for them"),
    ],
)
def test_classes_that_do_not_meet_are_named(folders: Any, classes: Any, params: Any, said: str) -> None:
    """Before any picture is looked at, in one line that says what to do."""
    with pytest.raises(RecipeError, match=said):
        asked(folders["yolos"], classes, **params)


def test_its_outputs_can_be_called_otherwise(folders: Any) -> None:
    """Boxes of the second output have the name that the contest gives it."""
    own, other = asked(folders["yolos"]), asked(folders["yolos"], ("b",), classes=("a", "b", "c", "d"))
    boxes = own.predict(PICTURES)
    assert other.predict(PICTURES).scores == pytest.approx(boxes.scores[boxes.labels == 0])


def test_a_folder_that_finds_nothing_is_refused(folders: Any, tmp_path: Path) -> None:
    """One without weights, one of another architecture, and one that lacks a layer: each by what is wrong with it."""
    files = files_of(folders["yolos"])
    with pytest.raises(RecipeError, match="is no folder of a detector of Hugging Face: it has no weights"):
        of_files({"config.json": b"{}"}, "bare", "a detector")
    bert = {**files, "config.json": json.dumps({"model_type": "bert"}).encode()}
    with pytest.raises(RecipeError, match="config.json: .*BertConfig"):
        FolderDetector(of_files(bert, "bert", "a detector"), classes=CLASSES, params=Params())
    tensors = safetensors.torch.load(files["model.safetensors"])
    del tensors["class_labels_classifier.layers.2.bias"]
    lacking = {**files, "model.safetensors": safetensors.torch.save(tensors, {"format": "pt"})}
    with pytest.raises(RecipeError, match="lacks 1 tensors, class_labels_classifier"):
        FolderDetector(of_files(lacking, "lacking", "a detector"), classes=CLASSES, params=Params())


@pytest.mark.parametrize(("size", "brought"), [((20, 28), (23, 32)), ((28, 20), (32, 23)), ((30, 30), (24, 24))])
def test_the_shape_of_a_picture_is_kept(size: tuple[int, int], brought: tuple[int, int]) -> None:
    """The shorter side becomes 24, unless the longer one would be more than 32."""
    assert Pixels(edges=(24, 32)).sized(*size) == brought


def discs(n: int) -> tuple[np.ndarray, Boxes]:
    """Grey pictures of one bright square each, on the left or on the right."""
    random = np.random.default_rng(1)
    pictures = random.integers(0, 60, (n, 24, 24, 3)).astype(np.uint8)
    corners = []
    for row in range(n):
        x, y = random.integers(0, 2) * 12, random.integers(0, 2) * 12
        pictures[row, y + 1 : y + 11, x + 1 : x + 11, row % 2] = 250
        corners.append([(x + 1) / 24, (y + 1) / 24, (x + 11) / 24, (y + 11) / 24])
    rows = np.arange(n)
    return pictures, Boxes(offsets=np.arange(n + 1), labels=rows % 2, scores=np.ones(n), corners=np.array(corners))


def begun(folder: Path, **params: Any) -> PretrainedDetector:
    files = {**files_of(folder), "about.json": canonical_json({"form": "folder", "name": folder.name})}
    options: dict[str, Any] = {"epochs": 2, "random_state": 1, **params}
    return PretrainedDetector(**options).begin_with(Beginning.of_files(files, ()))


def test_it_learns_what_can_be_found(folders: Any) -> None:
    """With two new classes, from weights that chance made; by mean precision at half of the area."""
    pictures, boxes = discs(24)
    detector = begun(folders["yolos"], epochs=50, learning_rate=1e-2, training={"validation_share": 0.0}, mirror="none")
    said = detector.fit(pictures, boxes).predict(pictures)
    found = hits(boxes, said, classes=2, least=[0.5])
    assert float(precisions(found, np.ones((1, len(boxes)))).mean()) > 0.1, detector.history_
    assert detector.history_.train_loss[-1] < 0.6 * detector.history_.train_loss[0]


def test_it_is_kept_as_networks_of_the_zoo_are(folders: Any) -> None:
    """A kept model stands alone: it needs the folder no more, and says the same."""
    pictures, boxes = discs(12)
    fitted = fit(begun(folders["yolos"]), pictures, boxes, None, calibrate=False)
    format, files, _ = dump_model(fitted)
    assert format == "safetensors"
    again, own = load_model(format, files).predict(pictures), fitted.predict(pictures)
    assert np.array_equal(again.corners, own.corners)
    assert np.array_equal(again.scores, own.scores)


def test_it_begins_with_what_the_folder_knows(folders: Any) -> None:
    """All tensors are those of the folder but the last layer, which tells other classes."""
    from transformers import YolosForObjectDetection

    pictures, boxes = discs(8)
    whole = YolosForObjectDetection.from_pretrained(folders["yolos"]).state_dict()
    fitted = begun(folders["yolos"], learning_rate=1e-12, epochs=1).fit(pictures, boxes)
    own = fitted.network_.model.state_dict()
    other = {name for name in whole if whole[name].shape != own[name].shape}
    assert other == {"class_labels_classifier.layers.2.weight", "class_labels_classifier.layers.2.bias"}
    for name in whole.keys() - other:
        assert torch.allclose(own[name], whole[name], atol=1e-6), name


def test_mirrored_boxes_lie_where_mirrored_pictures_have_them() -> None:
    """Centres are turned with the pictures of the same batch, sides stay."""
    mirrored = _Mirrored("both")
    pictures, boxes = discs(16)
    turned = mirrored.pictures(torch.from_numpy(pictures), torch.Generator().manual_seed(0)).numpy()
    for picture, told in zip(turned, mirrored.told([_told(boxes, row) for row in range(16)]), strict=True):
        x, y, width, height = (24 * told["boxes"][0]).round().int().tolist()
        bright = picture.max(axis=-1) > 200
        assert bright[y - height // 2 : y + height // 2, x - width // 2 : x + width // 2].all()
        assert bright.sum() == width * height


def test_what_cannot_be_fine_tuned_is_told(folders: Any) -> None:
    """An architecture that chooses its queries by classes; a folder of texts; and nothing at all."""
    pictures, boxes = discs(8)
    with pytest.raises(RecipeError, match="is of rt_detr, and .*yolos are fine-tuned here; .*detector:FOLDER"):
        begun(folders["rt_detr"]).fit(pictures, boxes)
    with pytest.raises(ValueError, match="begin is missing"):
        PretrainedDetector().fit(pictures, boxes)
