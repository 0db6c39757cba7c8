"""The call: one LLM request as the cache sees it, and the digests that name it.

Key format 1::

    scope bytes  = canonical msgpack of everything that must match exactly
    scope digest = SHA-256("askonce/1 scope" NUL scope bytes)
    exact key    = SHA-256("askonce/1 key" NUL len(scope bytes) as 8 bytes LE, scope bytes, mark, query UTF-8)

``mark`` is ``q`` when there is a query and ``n`` when there is none. Canonical msgpack is msgspec's
``order="deterministic"``: mappings and sets sorted, so the digest does not depend on insertion order,
the process or ``PYTHONHASHSEED``. A change of this format changes the number in the prefix, and old
entries are simply never found again.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from ..errors import UncacheableCall

KEY_FORMAT = 1
_SCOPE_PREFIX = sha256(b"askonce/1 scope\0")
_KEY_PREFIX = sha256(b"askonce/1 key\0")


def _encode_other(value: Any) -> Any:
    """What msgspec cannot encode itself: pydantic models by their fields, nothing else."""
    dump = getattr(type(value), "model_dump", None)
    if dump is not None:
        return {"__model__": f"{type(value).__module__}.{type(value).__qualname__}", **dump(value)}
    raise UncacheableCall(
        f"a {type(value).__module__}.{type(value).__qualname__} has no deterministic encoding, so it cannot be "
        f"part of a key: exclude the parameter, or pass plain data, a dataclass, msgspec or pydantic model",
        type=type(value).__qualname__,
    )


_encoder = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_encode_other)


def canonical(value: Any) -> bytes:
    """Deterministic bytes of plain data (numbers, text, bytes, containers, dates, dataclasses, models).

    Raises:
        UncacheableCall: Something inside has no deterministic encoding.
    """
    try:
        return _encoder.encode(value)
    except UncacheableCall:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UncacheableCall(f"an argument cannot be encoded for the key: {error}") from error


def scope_digest(scope_bytes: bytes) -> bytes:
    """32 bytes naming the semantic partition."""
    digest = _SCOPE_PREFIX.copy()
    digest.update(scope_bytes)
    return digest.digest()


def exact_key(scope_bytes: bytes, query: str | None) -> bytes:
    """32 bytes naming the one question in its scope."""
    digest = _KEY_PREFIX.copy()
    if query is None:
        digest.update(len(scope_bytes).to_bytes(8, "little") + scope_bytes + b"n")
    else:
        try:
            text = query.encode()
        except UnicodeEncodeError as error:
            raise UncacheableCall("the query holds lone surrogates, which no text encoding carries") from error
        digest.update(len(scope_bytes).to_bytes(8, "little") + scope_bytes + b"q" + text)
    return digest.digest()


class Call:
    """One request, split into *scope* (must match exactly) and *query* (may match by meaning).

    Args:
        scope_bytes: Canonical bytes of the scope (see :func:`canonical`).
        query: Text of the last user turn, or None when nothing may vary.
        key: The exact key, when the caller has it already.
        semantic: Whether an answer to a differently worded query may serve. Never true for blank text.
        label: What to show a human: function name or endpoint.
        model: The model asked for, when known.
        tags: Tags every entry made for this call gets.
    """

    __slots__ = ("_scope", "info", "key", "label", "model", "query", "scope_bytes", "semantic", "tags")

    def __init__(
        self,
        scope_bytes: bytes,
        query: str | None,
        *,
        key: bytes | None = None,
        semantic: bool = True,
        label: str = "",
        model: str = "",
        tags: tuple[str, ...] = (),
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.scope_bytes = scope_bytes
        self.query = query
        self.key = key if key is not None else exact_key(scope_bytes, query)
        self.semantic = semantic and query is not None and not query.isspace() and query != ""
        self.label = label
        self.model = model
        self.tags = tags
        self.info: Mapping[str, Any] = info or {}
        self._scope: bytes | None = None

    @property
    def scope(self) -> bytes:
        """Scope digest; made when first needed, because an exact hit never needs it."""
        if self._scope is None:
            self._scope = scope_digest(self.scope_bytes)
        return self._scope

    def __repr__(self) -> str:
        return f"Call({self.label or 'call'}, key={self.key.hex()[:12]}, query={'yes' if self.query else 'no'})"
