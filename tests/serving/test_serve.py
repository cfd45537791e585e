"""`concours serve`, as clients see it: the protocols, asked by the clients that others wrote."""

from __future__ import annotations

import gzip
import io
import socket

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from concours import Result, predict

from .conftest import Running, flowers

ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture(scope="module")
def http(served: Running):
    with httpx.Client(base_url=served.url) as client:
        yield client


def rows_of(frame: pd.DataFrame) -> list[dict]:
    return frame.drop(columns="kind", errors="ignore").to_dict("records")


def test_answers_are_those_of_predict_in_each_form(http: httpx.Client, result: Result) -> None:
    """To the last bit, be rows JSON, CSV or Arrow; labels are decided as `predict` decides them."""
    new = flowers(120)[90:].reset_index(drop=True)
    p, labels = predict(result, new, model="forest", proba=True), list(predict(result, new, model="forest"))
    told = http.post("/predict?model=flowers", json={"rows": rows_of(new)}).json()
    assert np.array_equal(told["probabilities"], p)
    assert told["predictions"] == labels and told["model"] == "forest" and len(told["labels"]) == 3

    columns = [name for name in new.columns if name != "kind"]
    split = {"columns": columns, "rows": new[columns].to_numpy(object).tolist()}
    again = http.post("/predict?model=flowers", json=split).json()
    assert not set(again.pop("ids")) & set(told.pop("ids")) and again == told

    text = http.post("/predict?model=flowers", content=new.to_csv(index=False), headers={"content-type": "text/csv"})
    assert list(pd.read_csv(io.StringIO(text.text))["prediction"]) == labels

    sink = io.BytesIO()
    table = pa.Table.from_pandas(new.drop(columns="kind"))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    arrow = http.post("/predict?model=flowers", content=sink.getvalue(), headers={"content-type": ARROW})
    assert pa.ipc.open_stream(arrow.content).read_all()["prediction"].to_pylist() == labels


def test_texts_and_numbers_are_answered_too(http: httpx.Client, texts, numbers) -> None:
    """Whatever the kind: texts are a list of texts; a regression answers with numbers."""
    rows = ["a great day", "an awful one"]
    told = http.post("/predict?model=texts", json={"rows": rows}).json()
    assert told["predictions"] == list(predict(Result.load(texts), rows))
    some = pd.DataFrame(np.eye(4), columns=list("abcd"))
    told = http.post("/predict?model=numbers", json={"rows": some.to_dict("records")}).json()
    assert told["predictions"] == list(predict(Result.load(numbers), some)) and "labels" not in told


@pytest.mark.parametrize(
    ("content", "type", "status", "said"),
    [
        (b"{", "application/json", 400, "no JSON"),
        (b"[]", "application/json", 400, "no rows"),
        (b'{"rows": []}', "application/json", 400, "no rows"),
        (b'{"rows": [1]}', "application/json", 400, "row 1 is no object"),
        (b'{"rows": [{"length": 1}]}', "application/json", 400, "column 'petals' is missing"),
        (b'{"rows": [{"length": 1}], "colums": []}', "application/json", 400, "'colums'; did you mean 'columns'"),
        (
            b'{"columns": ["a"], "rows": [[1, 2]]}',
            "application/json",
            400,
            "row 1 has 2 cells, and there are 1 columns",
        ),
        (b'{"rows": [{"length": NaN}]}', "application/json", 400, "no JSON"),
        (b'{"rows": [{"length":1,"petals":"x"},{"length":"a","petals":2}]}', "application/json", 400, "of one type"),
        (b"\xff\xfe\x00", "application/json", 400, "no JSON"),
        (b"[" * 100_000, "application/json", 400, "no JSON"),
        (b'{"rows": [{"length": 1%s}]}' % (b"0" * 30), "application/json", 400, "more than 64 bits"),
        (b"rubbish", ARROW, 400, "no Arrow stream"),
        (b"rubbish", "application/vnd.apache.parquet", 400, "the request.parquet"),
        (b"a,b\n1,2\n", "text/csv", 400, "is missing"),
        (b"x", "application/x-foo", 415, "application/x-foo is not read"),
        (b"x", "image/png", 415, "this model reads no image/png; send {"),
    ],
)
def test_wrong_requests_are_answered_in_one_line(http: httpx.Client, content, type, status, said) -> None:
    """What is wrong, in the protocol's own form; the server goes on."""
    told = http.post("/predict?model=flowers", content=content, headers={"content-type": type})
    error = told.json()["error"]
    assert told.status_code == status and said in error and "\n" not in error
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/predict?model=flowers", "/explain?model=flowers", "/v2/models/flowers/infer", "/v1/chat/completions"],
)
def test_bodies_that_are_packed_or_without_end_are_told(http: httpx.Client, path: str) -> None:
    """Of each protocol, in its own form: not as what they are not, and nothing is a defect of the server."""
    told = http.post(path, content=gzip.compress(b"{}"), headers={"content-encoding": "gzip"})
    assert (told.status_code, "without Content-Encoding" in told.text) == (415, True)
    told = http.post(path, content=b"[" * 100_000, headers={"content-type": "application/json"})
    assert told.status_code == 400 and "no JSON" in told.text
    told = http.post(path, content=iter([b"[" * (1 << 20)] * 65))
    assert told.status_code == 413 and "67,108,864 bytes" in told.text


def test_what_wants_a_post_says_so_to_programs(http: httpx.Client) -> None:
    """In `Allow`, as HTTP wants it of a status 405."""
    for path in ("/predict", "/v2/models/flowers/infer", "/v1/chat/completions", "/deploy"):
        told = http.request("OPTIONS", path)
        assert (told.status_code, told.headers.get("allow")) == (405, "POST")


def test_what_predict_would_warn_of_is_told(http: httpx.Client) -> None:
    """A cell that does not fit its column counts as missing, with a note; in no form silently."""
    row = {"length": 1, "petals": "many", "colour": "red", "wild": True}
    told = http.post("/predict?model=flowers", json={"rows": [row]})
    assert told.status_code == 200 and "'petals'" in told.json()["notes"][0] and "missing" in told.json()["notes"][0]
    text = "length,petals,colour,wild\n1,many,red,true\n"
    told = http.post("/predict?model=flowers", content=text, headers={"content-type": "text/csv"})
    assert "'petals'" in told.headers["x-concours-notes"]


def test_unknown_models_versions_and_paths_are_told(http: httpx.Client) -> None:
    """Each with what there is."""
    told = http.post("/predict?model=flower", json={"rows": []})
    assert told.status_code == 404 and "did you mean 'flowers'" in told.json()["error"]
    told = http.post("/predict?model=flowers&version=7", json={"rows": []})
    assert told.status_code == 404 and "answers as version 1" in told.json()["error"]
    assert "which model?" in http.post("/predict", json={"rows": []}).json()["error"]
    assert http.get("/nowhere").status_code == 404 and "openapi.json" in http.get("/nowhere").json()["error"]
    assert http.get("/predict").status_code == 405


def test_the_description_has_columns_with_types_ranges_and_an_example(http: httpx.Client) -> None:
    """And its example is answered."""
    schema = http.get("/openapi.json").json()["components"]["schemas"]["flowers"]
    assert set(schema["properties"]) == {"length", "petals", "colour", "wild"}
    assert schema["properties"]["petals"]["type"] == ["integer", "null"]
    assert " to " in schema["properties"]["length"]["description"]
    assert "blue, green, red" in schema["properties"]["colour"]["description"]
    told = http.post("/predict?model=flowers", json={"rows": schema["examples"]})
    assert told.status_code == 200 and "notes" not in told.json()


def test_use_is_metered(http: httpx.Client) -> None:
    """Requests and rows, by model, in Prometheus' form."""

    def rows() -> float:
        text = http.get("/metrics").text
        found = [
            line for line in text.splitlines() if line.startswith('concours_rows_total{key="anybody",model="texts"}')
        ]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    before = rows()
    http.post("/predict?model=texts", json={"rows": ["a", "b", "c"]})
    assert rows() == before + 3


def _inputs(client, frame: pd.DataFrame) -> list:
    types = {"length": "FP64", "petals": "INT64", "colour": "BYTES", "wild": "BOOL"}
    found = []
    for name, datatype in types.items():
        values = frame[name].to_numpy(object if datatype == "BYTES" else None)
        one = client.InferInput(name, [len(frame)], datatype)
        one.set_data_from_numpy(values)
        found.append(one)
    return found


@pytest.mark.parametrize("protocol", ["http", "json", "grpc"])
def test_tritons_clients_get_what_predict_says(served: Running, result: Result, protocol: str) -> None:
    """Metadata, readiness and inference; in JSON, binary and over gRPC; to the last bit."""
    client = tritonclient.grpc if protocol == "grpc" else tritonclient.http
    address = served.grpc if protocol == "grpc" else served.url.removeprefix("http://")
    new = flowers(100)[90:].reset_index(drop=True)
    asked = client.InferenceServerClient(address)
    assert asked.is_server_live() and asked.is_server_ready() and asked.is_model_ready("flowers", "1")
    inputs = _inputs(client, new)
    outputs = None
    if protocol == "json":
        inputs = _inputs(client, new)
        for one in inputs:
            values = new[one.name()].to_numpy(object if one.datatype() == "BYTES" else None)
            one.set_data_from_numpy(values, binary_data=False)
        outputs = [client.InferRequestedOutput(name, binary_data=False) for name in ("prediction", "probabilities")]
    told = asked.infer("flowers", inputs, outputs=outputs, request_id="seven")
    assert np.array_equal(told.as_numpy("probabilities"), predict(result, new, model="forest", proba=True))
    labels = [str(each.decode() if isinstance(each, bytes) else each) for each in told.as_numpy("prediction")]
    assert labels == list(predict(result, new, model="forest"))
    about = asked.get_model_metadata("flowers", **({"as_json": True} if protocol == "grpc" else {}))
    assert [each["name"] for each in about["inputs"]] == ["length", "petals", "colour", "wild"]
    asked.close()


def test_a_table_of_numbers_is_one_tensor(served: Running, numbers) -> None:
    """(rows, columns); an answer is a number a row."""
    rows = np.random.default_rng(0).normal(size=(5, 4))
    asked = tritonclient.http.InferenceServerClient(served.url.removeprefix("http://"))
    one = tritonclient.http.InferInput("rows", [5, 4], "FP64")
    one.set_data_from_numpy(rows)
    told = asked.infer("numbers", [one]).as_numpy("prediction")
    assert np.array_equal(told, predict(Result.load(numbers), pd.DataFrame(rows, columns=list("abcd"))))
    asked.close()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_wrong_tensors_are_told_in_the_protocols_form(served: Running, protocol: str) -> None:
    """An unknown model or version, a missing input, a wrong shape, texts that are no UTF-8."""
    client = tritonclient.grpc if protocol == "grpc" else tritonclient.http
    address = served.grpc if protocol == "grpc" else served.url.removeprefix("http://")
    asked, new = client.InferenceServerClient(address), flowers(4)

    def refused(inputs: list, model: str = "flowers", **more) -> str:
        with pytest.raises(InferenceServerException) as error:
            asked.infer(model, inputs, **more)
        return error.value.message()

    assert "did you mean 'flowers'" in refused(_inputs(client, new), "flower")
    assert "answers as version 1" in refused(_inputs(client, new), model_version="9")
    assert "'wild' is missing" in refused(_inputs(client, new)[:3])
    two = client.InferInput("length", [2, 2], "FP64")
    two.set_data_from_numpy(np.zeros((2, 2)))
    assert "has shape [2, 2]" in refused([two, *_inputs(client, new)[1:]])
    odd = client.InferInput("colour", [4], "BYTES")
    odd.set_data_from_numpy(np.array([b"\xff"] * 4, dtype=object))
    inputs = _inputs(client, new)
    assert "no UTF-8" in refused([inputs[0], inputs[1], odd, inputs[3]])
    asked.close()


def test_a_message_over_the_limit_is_told_and_the_next_is_answered(served: Running) -> None:
    """Of either protocol, which is 64 MiB, by one connection."""
    large = np.zeros((9 << 20, 1))
    for client, at in ((tritonclient.http, served.url.removeprefix("http://")), (tritonclient.grpc, served.grpc)):
        asked, new = client.InferenceServerClient(at), flowers(4)
        tensor = client.InferInput("length", list(large.shape), "FP64")
        tensor.set_data_from_numpy(large)
        with pytest.raises(InferenceServerException) as error:
            asked.infer("flowers", [tensor])
        assert "67,108,864" in str(error.value) or "67108864" in str(error.value)
        assert asked.infer("flowers", _inputs(client, new)).as_numpy("prediction").shape == (4,)
        asked.close()


TOKEN = "a-token-of-sixteen-letters"


@pytest.fixture(scope="module")
def guarded(run):
    """A server that wants tokens: one for all, one to ask with."""
    running = Running(str(run), "--with", "tree", "--token", TOKEN, "--token", f"predict={TOKEN}-asks")
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        (None, "/predict", 401),
        ("wrong-wrong-wrong-wrong", "/predict", 401),
        (f"{TOKEN}-asks", "/predict", 200),
        (f"{TOKEN}-asks", "/metrics", 403),
        (f"{TOKEN}-asks", "/deploy?name=x", 403),
        (TOKEN, "/metrics", 200),
        (None, "/health", 200),
    ],
)
def test_tokens_open_what_they_are_for(guarded: Running, token, path, status) -> None:
    """And nothing else; what is refused says what is wanted, and shows no token."""
    heads = {"authorization": f"Bearer {token}"} if token else {}
    post = path.startswith(("/predict", "/deploy"))
    body = {"rows": rows_of(flowers(3))}
    told = httpx.request("POST" if post else "GET", guarded.url + path, headers=heads, json=body if post else None)
    assert told.status_code == status and TOKEN not in told.text
    if status == 401:
        assert "Authorization: Bearer" in told.json()["error"] and told.headers["www-authenticate"] == "Bearer"


def test_grpc_wants_the_token_too(guarded: Running) -> None:
    """In the metadata of a call."""
    asked, new = tritonclient.grpc.InferenceServerClient(guarded.grpc), flowers(3)
    with pytest.raises(InferenceServerException) as error:
        asked.infer("flowers", _inputs(tritonclient.grpc, new))
    assert "UNAUTHENTICATED" in error.value.status()
    heads = {"authorization": f"Bearer {TOKEN}"}
    assert asked.infer("flowers", _inputs(tritonclient.grpc, new), headers=heads).as_numpy("prediction").shape == (3,)
    asked.close()


def test_a_model_is_sent_to_a_running_server(guarded: Running, run, texts, concours) -> None:
    """As the next version of its name, or beside others; whoever asks gets what `predict` says of the new one."""
    code, _, err = concours("deploy", str(run), "--with", "forest", "--server", guarded.url, "--token", TOKEN)
    assert code == 0 and "forest answers as version 2" in err
    heads = {"authorization": f"Bearer {TOKEN}"}
    told = httpx.post(f"{guarded.url}/predict?model=flowers", json={"rows": rows_of(flowers(5))}, headers=heads)
    assert np.array_equal(
        told.json()["probabilities"], predict(Result.load(run), flowers(5), model="forest", proba=True)
    )
    assert told.headers["x-concours-version"] == "2"
    code, _, err = concours("deploy", str(texts), "--name", "moods", "--server", guarded.url, "--token", TOKEN)
    assert code == 0 and "moods: bayes answers as version 1" in err
    told = httpx.post(f"{guarded.url}/predict?model=moods", json={"rows": ["a great day"]}, headers=heads)
    assert told.json()["predictions"] == ["good"]


def test_what_cannot_be_deployed_is_told(guarded: Running, run, concours) -> None:
    """By the one who sends it; what was served goes on."""
    server = ["--server", guarded.url]
    code, _, err = concours("deploy", str(run), *server)
    assert code == 2 and "a token is wanted" in err
    code, _, err = concours("deploy", str(run), *server, "--token", TOKEN, "--name", "../x")
    assert code == 2 and "a name has letters" in err
    code, _, err = concours("deploy", str(run), "--server", "http://127.0.0.1:1", "--token", TOKEN)
    assert code == 2 and "no answer of a concours server" in err
    heads = {"authorization": f"Bearer {TOKEN}"}
    told = httpx.post(f"{guarded.url}/deploy?name=junk", content=b"PK\x03\x04 rubbish", headers=heads)
    assert told.status_code == 400 and "cannot be served" in told.json()["error"]
    assert httpx.get(f"{guarded.url}/health").json()["models"].keys() >= {"flowers"}


def test_a_name_goes_on_answering_its_task(guarded: Running, texts, run, concours) -> None:
    """Those who ask a name are not answered by the model of another task: it is refused, and the last version goes on."""
    server = ["--server", guarded.url, "--token", TOKEN]
    code, _, err = concours("deploy", str(texts), "--name", "flowers", *server)
    assert code == 2 and err.count("\n") == 1
    assert (
        "flowers answers for another task: its kind is text-classification, and not tabular" in err and "--name" in err
    )
    heads, row = {"authorization": f"Bearer {TOKEN}"}, rows_of(flowers(3))
    before = httpx.post(f"{guarded.url}/predict?model=flowers", json={"rows": row}, headers=heads)
    assert before.status_code == 200
    code, _, err = concours("deploy", str(run), "--with", "tree", "--name", "flowers", *server)
    after = int(before.headers["x-concours-version"]) + 1
    assert code == 0 and f"tree answers as version {after}" in err


def test_code_that_is_sent_is_not_run(guarded: Running, concours, tmp_path) -> None:
    """A model of somebody's own code is served from its folder, by who agrees to it."""
    mark = tmp_path / "ran"
    (tmp_path / "own.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
        "from sklearn.naive_bayes import GaussianNB\nclass Model(GaussianNB): ...\n"
    )
    (tmp_path / "own.toml").write_text(
        '[task]\nkind = "tabular-classification"\ndata = "sklearn:iris"\nsplit = { test = 0.3, folds = 2 }\n'
        '[compete]\nlineup = "none"\n[cooperate]\nstrategies = []\n[[entrant]]\nname = "own"\nrecipe = "./own.py:Model"\n'
    )
    run = tmp_path / "mine"
    assert concours("run", str(tmp_path / "own.toml"), "--trust", "--engine", "inline", "--out", str(run))[0] == 0
    mark.unlink()
    code, _, err = concours("deploy", str(run), "--server", guarded.url, "--token", TOKEN)
    assert code == 2 and "it uses own.py:Model" in err and "--trust" in err and not mark.exists()
    running = Running(str(run), "--trust")
    row = dict.fromkeys(("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"), 1.5)
    told = httpx.post(f"{running.url}/predict", json={"rows": [row]})
    assert running.stop() == 0 and told.status_code == 200 and mark.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "give --token"),
        (["--token", "short"], "16 letters or more"),
        (["--token", f"read={TOKEN}"], "'read' is no scope"),
        (["--with", "oak"], "no model 'oak'"),
        (["--with", "tree", "--with", "forest"], "for 1 runs"),
        (["--with", "tree", "--watch", "--shadow", "tree"], "name a challenger"),
    ],
)
def test_a_server_that_cannot_begin_says_why(run, concours, words, said) -> None:
    """In one line, before it listens."""
    code, _, err = concours("serve", str(run), "--port", "0", *words)
    assert code == 2 and said in err and err.count("\n") <= 2


@pytest.mark.parametrize("beside", [0, 1])
def test_a_port_that_is_taken_is_told_before_models_are_loaded(run, concours, beside: int) -> None:
    """That of HTTP, and the next one, of gRPC."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = concours("serve", str(run), "--port", str(port - beside))
    assert code == 2 and f"cannot listen at 127.0.0.1:{port}" in err and "--port" in err and "tree" not in err


def test_a_row_is_explained(http: httpx.Client) -> None:
    """Of a table what each column adds, which adds up to what is said of the row; of a text each word."""
    row = rows_of(flowers(1))
    told = http.post("/explain?model=flowers", json={"rows": row}).json()
    said = http.post("/predict?model=flowers", json={"rows": row}).json()
    assert told["prediction"] == said["predictions"][0] and repr(told["prediction"]) in told["explained"]
    assert {each["name"] for each in told["columns"]} == set(row[0])
    added = told["base"] + sum(each["effect"] for each in told["columns"])
    assert np.isclose(added, told["value"]) and np.isclose(told["value"], max(said["probabilities"][0]))
    words = http.post("/explain?model=texts", json={"rows": ["a great day"]}).json()["words"]
    assert [each["word"] for each in words] == ["a", "great", "day"]
    assert max(words, key=lambda each: each["effect"])["word"] == "great"
    assert "one row" in http.post("/explain?model=texts", json={"rows": ["a", "b"]}).json()["error"]
    numbers = http.post("/explain?model=numbers", json={"rows": [dict.fromkeys("abcd", 0.5)]}).json()
    assert "explained" not in numbers and len(numbers["columns"]) == 4
