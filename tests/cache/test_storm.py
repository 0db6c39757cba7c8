"""A storm: threads and event loops ask a few questions at once, whole and streamed, of a service that fails in every
way it can, and leave in the middle. Nobody is given half an answer or another's, nobody hangs, nothing stays open."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from askonce import Cache, MemoryStore, Policy, controls
from askonce.upstream.local_model import Fault, Latency, LocalModel
from askonce.upstream.local_transport import LocalTransport

BASE = "http://127.0.0.1:9/v1"
FAULTS: Any = ["status", "drop", "cut", "stream_error", "length"]
EXPECTED = (openai.APIError, httpx2.HTTPError)  # what the service's faults are at the SDK


def answer_to(payload: dict[str, Any]) -> str:
    """What the model says: the question again, long enough for a stream of many chunks."""
    question: str = payload["messages"][-1]["content"]
    return f"<{question}> " * 20 + "end"


class Storm:
    """One cache, one unreliable service, and what everybody got."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.model = LocalModel(answer=answer_to, latency=Latency(0.002, 0.0001, 0.0))
        policy = Policy(ttl=0.05, stale_while_revalidate=0.02, stale_if_error=0.05)
        self.cache = Cache([MemoryStore()], semantic=False, policy=policy)
        self.got = 0
        self.wrong: list[Any] = []

    def draw(self, rng: random.Random) -> dict[str, Any]:
        if rng.random() < 0.1:
            self.model.inject(Fault(rng.choice(FAULTS)))
        question = f"question {rng.randrange(3)}"
        return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}]}

    def check(self, asked: dict[str, Any], text: str | None, finish: str | None) -> None:
        if finish == "stop":
            self.got += 1
            if text != answer_to(asked):
                self.wrong.append((asked["messages"], text))

    def sync(self, number: int) -> None:
        rng = random.Random(self.seed * 100 + number)
        http = httpx2.Client(transport=LocalTransport(self.model))
        client = self.cache.wrap(OpenAI(api_key="k", base_url=BASE, http_client=http, max_retries=0))
        for _ in range(50):
            asked = self.draw(rng)
            try:
                if rng.random() < 0.5:
                    with controls(refresh=rng.random() < 0.2):
                        choice = client.chat.completions.create(**asked).choices[0]
                    self.check(asked, choice.message.content, choice.finish_reason)
                    continue
                stop_at = rng.randrange(1, 60)
                text, finish = "", None
                for place, chunk in enumerate(client.chat.completions.create(stream=True, **asked)):
                    if place == stop_at:
                        break
                    for part in chunk.choices:
                        text += part.delta.content or ""
                        finish = part.finish_reason or finish
                self.check(asked, text, finish)
            except EXPECTED:
                continue

    def asynchronous(self, number: int) -> None:
        rng = random.Random(self.seed * 100 + 50 + number)

        async def one(client: AsyncOpenAI) -> None:
            asked = self.draw(rng)
            try:
                if rng.random() < 0.5:
                    choice = (await client.chat.completions.create(**asked)).choices[0]
                    self.check(asked, choice.message.content, choice.finish_reason)
                    return
                stop_at, place = rng.randrange(1, 60), 0
                text, finish = "", None
                stream = await client.chat.completions.create(stream=True, **asked)
                async for chunk in stream:
                    place += 1
                    if place == stop_at:
                        await stream.close()
                        return
                    for part in chunk.choices:
                        text += part.delta.content or ""
                        finish = part.finish_reason or finish
                self.check(asked, text, finish)
            except EXPECTED:
                return

        async def main() -> None:
            http = httpx2.AsyncClient(transport=LocalTransport(self.model))
            client = self.cache.wrap(AsyncOpenAI(api_key="k", base_url=BASE, http_client=http, max_retries=0))
            for _ in range(4):
                tasks = [asyncio.create_task(one(client)) for _ in range(6)]
                await asyncio.sleep(rng.random() * 0.01)
                for task in tasks:
                    if rng.random() < 0.2:
                        task.cancel()
                for result in await asyncio.gather(*tasks, return_exceptions=True):
                    if isinstance(result, Exception):
                        raise result

        for _ in range(2):  # a second loop meets what the first one left
            asyncio.run(main())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_leaves_no_wrong_answer_and_no_open_flight(seed: int) -> None:
    """Whatever failed, was cancelled or abandoned meanwhile: every finished answer is the one to its question, every
    error is one of the service's own, every caller comes back, and no call is left in the air."""
    storm = Storm(seed)
    errors: list[BaseException] = []

    def guarded(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(storm.sync, n), daemon=True) for n in range(4)]
    threads += [threading.Thread(target=guarded, args=(storm.asynchronous, n), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a caller hangs"
    assert errors == []
    assert storm.wrong == []
    assert storm.got > 50
    storm.cache.workers.close()
    gc.collect()
    assert len(storm.cache.flights) == 0
    stats = storm.cache.stats()
    assert stats.hits
    assert stats.joined
    storm.cache.close()
