"""What a cache saves in front of a rate-limited model, and what it costs in wrong answers.

A day of customer-support traffic (:mod:`.traffic`) is replayed against a local OpenAI-compatible service
that enforces 60 requests/min, 200,000 tokens/min, 2,000,000 tokens/day and 10 calls at once. The client is
the real ``AsyncOpenAI`` with its default retries; time is virtual (:mod:`.virtual_time`), so waiting is
free and computing counts. Policies side by side:

``none``: no cache. ``exact``: askonce's memory and disk tiers. ``cosine:0.8`` and ``cosine:0.9``: the same
with a semantic tier that serves whatever is that similar. ``askonce``: the defaults.

How the figures are made:

- *saved* tokens and money: 1 - sent upstream / what the answered requests would cost without a cache.
- *saved* latency: 1 - mean latency / mean latency of ``none``, over answered requests.
- hit rate: requests answered without an upstream call of their own, of all requests.
- wrong-hit rate: hits whose text is not the answer to the request's label, of all hits.
- waited: answered, but only after at least one 429. failed: no answer after the SDK's retries.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from askonce import Audits, Cache, MemoryStore, SemanticTier, Threshold, receipt_of
from askonce.upstream import cost_usd, estimate_chat, estimate_tokens
from askonce.upstream.local_answers import question_of
from askonce.upstream.local_limits import Limits
from askonce.upstream.local_model import Latency, LocalModel
from askonce.upstream.local_transport import LocalTransport

from .report import COLOURS, Report, bars, count, options, quantile
from .traffic import DAY_S, Request, answer_for, make_traffic
from .virtual_time import VirtualClock, VirtualTimeLoop, run_virtual, sleep_until

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODEL = "gpt-4o-mini"
LIMITS = Limits(requests_per_minute=60, tokens_per_minute=200_000, tokens_per_day=2_000_000, concurrent=10)
MIDNIGHT = 1_700_006_400.0  # 2023-11-15 00:00 UTC: a day's tokens last the whole replay
SYSTEM = (
    "You are the support assistant of an online shop. Answer politely and in the language of the customer, "
    "in short numbered steps, and never invent an order number or a price."
)
MAX_TOKENS = 300
DEFAULT_REQUESTS = 12_000


def messages_for(text: str) -> list[Any]:
    """The chat of one request."""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


# --- policies ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Policy:
    """A way to put a cache in front of the client, or none.

    Attributes:
        name: As in the results.
        make: Gives the cache (or None) from its directory and clock.
    """

    name: str
    make: Callable[[Path, VirtualClock], Cache | None]


def _cached(
    semantic: Callable[[], SemanticTier | bool | None], audits: Audits | bool = False
) -> Callable[[Path, VirtualClock], Cache]:
    def make(directory: Path, clock: VirtualClock) -> Cache:
        from askonce.backends.disk import DiskStore

        return Cache(tiers=[MemoryStore(), DiskStore(directory)], semantic=semantic(), clock=clock, audits=audits)

    return make


def _cosine(threshold: float) -> Policy:
    decision = Threshold(threshold, guards=())
    return Policy(f"cosine:{threshold}", _cached(lambda: SemanticTier(decision=decision)))


POLICIES = (
    Policy("none", lambda directory, clock: None),
    Policy("exact", _cached(lambda: None)),
    _cosine(0.8),
    _cosine(0.9),
    # The local service repeats itself word by word, so that audits need no judgement.
    Policy("askonce", _cached(lambda: True, Audits(compare="exact"))),
)


@contextmanager
def _honest(cache: Cache | None, loop: VirtualTimeLoop) -> Iterator[None]:
    """Count the real time of embeddings, which are computed in the cache's own threads."""
    semantic: Any = getattr(cache, "semantic", None)
    if semantic is not None:
        semantic.embed = loop.hold_calls(semantic.embed)
    yield


# --- one replay ----------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What one policy did with the day.

    Attributes:
        requests: All of them.
        latencies: Seconds from question to answer, answered requests.
        tiers: Hits by tier.
        wrong: Hits with the answer to another label, by tier.
        waited: Answered after at least one 429.
        failed: Not answered, by the error's name.
        rejected: 429s sent by the service.
        tokens, money: Sent upstream: tokens, US dollars.
        worth_tokens, worth_money: What the answered requests cost without a cache.
        hourly_tokens: Tokens sent upstream in each hour of the day.
        examples: A few wrong hits: asked, served for, similarity.
    """

    name: str
    requests: int = 0
    latencies: list[float] = field(default_factory=list)
    tiers: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    waited: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    tokens: int = 0
    money: float = 0.0
    worth_tokens: int = 0
    worth_money: float = 0.0
    hourly_tokens: list[int] = field(default_factory=lambda: [0] * 24)
    examples: list[tuple[str, str, float]] = field(default_factory=list)

    @property
    def hits(self) -> int:
        return self.tiers.total()

    @property
    def answered(self) -> int:
        return len(self.latencies)

    def figures(self, without: Outcome) -> dict[str, float]:
        """The published figures, all fractions; ``without`` is the outcome of policy ``none``."""
        mean = fmean(self.latencies) if self.latencies else 0.0
        base = fmean(without.latencies) if without.latencies else 0.0
        return {
            "tokens_saved": _saved(self.tokens, self.worth_tokens),
            "money_saved": _saved(self.money, self.worth_money),
            "latency_saved": _saved(mean, base),
            "hit_rate": self.hits / self.requests,
            "wrong_hit_rate": self.wrong.total() / self.hits if self.hits else 0.0,
            "waited": self.waited / self.requests,
            "failed": self.failed.total() / self.requests,
        }


def _saved(sent: float, worth: float) -> float:
    return round(1 - sent / worth, 6) if worth > 0 else 0.0


_refusals: ContextVar[list[int]] = ContextVar("refusals")


async def _count_refusals(response: httpx2.Response) -> None:
    if response.status_code == 429:
        # The request's own list: tasks made on its behalf inherit the context and so the list.
        _refusals.get([]).append(429)


async def replay(
    loop: VirtualTimeLoop,
    policy: Policy,
    traffic: Sequence[Request],
    directory: Path,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Outcome:
    """Play ``traffic`` through ``policy``; ``tick`` is called once a request."""
    labels = {request.text: request.label for request in traffic}
    model = LocalModel(
        lambda payload: answer_for(labels[question_of(payload)]), limits=LIMITS, latency=Latency(seed=seed)
    )
    outcome = Outcome(policy.name, requests=len(traffic))
    clock = VirtualClock(loop, MIDNIGHT)
    start = loop.time()
    transport = httpx2.AsyncClient(transport=LocalTransport(model, clock), event_hooks={"response": [_count_refusals]})
    client = openai.AsyncOpenAI(api_key="local", http_client=transport)
    cache = policy.make(directory, clock)
    asked = client if cache is None else cache.wrap(client)
    try:
        with _honest(cache, loop):
            tasks: set[asyncio.Task[None]] = set()
            for request in traffic:
                await sleep_until(loop, start + request.arrival_s)
                task = loop.create_task(_one(loop, asked, request, outcome))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                hour = min(23, int((clock.now() - MIDNIGHT) // 3600))
                outcome.hourly_tokens[hour] = model.tokens  # running total; made into differences below
                tick()
            await asyncio.gather(*tasks)
    finally:
        if cache is not None:
            await cache.aclose()
        await client.close()
    outcome.rejected = model.rejected
    outcome.tokens = model.tokens
    outcome.money = cost_usd(MODEL, model.prompt_tokens, model.completion_tokens)
    outcome.hourly_tokens[23] = model.tokens
    outcome.hourly_tokens = _differences(outcome.hourly_tokens)
    return outcome


async def _one(loop: VirtualTimeLoop, client: openai.AsyncOpenAI, request: Request, outcome: Outcome) -> None:
    refusals: list[int] = []
    _refusals.set(refusals)
    began = loop.time()
    messages = messages_for(request.text)
    try:
        answer = await client.chat.completions.create(
            model=MODEL, messages=messages, max_tokens=MAX_TOKENS, temperature=0
        )
    except openai.APIError as error:
        outcome.failed[type(error).__name__] += 1
        return
    outcome.latencies.append(loop.time() - began)
    right = answer_for(request.label)
    prompt, completion = estimate_chat(messages), estimate_tokens(right)
    outcome.worth_tokens += prompt + completion
    outcome.worth_money += cost_usd(MODEL, prompt, completion)
    if refusals:
        outcome.waited += 1
    receipt = receipt_of(answer)
    if receipt is None or not receipt.hit:
        return
    tier = receipt.tier or receipt.status
    outcome.tiers[tier] += 1
    if answer.choices[0].message.content != right:
        outcome.wrong[tier] += 1
        if len(outcome.examples) < 20:
            outcome.examples.append((request.text, receipt.matched_query or "", receipt.similarity or 0.0))


def _differences(totals: list[int]) -> list[int]:
    made, before = [], 0
    for total in totals:
        total = max(total, before)  # an hour without requests has no total of its own
        made.append(total - before)
        before = total
    return made


# --- the report ----------------------------------------------------------------------------------------


def rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """The table: one row a policy."""
    made = []
    for o in outcomes:
        f = o.figures(outcomes[0])
        tiers = ", ".join(f"{tier} {n / o.requests:.1%}" for tier, n in o.tiers.most_common()) or "-"
        wrong = f"{o.wrong.total():,} of {o.hits:,} ({f['wrong_hit_rate']:.2%})" if o.hits else "-"
        made.append(
            [
                o.name,
                f"{o.tokens:,}",
                f"{f['tokens_saved']:.1%}",
                f"${o.money:.2f}",
                f"{f['hit_rate']:.1%}",
                tiers,
                wrong,
                f"{fmean(o.latencies):.2f}" if o.latencies else "-",
                f"{quantile(o.latencies, 0.5):.2f}",
                f"{quantile(o.latencies, 0.95):.2f}",
                f"{f['latency_saved']:.1%}",
                f"{o.waited:,}",
                f"{o.failed.total():,}",
            ]
        )
    return made


COLUMNS = (
    "policy", "tokens sent", "saved", "money", "hits", "by tier", "wrong hits",
    "mean s", "p50 s", "p95 s", "saved", "waited", "failed",
)  # fmt: skip


def draw(figure: Figure, outcomes: Sequence[Outcome]) -> None:
    """Tokens over the day, what is saved, and what it costs."""
    curve, saved, wrong = figure.subplots(1, 3, width_ratios=[1.5, 1.6, 1])
    for colour, o in zip(COLOURS, outcomes, strict=False):
        total, running = 0, []
        for tokens in o.hourly_tokens:
            total += tokens
            running.append(total / 1e6)
        curve.plot(range(1, 25), running, label=o.name, color=colour, linewidth=2)
    curve.axhline(
        LIMITS.tokens_per_day / 1e6 if LIMITS.tokens_per_day else 0, color="black", linestyle=":", linewidth=1
    )
    curve.set_title("tokens sent upstream, millions (dotted: the day's limit)", fontsize=9)
    curve.set_xlabel("hour of the day", fontsize=9)
    curve.legend(fontsize=8, frameon=False)
    curve.spines[["top", "right"]].set_visible(False)
    figures = {o.name: o.figures(outcomes[0]) for o in outcomes}
    cached = list(figures)[1:] or list(figures)
    width = 0.8 / 3
    for i, (key, title) in enumerate(
        (("tokens_saved", "tokens"), ("latency_saved", "mean latency"), ("hit_rate", "hit rate"))
    ):
        places = [at + i * width for at in range(len(cached))]
        drawn = saved.bar(places, [figures[n][key] for n in cached], width, label=title, color=COLOURS[5 - 2 * i])
        saved.bar_label(drawn, labels=[f"{figures[n][key]:.0%}" for n in cached], fontsize=7, padding=1)
    saved.set_xticks([at + width for at in range(len(cached))], cached, fontsize=8)
    saved.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    saved.set_title("saved, and hit rate", fontsize=9)
    saved.legend(fontsize=8, frameon=False)
    saved.spines[["top", "right"]].set_visible(False)
    bars(
        wrong,
        "wrong hits, of all hits",
        {n: figures[n]["wrong_hit_rate"] for n in cached},
        "{:.2%}",
        colours=COLOURS[1:],
    )


def run(requests: int, seed: int, data: Path | None, policies: Sequence[Policy], report: Report) -> list[Outcome]:
    """Replay the same day through each policy."""
    traffic = make_traffic(requests, seed=seed, data=data)
    outcomes = []
    with report.progress() as progress, tempfile.TemporaryDirectory(prefix="askonce-savings-") as scratch:
        for i, policy in enumerate(policies):
            task = progress.add_task(policy.name, total=len(traffic))
            outcomes.append(
                run_virtual(
                    lambda loop, policy=policy, i=i, task=task: replay(  # type: ignore[misc]
                        loop, policy, traffic, Path(scratch) / str(i), seed, lambda: progress.advance(task)
                    )
                )
            )
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = options("savings", "Tokens, money and time a cache saves on a day of support traffic.")
    parser.add_argument("--requests", type=count, default=DEFAULT_REQUESTS, help=f"default: {DEFAULT_REQUESTS}")
    parser.add_argument("--policies", default="", metavar="A,B", help="only these, besides none (default: all)")
    asked = parser.parse_args(arguments)
    wanted = {name for name in asked.policies.split(",") if name} or {p.name for p in POLICIES}
    if unknown := wanted - {p.name for p in POLICIES}:
        parser.error(f"unknown policies {sorted(unknown)}; there are {[p.name for p in POLICIES]}")
    chosen = [p for p in POLICIES if p.name == "none" or p.name in wanted]
    report = Report("savings", asked.out, as_json=asked.json)
    outcomes = run(asked.requests, asked.seed, asked.data, chosen, report)
    result = {o.name: o.figures(outcomes[0]) for o in outcomes}
    source = f"real data ({asked.data.name})" if asked.data else "data made in code"
    report.table(
        f"{asked.requests:,} requests in {DAY_S / 3600:.0f} h, {source}, seed {asked.seed}; latencies in seconds",
        COLUMNS,
        rows(outcomes),
        "saved: against the same answers without a cache. wrong hits: the answer belongs to another question.",
    )
    report.save(
        result,
        settings={"requests": asked.requests, "seed": asked.seed, "data": asked.data is not None},
        details={o.name: details(o) for o in outcomes},
    )
    report.picture(lambda figure: draw(figure, outcomes), 13.0, 4.5)
    report.finish(result)
    return 0


def details(o: Outcome) -> dict[str, Any]:
    """Everything else that was measured, for the file."""
    return {
        "tokens_sent": o.tokens,
        "money_sent_usd": round(o.money, 4),
        "hits_by_tier": dict(o.tiers),
        "wrong_by_tier": dict(o.wrong),
        "latency_s": {
            "mean": round(fmean(o.latencies), 4) if o.latencies else None,
            "p50": round(quantile(o.latencies, 0.5), 4),
            "p95": round(quantile(o.latencies, 0.95), 4),
        },
        "answered": o.answered,
        "waited": o.waited,
        "failed": dict(o.failed),
        "rejected_429": o.rejected,
        "wrong_examples": o.examples,
    }


if __name__ == "__main__":
    sys.exit(main())
