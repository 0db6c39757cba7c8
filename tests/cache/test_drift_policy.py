"""What is done on drift: what is retired, how long answers live, which hits are audited, when the budget tightens."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce import Cache, ConfigError, ManualClock, MemoryStore, Policy
from askonce.cache.call import Call
from askonce.cache.drift_policy import NO_ACTIONS, Actions, DriftPolicy, DriftSettings, carry_out
from askonce.cache.policy import Answer
from askonce.cache.versions import versioned

SCOPE = b"s" * 32
DAY = 86400.0
PLAIN = "how do i reset a password"


def made(clock: ManualClock, **settings: object) -> DriftPolicy:
    return DriftPolicy(DriftSettings(**settings), clock=clock)  # type: ignore[arg-type]


def test_nothing_is_retired_while_answers_hold(clock: ManualClock) -> None:
    """Audits that agree ask for nothing and leave every life as it was."""
    policy = made(clock)
    assert all(policy.on_audit(SCOPE, ("a", "b"), True) == NO_ACTIONS for _ in range(500))
    assert policy.lifetime(PLAIN, ("a", "b"), SCOPE, 7 * DAY) == 7 * DAY
    assert policy.state()["alarms"] == 0


def test_disagreements_retire_the_tag_then_the_scope(clock: ManualClock) -> None:
    """One disagreement concerns the entry alone, several running its tag, more of any tags the scope."""
    policy = made(clock)
    first = policy.on_audit(SCOPE, ("a", "b"), False, key=b"k" * 32)
    assert (first.retire_tags, first.retire_scopes, first.retire_keys) == ((), (), (b"k" * 32,))
    second = policy.on_audit(SCOPE, ("a",), False)
    assert (second.retire_tags, second.retire_scopes, second.retire_keys) == (("a",), (), ())
    more = [policy.on_audit(SCOPE, (f"other {number}",), False) for number in range(4)]
    assert [bool(actions.retire_scopes) for actions in more].count(True) == 1
    assert all(actions.why for actions in (first, second, *more))


def test_an_alarm_is_carried_out_by_the_ledger(clock: ManualClock) -> None:
    """What the actions name is gone from a real cache at one bump, and nothing else is."""
    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock) as cache:
        calls = [cache.call([], f"q{number}", tags=(f"t{number}",)) for number in range(4)]
        other = cache.call(["other scope"], "q", tags=("t9",))
        for call in (*calls, other):
            cache.run(call, None, lambda: Answer(kind="json", body=b"1"))
        assert carry_out(Actions(("t0",), (), (calls[1].key,)), cache.ledger.bump)
        hits = [cache.run(call, None, lambda: Answer(kind="json", body=b"1"))[1].hit for call in (*calls, other)]
        assert hits == [False, False, True, True, True]
        carry_out(Actions(retire_scopes=(calls[0].scope,)), cache.ledger.bump)
        hits = [cache.run(call, None, lambda: Answer(kind="json", body=b"1"))[1].hit for call in (*calls, other)]
        assert hits == [False, False, False, False, True]
        before = cache.ledger.seq
        assert carry_out(NO_ACTIONS, cache.ledger.bump)
        assert cache.ledger.seq == before


def test_a_life_is_cut_and_grows_back(clock: ManualClock) -> None:
    """An alarm of a tag cuts the life of what carries it, and of nothing else; audits that agree restore it."""
    policy = made(clock, shrink=0.25, grow=2.0)
    for _ in range(2):
        policy.on_audit(SCOPE, ("a",), False)
    lives = [policy.lifetime(PLAIN, tags, SCOPE, 8 * DAY) for tags in (("a",), ("a", "b"), ("b",))]
    assert lives == [2 * DAY, 2 * DAY, 8 * DAY]
    assert policy.lifetime(PLAIN, ("a",), SCOPE, float("inf")) == 7.5 * DAY
    seen = []
    for _ in range(4):
        policy.on_audit(SCOPE, ("a",), True)
        seen.append(policy.lifetime(PLAIN, ("a",), SCOPE, 8 * DAY))
    assert seen == [4 * DAY, 8 * DAY, 8 * DAY, 8 * DAY]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=80), st.floats(0, 30 * DAY))
def test_a_life_is_never_longer_than_configured(audits: list[tuple[str, bool]], base: float) -> None:
    """Whatever audits say, a life stays between what an alarm may cut to and what was configured."""
    policy = DriftPolicy(clock=ManualClock())
    for tag, agreed in audits:
        policy.on_audit(SCOPE, (tag,), agreed)
    for tag in "abc":
        assert min(base, 600.0) <= policy.lifetime(PLAIN, (tag,), SCOPE, base) <= base


def test_questions_that_age_live_shortly(clock: ManualClock) -> None:
    """Volatility bounds the life, as configured; what is live serves no other words."""
    policy = made(clock)
    lives = [
        policy.lifetime(q, (), SCOPE, 7 * DAY)
        for q in ("who is the mayor of Oslo", "weather in Oslo", "what time is it")
    ]
    assert lives == [DAY, 1800.0, 0.0]
    assert policy.lifetime(None, (), SCOPE, DAY) == DAY
    assert policy.across_words("what time is it").startswith("the question is live")
    assert policy.across_words("weather in Oslo") == ""
    free = made(clock, lifetimes={"instant": 5.0})
    assert [free.lifetime(q, (), SCOPE, DAY) for q in ("weather in Oslo", "what time is it")] == [DAY, 5.0]


def test_the_life_reaches_a_real_cache(clock: ManualClock) -> None:
    """Through ``Policy(ttl=...)`` a live question is asked each time, and others are kept."""
    policy = made(clock)

    def ttl(call: Call, answer: Answer) -> float:
        return policy.lifetime(call.query, call.tags, call.scope, DAY)

    with Cache([MemoryStore(clock=clock)], semantic=False, clock=clock, policy=Policy(ttl=ttl)) as cache:
        for query, hit in (("what time is it", False), (PLAIN, True)):
            call = cache.call([], query)
            cache.run(call, None, lambda: Answer(kind="json", body=b"1"))
            assert cache.run(call, None, lambda: Answer(kind="json", body=b"1"))[1].hit == hit


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.05, 0.3])
def test_the_share_of_due_hits_is_the_one_asked_for(clock: ManualClock, rate: float) -> None:
    """On skewed traffic the audits settle at the share that was set."""
    policy, rng, start = made(clock, audit_rate=rate), random.Random(2), clock.now()
    keys = [bytes([number]) * 32 for number in range(100)]
    due = []
    for _ in range(20_000):
        clock.advance(60)
        key = keys[min(99, int(rng.expovariate(0.1)))]
        due.append(policy.due(SCOPE, (), key, start))
    late = due[5_000:]
    assert sum(late) / len(late) == pytest.approx(rate, rel=0.15)


def test_seldom_entries_are_audited_more_often_per_hit(clock: ManualClock) -> None:
    """An entry asked a hundred times as often gets about ten times the audits, not a hundred."""
    policy, start = made(clock, audit_rate=0.05), clock.now()
    audits = {b"often": 0, b"seldom": 0}
    for number in range(60_000):
        clock.advance(60)
        key = b"seldom" if number % 101 == 0 else b"often"
        audits[key] += policy.due(SCOPE, (), key, start)
    assert 5 < audits[b"often"] / audits[b"seldom"] < 20


def test_suspicion_brings_audits_forward(clock: ManualClock) -> None:
    """After one disagreement entries of that tag are due sooner than others; agreements calm it."""
    calm, wary = made(clock, audit_rate=0.05), made(clock, audit_rate=0.05)
    wary.on_audit(SCOPE, ("a",), False)

    def wait(policy: DriftPolicy, key: bytes) -> int:
        began = clock.now()
        for hits in range(1, 1000):
            if policy.due(SCOPE, ("a",), key, began, began + 60 * hits):
                return hits
        return 1000

    sooner, usual = wait(wary, b"x"), wait(calm, b"x")
    assert sooner < usual / 2
    for _ in range(50):
        wary.on_audit(SCOPE, ("a",), True)
    state = wary.state()["tags"]
    assert isinstance(state, dict)
    assert state["a"]["suspicion"] == 0.0


def test_versions_go_through_the_policy(clock: ManualClock) -> None:
    """A call's new version retires the old; a snapshot that stays retires its predecessor, unless told to keep it."""
    policy = made(clock)
    assert policy.declare(versioned({"doc:1": "1"})).retire == ()
    assert policy.declare(versioned({"doc:1": "2"})).retire == ("doc:1", "doc:1@1")
    assert policy.outdated(versioned({"doc:1": "1"})) != ""
    assert policy.on_answer("chat", "chat-05") == NO_ACTIONS
    told = [policy.on_answer("chat", "chat-11") for _ in range(6)]
    assert [actions.retire_tags for actions in told if actions.why] == [("snapshot:chat@chat-05",)]
    assert policy.answer_tags("chat", "chat-05", "fp") == versioned({"snapshot:chat": "chat-05"})
    keep = made(clock, on_snapshot="keep", on_fingerprint="retire")
    assert all(keep.on_answer("chat", name) == NO_ACTIONS for name in ["chat-05"] * 3 + ["chat-11"] * 9)
    told = [keep.on_answer("chat", "chat", print_) for print_ in ["fp_1"] * 3 + ["fp_2"] * 25]
    assert sum(bool(actions.retire_tags) for actions in told) == 1


def test_versions_have_no_detector_of_their_own(clock: ManualClock) -> None:
    """Disagreements under a versioned source retire the source, once."""
    policy = made(clock)
    tags = versioned({"doc:1": "1"})
    retired = [tag for _ in range(2) for tag in policy.on_audit(SCOPE, tags, False).retire_tags]
    assert retired == ["doc:1"]


def test_other_traffic_tightens_the_budget_until_it_is_calibrated(clock: ManualClock) -> None:
    """Other similarities, or other risks, halve the budget, say so once, and a new calibration ends it; so does the
    return of the old traffic."""
    for moved in ("similarity", "risk"):
        policy, rng = made(clock), random.Random(4)
        normal = [rng.gauss(0.7, 0.1) for _ in range(2000)]
        policy.calibrated(normal, normal)
        for shift, strictness, words in ((0.0, 1.0, 0), (0.15, 0.5, 1), (0.0, 1.0, 1)):
            said = []
            for _ in range(1500):
                values = {"similarity": rng.gauss(0.7, 0.1), "risk": rng.gauss(0.7, 0.1)}
                values[moved] -= shift
                said.append(policy.on_candidate(**values))
            assert policy.strictness == strictness
            assert sum(bool(actions.why) for actions in said) == words
            assert not any(actions.marks for actions in said)
        for _ in range(1000):
            policy.on_candidate(rng.gauss(0.4, 0.1), 0.5)
        assert policy.strictness == 0.5
        policy.calibrated([rng.gauss(0.4, 0.1) for _ in range(1000)])
        assert policy.strictness == 1.0


def test_memory_is_bounded(clock: ManualClock) -> None:
    """Tags, scopes and keys beyond ``most`` push out the longest unused."""
    policy = made(clock, most=5)
    for number in range(50):
        policy.on_audit(bytes([number]) * 32, (f"t{number}",), False)
        policy.due(SCOPE, (), bytes([number]), clock.now())
    assert (len(policy._tags), len(policy._scopes), len(policy._exposed)) == (5, 5, 5)
    assert list(policy._tags) == [f"t{number}" for number in range(45, 50)]


def test_threads_share_one_policy(clock: ManualClock) -> None:
    """Hooks called from many threads at once lose no audit and raise nothing."""
    policy = made(clock)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        rng = random.Random(number)
        try:
            for _ in range(300):
                policy.on_audit(SCOPE, (f"t{rng.randrange(5)}",), rng.random() < 0.9)
                policy.due(SCOPE, ("t1",), bytes([rng.randrange(9)]), clock.now())
                policy.on_candidate(rng.random(), rng.random())
                policy.declare(versioned({"doc": str(rng.randrange(3))}))
                policy.lifetime(PLAIN, ("t1",), SCOPE, DAY)
                policy.state()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert policy.audits == policy.hits == 1800


@pytest.mark.parametrize(
    "wrong",
    [
        {"audit_rate": 2},
        {"shrink": 0},
        {"grow": 0.5},
        {"baseline": float("nan")},
        {"lifetimes": {"sometimes": 1}},
        {"lifetimes": {"fast": -1}},
        {"on_snapshot": "drop"},
    ],
)
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    """A setting out of its range is refused by name."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DriftSettings(**wrong)  # type: ignore[arg-type]
