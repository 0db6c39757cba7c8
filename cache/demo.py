"""The demo: customer-support traffic through a decorated function and a wrapped OpenAI client, with and
without the cache, against the local OpenAI-compatible model over real HTTP with real rate limits.

Nothing leaves the machine. The model answers each intent with its own text, so an answer that was made
for another intent is seen, and counted as wrong.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import openai

from ..backends.contract import Store
from ..clock import SYSTEM_CLOCK
from ..entry import Usage
from ..upstream.local_answers import question_of
from ..upstream.local_limits import Limits
from ..upstream.local_model import Latency, LocalModel
from ..upstream.local_server import LocalServer
from ..upstream.tokens import cost_usd
from .commands.demo_questions import Question, answer_to, intents_by_text, mark_of, traffic
from .core import SNAPSHOT_NAME, Cache
from .keeping import FILE as BUDGET
from .negatives import DATABASE as NEGATIVES
from .receipt import Receipt, last_receipt, receipt_of

MODEL = "gpt-4o"
SYSTEM = "You are the support agent of a shop for home and outdoor goods. Answer in a few short sentences."
#: The client's base URL is part of every key, and the real port is another in every run.
BASE_URL = "http://local-model/v1"
LATENCY = Latency(first_token_s=0.015, per_token_s=0.0003, jitter=0.2)
SURFACES = ("function", "client")
UPSTREAM = "model"

Tick = Callable[[str], None]


class Served(NamedTuple):
    """One answered request.

    Attributes:
        surface: ``"function"`` or ``"client"``.
        where: The tier that answered, ``"joined"`` or ``"model"``.
        ms: Milliseconds until the answer was there.
        usage: Tokens sent and received for it.
        wrong: Whether the answer belongs to another intent.
        ended: Monotonic seconds at which it was there.
        receipt: None without a cache.
    """

    surface: str
    where: str
    ms: float
    usage: Usage
    wrong: bool
    ended: float
    receipt: Receipt | None = None


class Leg(NamedTuple):
    """One way through the traffic: what was served, in the order of the answers; requests the rate limit
    ``refused``; seconds it took; and after how many answers the service was restarted (0 = never)."""

    served: list[Served]
    refused: int
    wall_s: float
    restarted_after: int = 0

    def of(self, surface: str) -> Leg:
        """The part of one surface."""
        return Leg([one for one in self.served if one.surface == surface], 0, self.wall_s)

    @property
    def where(self) -> Counter[str]:
        """How many each tier answered."""
        return Counter(one.where for one in self.served)

    @property
    def hits(self) -> int:
        """Requests that cost no call of their own."""
        return sum(one.where != UPSTREAM for one in self.served)

    @property
    def wrong(self) -> int:
        """Hits with the answer of another intent."""
        return sum(one.wrong for one in self.served if one.where != UPSTREAM)

    @property
    def tokens(self) -> int:
        return sum(one.usage.total for one in self.served)

    @property
    def money(self) -> float:
        """US dollars at list price."""
        prompt = sum(one.usage.prompt_tokens for one in self.served)
        return cost_usd(MODEL, prompt, sum(one.usage.completion_tokens for one in self.served))

    def latency(self, share: float | None = None) -> float:
        """Milliseconds: the mean, or the quantile at ``share``."""
        times = sorted(one.ms for one in self.served)
        if share is None:
            return sum(times) / max(1, len(times))
        return times[min(len(times) - 1, int(share * len(times)))] if times else 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "calls": len(self.served),
            "answered_by": dict(self.where),
            "hits": self.hits,
            "wrong_hits": self.wrong,
            "refused_429": self.refused,
            "tokens": self.tokens,
            "money_usd": self.money,
            "latency_mean_ms": self.latency(),
            "latency_p50_ms": self.latency(0.5),
            "latency_p95_ms": self.latency(0.95),
            "wall_s": self.wall_s,
        }


class _ToLoopback(httpx2.HTTPTransport):
    """Sends requests for :data:`BASE_URL` to the server's port on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        sent = httpx2.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return super().handle_request(sent)


class Service:
    """A support service with two surfaces on one client.

    Args:
        client: An OpenAI client.
        cache: None = the bare service.
    """

    def __init__(self, client: openai.OpenAI, cache: Cache | None) -> None:
        self._bare = client
        self._spent = threading.local()
        self._client = client if cache is None else cache.wrap(client)
        self._cached = cache is not None
        self._function: Callable[[str], str] = self._ask
        if cache is not None:
            self._function = cache.cached(name="askonce.demo.support_answer", query="question", model=MODEL)(self._ask)

    def _ask(self, question: str) -> str:
        """The function a team would decorate: one question in, text out."""
        made = self._complete(self._bare, question)
        self._spent.usage = _usage(made)
        return made.choices[0].message.content or ""

    def _complete(self, client: openai.OpenAI, question: str) -> Any:
        messages: Any = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        return client.chat.completions.create(model=MODEL, messages=messages)

    def serve(self, surface: str, question: Question) -> Served:
        """Answer one customer."""
        self._spent.usage = Usage()
        started = SYSTEM_CLOCK.monotonic()
        if surface == "function":
            text = self._function(question.text)
            ended = SYSTEM_CLOCK.monotonic()
            receipt = last_receipt() if self._cached else None
            usage: Usage = self._spent.usage
        else:
            made = self._complete(self._client, question.text)
            ended = SYSTEM_CLOCK.monotonic()
            text = made.choices[0].message.content or ""
            receipt = receipt_of(made) if self._cached else None
            usage = _usage(made) if receipt is None or not receipt.hit else Usage()
        where = UPSTREAM
        if receipt is not None and receipt.hit:
            where = receipt.tier or receipt.status
        wrong = not text.startswith(mark_of(question.intent))
        return Served(surface, where, (ended - started) * 1000, usage, wrong, ended, receipt)


def _usage(made: Any) -> Usage:
    return Usage(made.usage.prompt_tokens, made.usage.completion_tokens)


@contextmanager
def _serving(calls: int) -> Iterator[tuple[LocalModel, openai.OpenAI]]:
    """The local model, a little too narrow for ``calls`` requests at once, and a client for it."""
    intents = intents_by_text()
    model = LocalModel(
        lambda payload: answer_to(intents[question_of(payload)]),
        limits=Limits(requests_per_minute=max(120, int(0.9 * calls)), tokens_per_minute=1_000_000, concurrent=10),
        latency=LATENCY,
    )
    with ExitStack() as stack:
        server = stack.enter_context(LocalServer(model))
        http = httpx2.Client(transport=_ToLoopback(server.port))
        # Retries: a caller without a cache has to sit the rate limit out.
        client = openai.OpenAI(base_url=BASE_URL, api_key="local", http_client=http, max_retries=60)
        stack.callback(client.close)
        yield model, client


def _play(service: Service, questions: Sequence[Question], tick: Tick) -> list[Served]:
    """All questions on both surfaces: each surface takes them one after the other, both at the same time."""

    def surface(name: str) -> list[Served]:
        made: list[Served] = []
        for question in questions:
            if question.at_once == 1:
                made.append(service.serve(name, question))
            else:
                with ThreadPoolExecutor(question.at_once) as crowd:
                    made += crowd.map(lambda _, q=question: service.serve(name, q), range(question.at_once))
            tick(name)
        return made

    with ThreadPoolExecutor(len(SURFACES)) as pool:
        parts = list(pool.map(surface, SURFACES))
    return sorted((one for part in parts for one in part), key=lambda one: one.ended)


def without_cache(questions: Sequence[Question], tick: Tick = lambda name: None) -> Leg:
    """The traffic straight to the model."""
    with _serving(_calls(questions)) as (model, client):
        started = SYSTEM_CLOCK.monotonic()
        served = _play(Service(client, None), questions, tick)
        return Leg(served, model.rejected, SYSTEM_CLOCK.monotonic() - started)


def with_cache(questions: Sequence[Question], open_cache: Callable[[], Cache], tick: Tick = lambda name: None) -> Leg:
    """The same traffic through a cache; half way the service restarts, so that memory starts empty while
    disk and index are there. Calls that a cache makes behind its callers (audits) are in none of the figures."""
    half = len(questions) // 2
    with _serving(_calls(questions)) as (model, client):
        started = SYSTEM_CLOCK.monotonic()
        with open_cache() as cache:
            served = _play(Service(client, cache), questions[:half], tick)
        restarted = len(served)
        with open_cache() as cache:
            served += _play(Service(client, cache), questions[half:], tick)
        return Leg(served, model.rejected, SYSTEM_CLOCK.monotonic() - started, restarted)


def _calls(questions: Sequence[Question]) -> int:
    return len(SURFACES) * sum(question.at_once for question in questions)


def forget(store: Store, directory: Path) -> None:
    """Empty the demo's store and drop its index; no other file is touched."""
    store.clear()
    for name in (SNAPSHOT_NAME, NEGATIVES, BUDGET):
        (directory / name).unlink(missing_ok=True)


def examples(leg: Leg, count: int = 3) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The most distant wordings that were served, and similar questions that were told apart and why."""
    reworded: dict[tuple[str, str], dict[str, Any]] = {}
    kept_apart: dict[str, dict[str, Any]] = {}
    for one in leg.served:
        receipt = one.receipt
        if receipt is None:
            continue
        if receipt.tier == "semantic" and receipt.matched_query is not None:
            reworded[receipt.query or "", receipt.matched_query] = {
                "asked": receipt.query,
                "answered_as": receipt.matched_query,
                "similarity": receipt.similarity,
                "wrong": one.wrong,
            }
        elif "vetoed: " in receipt.reason and "below" not in receipt.reason:
            why = receipt.reason.partition("vetoed: ")[2]
            kept_apart.setdefault(why, {"asked": receipt.query, "why": why})
    nearest = sorted(reworded.values(), key=lambda row: (not row["wrong"], row["similarity"]))
    return nearest[:count], list(kept_apart.values())[:count]


__all__ = ["Leg", "Question", "Served", "examples", "forget", "traffic", "with_cache", "without_cache"]
