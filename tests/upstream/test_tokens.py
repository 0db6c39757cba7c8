"""Token estimates and prices."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askonce.upstream import PRICES, Price, cost_usd, estimate_chat, estimate_tokens, price_of

# Counted with two independent o200k_base implementations, which agree on every line.
KNOWN = [
    ("How do I cancel my order?", 7),
    ("I was charged twice for invoice 48213 on 2024-03-07; please refund 129.99 EUR.", 26),
    ("怎么取消我的订单？我昨天买错了尺寸，想换一件大一号的。", 21),
    ("안녕하세요, 주문을 취소하고 싶어요. 어떻게 해야 하나요?", 16),
    ("Как отменить заказ, если он уже отправлен?", 11),
    ("كيف يمكنني إلغاء طلبي؟", 8),
    ("Wie kann ich meine Bestellung ändern, wenn sie schon größtenteils verschickt wurde?", 18),
    ("def mean(xs: list[float]) -> float:\n    return sum(xs) / len(xs) if xs else 0.0\n", 28),
    ("😀 thanks a lot! 🎉", 7),
    ("日本語で返金の手続きを教えてください。", 12),
    ("SELECT name, COUNT(*) FROM orders WHERE created_at >= '2024-01-01' GROUP BY name;", 23),
    ("Internationalization and electroencephalography are unquestionably long words.", 12),
    ("हम अपना ऑर्डर कैसे रद्द कर सकते हैं?", 12),
]


@pytest.mark.parametrize(("text", "count"), KNOWN)
def test_estimates_are_near_the_true_count(text: str, count: int) -> None:
    """A short text of any script is estimated within 4 tokens of its o200k count."""
    assert abs(estimate_tokens(text) - count) <= 4


def test_errors_do_not_add_up() -> None:
    """Over many texts the errors cancel: the sum is within 8 % of the true sum."""
    true = sum(count for _, count in KNOWN)
    assert abs(sum(estimate_tokens(text) for text, _ in KNOWN) - true) <= 0.08 * true


@given(st.text(max_size=300))
def test_any_text_has_an_estimate(text: str) -> None:
    """The estimate never raises, is 0 only for no text, and is at most one token a UTF-8 byte (plus one)."""
    made = estimate_tokens(text)
    assert (made == 0) == (text == "")
    assert made <= len(text.encode("utf-8", "surrogatepass")) + 1


@given(st.lists(st.sampled_from([t for t, _ in KNOWN]), min_size=1, max_size=5))
def test_longer_texts_never_cost_less(parts: list[str]) -> None:
    """Adding a line to a text does not lower its estimate."""
    assert estimate_tokens("\n".join(parts)) >= max(map(estimate_tokens, parts))


def test_chat_counts_every_part() -> None:
    """A chat prompt counts contents, text parts, images, tool calls and framing."""
    plain = estimate_chat([{"role": "user", "content": "How do I cancel my order?"}])
    parts = estimate_chat([{"role": "user", "content": [{"type": "text", "text": "How do I cancel my order?"}]}])
    assert plain == parts == 7 + 3 + 1 + 3
    image = [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "https://example.com"}}]
    assert estimate_chat([{"role": "user", "content": image}]) > 85
    call = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
    with_call = {"role": "assistant", "content": None, "tool_calls": [call]}
    assert estimate_chat([with_call]) > estimate_chat([{"role": "assistant", "content": None}]) + 5


def test_cost_is_linear_in_tokens() -> None:
    """A million tokens cost the list price; parts of it their share."""
    assert cost_usd("gpt-4o-mini", 1_000_000, 0) == pytest.approx(0.15)
    assert cost_usd("gpt-4o-mini", 0, 1_000_000) == pytest.approx(0.60)
    assert cost_usd("gpt-4o", 1000, 500) == pytest.approx(0.0025 + 0.005)


def test_a_snapshot_costs_what_its_family_costs() -> None:
    """Dates and a provider prefix do not change the price; another variant is never guessed."""
    assert price_of("gpt-4o-2024-08-06") == PRICES["gpt-4o"]
    assert price_of("openai/gpt-4o-mini-2024-07-18") == PRICES["gpt-4o-mini"]
    assert price_of("gpt-4o-audio-preview") is None


def test_an_unknown_model_costs_nothing_and_says_so_once() -> None:
    """Without a price the cost is 0.0, with one warning per model; an own table gives the price."""
    with pytest.warns(UserWarning, match="no price known for model 'unheard-of-1'"):
        assert cost_usd("unheard-of-1", 1000, 1000) == 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cost_usd("unheard-of-1", 1000, 1000) == 0.0
        mine = {**PRICES, "unheard-of-1": Price(1.0, 2.0)}
        assert cost_usd("unheard-of-1", 1_000_000, 1_000_000, mine) == pytest.approx(3.0)
