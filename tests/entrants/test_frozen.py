"""Models that are not fitted here: what they may say is taken as it is meant, and refused in one line where it is not."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours.core.errors import ConcoursError, DataError, RecipeError
from concours.entrants.frozen import Frozen
from concours.entrants.given import certainties, numbers, probabilities

CLASSES = ("a", "b", "c")
P = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.25, 0.5, 0.25]])


class Answers:
    """Gives what it was told to."""

    def __init__(self, **said: Any) -> None:
        for name, value in said.items():
            setattr(self, name, (lambda x, value=value: value) if name.startswith("predict") else value)


ROWS = pd.DataFrame({"x": range(4)})


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_columns_are_of_the_classes_that_a_model_names(order: tuple[int, ...]) -> None:
    """In whichever order it has them; numbers and truth values are known as they are written."""
    columns, labels = list(order), np.array(CLASSES)[list(order)]
    found = Frozen(Answers(predict_proba=P[:, columns], classes_=labels), "it", CLASSES).predict(ROWS)
    assert np.allclose(found, P, rtol=0, atol=1e-12)
    whole = Frozen(Answers(predict_proba=P[:, columns], classes_=np.arange(3)[columns]), "it", ("0", "1", "2"))
    assert np.allclose(whole.predict(ROWS), P, rtol=0, atol=1e-12)


def test_without_classes_the_order_is_that_of_the_task() -> None:
    """And without probabilities the label that is named has all weight."""
    assert np.allclose(Frozen(Answers(predict_proba=P), "it", CLASSES).predict(ROWS), P)
    found = Frozen(Answers(predict=np.array(["b", "a", "c", "b"])), "it", CLASSES).predict(ROWS)
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    for shape in ((4,), (4, 1)):
        values = np.arange(4.0).reshape(shape)
        assert Frozen(Answers(predict=values), "it", ()).predict(ROWS).tolist() == [[0.0], [1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: probabilities(P[:, :2], 4, None, CLASSES, "it"), r"shape \(4, 2\) for 4 rows and 3 classes"),
        (lambda: probabilities(P[:3], 4, None, CLASSES, "it"), r"shape \(3, 3\) for 4 rows"),
        (lambda: probabilities(P, 4, ["a", "b"], CLASSES, "it"), r"knows 2 classes \(a, b\), the task has 3"),
        (lambda: probabilities(P, 4, ["a", "b", "z"], CLASSES, "it"), "'c' is in one of them alone"),
        (lambda: probabilities(P, 4, ["a", "b", "b"], CLASSES, "it"), "'c' is in one of them alone"),
        (lambda: probabilities(P * 2, 4, None, CLASSES, "it"), "those of row 1 of 4 sum to 2.*softmax"),
        (
            lambda: probabilities(P - [0.3, 0, -0.3], 4, None, CLASSES, "it"),
            "row 2 of 4 sum to 1, the smallest is -0.2",
        ),
        (
            lambda: probabilities(np.where(P > 0.6, np.nan, P), 4, None, CLASSES, "it"),
            "gave nan for row 1 of 4, 2 such",
        ),
        (lambda: probabilities([["x"] * 3] * 4, 4, None, CLASSES, "it"), "it gave no numbers"),
        (lambda: numbers([1.0, 2.0], 4, "it"), r"shape \(2,\) for 4 rows"),
        (lambda: numbers([1.0, 2.0, np.inf, 1.0], 4, "it"), "gave inf for row 3 of 4, 1 such"),
        (lambda: certainties(["a", "z", "b", "a"], 4, CLASSES, "it"), "named 'z', which is no class"),
        (lambda: certainties(["z" * 500], 1, CLASSES, "it"), "named 'z{20,30} … z{20,30}', which is no class"),
        (lambda: certainties(["a"], 4, CLASSES, "it"), "named 1 labels for 4 rows"),
    ],
)
def test_what_is_no_prediction(ask: Callable[[], Any], said: str) -> None:
    """In one line: who gave what, for which row, and what was expected."""
    with pytest.raises(DataError, match=said) as told:
        ask()
    assert "\n" not in str(told.value)


# ONNX

X = np.random.default_rng(0).normal(size=(7, 3))
W = np.array([[1.0, -1.0, 0.0], [0.5, 0.0, -0.5], [0.0, 2.0, 1.0]])


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def onnx() -> Any:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    return pytest.importorskip("onnx", reason="onnx is not installed")


class Graphs:
    """Writes small graphs."""

    def __init__(self, onnx: Any) -> None:
        self.onnx, self.helper, self.types = onnx, onnx.helper, onnx.TensorProto

    def bytes(self, nodes: Any, inputs: Any, outputs: Any, weights: Any = (), *, ml: bool = False) -> bytes:
        """Nodes are (op, inputs, outputs, attributes); inputs and outputs (name, type, shape)."""
        made = [self.helper.make_node(op, i, o, **a) for op, i, o, a in nodes]
        ends = [[self._info(*each) for each in side] for side in (inputs, outputs)]
        kept = [self.onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in weights]
        graph = self.helper.make_graph(made, "g", *ends, kept)
        opsets = [self.helper.make_opsetid("", 17), *([self.helper.make_opsetid("ai.onnx.ml", 3)] if ml else [])]
        return self.helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()

    def _info(self, name: str, kind: str, shape: Any) -> Any:
        if kind == "maps":
            value = self.helper.make_map_type_proto(self.types.STRING, self.helper.make_tensor_type_proto(1, []))
            return self.helper.make_value_info(name, self.helper.make_sequence_type_proto(value))
        return self.helper.make_tensor_value_info(name, getattr(self.types, kind), shape)

    def linear(self, *, rows: Any = None, kind: str = "DOUBLE", dtype: Any = np.float64, end: str = "Softmax") -> bytes:
        """`x @ W`, and perhaps a softmax."""
        nodes = [("MatMul", ["x", "W"], ["z"], {}), (end, ["z"], ["p"], {"axis": 1} if end == "Softmax" else {})]
        return self.bytes(nodes, [("x", kind, [rows, 3])], [("p", kind, [rows, 3])], [("W", W.astype(dtype))])


@pytest.fixture(scope="module")
def graphs(onnx: Any) -> Graphs:
    return Graphs(onnx)


def model(content: bytes, classes: Any = CLASSES, **options: Any) -> Any:
    from concours.entrants.onnx_files import OnnxModel, Params

    named = {"params": Params(classes=tuple(options.pop("labels")))} if "labels" in options else {}
    return OnnxModel(content, "model.onnx", classes=classes, **named, **options)


@pytest.mark.parametrize("rows", [None, "batch", 1, 4, 100, 1024])
def test_rows_are_asked_in_batches_of_the_size_that_a_graph_has(graphs: Graphs, rows: Any) -> None:
    """Any, or a fixed one, of which the last batch is filled up: what it says of a row is the same."""
    found = model(graphs.linear(rows=rows))
    assert np.allclose(found.predict(X), softmax(X @ W), rtol=0, atol=1e-12)
    assert np.array_equal(found.predict(X[2:4]), found.predict(X)[2:4])
    assert np.array_equal(found.predict(X), found.predict(X))


def test_a_matrix_or_a_column_each(graphs: Graphs) -> None:
    """A frame is one matrix of its columns in order, in the precision of the graph, or each column by its name."""
    frame = pd.DataFrame(X, columns=["u", "v", "w"])
    single = model(graphs.linear(kind="FLOAT", dtype=np.float32))
    assert np.allclose(single.predict(frame), softmax(X @ W), rtol=0, atol=1e-5)
    nodes = [
        ("Concat", ["u", "v", "w"], ["x"], {"axis": 1}),
        ("MatMul", ["x", "W"], ["z"], {}),
        ("Softmax", ["z"], ["p"], {"axis": 1}),
    ]
    inputs = [(name, "DOUBLE", [None, 1]) for name in "wvu"]
    named = model(graphs.bytes(nodes, inputs, [("p", "DOUBLE", [None, 3])], [("W", W)]))
    assert np.allclose(named.predict(frame[["v", "w", "u"]].assign(more="word")), softmax(X @ W), rtol=0, atol=1e-12)
    with pytest.raises(DataError, match="asks for 'u'; the rows have v, w"):
        named.predict(frame[["v", "w"]])
    with pytest.raises(DataError, match="column 'more' holds none"):
        single.predict(frame[["u", "v"]].assign(more="word"))


def test_pictures_and_texts(graphs: Graphs) -> None:
    """Colours last become colours first, or a row of numbers; a text is a text, in one dimension or two."""
    pictures = np.random.default_rng(1).integers(0, 255, size=(5, 4, 6, 3)).astype(np.uint8)
    mean = pictures.reshape(5, -1, 3).mean(axis=1)
    nodes = [
        ("GlobalAveragePool", ["x"], ["m"], {}),
        ("Flatten", ["m"], ["z"], {}),
        ("Softmax", ["z"], ["p"], {"axis": 1}),
    ]
    first = graphs.bytes(nodes, [("x", "FLOAT", [None, 3, 4, 6])], [("p", "FLOAT", [None, 3])])
    assert np.allclose(model(first).predict(pictures), softmax(mean), rtol=0, atol=1e-4)
    flat = graphs.bytes(
        [("ReduceMean", ["x"], ["p"], {"axes": [1]})], [("x", "FLOAT", [None, 72])], [("p", "FLOAT", [None, 1])]
    )
    assert np.allclose(model(flat, ()).predict(pictures)[:, 0], pictures.reshape(5, -1).mean(axis=1), atol=1e-3)
    with pytest.raises(DataError, match=r"takes 'x' of shape \(None, 3, 4, 6\); the rows have \(rows, 4, 5, 3\)"):
        model(first).predict(pictures[:, :, :5])
    texts = np.array(["b", "a", "c", ""], dtype=object)
    for shape in ([None], [None, 1]):
        same = graphs.bytes(
            [("Identity", ["t"], ["label"], {})], [("t", "STRING", shape)], [("label", "STRING", shape)]
        )
        assert model(same).predict(texts[:3]).argmax(axis=1).tolist() == [1, 0, 2]
        with pytest.raises(DataError, match="named '', which is no class"):
            model(same).predict(texts)


def classifier(graphs: Graphs, labels: list[str], *, zipped: bool) -> bytes:
    """What scikit-learn's converters write: a label, and probabilities as a tensor, or as a mapping for each row."""
    nodes = [
        ("LinearClassifier", ["x"], ["label", "raw"],
         {"domain": "ai.onnx.ml", "coefficients": W.T.ravel().tolist(), "intercepts": [0.0] * 3,
          "classlabels_strings": labels, "multi_class": 1, "post_transform": "SOFTMAX"}),
        *([("ZipMap", ["raw"], ["p"], {"domain": "ai.onnx.ml", "classlabels_strings": labels})] if zipped else []),
    ]  # fmt: skip
    outputs = [("label", "STRING", [None]), ("p", "maps", None) if zipped else ("raw", "FLOAT", [None, 3])]
    return graphs.bytes(nodes, [("x", "FLOAT", [None, 3])], outputs, ml=True)


def test_probabilities_by_label(graphs: Graphs) -> None:
    """A mapping says itself which class is meant; columns whose labels say another are refused, with the cure."""
    p = softmax(X @ W)
    assert np.allclose(model(classifier(graphs, list("abc"), zipped=True)).predict(X), p, atol=1e-5)
    assert np.allclose(model(classifier(graphs, list("cab"), zipped=True)).predict(X), p[:, [1, 2, 0]], atol=1e-5)
    assert np.allclose(model(classifier(graphs, list("abc"), zipped=False)).predict(X), p, atol=1e-5)
    turned = classifier(graphs, list("cab"), zipped=False)
    with pytest.raises(DataError, match="names other labels than its probabilities say in .* say of which"):
        model(turned).predict(X)
    assert np.allclose(model(turned, labels=list("cab")).predict(X), p[:, [1, 2, 0]], atol=1e-5)
    with pytest.raises(RecipeError, match="by its parameter classes, knows 2 classes"):
        model(turned, labels=list("ca"))
    with pytest.raises(DataError, match="'c' is in one of them alone"):
        model(classifier(graphs, list("abz"), zipped=True)).predict(X)


def test_one_column_for_two_classes(graphs: Graphs) -> None:
    """It has the probability of the last, as what ends with a sigmoid gives; scores are refused."""
    nodes = [("MatMul", ["x", "w"], ["z"], {}), ("Sigmoid", ["z"], ["p"], {})]
    ends = [("x", "DOUBLE", [None, 3])], [("p", "DOUBLE", [None, 1])]
    p = 1 / (1 + np.exp(-X @ W[:, :1]))
    assert np.allclose(model(graphs.bytes(nodes, *ends, [("w", W[:, :1])]), ("n", "y")).predict(X)[:, 1:], p)
    bare = graphs.bytes([("MatMul", ["x", "w"], ["p"], {})], *ends, [("w", 3 * W[:, :1])])
    with pytest.raises(DataError, match="softmax"):
        model(bare, ("n", "y")).predict(X)
    assert np.allclose(model(bare, ()).predict(X), X @ (3 * W[:, :1]))


def test_a_graph_that_says_nothing_of_use(graphs: Graphs) -> None:
    """Scores without a softmax, the wrong count of classes, two tables, what is not finite: one line each."""
    with pytest.raises(DataError, match="what gives scores must end with a softmax"):
        model(graphs.linear(end="Identity")).predict(X)
    with pytest.raises(DataError, match=r"shape \(7, 3\) for 7 rows and 4 classes"):
        model(graphs.linear(), ("a", "b", "c", "d")).predict(X)
    with pytest.raises(DataError, match="gave nan for row 1 of 7, 7 such"):
        model(graphs.linear()).predict(np.full_like(X, np.nan))
    two = [("MatMul", ["x", "W"], ["z"], {}), ("Softmax", ["z"], ["p"], {"axis": 1})]
    ends = [("x", "DOUBLE", [None, 3])], [("z", "DOUBLE", [None, 3]), ("p", "DOUBLE", [None, 3])]
    with pytest.raises(DataError, match="has 2 outputs of numbers"):
        model(graphs.bytes(two, *ends, [("W", W)])).predict(X)
    with pytest.raises(DataError, match="has 2 outputs; export it with its predictions alone"):
        model(graphs.bytes(two, *ends, [("W", W)]), ()).predict(X)


class Harm:
    """Leaves a trace where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("harm"),)


def test_files_of_others(graphs: Graphs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off anywhere, a pickle, another's weights: each is refused in one line, and nothing of it runs."""
    monkeypatch.chdir(tmp_path)
    good = graphs.linear()
    for content in (b"", b"no model", pickle.dumps(Harm()), *(good[:cut] for cut in range(1, len(good), 7))):
        with pytest.raises(ConcoursError) as told:
            model(content).predict(X)
        assert "\n" not in str(told.value)
        assert "model.onnx" in str(told.value)
    assert not Path("harm").exists()
    apart = graphs.onnx.load_model_from_string(good)
    (tensor,) = apart.graph.initializer
    Path("weights").write_bytes(tensor.raw_data)
    graphs.onnx.external_data_helper.set_external_data(tensor, "weights")
    tensor.ClearField("raw_data")
    with pytest.raises(RecipeError, match="keeps weights in another file"):
        model(apart.SerializeToString())


def test_a_file_that_is_too_large(graphs: Graphs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not even read as a model."""
    from concours.entrants import onnx_files

    monkeypatch.setattr(onnx_files, "MOST_BYTES", 100)
    with pytest.raises(RecipeError, match="at most 100 are read"):
        model(graphs.linear())


# ONNX of pictures and of texts

WORDS = ["sun", "rain", "wind"]
LOOKS = '{"do_normalize": true, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}'


def seeing(graphs: Graphs, shape: Any, *, softmaxed: bool = False) -> bytes:
    """Scores are the means of the three colours, of pictures with colours first."""
    nodes = [("ReduceMean", ["x"], ["logits"], {"axes": [2, 3], "keepdims": 0})]
    nodes += [("Softmax", ["logits"], ["p"], {"axis": 1})] if softmaxed else []
    end = "p" if softmaxed else "logits"
    return graphs.bytes(nodes, [("x", "FLOAT", shape)], [(end, "FLOAT", ["n", 3])])


@pytest.mark.parametrize("by", ["params", "beside"])
def test_pictures_are_brought_to_what_a_graph_takes(graphs: Graphs, by: str) -> None:
    """Standardised by colour, to its size, colours first; scores called `logits` become probabilities."""
    from concours.entrants.onnx_files import Params

    told: Any = {"params": Params(mean=(0.4, 0.5, 0.6), deviation=(0.2, 0.3, 0.4))}
    told = told if by == "params" else {"beside": {"preprocessor_config.json": LOOKS}}
    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    pictures = np.repeat(np.repeat(pictures, 2, axis=1), 2, axis=2)
    scaled = (pictures / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
    expected = softmax(scaled.mean(axis=(1, 2)))
    for shape in (["n", 3, 8, 8], [2, 3, "h", "w"], ["n", 3, 4, 4]):  # as they are, two at a time, and smaller
        found = model(seeing(graphs, shape), **told).predict(pictures)
        np.testing.assert_allclose(found, expected, atol=2e-2 if shape[-1] == 4 else 1e-5)
    grey = model(seeing(graphs, ["n", 3, 8, 8]), **told).predict(pictures[..., 0])
    assert grey.shape == (5, 3)


def test_texts_become_tokens_by_what_lies_beside_a_graph(graphs: Graphs) -> None:
    """Short ones are filled up, and told so by the mask: none hangs on another."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, **{w: 2 + i for i, w in enumerate(WORDS)}}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.vstack([[9.0, 9.0, 9.0], [0, 0, 0], np.eye(3)]).astype(np.float32)
    nodes = [
        ("Gather", ["table", "input_ids"], ["each"], {}),
        ("Cast", ["attention_mask"], ["there"], {"to": 1}),
        ("Unsqueeze", ["there", "axis"], ["mask"], {}),
        ("Mul", ["each", "mask"], ["seen"], {}),
        ("ReduceSum", ["seen", "one"], ["logits"], {"keepdims": 0}),
    ]
    inputs = [(name, "INT64", ["n", "t"]) for name in ("input_ids", "attention_mask")]
    weights = [("table", table), ("axis", np.array([2])), ("one", np.array([1]))]
    content = graphs.bytes(nodes, inputs, [("logits", "FLOAT", ["n", 3])], weights)
    named = '{"id2label": {"0": "b", "1": "c", "2": "a"}}'
    reading = model(content, beside={"tokenizer.json": made.to_str(), "config.json": named})
    texts = np.array(["sun", "rain rain wind sun", "", "what"], dtype=object)
    scores = np.array([[1, 0, 0], [1, 2, 1], [0, 0, 0], [0, 0, 0]], dtype=float)
    scores[2] = [9, 9, 9]
    np.testing.assert_allclose(reading.predict(texts), softmax(scores)[:, [2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(reading.predict(texts[:1]), reading.predict(texts)[:1], atol=1e-6)
