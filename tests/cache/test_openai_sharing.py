"""One upstream call for many callers of the SDK: whole and streamed, in threads and tasks, whatever becomes of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from askonce import Cache, CacheTransport, ManualClock, MemoryStore, Policy, controls
from askonce.upstream.local_model import LocalModel

from .openai_tools import (
    BASE,
    DONE,
    HEAD,
    Scripted,
    aclient_of,
    ask,
    chunk,
    client_of,
    entries,
    sse,
    status,
    text_of,
)


def test_a_whole_call_behind_a_half_read_stream_is_answered(client: OpenAI, model: LocalModel) -> None:
    """The stream is read to its end for the other caller's sake, even in the thread that holds it half read."""
    stream = client.chat.completions.create(stream=True, **ask())
    first = next(iter(stream))
    whole = client.chat.completions.create(**ask())
    assert status(whole) == "joined"
    rest = [c for c in stream if c.choices]
    assert "".join(c.choices[0].delta.content or "" for c in [first, *rest]) == whole.choices[0].message.content
    assert model.calls == 1


def test_whole_calls_of_every_colour_behind_a_half_read_async_stream(
    aclient: AsyncOpenAI, client: OpenAI, model: LocalModel
) -> None:
    """Behind an async stream: an async caller and one in another thread share it; a synchronous caller that blocks
    the stream's own event loop asks for itself, because nobody else could answer it."""

    async def main() -> None:
        stream = await aclient.chat.completions.create(stream=True, **ask("a"))
        await anext(aiter(stream))
        assert status(await aclient.chat.completions.create(**ask("a"))) == "joined"
        assert model.calls == 1

        stream = await aclient.chat.completions.create(stream=True, **ask("b"))
        await anext(aiter(stream))
        assert status(await asyncio.to_thread(client.chat.completions.create, **ask("b"))) == "joined"
        assert model.calls == 2

        stream = await aclient.chat.completions.create(stream=True, **ask("c"))
        await anext(aiter(stream))
        alone = client.chat.completions.create(**ask("c"))
        assert status(alone) == "miss"
        assert text_of(client.chat.completions.create(stream=True, **ask("c")))
        assert model.calls == 5
        await stream.close()

        other = client.chat.completions.create(stream=True, **ask("d"))
        next(iter(other))
        calls = model.calls
        assert status(await aclient.chat.completions.create(**ask("d"))) == "joined"
        joined = await aclient.chat.completions.create(stream=True, **ask("d"))
        assert [c async for c in joined]
        assert model.calls == calls
        assert list(other)

    asyncio.run(asyncio.wait_for(main(), 30))


class Gate:
    """Upstream that waits for ``open`` before it answers, and counts."""

    def __init__(self, answer: Callable[[dict[str, Any]], httpx2.Response]) -> None:
        self.open = threading.Event()
        self.calls = 0
        self._answer = answer

    def __call__(self, payload: dict[str, Any]) -> httpx2.Response:
        self.calls += 1
        assert self.open.wait(20)
        return self._answer(payload)


def followers(cache: Cache) -> int:
    return sum(flight.followers for flight in list(cache.flights._open.values()))


def gather(cache: Cache, gate: Gate, leader: Callable[[], Any], others: list[Callable[[], Any]]) -> list[Any]:
    """What each got or raised: ``leader`` asks first, the others join it, then upstream answers."""
    results: list[Any] = [None] * (len(others) + 1)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            results[place] = work()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(0, leader))]
    threads[0].start()
    while gate.calls == 0:
        threads[0].join(0.001)
    threads += [threading.Thread(target=run, args=(i + 1, work)) for i, work in enumerate(others)]
    for thread in threads[1:]:
        thread.start()
    while followers(cache) < len(others):
        threads[0].join(0.001)
    gate.open.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return results


@pytest.mark.parametrize("leader", ["stream", "whole"])
@pytest.mark.parametrize(("code", "kind"), [(429, openai.RateLimitError), (500, openai.InternalServerError)])
def test_a_refused_leader_is_refused_for_all_and_asked_once(cache: Cache, leader: str, code: int, kind: Any) -> None:
    """Followers of every shape get the provider's own error; none of them asks again."""
    gate = Gate(lambda payload: httpx2.Response(code, json={"error": {"message": "no", "type": "x"}}))
    client = client_of(cache, Scripted(gate))

    def whole() -> Any:
        return client.chat.completions.create(**ask())

    def stream() -> Any:
        return text_of(client.chat.completions.create(stream=True, **ask()))

    results = gather(cache, gate, stream if leader == "stream" else whole, [whole, stream, whole, stream])
    assert [type(result) for result in results] == [kind] * 5
    assert gate.calls == 1
    assert (entries(cache), len(cache.flights)) == (0, 0)


@pytest.mark.parametrize("leader", ["stream", "whole"])
@pytest.mark.parametrize(("code", "kind"), [(500, None), (429, None), (400, openai.BadRequestError)])
def test_a_stale_answer_stands_in_for_all_callers_of_a_refused_call(leader: str, code: int, kind: Any) -> None:
    """Under ``stale_if_error`` leader and followers, whole or streamed, get the old answer when the provider is down
    or busy; a request that is itself bad is refused to all of them."""
    clock = ManualClock()
    policy = Policy(ttl=10, jitter=0, stale_if_error=100)
    choice = {"index": 0, "message": {"role": "assistant", "content": "old"}, "finish_reason": "stop"}
    answers = [httpx2.Response(200, json={**HEAD, "object": "chat.completion", "choices": [choice]})]

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        return answers.pop() if answers else httpx2.Response(code, json={"error": {"message": "no"}})

    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:
        gate = Gate(answer)
        client = client_of(cache, Scripted(gate))
        gate.open.set()
        client.chat.completions.create(**ask())
        gate.open.clear()
        gate.calls = 0
        clock.advance(50)

        def whole() -> Any:
            made = client.chat.completions.create(**ask())
            assert status(made) == "stale"
            return made.choices[0].message.content

        def stream() -> Any:
            return text_of(client.chat.completions.create(stream=True, **ask()))

        results = gather(cache, gate, stream if leader == "stream" else whole, [whole, stream, whole])
        if kind is None:
            assert results == ["old"] * 4
            assert gate.calls == 1
        else:
            assert [type(result) for result in results] == [kind] * 4
        assert len(cache.flights) == 0


def test_followers_of_a_truncated_stream_share_it(cache: Cache) -> None:
    """An answer cut by length is not stored, but whoever asked meanwhile gets it as it is, whole or streamed."""
    gate = Gate(lambda payload: sse(chunk({"role": "assistant", "content": "half"}), chunk({}, "length"), DONE))
    client = client_of(cache, Scripted(gate))

    def whole() -> str:
        choice = client.chat.completions.create(**ask()).choices[0]
        assert choice.finish_reason == "length"
        return choice.message.content or ""

    def stream() -> str:
        return text_of(client.chat.completions.create(stream=True, **ask()))

    assert gather(cache, gate, stream, [whole, stream, whole]) == ["half"] * 4
    assert gate.calls == 1
    assert entries(cache) == 0


def test_followers_of_a_stream_that_broke_ask_once(cache: Cache) -> None:
    """When a stream ends in an error event, its readers see that; of all the calls behind it exactly one asks again."""
    answers = [sse(chunk({"content": "half"}), {"error": {"message": "overloaded"}})]

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        if answers:
            return answers.pop()
        if payload.get("stream"):
            return sse(chunk({"role": "assistant", "content": "whole"}), chunk({}, "stop"), DONE)
        message = {"role": "assistant", "content": "whole"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return httpx2.Response(200, json={**HEAD, "object": "chat.completion", "choices": [choice]})

    gate = Gate(answer)
    client = client_of(cache, Scripted(gate))

    def whole() -> Any:
        return client.chat.completions.create(**ask()).choices[0].message.content

    def stream() -> Any:
        return text_of(client.chat.completions.create(stream=True, **ask()))

    results = gather(cache, gate, stream, [whole, stream, whole, whole])
    assert isinstance(results[0], openai.APIError)
    assert isinstance(results[2], openai.APIError) or results[2] == "whole"  # a reader of the first or of the second
    assert [results[1], results[3], results[4]] == ["whole"] * 3
    assert gate.calls == 2


def test_followers_of_a_stream_that_just_stopped_ask_once(cache: Cache) -> None:
    """A stream that ends without its terminal event is no answer for a whole call: one of those behind it asks."""
    answers = [sse(chunk({"content": "half"}))]

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        if answers:
            return answers.pop()
        choice = {"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}
        return httpx2.Response(200, json={**HEAD, "object": "chat.completion", "choices": [choice]})

    gate = Gate(answer)
    client = client_of(cache, Scripted(gate))

    def whole() -> Any:
        return client.chat.completions.create(**ask()).choices[0].message.content

    def stream() -> Any:
        return text_of(client.chat.completions.create(stream=True, **ask()))

    assert gather(cache, gate, stream, [whole, whole, whole]) == ["half", "whole", "whole", "whole"]
    assert gate.calls == 2


@pytest.mark.parametrize("shape", ["whole", "stream"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_follower_waits_no_longer_than_its_own_time_out(cache: Cache, shape: str, colour: str) -> None:
    """Behind a call that takes long, a caller with a short time-out gets its time-out, as it would without a cache;
    the leader goes on."""
    gate = Gate(lambda payload: sse(chunk({"role": "assistant", "content": "late"}), chunk({}, "stop"), DONE))
    client = client_of(cache, Scripted(gate))
    late: list[str] = []
    leader = threading.Thread(
        target=lambda: late.append(text_of(client.chat.completions.create(stream=True, **ask(), timeout=60)))
    )
    leader.start()
    while gate.calls == 0:
        leader.join(0.001)
    follow: Any = {**ask(), "timeout": 0.05, "stream": shape == "stream"}

    def run() -> None:
        if colour == "sync":
            client.chat.completions.create(**follow)
        else:
            asyncio.run(aclient_of(cache, Scripted(gate)).chat.completions.create(**follow))  # type: ignore[arg-type]

    with pytest.raises(openai.APITimeoutError):
        run()
    gate.open.set()
    leader.join(20)
    assert (late, gate.calls) == (["late"], 1)
    assert entries(cache) == 1


@pytest.mark.parametrize("leader", ["whole", "stream"])
def test_a_leaders_own_time_out_is_not_its_followers(cache: Cache, leader: str) -> None:
    """A leader that gives up by its own time-out hands over: exactly one of the others asks, all get its answer."""
    tries: list[int] = []

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        tries.append(1)
        if len(tries) == 1:
            raise httpx2.ReadTimeout("too slow for me")
        choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
        return httpx2.Response(200, json={**HEAD, "object": "chat.completion", "choices": [choice]})

    gate = Gate(answer)
    client = client_of(cache, Scripted(gate))

    def whole() -> Any:
        return client.chat.completions.create(**ask()).choices[0].message.content

    def stream() -> Any:
        return text_of(client.chat.completions.create(stream=True, **ask()))

    first, *others = gather(cache, gate, stream if leader == "stream" else whole, [whole, whole, whole])
    assert isinstance(first, openai.APITimeoutError)
    assert others == ["fine"] * 3
    assert len(tries) == 2


class Unread(httpx2.SyncByteStream):
    """A request body that may be read once, by whoever sends it."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        self.read += 1
        yield b"part"


def test_other_requests_pass_untouched(cache: Cache) -> None:
    """An upload, or a GET on one of our paths, reaches the transport below with its body unread."""
    seen: list[tuple[str, str, int]] = []

    class Below(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            stream: Any = request.stream
            seen.append((request.method, request.url.path, getattr(stream, "read", -1)))
            return httpx2.Response(204)

    transport = CacheTransport(cache, Below())
    transport.handle_request(httpx2.Request("POST", f"{BASE}/files", stream=Unread()))
    transport.handle_request(httpx2.Request("GET", f"{BASE}/chat/completions"))
    transport.handle_request(httpx2.Request("POST", f"{BASE}/responses/r1/cancel", stream=Unread()))
    assert [(method, read if method == "POST" else 0) for method, _, read in seen] == [
        ("POST", 0),
        ("GET", 0),
        ("POST", 0),
    ]
    assert cache.stats().calls == 0


def test_a_refresh_behind_a_stale_stream_that_breaks_is_nobodys_answer() -> None:
    """A stream fetched in the background that carries an error is not handed to a caller who joined it: it asks."""
    clock = ManualClock()
    choice = {"index": 0, "message": {"role": "assistant", "content": "new"}, "finish_reason": "stop"}
    broken = [sse(chunk({"content": "half"}), {"error": {"message": "overloaded"}})]

    def answer(payload: dict[str, Any]) -> httpx2.Response:
        if payload.get("stream") and gate.calls > 1:
            return broken.pop()
        text = "old" if gate.calls == 1 else "new"
        whole = {**choice, "message": {"role": "assistant", "content": text}}
        return httpx2.Response(200, json={**HEAD, "object": "chat.completion", "choices": [whole]})

    gate = Gate(answer)
    policy = Policy(ttl=10, jitter=0, stale_while_revalidate=100)
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=policy) as cache:
        client = client_of(cache, Scripted(gate))
        gate.open.set()
        client.chat.completions.create(**ask())
        gate.open.clear()
        clock.advance(50)
        assert text_of(client.chat.completions.create(stream=True, **ask())) == "old"
        while gate.calls < 2:
            threading.Event().wait(0.001)
        fresh: list[Any] = []

        def refresh() -> None:
            with controls(refresh=True):
                fresh.append(client.chat.completions.create(**ask()).choices[0].message.content)

        thread = threading.Thread(target=refresh)
        thread.start()
        while followers(cache) < 1:
            thread.join(0.001)
        gate.open.set()
        thread.join(20)
        assert fresh == ["new"]
        assert (gate.calls, broken) == (3, [])
