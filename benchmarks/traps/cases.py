"""What a trap case is, and how the hand-written blocks are read.

A block is plain text. ``? `` opens a cluster with its anchor question, ``+ SORT: `` is a paraphrase of the anchor
and ``- KIND: `` a question whose answer is another one. ``# `` names the domain of what follows. In a template a
line ``@ name, name = value, value | value, value`` in front gives the slots and their rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KINDS = {
    "negation": "not, never, without: the condition is turned into its contrary",
    "polarity": "opposite or rival action or property (enable and disable, arrive and leave)",
    "number": "another number",
    "unit": "same number, another unit or period",
    "date": "another date, weekday, season or time of day",
    "version": "another version or model year",
    "currency": "another currency",
    "entity": "another thing, place, person, product or language",
    "direction": "from and to, before and after, part and whole exchanged",
    "role": "who does what to whom is exchanged, or A compared with B the other way round",
    "quantifier": "all, any, one, only, first, last",
    "superlative": "another extreme (longest and shortest) or rank",
    "question-type": "when, where, how, why, how many, who",
    "modality": "can, must, should",
    "attribute": "another property (cause and treatment, price and size)",
    "code": "another identifier, operator, number of an order, address",
    "audience": "for whom or for which species",
    "tense": "past, present or future; before or after the fact",
    "condition": "a constraint is added; the anchor, without it, is always text_a",
    "plan": "another plan, tier or class of service",
    "comparison": "more and less, over and under, at most and at least",
    "scope": "mine, yours, theirs; one party's or everybody's",
}
SORTS = {
    "reorder": "clauses in another order",
    "synonym": "other words of the same meaning",
    "voice": "active and passive",
    "polite": "politeness added",
    "keywords": "shortened to what one types into a search box",
    "telegram": "telegram style",
    "typo": "one slip of the keyboard",
    "register": "colloquial",
    "form": "another form of question",
    "contraction": "contractions",
    "number-format": "3 pm and 15:00, ten and 10",
    "abbreviation": "abbreviations",
    "wording": "said quite differently",
    "mixed": "two paraphrases of one anchor against each other",
}
GENERAL_FIRST = frozenset({"condition", "quantifier"})
"""Kinds whose anchor is the cached text: an answer under more constraints may well serve the general question."""


@dataclass(frozen=True)
class Line:
    """One question of a cluster: ``tag`` is its sort (``same``) or its kind."""

    same: bool
    tag: str
    text: str


@dataclass
class Cluster:
    """An anchor question with what means the same and what does not; ``rows`` fill the slots of a template."""

    domain: str
    anchor: str
    lines: list[Line] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)


def read(block: str) -> list[Cluster]:
    """The clusters of ``block``, in order. ValueError names the line that cannot be read."""
    clusters: list[Cluster] = []
    domain, rows = "", list[dict[str, str]]()
    for line in filter(None, map(str.strip, re.sub(r"\n\| ", " | ", block).splitlines())):
        mark, _, rest = line.partition(" ")
        if mark == "#":
            domain = rest
        elif mark == "@":
            rows = _rows(rest)
        elif mark == "?":
            clusters.append(Cluster(domain, rest, rows=rows))
            rows = []
        elif mark in ("+", "-") and clusters:
            tag, colon, text = rest.partition(": ")
            if not colon or tag not in (SORTS if mark == "+" else KINDS):
                raise ValueError(f"unknown kind or sort, use one of cases.KINDS and cases.SORTS: {line!r}")
            clusters[-1].lines.append(Line(mark == "+", tag, text))
        else:
            raise ValueError(f"a line begins with '# ', '@ ', '? ', '+ ' or '- ': {line!r}")
    return clusters


def _rows(text: str) -> list[dict[str, str]]:
    names, _, values = text.partition(" = ")
    columns = names.split(", ")
    rows = [row.strip().split(", ") for row in values.split(" | ")]
    if any(len(row) != len(columns) for row in rows) or len(rows) < 2:
        raise ValueError(f"two rows or more, each with {len(columns)} values: {text!r}")
    return [dict(zip(columns, row, strict=True)) for row in rows]
