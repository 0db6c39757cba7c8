"""Chinese question pairs made by rules from real questions: near misses (0) and other wordings (1).

``generate`` takes questions and gives pairs ``(a, b, label, kind)``: a is the question, b is what a rule of
``near_misses_zh`` or ``rewordings_zh`` made of it, label 1 means that one answer serves both. The rules are
about what similarity cannot see: a number, a date, a negation, an opposite, who does what to whom; and about
what it should not mind: politeness, particles, another word for the same.

The same questions and the same state of ``rng`` give the same pairs.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from . import near_misses_zh as misses
from . import rewordings_zh as wordings
from .near_misses_zh import Change

ALSO_REWORDED = 0.3
"""Share of pairs whose second text is also reworded, so that a near miss is not always one word away."""

MOST = 4.0
"""No kind may be more than so many times its even share, or every question that names a shop gives another shop."""

LONGEST = 32
"""Most characters of a question that near misses are made of."""


Pair = tuple[str, str, int, str]
"""a, b, label, kind."""


class Rule(NamedTuple):
    """A named change and the label of the pairs it makes."""

    kind: str
    label: int
    change: Change


RULES: tuple[Rule, ...] = (
    Rule("number", 0, misses.number),
    Rule("numeral", 0, misses.numeral),
    Rule("time", 0, misses.TIME),
    Rule("scope", 0, misses.SCOPE),
    Rule("negation", 0, misses.NEGATION),
    Rule("antonym", 0, misses.ANTONYM),
    Rule("direction", 0, misses.DIRECTION),
    Rule("entity", 0, misses.ENTITY),
    Rule("type", 0, misses.TYPE),
    Rule("subject", 0, misses.SUBJECT),
    Rule("polite", 1, wordings.polite),
    Rule("how", 1, wordings.HOW),
    Rule("why", 1, wordings.WHY),
    Rule("when", 1, wordings.WHEN),
    Rule("where", 1, wordings.WHERE),
    Rule("price", 1, wordings.PRICE),
    Rule("ability", 1, wordings.ABILITY),
    Rule("particle", 1, wordings.PARTICLE),
    Rule("synonym", 1, wordings.SYNONYM),
    Rule("punctuation", 1, wordings.punctuation),
    Rule("traditional", 1, wordings.traditional),
    Rule("typo", 1, wordings.TYPO),
    Rule("order", 1, wordings.ORDER),
    Rule("shorten", 1, wordings.SHORTEN),
)
_REWORDINGS = tuple(rule for rule in RULES if rule.label and rule.kind != "typo")


def apply(rule: Rule, text: str, rng: random.Random) -> str | None:
    """What the rule makes of a text; None where it does not fit or makes nothing new.

    A near miss must differ in more than width, case and blanks, and is not made of a long story, where one word
    may not matter.
    """
    if not rule.label and len(text) > LONGEST:
        return None
    made = rule.change(text, rng)
    if made is None or made == text or not made.strip():
        return None
    return None if not rule.label and _plain(made) == _plain(text) else made


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def generate(
    questions: Iterable[str], rng: random.Random, per_question: int = 2, rules: Sequence[Rule] = RULES
) -> Iterator[Pair]:
    """Pairs ``(a, b, label, kind)`` made of Chinese questions, at most ``per_question`` of each.

    The label that is rarer so far is tried first, and of its rules the rarer ones, or politeness would be most
    of it. No pair has twice the same text, none comes twice for one question.
    """
    made: Counter[str] = Counter()
    for question in questions:
        most = MOST / max(len(rules), 1) * (made.total() + 10)
        waiting = [rule for rule in rules if made[rule.kind] <= most]
        seen = {question}
        for _ in range(per_question):
            pair = _one(question, waiting, made, rng)
            if pair is None:
                break
            if pair[1] not in seen:
                seen.add(pair[1])
                made[pair[3]] += 1
                yield pair


def _one(question: str, waiting: list[Rule], made: Counter[str], rng: random.Random) -> Pair | None:
    """Try the rules still waiting, those of the rarer label first and of these the rare ones, and strike them off."""
    ones = sum(made[rule.kind] for rule in RULES if rule.label)
    label = int(2 * ones < made.total() or (2 * ones == made.total() and rng.random() < 0.5))
    order = sorted(waiting, key=lambda rule: (rule.label != label, made[rule.kind] * rng.uniform(0.5, 1.5)))
    for rule in order:
        waiting.remove(rule)
        changed = apply(rule, question, rng)
        if changed is None:
            continue
        if rng.random() < ALSO_REWORDED:
            more = apply(rng.choice(_REWORDINGS), changed, rng)
            changed = more if more is not None and more != question else changed
        return question, changed, rule.label, rule.kind
    return None
