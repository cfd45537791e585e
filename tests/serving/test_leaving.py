"""Who asks and goes, and whose process goes: what a pool tells its processes, and those who ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from concours.serving.pool import Pool
from concours.serving.refused import Refused
from concours.serving.wire import Ask, Told
from concours.serving.worker import Spec


class Half:
    """A process that tells a part of each answer, and no more."""

    continuous = True

    def __init__(self) -> None:
        self.busy: dict[int, Any] = {}
        self.left: list[int] = []

    def send(self, pending: list[Any]) -> None:
        for one in pending:
            self.busy[one.ask.id] = one
            one.begun = one.ask.body == b"part"
            if one.begun:
                one.parts.put_nowait(Told(one.ask.id, b"a", last=False))

    def leave(self, pending: Any) -> None:
        self.left.append(pending.ask.id)
        del self.busy[pending.ask.id]


def with_half(work: Callable[[Pool, Half], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def replaced(self: Pool) -> None:
        """Nobody takes its place."""

    monkeypatch.setattr(Pool, "_replace", replaced)

    async def run() -> None:
        pool, process = Pool(Spec(run=Path("nowhere"))), Half()
        pool._all.append(process)  # type: ignore[arg-type]
        pool._free.append(process)  # type: ignore[arg-type]
        await work(pool, process)

    asyncio.run(run())


def test_who_leaves_is_told_to_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of an answer, and before it; who waits for a process leaves the line."""

    async def work(pool: Pool, process: Half) -> None:
        parts = pool.parts(Ask(1, "x", b"part"))
        assert (await anext(parts)).body == b"a"
        whole = asyncio.create_task(pool.answer(Ask(2, "x", b"none")))
        await asyncio.sleep(0.01)
        assert pool.under_way == 2
        await parts.aclose()  # type: ignore[attr-defined]
        whole.cancel()
        await asyncio.wait([whole])
        assert (process.left, pool.under_way) == ([1, 2], 0)
        pool._free.clear()
        waiting = asyncio.create_task(pool.answer(Ask(3, "x", b"none")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (process.left, pool.under_way, pool._bytes) == ([1, 2], 0, 0)

    with_half(work, monkeypatch)


def test_a_stream_whose_process_dies_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not begun anew behind what was told; who had no part of an answer yet is asked again."""

    async def work(pool: Pool, process: Half) -> None:
        parts = pool.parts(Ask(1, "x", b"part"))
        await anext(parts)
        asked = asyncio.create_task(pool.answer(Ask(2, "x", b"none")))
        await asyncio.sleep(0.01)
        pool._lost(process)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="in the middle"):
            await anext(parts)
        assert [one.ask.id for one in pool._waiting] == [2]
        asked.cancel()
        await asyncio.wait([asked])

    with_half(work, monkeypatch)
