"""Stands in for two language models and a judge on this machine, so that the examples cost nothing.

    python examples/large-models/stand_in.py

It answers until it is ended. `large` is right more often than `small`, both more often when they are told to think step
by step, and both write down what they think. `judge` goes by how much a text tells, and a little by which it reads
first.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

from concours.testing.endpoints import Answer, Asked, Loopback, chat

PORT = 8733
HERE = Path(__file__).parent
RIGHT = {row["question"]: row for row in map(json.loads, (HERE / "questions.jsonl").read_text().splitlines())}
OFTEN = {("small", False): 45, ("small", True): 62, ("large", False): 78, ("large", True): 90}
HARDER = {"calendar": 8, "money": 0, "measures": -6}


def luck(*words: str) -> int:
    """From 0 to 99, the same for the same words."""
    return int(hashlib.sha256(" ".join(words).encode()).hexdigest(), 16) % 100


def tokens(asked: Asked, said: str) -> tuple[int, int]:
    return len(asked.question) // 4 + 8, len(said) // 4 + 4


def answer(model: str, said: str) -> str:
    """To a question of `questions.jsonl`, wherever in the prompt it stands."""
    row = next(row for question, row in RIGHT.items() if question in said)
    steps, others = "step by step" in said, re.findall(r"\[answer \d+\]\n(-?[\d.]+)", said)
    right, often = float(row["answer"]), OFTEN[model, steps] - HARDER[row["category"]]
    if others:  # who reads the right answer of another mostly sees that it is
        often += 25 * (right in map(float, others))
    number = right if luck(model, str(steps), row["question"]) < often else right + 1 + luck(row["question"]) % 3
    worked = f"First I look at what is given: {row['question']} Then I put it together. " if steps else ""
    return f"{worked}The answer is {number:g}."


def letter(model: str, request: str, *, brief: bool) -> str:
    """To a request of `requests.jsonl`."""
    found = re.search(r"about (.*?)\.", request)
    if not found:
        return "That I do not know."
    subject = found[1]
    long = f"{subject.capitalize()} is worth a closer look: what it is, where it comes from, and what it does for us."
    extra = " Ask anybody who works with it, and they will tell you of days that began and ended with it."
    if model == "large":
        return long + extra * (luck(request) % 3 > 0 and not brief)
    return f"{subject.capitalize()} is good." + " It is good indeed, as all who know it say." * (luck(request) % 4)


def verdict(said: str) -> str:
    first, second = (re.search(rf"\[answer {place} \w+\]\n(.*?)\n\[end", said, re.S)[1] for place in "AB")  # type: ignore[index]
    lead = len(first) - len(second) + 12
    if abs(lead) < 15:
        return "Both say about the same.\n[[TIE]]"
    return f"One of them tells more.\n[[{'A' if lead > 0 else 'B'}]]"


def says(asked: Asked) -> Answer:
    model, said = asked.body["model"], asked.question
    if model == "judge":
        text = verdict(said)
    else:
        brief = any(one["content"] == "Be brief." for one in asked.body["messages"])
        known = any(question in said for question in RIGHT)
        text = answer(model, said) if known else letter(model, said, brief=brief)
    return Answer(chat(text, tokens=tokens(asked, text)), delay_s=0.05 if model == "large" else 0.01)


def main() -> None:
    with Loopback(says, port=PORT) as server:
        print(f"{server.base_url} answers as small, large and judge, until it is ended", flush=True)  # noqa: T201
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
