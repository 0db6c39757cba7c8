"""The rate-limited call: what it costs, and a local service to try it on.

The local service (:mod:`.local_model`, :mod:`.local_transport`, :mod:`.local_server`) is imported by
its own module names, because its transport and server need extras.
"""

from .tokens import PRICES, Price, Prices, cost_usd, estimate_chat, estimate_tokens, price_of

__all__ = ["PRICES", "Price", "Prices", "cost_usd", "estimate_chat", "estimate_tokens", "price_of"]
