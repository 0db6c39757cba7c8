"""A day of customer-support traffic with known answers.

Intents follow a Zipf law (a few questions are asked all the time, most seldom), each time in words drawn
at random; some questions are one-offs that no cache can know. Every request carries a label: the intent,
or a name of its own for a one-off. Two requests with one label have the same answer, two with different
labels do not, so an answer served under another label is a wrong answer.

With ``data`` the wordings are real: Bitext customer support (26,872 utterances, 27 intents,
https://github.com/bitext), one-offs are MS MARCO dev queries (https://microsoft.github.io/msmarco), and the
arrivals those of Azure's 2023 conversation trace (https://github.com/Azure/AzurePublicDataset), an hour
of it stretched to a day. Without it everything is made in code.
"""

from __future__ import annotations

import csv
import gzip
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from . import wordings

DAY_S = 86_400.0
_BITEXT = "bitext_customer_support_27k.tsv.gz"
_MARCO = "msmarco_dev_queries.csv.gz"
_AZURE = "azure_llm_2023_conv.csv.gz"


@dataclass(frozen=True, slots=True)
class Request:
    """One question of one customer.

    Attributes:
        arrival_s: Seconds after midnight.
        text: What is asked.
        label: Names the right answer.
        one_off: True when nobody else asks this.
    """

    arrival_s: float
    text: str
    label: str
    one_off: bool


def make_traffic(
    requests: int,
    *,
    seed: int = 0,
    one_off: float = 0.10,
    zipf: float = 1.0,
    data: Path | None = None,
) -> list[Request]:
    """A day of requests in order of arrival; the same for the same arguments.

    Args:
        requests: How many.
        seed: Seeds everything.
        one_off: Share of one-off questions, 0 to 1.
        zipf: Exponent s: the k-th most common intent is asked k**-s as often as the first.
        data: Folder with the three files named above; None to make everything in code.

    Raises:
        ValueError: A number is out of range, or there are not enough one-off questions.
        FileNotFoundError: ``data`` lacks a file; the message names it.
    """
    if requests < 1 or not 0 <= one_off <= 1 or zipf < 0:
        raise ValueError("requests must be at least 1, one_off between 0 and 1, zipf at least 0")
    rng = random.Random(seed)
    by_intent = bitext_wordings(data) if data else wordings.wordings(seed)
    intents = sorted(by_intent)
    rng.shuffle(intents)
    weights = [1 / (rank + 1) ** zipf for rank in range(len(intents))]
    single = [rng.random() < one_off for _ in range(requests)]
    known = {text.lower() for texts in by_intent.values() for text in texts}
    strangers = iter(_one_offs(sum(single), seed, data, known))
    chosen = iter(rng.choices(intents, weights, k=requests))
    made: list[Request] = []
    for i, arrival in enumerate(arrivals(requests, rng, data)):
        intent = next(chosen)
        if single[i]:
            made.append(Request(arrival, next(strangers), f"one-off-{i}", True))
        else:
            made.append(Request(arrival, rng.choice(by_intent[intent]), intent, False))
    return made


def bitext_wordings(data: Path) -> dict[str, list[str]]:
    """Different utterances of each Bitext intent; one said in two intents is left out."""
    by_text: dict[str, tuple[str, set[str]]] = {}
    for row in _rows(data, _BITEXT, "\t"):
        text = " ".join(row["text"].split())
        by_text.setdefault(text.lower(), (text, set()))[1].add(row["intent"])
    made: dict[str, list[str]] = {}
    for text, intents in by_text.values():
        if len(intents) == 1:
            made.setdefault(next(iter(intents)), []).append(text)
    return made


def _one_offs(count: int, seed: int, data: Path | None, known: set[str]) -> Sequence[str]:
    if data is None:
        return wordings.one_offs(seed, count)
    every = sorted({" ".join(row["query"].split()).lower() for row in _rows(data, _MARCO, ",")} - known)
    if count > len(every):
        raise ValueError(f"{_MARCO} has {len(every)} different queries; {count} one-offs need fewer requests")
    return random.Random(f"{seed}/one-offs").sample(every, count)


def arrivals(count: int, rng: random.Random, data: Path | None) -> list[float]:
    """``count`` times of a day, seconds after midnight, in order."""
    if data is None:
        return _day_curve(count, rng)
    times = [_seconds(row["TIMESTAMP"]) for row in _rows(data, _AZURE, ",")]
    first, last = min(times), max(times)
    scale = (DAY_S - 1) / (last - first)
    # Which requests of the trace take part is drawn; a longer day than the trace reuses its instants.
    whole, rest = divmod(count, len(times))
    drawn = times * whole + rng.sample(times, rest)
    gap = scale * (last - first) / len(times)
    shifted = ((t - first) * scale + (rng.random() * gap if whole else 0.0) for t in drawn)
    return sorted(min(t, DAY_S - 1e-3) for t in shifted)


def _day_curve(count: int, rng: random.Random) -> list[float]:
    """An inhomogeneous Poisson day: quiet nights, a late-morning and an evening peak, and short bursts."""
    minutes = [_rate(minute / 60) for minute in range(1440)]
    for _ in range(12):  # a mailing goes out, a site is down: five minutes at four times the rate
        start = rng.randrange(1435)
        for minute in range(start, start + 5):
            minutes[minute] *= 4
    picks = rng.choices(range(1440), minutes, k=count)
    return sorted(60 * minute + 60 * rng.random() for minute in picks)


def _rate(hour: float) -> float:
    def peak(at: float, width: float) -> float:
        return math.exp(-(((hour - at) / width) ** 2))

    return 0.15 + peak(11, 2.5) + 0.8 * peak(19, 2.5) + 0.5 * peak(15, 3)


def _seconds(stamp: str) -> float:
    # The trace has seven decimals, one more than datetime reads.
    moment, _, fraction = stamp.partition(".")
    return datetime.fromisoformat(moment).timestamp() + float(f"0.{fraction or 0}")


def _rows(data: Path, name: str, delimiter: str) -> Iterator[dict[str, str]]:
    path = data / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; point --data at a folder that holds it, or leave --data out")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        yield from csv.DictReader(lines, delimiter=delimiter, quoting=quoting)


_OPENERS = (
    "Thanks for reaching out about this.",
    "I'm happy to help you with that.",
    "I understand, let's sort this out together.",
    "Good question, here is how it works.",
)
_STEPS = (
    "Sign in and open the section that lists your recent activity.",
    "Select the entry this is about and check that its number matches the one in your confirmation email.",
    "Choose the matching option from the menu on the right-hand side.",
    "Read the short summary, then confirm with the button at the bottom of the page.",
    "You will get an email within a few minutes that repeats what was agreed.",
    "If the page does not load, clear the browser cache or try the mobile app instead.",
    "Please keep your reference at hand, since our colleagues will ask for it.",
    "Changes are possible until the item has been handed over to the carrier.",
    "The amount, if any, goes back to the payment method you used before.",
    "This usually takes two to five working days, depending on your bank.",
)
_CLOSERS = (
    "If anything is unclear, reply here and we will look into it right away.",
    "Is there anything else I can do for you today?",
    "Our team is available every day from eight in the morning to ten at night.",
)


def answer_for(label: str) -> str:
    """The right answer to every request with this label: support prose of about 150 to 200 tokens.

    Different labels have different answers, told apart by the reference they contain.
    """
    mark = blake2b(label.encode(), digest_size=5).hexdigest().upper()
    rng = random.Random(mark)
    steps = rng.sample(_STEPS, 7)
    numbered = " ".join(f"{i}. {step}" for i, step in enumerate(steps, 1))
    return f"{rng.choice(_OPENERS)} (Article {mark}) {numbered} {rng.choice(_CLOSERS)} {rng.choice(_CLOSERS)}"
