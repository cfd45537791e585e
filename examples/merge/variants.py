"""Two variants of a language model that have learned different things, and the questions that they are asked.

    python examples/merge/variants.py FOLDER

FOLDER holds a small model with safetensors and a tokenizer, as SmolLM2-135M-Instruct. Below `examples/merge/data` come
`half` and `rest`: the model after a pass over 160 headlines of AG News, with world and sports as their topics in the
one, and business and science in the other. Only the last layers are trained. `exam.jsonl` has headlines of all four
topics that neither has read.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

NEWS = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "ag-news-7600" / "test.csv.gz"
OUT = Path(__file__).parent / "data"
TOPICS = ("World", "Sports", "Business", "Science")
VARIANTS = {"half": TOPICS[:2], "rest": TOPICS[2:]}
READ, ASKED, LAYERS, BATCH, RATE = 160, 160, 4, 8, 2e-4


def headlines() -> list[tuple[str, str]]:
    """Headlines and their topics, each once, in an order drawn by one seed."""
    with gzip.open(NEWS, "rt", newline="") as file:
        rows = sorted({title: TOPICS[int(number) - 1] for number, title, _ in csv.reader(file)}.items())
    random.Random(0).shuffle(rows)  # noqa: S311 (the same order each time)
    return rows


def tuned(folder: str, rows: list[tuple[str, str]]) -> tuple[Any, Any]:
    """The model after one pass over headlines, of which it learns to say the topic; and its tokenizer."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    model.requires_grad_(False)
    for layer in model.model.layers[-LAYERS:]:
        layer.requires_grad_(True)
    optimiser = torch.optim.AdamW((each for each in model.parameters() if each.requires_grad), lr=RATE)
    for begin in range(0, len(rows), BATCH):
        losses = [loss(model, tokenizer, *row) for row in rows[begin : begin + BATCH]]
        optimiser.zero_grad()
        mean = torch.stack(losses).mean()
        mean.backward()
        optimiser.step()
        print(f"{begin + BATCH} of {len(rows)}: {mean.item():.3f} nats a topic", flush=True)  # noqa: T201
    return model, tokenizer


def loss(model: Any, tokenizer: Any, title: str, topic: str) -> Any:
    """How surprised the model is by a topic behind its headline."""
    asked, said = (tokenizer(text, add_special_tokens=False).input_ids for text in (f"{title}\nTopic:", f" {topic}"))
    labels = torch.tensor([[-100] * len(asked) + said])
    return model(input_ids=torch.tensor([asked + said]), labels=labels).loss


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("python examples/merge/variants.py FOLDER, of a small language model")
    logging.set_verbosity_error()
    OUT.mkdir(exist_ok=True)
    rows = headlines()
    asked, read = rows[:ASKED], rows[ASKED:]
    with (OUT / "exam.jsonl").open("w") as file:
        for title, topic in asked:
            file.write(json.dumps({"headline": title, "topics": TOPICS, "topic": topic}) + "\n")
    for name, topics in VARIANTS.items():
        print(f"{name} learns {' and '.join(topics)}")  # noqa: T201
        model, tokenizer = tuned(sys.argv[1], [row for row in read if row[1] in topics][:READ])
        model.save_pretrained(OUT / name)
        tokenizer.save_pretrained(OUT / name)


if __name__ == "__main__":
    main()
