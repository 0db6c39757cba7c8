"""What a decorated function's call cost: told by the function itself, because only it has seen the bill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..entry import Usage
from ..errors import ConfigError
from ..upstream.tokens import Prices, cost_or_zero


class Bill:
    """Sums up what is recorded during one call of a function."""

    __slots__ = ("completion_tokens", "cost_usd", "model", "prices", "prompt_tokens")

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cost_usd = 0.0
        self.model = ""

    @property
    def usage(self) -> Usage:
        return Usage(self.prompt_tokens, self.completion_tokens)


_open: ContextVar[Bill | None] = ContextVar("askonce_bill", default=None)


@contextmanager
def billing(prices: Prices) -> Iterator[Bill]:
    """Collect what :func:`record_usage` is told inside the block, by this thread or task and the tasks it starts."""
    bill = Bill(prices)
    token = _open.set(bill)
    try:
        yield bill
    finally:
        _open.reset(token)


def record_usage(prompt_tokens: int, completion_tokens: int, *, model: str = "", cost_usd: float | None = None) -> None:
    """Tell the cache, from inside a decorated function, what its upstream call was billed.

    The figures are stored with the answer: later hits report them as saved. Several calls in one function add
    up. Outside a decorated function, and inside a generator function, it does nothing.

    ::

        @cache.cached(model="gpt-4o-mini")
        def answer(question: str) -> str:
            reply = client.chat.completions.create(...)
            askonce.record_usage(reply.usage.prompt_tokens, reply.usage.completion_tokens, model=reply.model)
            return reply.choices[0].message.content

    Args:
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        model: Model that was billed, for the price list.
        cost_usd: US dollars; None takes it from the cache's price list (0 when the model is not in it).

    Raises:
        ConfigError: A number is negative.
    """
    for name, value in (
        ("prompt_tokens", prompt_tokens), ("completion_tokens", completion_tokens), ("cost_usd", cost_usd or 0.0)
    ):  # fmt: skip
        if not value >= 0:
            raise ConfigError(f"{name} is {value!r}; it must be zero or more", setting=name)
    bill = _open.get()
    if bill is None:
        return
    if cost_usd is None:
        cost_usd = cost_or_zero(model, prompt_tokens, completion_tokens, bill.prices)
    bill.prompt_tokens += prompt_tokens
    bill.completion_tokens += completion_tokens
    bill.cost_usd += cost_usd
    bill.model = model or bill.model
