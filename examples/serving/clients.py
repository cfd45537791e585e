"""Asks a server of the demo's alliance by the clients that others wrote.

concours demo
concours serve runs/demo --port 8000
python examples/serving/clients.py http://127.0.0.1:8000 127.0.0.1:8001 demo
"""

from __future__ import annotations

import json
import sys
import urllib.request

import numpy as np
import tritonclient.grpc
import tritonclient.http
from sklearn.datasets import load_digits


def main(url: str, grpc: str, model: str) -> None:
    pictures, digits = load_digits().images[:20], load_digits().target[:20]
    with urllib.request.urlopen(f"{url}/v2/models/{model}") as answer:
        (wanted,) = json.load(answer)["inputs"]
    kind = {"FP64": np.float64, "FP32": np.float32, "UINT8": np.uint8}[wanted["datatype"]]
    rows = pictures.reshape(-1, *wanted["shape"][1:]).astype(kind)

    body = json.dumps({"rows": rows.tolist()}).encode()
    request = urllib.request.Request(f"{url}/predict?model={model}", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        told = json.load(answer)
    right = np.mean(np.array(told["predictions"]) == digits)
    print(f"POST /predict, urllib: {right:.0%} of {len(rows)} digits are right")

    for name, module, address in (
        ("HTTP", tritonclient.http, url.removeprefix("http://")),
        ("gRPC", tritonclient.grpc, grpc),
    ):
        client = module.InferenceServerClient(address)
        tensor = module.InferInput("rows", list(rows.shape), wanted["datatype"])
        tensor.set_data_from_numpy(rows)
        p = client.infer(model, [tensor]).as_numpy("probabilities")
        print(f"Open Inference over {name}, tritonclient: the same: {np.array_equal(p, told['probabilities'])}")
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
