"""Guards: cheap rules over two questions, each of which can veto serving one's answer to the other.

A guard is a function ``(asked, cached) -> reason``; an empty reason lets the candidate pass. A guard says
in words why it objects, never raises, is symmetric, and never objects to a text against itself.

What is only evidence and no veto are the *signals*: :func:`signal_row`.
"""

from __future__ import annotations

from collections.abc import Callable

from ..wording import words_in_place
from .asking import question_agrees
from .days import days_agree
from .entities import entities_agree, names_agree
from .evidence import SIGNALS, signal_row, signals
from .kinds import siblings_agree
from .language import language_agrees
from .opposites import opposites_agree
from .order import directions_agree
from .polarity import ceasing_agrees, negation_agrees, negations_in
from .quantities import numbers_agree, numbers_alike, numbers_clash, numbers_in
from .scope import bounds_agree
from .spelt import codes_agree, codes_in, signs_agree, signs_in
from .units import units_agree

Guard = Callable[[str, str], str]

CONSERVATIVE: tuple[Guard, ...] = (
    numbers_agree,
    signs_agree,
    codes_agree,
    negation_agrees,
    opposites_agree,
    words_in_place,
    units_agree,
    days_agree,
    entities_agree,
    directions_agree,
    bounds_agree,
    ceasing_agrees,
    language_agrees,
)
"""Vetoes for a decision without a verifier: the default."""

STRICT: tuple[Guard, ...] = (*CONSERVATIVE, names_agree, question_agrees, siblings_agree)
"""All vetoes."""

SURE: tuple[Guard, ...] = (
    numbers_clash,
    signs_agree,
    opposites_agree,
    units_agree,
    days_agree,
    entities_agree,
    directions_agree,
    bounds_agree,
    ceasing_agrees,
    language_agrees,
    question_agrees,
    siblings_agree,
)
"""Vetoes for a decision with a verifier: those that hardly ever object to a true paraphrase. The others of
:data:`STRICT` object to one in twenty, and are evidence for the verifier to weigh."""

__all__ = [
    "CONSERVATIVE",
    "SIGNALS",
    "STRICT",
    "SURE",
    "Guard",
    "bounds_agree",
    "ceasing_agrees",
    "codes_agree",
    "codes_in",
    "days_agree",
    "directions_agree",
    "entities_agree",
    "language_agrees",
    "names_agree",
    "negation_agrees",
    "negations_in",
    "numbers_agree",
    "numbers_alike",
    "numbers_clash",
    "numbers_in",
    "opposites_agree",
    "question_agrees",
    "siblings_agree",
    "signal_row",
    "signals",
    "signs_agree",
    "signs_in",
    "units_agree",
    "words_in_place",
]
