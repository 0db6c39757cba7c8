"""English pairs by rule: each rule does what its name says, and nothing is made by chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.generate_en import REWORDINGS, TRAPS, WordSwap, generate, reword, trap

QUESTIONS = (
    "How do I enable two-factor login on my iphone?",
    "How many calories are in 3 boiled eggs?",
    "Is it safe to fly from Oslo to Rome after surgery?",
    "Did Anna Karlsson beat Maria Lopez in the final?",
    "When was the first bridge over the river built?",
    "What is the difference between butter and margarine?",
    "Where can I buy a cheap bicycle in Berlin?",
    "What is the population of Kenya?",
    "Why should I not mix bleach and vinegar?",
    "Who wrote the song of the two towers in 1987?",
)

EXAMPLES = {
    "number": ("Is 20 enough?", None),
    "swap": ("What is the capital of France?", None),
    "opposite": ("How do I enable sync?", "How do I disable sync?"),
    "negate": ("Is it legal to fish here?", "Isn't it legal to fish here?"),
    "direction": ("How do I get from Oslo to Rome?", "How do I get from Rome to Oslo?"),
    "roles": ("Did Anna beat Maria?", "Did Maria beat Anna?"),
    "question_word": ("Where was it signed?", None),
    "attribute": ("What is the population of Kenya?", None),
    "condition": ("How do I renew it?", None),
    "scope": ("What is the last train?", None),
}


@pytest.mark.parametrize("name", TRAPS)
def test_each_trap_fires_and_changes_the_text(name: str) -> None:
    """A rule applied to a sentence it is made for gives another sentence, the expected one where only one is."""
    text, expected = EXAMPLES[name]
    made = {TRAPS[name](text, random.Random(seed)) for seed in range(20)} - {None}
    assert made
    assert text not in made
    assert expected is None or expected in made


def test_order_of_equals_is_no_trap() -> None:
    """What stands on both sides of an "and" may change places without changing the question: the rule that swaps
    roles leaves it alone, and the one that rewords does it."""
    text = "What is the difference between Java and Python?"
    assert all(TRAPS["roles"](text, random.Random(seed)) is None for seed in range(20))
    assert REWORDINGS["no_order"](text, random.Random(0)) == "What is the difference between Python and Java?"


@given(st.integers(0, 10_000))
def test_same_seed_same_pairs(seed: int) -> None:
    """The generator is a function of its questions and its seed."""
    assert list(generate(QUESTIONS, random.Random(seed))) == list(generate(QUESTIONS, random.Random(seed)))


@given(st.integers(0, 10_000))
def test_pairs_differ_and_are_labelled_by_their_rule(seed: int) -> None:
    """No pair is a text with itself; a trap names a trap rule first, a rewording only rewording rules."""
    for one, two, label, kind in generate(QUESTIONS, random.Random(seed), [(QUESTIONS[0], QUESTIONS[1])]):
        assert one != two
        names = kind.split("+")
        assert set(names) <= set(REWORDINGS) if label else names[0] in {*TRAPS, "word_swap"}


@given(st.sampled_from(QUESTIONS), st.integers(0, 10_000))
def test_traps_from_a_paraphrase_are_not_the_paraphrase(text: str, seed: int) -> None:
    """A trap is never just another case or punctuation of what it was made from."""
    made = trap(text, random.Random(seed), {"word_swap": WordSwap(QUESTIONS)})
    assert made is None or made[0].lower().strip(" ?.") != text.lower().strip(" ?.")


def test_rewording_keeps_numbers() -> None:
    """Rewording spells numbers another way at most; it never changes one."""
    for seed in range(200):
        made, _ = reword("How many calories are in 3 boiled eggs?", random.Random(seed), 3)
        assert "3" in made or "three" in made.lower()
