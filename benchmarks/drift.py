"""A month in which facts change: how many answers are served that are no longer true?

    python -m benchmarks.drift --json

Topics are asked about by a Zipf law, evenly over the days; half-way the facts of a fifth of them change, all at
once or one by one (``--spread``), and nobody tells the cache. An answer made before the change of its fact and
served after it is *unsafe*. Topics are grouped into documents, whose tag their answers carry; the facts that change
are drawn among the topics (``--together``: among the documents).

The cache is the real one, exact tiers only, on a clock of the simulation's own, with ``Cache(audits=..., drift=...)``
as a user would set them; the comparison that audits make errs in both directions.
"""

from __future__ import annotations

import math
import random
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from askonce import Cache, ManualClock, MemoryStore, Policy
from askonce.cache.audit import Audits
from askonce.cache.drift_policy import DriftPolicy, DriftSettings
from askonce.cache.policy import Answer
from askonce.entry import Usage

from .report import COLOURS, Report, bars, count, options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DAY_S = 86400.0
DAYS = 30
WEEK_S = 7 * DAY_S
CHANGED = 0.2
TOPICS_A_DOCUMENT = 10
FALSE_ALARM = 0.02
"""Share of audits of a true answer that say it differs: the model put it in other words."""
OVERLOOKED = 0.05
"""Share of audits of an unsafe answer that say it agrees."""
USAGE = Usage(180, 120)
DEFAULT_CALLS = 30_000
DEFAULT_TOPICS = 300


@dataclass(frozen=True)
class Month:
    """The traffic, the same for every strategy.

    Attributes:
        asked: (second, topic), in order.
        changed: Second at which the fact of a topic changes, for those that do.
        topics: How many there are.
    """

    asked: Sequence[tuple[float, int]]
    changed: Mapping[int, float]
    topics: int

    @property
    def half(self) -> float:
        return DAYS * DAY_S / 2

    def version(self, topic: int, second: float) -> int:
        """Of the topic's fact."""
        return 1 + (second >= self.changed.get(topic, math.inf))


def document(topic: int, topics: int) -> str:
    """The tag of the document that answers about ``topic`` are made from; popular topics are spread over all."""
    return f"doc:{topic % max(1, topics // TOPICS_A_DOCUMENT)}"


def make_month(calls: int, topics: int, seed: int, together: bool = False, spread: float = 0.0) -> Month:
    """Draw the traffic and the facts that change, within ``spread`` days from half-way on."""
    rng = random.Random(f"drift {seed}")
    weights = list(accumulate(1 / rank for rank in range(1, topics + 1)))
    seconds = sorted(rng.random() * DAYS * DAY_S for _ in range(calls))
    asked = [(second, bisect_right(weights, rng.random() * weights[-1])) for second in seconds]
    if together:
        documents = sorted({document(topic, topics) for topic in range(topics)})
        hit = set(rng.sample(documents, max(1, round(CHANGED * len(documents)))))
        changed = {topic for topic in range(topics) if document(topic, topics) in hit}
    else:
        changed = set(rng.sample(range(topics), round(CHANGED * topics)))
    half = DAYS * DAY_S / 2
    return Month(asked, {topic: half + spread * DAY_S * rng.random() for topic in sorted(changed)}, topics)


# --- strategies ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Strategy:
    """A way to keep answers from ageing.

    Attributes:
        name: As in the results.
        ttl: Seconds an answer may live, or None.
        audits: Share of the hits that is audited: those that are due by the drift policy, else drawn by chance.
        drift: With a drift policy, its defaults but for the share.
        sources: The call says which version of its fact it wants.
    """

    name: str
    ttl: float | None
    audits: float = 0.0
    drift: bool = False
    sources: bool = False


def strategies(rate: float) -> tuple[Strategy, ...]:
    """All of them; ``rate`` is the share of hits that is audited."""
    return (
        Strategy("none", None),
        Strategy("ttl 7 d", WEEK_S),
        Strategy("ttl 1 d", DAY_S),
        Strategy("random audits", WEEK_S, rate),
        Strategy("drift policy", WEEK_S, rate, drift=True),
        Strategy("source tags", WEEK_S, sources=True),
    )


@dataclass
class Outcome:
    """What one strategy did with the month.

    Attributes:
        served: Answers from the cache, by day.
        unsafe: Those that were no longer true, by day.
        calls: All questions.
        upstream: Calls for callers.
        audits: Calls for audits.
        over: Audits left out because the day's tokens were used up.
        alarms: Tags and scopes retired.
        false_alarms: Those before anything had changed.
        longest: Days from the change of a fact to the last unsafe answer about it, at most.
    """

    name: str
    served: list[int] = field(default_factory=lambda: [0] * DAYS)
    unsafe: list[int] = field(default_factory=lambda: [0] * DAYS)
    calls: int = 0
    upstream: int = 0
    audits: int = 0
    over: int = 0
    alarms: int = 0
    false_alarms: int = 0
    longest: float = 0.0

    def figures(self) -> dict[str, float]:
        """The published figures: shares of served answers and of calls, counts, days."""
        served, unsafe = sum(self.served), sum(self.unsafe)
        return {
            "unsafe": round(unsafe / served, 6) if served else 0.0,
            "hit_rate": round(served / self.calls, 6),
            "upstream": self.upstream + self.audits,
            "audits": self.audits,
            "audits_share": round(self.audits / self.calls, 6),
            "alarms": self.alarms,
            "false_alarms": self.false_alarms,
            "longest_days": round(self.longest, 2),
        }


class Keeper:
    """One strategy at work: a cache, and who asks it."""

    def __init__(self, strategy: Strategy, month: Month, seed: int, tokens_per_day: int) -> None:
        self.strategy = strategy
        self.month = month
        self.clock = ManualClock()
        self.start = self.clock.now()
        self.rng = random.Random(f"{strategy.name} {seed}")
        self.outcome = Outcome(strategy.name, calls=len(month.asked))
        drift, rate = None, strategy.audits
        if strategy.drift:
            drift = DriftPolicy(DriftSettings(audit_rate=rate), clock=self.clock)
        audits = Audits(0.0, exact_rate=rate, exact_after=0.0, tokens_per_day=tokens_per_day, compare=self.compare)
        self.drift = drift
        self.cache = Cache(
            [MemoryStore(clock=self.clock)],
            semantic=False,
            clock=self.clock,
            policy=Policy(ttl=strategy.ttl),
            audits=audits if rate else False,
            drift=drift,
            rng=random.Random(seed),
        )

    def answer(self, topic: int) -> Answer:
        """The model's answer now; its text is the version of the fact."""
        version = self.month.version(topic, self.clock.now() - self.start)
        return Answer(kind="value", body=str(version).encode(), usage=USAGE, model="model", value=version)

    def compare(self, served: object, fresh: object) -> bool:
        """Whether a served answer and a fresh one agree, as a judge who errs would say."""
        return self.rng.random() >= FALSE_ALARM if served == fresh else self.rng.random() < OVERLOOKED

    def ask(self, second: float, topic: int) -> None:
        """One question of the month, and its audit, if there is one, to its end."""
        self.clock.advance(self.start + second - self.clock.now())
        fact = self.month.version(topic, second)
        tags = {f"fact:{topic}": f"v{fact}"} if self.strategy.sources else [document(topic, self.month.topics)]
        call = self.cache.call(["support"], f"topic {topic}", model="model", tags=tags)
        alarms = self.alarms
        outcome, receipt = self.cache.run(call, None, lambda: self.answer(topic))
        assert not receipt.audited or self.cache.learning.wait()
        if second < self.month.half:
            self.outcome.false_alarms += self.alarms - alarms
        if not receipt.hit or outcome.found is None:
            self.outcome.upstream += 1
            return
        day, served = int(second // DAY_S), int(outcome.found.entry.body)
        self.outcome.served[day] += 1
        if served != fact:
            self.outcome.unsafe[day] += 1
            late = (second - self.month.changed[topic]) / DAY_S
            self.outcome.longest = max(self.outcome.longest, late)

    @property
    def alarms(self) -> int:
        """Tags and scopes the drift policy has retired so far."""
        return self.drift.alarms if self.drift is not None else 0

    def end(self) -> Outcome:
        """What came of it."""
        stats, outcome = self.cache.stats(), self.outcome
        outcome.audits, outcome.over, outcome.alarms = stats.audits, stats.audits_skipped, self.alarms
        return outcome


def replay(
    strategy: Strategy, month: Month, seed: int, tokens_per_day: int, tick: Callable[[], None] = lambda: None
) -> Outcome:
    """The month under one strategy; ``tick`` is called once a question."""
    keeper = Keeper(strategy, month, seed, tokens_per_day)
    with keeper.cache:
        for second, topic in month.asked:
            keeper.ask(second, topic)
            tick()
        return keeper.end()


# --- the report -------------------------------------------------------------------------------------------

COLUMNS = (
    "strategy",
    "unsafe, of served",
    "hit rate",
    "upstream calls",
    "for audits",
    "alarms",
    "false",
    "longest, days",
)


def rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """The table: one row a strategy."""
    made = []
    for o in outcomes:
        f = o.figures()
        made.append(
            [
                o.name,
                f"{f['unsafe']:.2%}",
                f"{f['hit_rate']:.1%}",
                f"{f['upstream']:,.0f}",
                f"{o.audits:,} ({f['audits_share']:.1%})" if o.audits else "-",
                f"{o.alarms:,}",
                f"{o.false_alarms:,}",
                f"{o.longest:.1f}",
            ]
        )
    return made


def draw(figure: Figure, outcomes: Sequence[Outcome]) -> None:
    """Unsafe answers over the days, in all, and what it costs."""
    curve, unsafe, hits = figure.subplots(1, 3, width_ratios=[1.6, 1, 1])
    for colour, o in zip(COLOURS, outcomes, strict=False):
        shares = [bad / all_ if all_ else 0.0 for bad, all_ in zip(o.unsafe, o.served, strict=True)]
        curve.plot(range(1, DAYS + 1), shares, label=o.name, color=colour, linewidth=2)
    curve.set_title("unsafe answers, of all served that day", fontsize=9)
    curve.set_xlabel("day", fontsize=9)
    curve.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    curve.legend(fontsize=8, frameon=False)
    curve.spines[["top", "right"]].set_visible(False)
    figures = {o.name: o.figures() for o in outcomes}
    bars(unsafe, "unsafe answers, of all served", {n: f["unsafe"] for n, f in figures.items()}, "{:.2%}")
    bars(hits, "hit rate", {n: f["hit_rate"] for n, f in figures.items()}, "{:.1%}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = options("drift", "Answers served after their fact has changed, over a simulated month.")
    parser.add_argument("--calls", type=count, default=DEFAULT_CALLS, help=f"default: {DEFAULT_CALLS}")
    parser.add_argument("--topics", type=count, default=DEFAULT_TOPICS, help=f"default: {DEFAULT_TOPICS}")
    parser.add_argument("--audits", type=float, default=0.03, metavar="SHARE", help="of the hits; default: 0.03")
    parser.add_argument("--tokens", type=count, default=30_000, help="for audits a day; default: 30000")
    parser.add_argument("--together", action="store_true", help="whole documents change, not facts here and there")
    parser.add_argument(
        "--spread", type=float, default=0.0, metavar="DAYS", help="facts change one by one over so many days (0 to 15)"
    )
    asked = parser.parse_args(arguments)
    if not 0 <= asked.audits <= 1:
        parser.error(f"--audits is {asked.audits}; it is a share from 0 to 1")
    if not 0 <= asked.spread <= DAYS / 2:
        parser.error(f"--spread is {asked.spread}; it is a number of days from 0 to {DAYS // 2}")
    report = Report("drift", asked.out, as_json=asked.json)
    month = make_month(asked.calls, asked.topics, asked.seed, asked.together, asked.spread)
    outcomes = []
    with report.progress() as progress:
        for strategy in strategies(asked.audits):
            task = progress.add_task(strategy.name, total=len(month.asked))
            outcomes.append(
                replay(strategy, month, asked.seed, asked.tokens, lambda task=task: progress.advance(task))  # type: ignore[misc]
            )
    result: dict[str, Any] = {o.name: o.figures() for o in outcomes}
    report.table(
        f"{asked.calls:,} questions on {asked.topics:,} topics in {DAYS} days; the facts of {CHANGED:.0%} "
        f"of the topics change half-way{f', over {asked.spread:g} days' if asked.spread else ''}"
        f"{', by document' if asked.together else ''}; seed {asked.seed}",
        COLUMNS,
        rows(outcomes),
        f"audits: {asked.audits:.1%} of the hits, {asked.tokens:,} tokens a day at most; {FALSE_ALARM:.0%} of them "
        f"call a true answer different, {OVERLOOKED:.0%} an unsafe one the same.",
    )
    report.save(
        result,
        settings={
            "calls": asked.calls,
            "topics": asked.topics,
            "audits": asked.audits,
            "tokens_per_day": asked.tokens,
            "together": asked.together,
            "spread_days": asked.spread,
            "seed": asked.seed,
        },
        details={o.name: {"served": o.served, "unsafe": o.unsafe, "over": o.over} for o in outcomes},
    )
    report.picture(lambda figure: draw(figure, outcomes), 13.0, 4.5)
    report.finish(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
