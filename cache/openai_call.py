"""The call an OpenAI request makes, without making it: for ``explain``, and for finding entries by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, UncacheableCall
from .openai_payload import ENDPOINTS, parse

if TYPE_CHECKING:
    from .call import Call
    from .core import Cache


def openai_call(cache: Cache, payload: Mapping[str, Any], endpoint: str, base_url: str) -> Call:
    """See :meth:`Cache.openai_call`."""
    from .transport import call_for

    path = next((path for path, name in ENDPOINTS.items() if name == endpoint), None)
    if path is None:
        raise ConfigError(f"endpoint is {endpoint!r}; there are {sorted(ENDPOINTS.values())}", setting="endpoint")
    parsed = parse(endpoint, payload)
    if parsed.refused:
        raise UncacheableCall(f"this request is never cached: {parsed.refused}", endpoint=endpoint)
    return call_for(cache, base_url.rstrip("/") + path, parsed)
