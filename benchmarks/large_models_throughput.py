"""What asking costs the asker: 1,000 chats, 64 at once, of an endpoint on loopback that answers after 50 ms.

Every client asks for the same chats at the same server, a process of its own, one client after the other, in several
rounds: medians. The floor is what the server's delay alone takes. CPU is that of the asking process, all its threads.
Concours keeps every answer, counts tokens and money within a limit, and tells how far it is; the others do none of it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from concours.entrants.endpoints.calls import Call, chat
from concours.entrants.endpoints.client import ask_all, ask_each
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.price import Price
from concours.entrants.endpoints.purse import Purse

CALLS, AT_ONCE, DELAY_S, ROUNDS = 1000, 64, 0.05, 5
FLOOR_S = -(-CALLS // AT_ONCE) * DELAY_S
MANY = (10_000, 100_000)
_PROMPT = "What is six times seven? Think step by step, and end with the number alone. " * 4
_KEY = "none"

Measured = tuple[float, float]
"""Wall seconds, and CPU milliseconds a request."""


def body(number: int) -> dict[str, Any]:
    """A chat like no other."""
    return chat("m", [{"role": "user", "content": f"{number}: {_PROMPT}"}], max_tokens=100, temperature=0)


@contextmanager
def endpoint(delay_s: float) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "concours.testing.endpoints", "--delay", str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def measured(act: Callable[[], object]) -> Measured:
    """What doing it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, (time.process_time() - cpu) / CALLS * 1e3


def ours(url: str) -> tuple[Measured, Measured]:
    """Asked, and then again from the file of answers."""
    place = Endpoint(url, price=Price(0.15, 0.6), at_once=AT_ONCE)
    with tempfile.TemporaryDirectory() as folder:
        path, told = Path(folder) / "answers.sqlite", []
        with Answers(path) as answers, Purse(path, 100) as purse:
            each = [
                measured(
                    lambda: ask_all(
                        (Call(place.chats, body(i)) for i in range(CALLS)), place, answers, purse, told=told.append
                    )
                )
                for _ in range(2)
            ]
    if told[-1].recalled != CALLS or told[-1].failed:
        raise RuntimeError(f"not all was answered and recalled: {told[-1]}")
    return each[0], each[1]


async def all_asked(ask: Callable[[dict[str, Any]], Awaitable[str]]) -> None:
    """All chats by a coroutine, so many at once; each answer is looked at."""
    numbers = iter(range(CALLS))

    async def worker() -> None:
        for number in numbers:
            if "42" not in await ask(body(number)):
                raise RuntimeError("this is no answer")

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def by_aiohttp(url: str) -> None:
    """The plainest asking by aiohttp."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(chat_: dict[str, Any]) -> str:
            async with session.post(f"{url}/chat/completions", json=chat_) as response:
                return str((await response.json())["choices"][0]["message"]["content"])

        await all_asked(ask)


async def by_httpx(url: str) -> None:
    """The plainest asking by httpx."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def ask(chat_: dict[str, Any]) -> str:
            response = await client.post(f"{url}/chat/completions", json=chat_)
            return str(json.loads(response.content)["choices"][0]["message"]["content"])

        await all_asked(ask)


async def by_openai(url: str) -> None:
    """OpenAI's own client."""
    import openai

    async with openai.AsyncOpenAI(base_url=url, api_key=_KEY, max_retries=0) as client:

        async def ask(chat_: dict[str, Any]) -> str:
            return (await client.chat.completions.create(**chat_)).choices[0].message.content or ""

        await all_asked(ask)


async def by_litellm(url: str) -> None:
    """LiteLLM, by its OpenAI-compatible provider."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.suppress_debug_info = True

    async def ask(chat_: dict[str, Any]) -> str:
        told = {**chat_, "model": "openai/m"}
        return (await litellm.acompletion(**told, base_url=url, api_key=_KEY)).choices[0].message.content or ""

    await all_asked(ask)


async def by_inspect(url: str) -> None:
    """inspect_ai's model, without a task."""
    from inspect_ai.model import GenerateConfig, get_model

    config = GenerateConfig(max_connections=AT_ONCE, max_tokens=100, temperature=0)
    model = get_model("openai/m", base_url=url, api_key=_KEY, config=config, responses_api=False)

    async def ask(chat_: dict[str, Any]) -> str:
        return (await model.generate(chat_["messages"][0]["content"])).completion

    await all_asked(ask)


def by_lm_eval(url: str) -> None:
    """lm-evaluation-harness' chat model, without a task."""
    os.environ["TQDM_DISABLE"] = "1"
    from lm_eval.api.instance import Instance
    from lm_eval.models.api_models import JsonChatStr
    from lm_eval.models.openai_completions import LocalChatCompletion

    model = LocalChatCompletion(
        base_url=f"{url}/chat/completions", model="m", num_concurrent=AT_ONCE, max_retries=1, max_gen_toks=100
    )
    texts = [JsonChatStr(json.dumps(body(i)["messages"])) for i in range(CALLS)]
    until = {"until": ["\n\n\n"], "max_gen_toks": 100}
    asked = [Instance("generate_until", {}, (text, until), i) for i, text in enumerate(texts)]
    if len(model.generate_until(asked, disable_tqdm=True)) != CALLS:
        raise RuntimeError("not all was answered")


PEERS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "aiohttp": ("aiohttp", by_aiohttp),
    "httpx": ("httpx", by_httpx),
    "openai": ("openai", by_openai),
    "litellm": ("litellm", by_litellm),
    "lm-eval": ("lm_eval", by_lm_eval),
    "inspect-ai": ("inspect_ai", by_inspect),
}
"""By distribution: the module, and what asks."""


def asked_by(name: str, url: str) -> Measured:
    """All chats by a peer."""
    act = PEERS[name][1]
    return measured(lambda: asyncio.run(act(url)) if asyncio.iscoroutinefunction(act) else act(url))


def memory(calls: int) -> float:
    """MiB that a process has at most which asks for so many different calls one after the other, at no delay."""
    with endpoint(0.0) as url, tempfile.TemporaryDirectory() as folder:
        place, path = Endpoint(url, price=Price(0.15, 0.6), at_once=AT_ONCE), Path(folder) / "answers.sqlite"
        with Answers(path) as answers, Purse(path, 10**6) as purse:
            replies = ask_each((Call(place.chats, body(i)) for i in range(calls)), place, answers, purse)
            if sum(1 for _ in replies) != calls:
                raise RuntimeError("not all was answered")
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def throughput() -> None:
    """Prints a line a client."""
    there = {name: find_spec(module) is not None for name, (module, _) in PEERS.items()}
    runs: dict[str, list[Measured]] = {}
    with endpoint(DELAY_S) as url:
        for _ in range(ROUNDS):
            asked, again = ours(url)
            runs.setdefault("Concours", []).append(asked)
            runs.setdefault("Concours, from its file", []).append(again)
            for name in (name for name, here in there.items() if here):
                runs.setdefault(f"{name} {importlib.metadata.version(name)}", []).append(asked_by(name, url))
    print(
        f"{CALLS:,} chats, {AT_ONCE} at once, {DELAY_S * 1e3:.0f} ms each: floor {FLOOR_S:.2f} s; medians of {ROUNDS} "
        f"rounds; Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n"
    )
    print("| client | wall s | wall / floor | CPU ms a request |\n|---|---:|---:|---:|")
    for name, each in runs.items():
        wall, cpu = (statistics.median(values) for values in zip(*each, strict=True))
        floor = "" if "file" in name else f"{wall / FLOOR_S:.2f}"
        print(f"| {name} | {wall:.3f} | {floor} | {cpu:.3f} |")
    if missing := [name for name, here in there.items() if not here]:
        print(f"\nNot installed, and not measured: {', '.join(missing)}.")


def memories() -> None:
    """Prints the most memory of processes that ask for so many calls."""
    print("| different calls | most memory, MiB |\n|---:|---:|", flush=True)
    for calls in MANY:
        code = f"import large_models_throughput as part; print(part.memory({calls}))"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        out = subprocess.run(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        print(f"| {calls:,} | {float(out.stdout):.1f} |", flush=True)
