"""How long a hit takes: each tier and surface beside its peers, in one run on one machine.

``python -m benchmarks.latency [--json] [--entries N]``. Times are for one hit, taken one by one; the
samples of all subjects are interleaved round by round, so that a noisy moment falls on all alike.
What each name measures is in :data:`ABOUT`.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from askonce import Cache, Candidate, DiskStore, MemoryStore, RedisStore, SemanticTier
from askonce.cache.call import exact_key
from askonce.cache.guards import SURE
from askonce.cache.verified import Verified
from askonce.embeddings import default_embedder
from askonce.entry import Entry

from .report import Report, count, options, quantile

ABOUT = {
    "memory": "decorated function, answer in the memory tier",
    "memory_async": "decorated coroutine function, answer in the memory tier",
    "disk": "decorated function, answer in the disk tier only",
    "redis": "decorated function, answer in the Redis tier only",
    "wrap": "wrapped OpenAI client, answer in the memory tier",
    "semantic_over_embedding": "semantic hit at --entries vectors, less the embedding pass of the same question",
    "semantic": "semantic hit at --entries vectors, the same question with other punctuation",
    "reworded": "semantic hit at --entries vectors, the same question in other words",
    "guards": "all guards on one candidate, both texts new to them",
    "first_opinion": "guards and the verifier's first opinion on one candidate, both texts new",
    "second_opinion": "the pair model on one candidate",
    "embedding": "the embedding pass itself (all-MiniLM-L6-v2, int8 ONNX)",
    "functools": "functools.lru_cache",
    "cachetools": "cachetools.cached with a TTLCache and a lock",
    "cashews": "cashews, memory backend (asynchronous)",
    "aiocache": "aiocache.cached, memory backend (asynchronous)",
    "diskcache_memoize": "diskcache.Cache.memoize",
    "diskcache_get": "a bare diskcache get of the same bytes",
    "redis_get": "a bare redis-py GET of the same bytes",
    "langchain": "LangChain's InMemoryCache lookup",
    "openai_sdk": "the bare OpenAI SDK over a transport that answers at once",
}
OURS = (
    "memory",
    "memory_async",
    "disk",
    "redis",
    "wrap",
    "semantic_over_embedding",
    "reworded",
    "first_opinion",
    "second_opinion",
)
ANSWER = "You can reset it under Settings, Security. We send a link to your e-mail address. " * 4
QUESTION = "How do I reset my password?"


def once(work: Callable[[], Any]) -> float:
    """Seconds one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


Sampler = Callable[[int], list[float]]


class Bench:
    """The subjects and their samples."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.subjects: dict[str, Sampler] = {}
        self.samples: dict[str, list[float]] = {}

    def add(self, name: str, work: Callable[[], Any]) -> None:
        """Add a subject; its first calls warm it up."""
        self._add(name, lambda count: [once(work) for _ in range(count)])

    def add_async(self, name: str, work: Callable[[], Awaitable[Any]]) -> None:
        """Add an asynchronous subject; timed inside a running loop, so that starting one costs it nothing."""

        async def sample(count: int) -> list[float]:
            taken = []
            for _ in range(count):
                started = time.perf_counter()
                await work()
                taken.append(time.perf_counter() - started)
            return taken

        self._add(name, lambda count: self.loop.run_until_complete(sample(count)))

    def _add(self, name: str, sampler: Sampler) -> None:
        sampler(50)
        self.subjects[name] = sampler
        self.samples[name] = []

    def run(self, rounds: int, batch: int, tick: Callable[[], None]) -> None:
        """``rounds`` times, ``batch`` samples of every subject in turn."""
        for _ in range(rounds):
            for name, sampler in self.subjects.items():
                gc.collect()
                gc.disable()
                self.samples[name].extend(sampler(batch))
                gc.enable()
            tick()


def function_of(cache: Cache) -> Callable[[str], str]:
    """A decorated function with its answer already stored."""

    @cache.cached()
    def answer(question: str) -> str:
        return ANSWER

    answer(QUESTION)
    made: Callable[[str], str] = answer
    return made


def add_tiers(bench: Bench, stack: ExitStack, folder: Path, redis_url: str) -> None:
    """Our tiers, each alone, beside a bare read of the same stored bytes."""
    import diskcache
    import redis

    memory = stack.enter_context(Cache([MemoryStore()], semantic=False))
    answer = function_of(memory)
    bench.add("memory", lambda: answer(QUESTION))

    @memory.cached(name="async")
    async def async_answer(question: str) -> str:
        return ANSWER

    bench.add_async("memory_async", lambda: async_answer(QUESTION))

    disk = stack.enter_context(Cache([DiskStore(folder / "ours")], semantic=False))
    from_disk = function_of(disk)
    bench.add("disk", lambda: from_disk(QUESTION))

    remote = stack.enter_context(Cache([RedisStore(redis_url)], semantic=False))
    from_redis = function_of(remote)
    bench.add("redis", lambda: from_redis(QUESTION))

    from askonce.entry import encode_entry

    call = from_disk.call_for(QUESTION)  # type: ignore[attr-defined]
    entry = disk.tiers[0].store.get(call.key)
    assert entry is not None
    data = encode_entry(entry)
    bare = stack.enter_context(diskcache.Cache(str(folder / "bare")))
    bare.set(call.key, data)
    bench.add("diskcache_get", lambda: bare.get(call.key))
    client = redis.Redis.from_url(redis_url)
    client.set(b"bare", data)
    bench.add("redis_get", lambda: client.get(b"bare"))

    memo = stack.enter_context(diskcache.Cache(str(folder / "memo")))

    @memo.memoize()  # type: ignore[untyped-decorator]
    def memoized(question: str) -> str:
        return ANSWER

    bench.add("diskcache_memoize", lambda: memoized(QUESTION))


def add_memory_peers(bench: Bench) -> None:
    """What people use to keep answers in memory."""
    import threading

    import cachetools
    from aiocache import cached as aiocached
    from cashews import Cache as Cashews
    from langchain_core.caches import InMemoryCache
    from langchain_core.outputs import Generation

    @functools.lru_cache
    def by_functools(question: str) -> str:
        return ANSWER

    bench.add("functools", lambda: by_functools(QUESTION))

    @cachetools.cached(cachetools.TTLCache(1000, 3600), lock=threading.Lock())
    def by_cachetools(question: str) -> str:
        return ANSWER

    bench.add("cachetools", lambda: by_cachetools(QUESTION))

    chain = InMemoryCache()
    chain.update(QUESTION, "model=gpt-4o-mini", [Generation(text=ANSWER)])
    bench.add("langchain", lambda: chain.lookup(QUESTION, "model=gpt-4o-mini"))

    cashews = Cashews()
    cashews.setup("mem://")

    @cashews(ttl="1h")
    async def by_cashews(question: str) -> str:
        return ANSWER

    @aiocached(ttl=3600)  # type: ignore[untyped-decorator]
    async def by_aiocache(question: str) -> str:
        return ANSWER

    bench.add_async("cashews", lambda: by_cashews(QUESTION))
    bench.add_async("aiocache", lambda: by_aiocache(QUESTION))


def add_clients(bench: Bench, stack: ExitStack) -> None:
    """The wrapped client beside the bare SDK, both over a transport that answers at once."""
    import httpx2
    from openai import OpenAI

    from askonce.upstream.local_model import LocalModel
    from askonce.upstream.local_transport import LocalTransport

    model = LocalModel(answer=lambda request: ANSWER)
    recorded = LocalTransport(model, instant=True)
    first = recorded.handle_request  # recorded once, so that the floor holds nothing but the SDK

    class Instant(httpx2.BaseTransport):
        def __init__(self) -> None:
            self.body: bytes | None = None

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if self.body is None:
                request.read()
                self.body = first(request).read()
            return httpx2.Response(200, headers={"content-type": "application/json"}, content=self.body)

    def client() -> OpenAI:
        http = httpx2.Client(transport=Instant())
        return OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", http_client=http)

    cache = stack.enter_context(Cache([MemoryStore()], semantic=False))
    bare, wrapped = client(), cache.wrap(client())
    arguments: Any = {
        "model": "gpt-4o-mini",
        "temperature": 0,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": QUESTION},
        ],
    }
    bench.add("openai_sdk", lambda: bare.chat.completions.create(**arguments))
    bench.add("wrap", lambda: wrapped.chat.completions.create(**arguments))


THINGS = (
    "reset my password,cancel my order,track my parcel,change my delivery address,get a refund,close my account,"
    "download my invoice,update my credit card,contact support,redeem a voucher,return a damaged item,"
    "change my e-mail address,delete my data,upgrade my plan,pause my subscription,report a missing item"
).split(",")
SPOTS = "on the website,in the mobile app,from abroad,for a friend,without a phone,after the sale".split(",")
TIMES = "today,this week,before Friday,during the holidays,as a new customer,as a business customer".split(",")


def questions() -> list[str]:
    """576 different questions that are answered by meaning when they come back with other punctuation."""
    return [f"how can i {thing} {spot} {when}" for thing in THINGS for spot in SPOTS for when in TIMES]


def measure_semantic(stack: ExitStack, entries: int, note: Callable[[str], None]) -> dict[str, list[float]]:
    """Semantic hits in one scope of ``entries`` vectors; each question is asked once, so none is remembered."""
    embedder = default_embedder()
    cache = Cache([MemoryStore(max_bytes=1 << 31, max_entries=entries * 2)], semantic=SemanticTier(
        embedder, deadline_ms=5000), audits=False)  # fmt: skip
    stack.enter_context(cache)
    semantic = cache.semantic
    assert semantic is not None

    @cache.cached()
    def answer(question: str) -> str:
        return ANSWER

    asked = questions()
    note("embedding the questions")
    vectors = embedder.embed(asked)
    for question, vector in zip(asked, vectors, strict=True):
        call = answer.call_for(question)
        cache.tiers[0].store.put(_entry(call.key, call.scope, question, semantic.fingerprint))
        semantic.add(call.scope, call.key, vector)
    scope = answer.call_for(asked[0]).scope
    # The rest of the index: vectors at cosines of 0.3 to 0.7 from these, as unrelated questions of one domain are.
    note(f"filling the index to {entries:,} vectors")
    rng = np.random.default_rng(0)
    while len(semantic.index) < entries:
        base = vectors[rng.integers(len(vectors), size=1000)]
        noise = rng.standard_normal(base.shape).astype(np.float32)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        rows = base + noise * rng.uniform(1.0, 3.0, (len(base), 1)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        for row in rows[: entries - len(semantic.index)]:
            question = f"stored question {len(semantic.index)}"
            key = exact_key(b"filler", question)
            cache.tiers[0].store.put(_entry(key, scope, question, semantic.fingerprint))
            semantic.add(scope, key, row)
    settle = getattr(semantic.index, "settle", None)
    if settle is not None:
        note("waiting for the approximate index")
        settle()
    note("asking")
    samples: dict[str, list[float]] = {"semantic": [], "embedding": [], "semantic_over_embedding": []}
    for number, question in enumerate(asked):
        text = question.capitalize() + "?"
        alone = once(lambda text=text: embedder.embed([text]))  # type: ignore[misc]
        whole = once(lambda text=text: answer(text))  # type: ignore[misc]
        receipt = answer.reply(text).receipt
        assert receipt.tier == "semantic", receipt
        if number >= 50:
            samples["semantic"].append(whole)
            samples["embedding"].append(alone)
            samples["semantic_over_embedding"].append(max(0.0, whole - alone))
    note("asking in other words")
    samples["reworded"] = []
    for question in asked:
        text = question.replace("how can i", "what is the way to") + "?"
        whole = once(lambda text=text: answer(text))  # type: ignore[misc]
        if answer.reply(text).receipt.matched_query is not None:
            samples["reworded"].append(whole)
    samples |= measure_opinions(embedder.fingerprint, asked)
    return samples


def measure_opinions(fingerprint: str, asked: list[str]) -> dict[str, list[float]]:
    """What the decision costs per candidate: guards, first and second opinion, on texts not seen before."""
    decision = Verified(fingerprint)
    decision.load()
    samples: dict[str, list[float]] = {"guards": [], "first_opinion": [], "second_opinion": []}
    for number, question in enumerate(asked):
        for kind in samples:
            one = f"{question} on line {number} {kind}"
            two = one.replace("how can i", "what is the way to")
            candidate = Candidate(two, one, 0.9)
            if kind == "guards":
                samples[kind].append(once(lambda one=one, two=two: [guard(two, one) for guard in SURE]))  # type: ignore[misc]
            elif kind == "first_opinion":
                samples[kind].append(once(lambda c=candidate: decision.decide(c)))  # type: ignore[misc]
            else:
                samples[kind].append(once(lambda c=candidate: decision.settle(c)))  # type: ignore[misc]
    return samples


def _entry(key: bytes, scope: bytes, query: str, embedder: str) -> Entry:
    import msgspec

    body = msgspec.msgpack.encode(ANSWER)
    return Entry(key=key, scope=scope, kind="value", body=body, created=time.time(), query=query, embedder=embedder)


def main() -> None:
    """Run the benchmark."""
    parser = options("latency", "Latency of a hit, by tier and surface, beside other caches.")
    parser.add_argument("--entries", type=count, default=100_000, metavar="N", help="vectors in the semantic index")
    parser.add_argument("--rounds", type=count, default=40, help="rounds of 100 samples per subject")
    args = parser.parse_args()
    report = Report("latency", args.out, as_json=args.json)

    from tests.redis_server import RedisServer

    with ExitStack() as stack:
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        bench = Bench(loop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(RedisServer())
        add_tiers(bench, stack, folder, server.url)
        add_memory_peers(bench)
        add_clients(bench, stack)
        with report.progress() as progress:
            task = progress.add_task("measuring", total=args.rounds)
            bench.run(args.rounds, 100, lambda: progress.advance(task))
        samples = dict(bench.samples)
        samples.update(measure_semantic(stack, args.entries, report.aside.print))

    result = {
        name: {"p50_us": quantile(samples[name], 0.5) * 1e6, "p99_us": quantile(samples[name], 0.99) * 1e6}
        for name in ABOUT
        if name in samples
    }
    report.table(
        f"Latency of one hit, microseconds ({args.entries:,} vectors in the semantic index)",
        ("name", "p50", "p99", "what"),
        [(name, f"{v['p50_us']:,.1f}", f"{v['p99_us']:,.1f}", ABOUT[name]) for name, v in result.items()],
    )
    ratios = ratios_of(result)
    report.table("Ratios in this run", ("ratio", "value"), [(k, f"{v:.3f}") for k, v in ratios.items()])
    report.save(result, ratios=ratios)
    report.picture(lambda figure: draw(figure, result))
    report.finish(result)


def ratios_of(result: dict[str, dict[str, float]]) -> dict[str, float]:
    """Ours over the peer it stands beside, medians."""
    pairs = (
        ("memory", "cashews"), ("memory", "aiocache"), ("memory_async", "cashews"), ("memory_async", "aiocache"),
        ("memory", "functools"), ("disk", "diskcache_get"),
        ("redis", "redis_get"), ("wrap", "openai_sdk"), ("semantic", "embedding"), ("reworded", "embedding"),
    )  # fmt: skip
    return {f"{a} / {b}": result[a]["p50_us"] / result[b]["p50_us"] for a, b in pairs if a in result and b in result}


def draw(figure: Any, result: dict[str, dict[str, float]]) -> None:
    """Medians with whiskers to the 99th percentile, on a logarithmic axis."""
    axes = figure.subplots()
    names = sorted(result, key=lambda name: result[name]["p50_us"])
    p50 = [result[n]["p50_us"] for n in names]
    rest = [max(0.0, result[n]["p99_us"] - result[n]["p50_us"]) for n in names]
    colours = ["#009E73" if n in OURS else "#999999" for n in names]
    axes.barh(names, p50, xerr=[[0] * len(names), rest], color=colours, error_kw={"lw": 0.8, "ecolor": "#444444"})
    axes.set_xscale("log")
    axes.set_xlabel("microseconds for one hit: median, whisker to p99 (askonce in green)")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
