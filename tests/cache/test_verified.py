"""The verifier and the default decision: what they must serve, what they must not, and how they fail."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import Candidate, ConfigError, SemanticTier
from askonce.cache.evidence import EVIDENCE, SURFACE, evidence, surface
from askonce.cache.verified import Verified
from askonce.cache.verifier import Opinion, Verifier, load_risks, script_of
from askonce.embeddings import default_embedder

_texts = st.text(st.sampled_from("abc dé?你们怎么不 12'.-"), max_size=40)


@pytest.fixture(scope="module")
def decision() -> Verified:
    made = Verified(default_embedder().fingerprint)
    made.load()
    return made


def judged(decision: Verified, asked: str, cached: str) -> bool:
    """Whether the shipped embedder and the decision serve ``cached``'s answer for ``asked``."""
    one, two = default_embedder().embed([asked, cached])
    candidate = Candidate(asked, cached, float(one @ two))
    verdict = decision.decide(candidate)
    return (decision.settle(candidate) if verdict.unsure else verdict).serve


# -- evidence ----------------------------------------------------------------------------------------------


@given(_texts, _texts)
def test_evidence_is_bounded_and_finite(asked: str, cached: str) -> None:
    """Whatever the two texts, there is one finite number per name, and shares lie between 0 and 1."""
    row = evidence(asked, cached)
    assert len(row) == len(EVIDENCE)
    assert all(math.isfinite(value) for value in row)
    assert all(0 <= value <= 1 for value in row[: len(SURFACE) - 1])


@given(_texts)
def test_a_text_overlaps_wholly_with_itself(text: str) -> None:
    """Compared with itself a text has full overlap, nothing alone and nothing moved."""
    named = dict(zip(SURFACE, surface(text, text), strict=True))
    assert named["overlap"] == named["trigrams"] == named["length"] == 1 or not text
    assert named["asked_alone"] == named["cached_alone"] == named["moved"] == named["one_replaced"] == 0


def test_one_replaced_word_is_seen() -> None:
    """A question that differs in one content word shows it; a slip of the keyboard in that word does not."""
    at = SURFACE.index("one_replaced")
    assert surface("price of the basic plan", "price of the premium plan")[at] == 1
    assert surface("price of the premium plan", "price of the premum plan")[at] == 0


# -- opinions ----------------------------------------------------------------------------------------------


def opinion() -> Opinion:
    return Opinion(
        ("x", "y"), (0.0, 1.0), (1.0, 2.0), (1.5, 0.5), -1.0, (-3.0, -1.0, 0.0, 2.0), (0.001, 0.01, 0.3, 0.9)
    )


@given(st.floats(-10, 10), st.floats(0, 5), st.floats(-10, 10))
def test_risk_rises_with_the_log_odds(x: float, step: float, y: float) -> None:
    """More evidence of a wrong answer never makes the risk smaller, and the risk is a probability."""
    made = opinion()
    low, high = made.risk([x, y]), made.risk([x + step, y])
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("row", [[math.nan, 0.0], [0.0, math.nan]])
def test_a_number_that_is_none_is_a_no(row: list[float]) -> None:
    """NaN anywhere in the row is the highest risk: uncertain means miss."""
    assert opinion().risk(row) == 1.0


def test_what_ships_fits_the_code() -> None:
    """The shipped risks know both languages, read the evidence in its order, and rise."""
    learned = load_risks()
    assert {one.script for one in learned} == {"latin", "han"}
    for one in learned:
        names = (*(("odds", "similarity") if one.embedder else ("odds",)), *EVIDENCE)
        assert one.second.names == names
        assert list(one.second.risks) == sorted(one.second.risks)
        assert one.second.weights[0] < 0, "log-odds of being right must lower the risk of being wrong"
        assert (one.first is None) == (not one.embedder)
        assert sum(n for n, _ in one.counts) > 100


def test_a_damaged_file_of_risks_is_named(tmp_path: object) -> None:
    """A file that is not there or not readable is a ConfigError that says which."""
    from pathlib import Path

    path = Path(str(tmp_path)) / "risks.json"
    with pytest.raises(ConfigError, match="risks"):
        load_risks(path)
    path.write_text("[{}]")
    with pytest.raises(ConfigError, match="risks"):
        load_risks(path)


@pytest.mark.parametrize(
    ("asked", "cached", "script"),
    [
        ("hi", "you", "latin"),
        ("怎么", "how", "han"),
        ("怎么", "如何", "han"),
        ("как", "how", ""),
        ("123", "456", "latin"),
    ],
)
def test_language_of_a_pair(asked: str, cached: str, script: str) -> None:
    """A pair is verified in the script of both; a script nobody was trained on has no verifier."""
    assert script_of(asked, cached) == script


# -- the decision --------------------------------------------------------------------------------------------


SERVED = [
    ("How do I reset my password?", "how do i reset my password"),
    ("What is the capital of France?", "tell me the capital of France"),
    ("When did Titanic sink?", "on what date did the Titanic sink?"),
    ("How tall is Mount Everest?", "what is the height of Mount Everest?"),
    ("How do I cancel my order?", "I want to cancel my order, how do I do that?"),
]
REFUSED = [
    ("How do I enable dark mode?", "How do I disable dark mode?"),
    ("How do I turn on dark mode?", "How do I turn off dark mode?"),
    ("How many calories are in 2 eggs?", "How many calories are in 3 eggs?"),
    ("What is the capital of France?", "What is the capital of Spain?"),
    ("Can I take aspirin with alcohol?", "Can I take aspirin without alcohol?"),
    ("How do I get from Oslo to Rome?", "How do I get from Rome to Oslo?"),
    ("When was the bridge built?", "Where was the bridge built?"),
    ("Is Java older than Python?", "Is Python older than Java?"),
    (
        "What does the basic plan of the service cost per month?",
        "What does the premium plan of the service cost per month?",
    ),
]


@pytest.mark.parametrize(("cached", "asked"), SERVED)
def test_paraphrases_are_served(cached: str, asked: str, decision: Verified) -> None:
    """What asks the same in plain other words is served at the default budget."""
    assert judged(decision, asked, cached)


@pytest.mark.parametrize(("cached", "asked"), REFUSED)
def test_traps_are_not_served(cached: str, asked: str, decision: Verified) -> None:
    """What differs in one thing that changes the answer is not served, however similar."""
    assert not judged(decision, asked, cached)
    assert not judged(decision, cached, asked)


def test_a_pair_found_wrong_is_never_served_again(decision: Verified) -> None:
    """Once a pair is in the memory of wrong pairs, not even the same words serve it."""
    made = Verified(default_embedder().fingerprint, verifier=decision.verifier)
    cached, asked = SERVED[0]
    assert judged(made, asked, cached)
    made.negatives.add(asked, cached, b"")
    assert not judged(made, asked, cached)


def test_an_unknown_embedder_always_asks_the_pair_model(decision: Verified) -> None:
    """Cosines nobody calibrated count for nothing: the first opinion is skipped, and the second decides alone."""
    made = Verified("somebody-elses-model/1")
    cached, asked = SERVED[2]
    assert made.decide(Candidate(asked, cached, 0.99)).unsure
    cached, asked = REFUSED[3]
    candidate = Candidate(asked, cached, 0.999)
    verdict = made.decide(candidate)
    assert not (made.settle(candidate) if verdict.unsure else verdict).serve


def test_a_pair_that_was_read_is_not_read_again(decision: Verified) -> None:
    """The second opinion on a pair is remembered: the same question asked again is decided at once, and alike."""
    made = Verified("somebody-elses-model/1", verifier=Verifier("somebody-elses-model/1"))
    for cached, asked in (SERVED[2], ("how do i keep bees in winter", "where can i buy honey in winter")):
        candidate = Candidate(asked, cached, 0.9)
        assert made.decide(candidate).unsure
        settled = made.settle(candidate)
        again = made.decide(candidate)
        assert (again.unsure, again.serve, again.risk) == (False, settled.serve, settled.risk)
        assert made.decide(Candidate(cached, asked, 0.9)).unsure  # the other way round is another pair


def test_a_language_without_verifier_falls_back(decision: Verified) -> None:
    """Russian has no verifier: the conservative rule decides, high similarity is needed, nothing raises."""
    asked, cached = "как сменить пароль от почты", "как поменять пароль от почты"
    assert not decision.decide(Candidate(asked, cached, 0.8)).serve
    assert not decision.settle(Candidate(asked, cached, 0.99)).serve


def test_texts_too_long_for_the_pair_model_are_not_served(decision: Verified) -> None:
    """When the second opinion cannot be had, it is a no."""
    words = "apples pears plums cherries quinces figs dates grapes melons kiwis".split()
    rng = random.Random(0)
    one = " ".join(rng.choices(words, k=90))
    verdict = decision.settle(Candidate(one + " sweet", one + " sour", 0.95))
    assert not verdict.serve
    assert verdict.risk == 1.0


@pytest.mark.parametrize("similarity", [math.nan, math.inf, -math.inf])
def test_a_broken_similarity_is_a_no(similarity: float, decision: Verified) -> None:
    """A similarity that is no number serves nothing but the very same text."""
    candidate = Candidate("what is a lemon worth", "how much is one lemon", similarity)
    verdict = decision.decide(candidate)
    assert not (decision.settle(candidate) if verdict.unsure else verdict).serve


@given(_texts, _texts, st.floats(0, 1))
def test_deciding_never_raises(decision: Verified, asked: str, cached: str, similarity: float) -> None:
    """Whatever the texts, a verdict comes back."""
    assert decision.decide(Candidate(asked, cached, similarity)).why


def test_explain_names_every_number(decision: Verified) -> None:
    """explain() tells the similarity, all evidence, and both opinions."""
    told = decision.explain(Candidate(*reversed(SERVED[1]), 0.9))
    assert set(EVIDENCE) <= set(told)
    assert {"similarity", "first_risk", "pair_log_odds", "second_risk"} <= set(told)


def test_the_verifier_remembers_pairs() -> None:
    """Asking about the same pair twice gives the same number."""
    verifier = Verifier(default_embedder().fingerprint)
    one = verifier.pair_log_odds("a question", "another question", "latin")
    assert verifier.pair_log_odds("a question", "another question", "latin") == one


def hopeless(decision: Verified) -> Candidate:
    """A candidate that the first opinion refuses unread."""
    for similarity in (0.6, 0.4, 0.2, 0.0):
        candidate = Candidate("who built the pyramid of Khufu", "how do I cook rice for ten guests", similarity)
        verdict = decision.decide(candidate)
        if not verdict.unsure and not verdict.serve and "too little else" in verdict.why:
            return candidate
    raise AssertionError("nothing is hopeless")


def test_a_generous_budget_reads_what_a_usual_one_refuses_unread(decision: Verified) -> None:
    """What is hopeless under the usual ``max_wrong`` is read where more may be wrong."""
    candidate = hopeless(decision)
    generous = Verified(default_embedder().fingerprint, max_wrong=0.05, verifier=decision.verifier)
    assert generous.decide(candidate).unsure


def test_rereading_neither_asks_nor_teaches_the_budget(decision: Verified) -> None:
    """The risk is the second opinion's, and the budget's state stays the same to the byte."""
    candidate = hopeless(decision)
    before = decision.budget.state()
    risk = decision.reread(candidate)
    assert decision.budget.state() == before
    learned = decision.verifier.learned_for(candidate.asked, candidate.cached)
    assert learned is not None
    assert risk == decision.verifier.second(candidate, learned)
    assert decision.reread(Candidate("да", "нет", 0.9)) == 1.0


@pytest.mark.parametrize("own", [True, False])
def test_a_budget_that_trips_says_so(own: bool, caplog: pytest.LogCaptureFixture) -> None:
    """One line when it trips: to the function given, or to the logger askonce."""
    told: list[str] = []
    tier = SemanticTier(default_embedder(), alert=told.append if own else None)
    budget = tier.decision.budget  # type: ignore[attr-defined]
    with caplog.at_level("WARNING", "askonce"):
        for _ in range(40):
            budget.served(0.005)
            budget.learn(False, 0.005)
    logged = [record.getMessage() for record in caplog.records if record.name == "askonce"]
    assert [line.partition(",")[0] for line in (told if own else logged)] == ["error budget tripped"]
    assert not (logged if own else told)
