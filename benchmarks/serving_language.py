"""A language model behind OpenAI's protocol: 8 clients at once, against `generate` called for one after the other.

    pip install 'concours[local,serve]' openai psutil
    PYTHONPATH=src python benchmarks/serving_language.py [FOLDER] [tokens] [runs]

Both have one thread on the same core and the same model, greedy, with 32-bit numbers; the clients, `openai`'s own, are
on the others. Without a folder a llama of the sizes of SmolLM2-135M is made, of weights by chance: what a token costs
does not hang on them. Every request has another prompt of 24 words; the texts of both are compared.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import openai
import psutil
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from concours import Contest, Entrant, Split, Task
from concours.entrants.local.generating import How, answers
from concours.entrants.local.loading import loaded, threads
from concours.entrants.local.texts import encoded

CLIENTS = 8
WORDS = ["sun", "rain", "wind", "snow", "hail", "fog", "tree", "river", "stone", "bird", "house", "road"]
PROMPTS = [" ".join(WORDS[(place * (n + 1) + n) % len(WORDS)] for place in range(24)) for n in range(CLIENTS)]


def made(folder: Path) -> Path:
    """A llama of the sizes of SmolLM2-135M."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    known = {word: place for place, word in enumerate(["<s>", "</s>", *letters, *(f"Ġ{word}" for word in WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<s>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(
        folder
    )
    torch.manual_seed(0)
    sizes = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "vocab_size": 49152}
    heads = {"num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192}
    more = {"tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 1, "initializer_range": 0.04}
    transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **heads, **more)).save_pretrained(folder)
    return folder


def contest(folder: Path, out: Path) -> Path:
    """A contest in which the model takes part, so that it can be served."""
    rows = [{"question": f"{n} and {n}?", "answer": str(2 * n)} for n in range(8)]
    options = {"question": "question", "answer": "answer"}
    task = Task(kind="question-answering", data=rows, options=options, split=Split(test=0.25, folds=2))
    entrant = Entrant("model", f"transformers:{folder}", {"max_tokens": 2})
    Contest(task=task, entrants=(entrant,), lineup="none", engine="inline", cooperate=(), out=out).run()
    return out


def started(run: Path, core: int) -> tuple[subprocess.Popen[str], str]:
    """A server on one core, and its address."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    command = [sys.executable, "-m", "concours", "serve", str(run), "--with", "model", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    os.sched_setaffinity(0, everywhere)
    for line in server.stderr or ():
        if line.startswith("listening on"):
            return server, line.split()[2].rstrip(",")
    raise SystemExit("the server ended")


def cpu_of(server: int) -> float:
    """CPU seconds of a process and all below it."""
    whole = psutil.Process(server)
    times = [each.cpu_times() for each in (whole, *whole.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def main() -> None:
    """Prints tokens a second of both, and the ratios of their medians."""
    given = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 and sys.argv[1] != "-" else None
    tokens, runs = (int(sys.argv[2]) if len(sys.argv) > 2 else 96), (int(sys.argv[3]) if len(sys.argv) > 3 else 3)
    first, *others = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_STATE_HOME"] = place
        folder = given or made(Path(place, "model"))
        run = contest(folder, Path(place, "run"))
        model = loaded(folder, "float32")
        server, url = started(run, first)
        asked = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=600)

        def said(prompt: str, most: int = tokens) -> Any:
            return asked.completions.create(model="run", prompt=prompt, max_tokens=most, temperature=0)

        def by_us() -> tuple[int, list[str]]:
            with ThreadPoolExecutor(CLIENTS) as pool:
                found = list(pool.map(said, PROMPTS))
            return sum(each.usage.completion_tokens for each in found), [each.choices[0].text for each in found]

        def by_generate() -> tuple[int, list[str]]:
            how = How(most=tokens)
            found = [answers(model, [encoded(model, prompt, special=True)], [0], how)[0] for prompt in PROMPTS]
            return sum(each.tokens for each in found), [each.text for each in found]

        said(PROMPTS[0], 2)
        told: dict[str, list[tuple[float, float]]] = {"served": [], "generate": []}
        texts = dict[str, list[str]]()
        for _ in range(runs):
            os.sched_setaffinity(0, set(others or [first]))
            wall, cpu = time.perf_counter(), cpu_of(server.pid)
            count, texts["served"] = by_us()
            told["served"].append((count / (time.perf_counter() - wall), count / (cpu_of(server.pid) - cpu)))
            os.sched_setaffinity(0, {first})
            wall, cpu = time.perf_counter(), time.process_time()
            with threads(1):
                count, texts["generate"] = by_generate()
            told["generate"].append((count / (time.perf_counter() - wall), count / (time.process_time() - cpu)))
        server.terminate()
        server.wait(30)
    middle = {who: [statistics.median(each) for each in zip(*of, strict=True)] for who, of in told.items()}
    size = sum(each.numel() for each in model.model.parameters()) / 1e6
    print(f"{folder.name}, {size:.0f} million weights; {CLIENTS} prompts, {tokens} tokens each; median of {runs} runs")
    print(f"transformers {transformers.__version__}, torch {torch.__version__}; load {os.getloadavg()[0]:.1f}")
    print(f"{'':34}{'tokens a second':>16}{'tokens a CPU second':>22}")
    print(f"{'generate, one after the other':34}{middle['generate'][0]:16.1f}{middle['generate'][1]:22.1f}")
    print(f"{f'served, {CLIENTS} clients at once':34}{middle['served'][0]:16.1f}{middle['served'][1]:22.1f}")
    ratios = [ours / theirs for ours, theirs in zip(middle["served"], middle["generate"], strict=True)]
    print(f"{'ratio':34}{ratios[0]:16.2f}{ratios[1]:22.2f}")
    same = sum(one == other for one, other in zip(texts["served"], texts["generate"], strict=True))
    print(f"equal texts: {same} of {CLIENTS}")


if __name__ == "__main__":
    main()
