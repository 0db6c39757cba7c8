"""The call: one LLM request as the cache sees it, and the digests that name it.

Key format 1::

    scope bytes  = canonical msgpack of everything that must match exactly
    scope digest = SHA-256("askonce/1 scope" NUL scope bytes)
    exact key    = SHA-256("askonce/1 key" NUL len(scope bytes) as 8 bytes LE, scope bytes, mark, query UTF-8)

``mark`` is ``q`` when there is a query and ``n`` when there is none. Canonical msgpack is msgspec's
``order="deterministic"``: mappings and sets sorted, so the digest does not depend on insertion order,
the process or ``PYTHONHASHSEED``. What JSON knows is encoded as itself; everything else (a tuple, a set,
a date, an enum member, a model) is an extension of code 1 that holds its kind, its class and its parts,
so that no two arguments of different types share a key, however equal or alike in print they are. A
change of this format changes the number in the prefix, and old entries are simply never found again.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from pathlib import PurePath
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from ..errors import UncacheableCall

KEY_FORMAT = 1
PAIR = b"\x92"
"""What the canonical bytes of a pair begin with (msgpack: an array of two); its two parts follow."""
_SCOPE_PREFIX = sha256(b"askonce/1 scope\0")
_KEY_PREFIX = sha256(b"askonce/1 key\0")
_MARKED = 1  # msgpack extension code of everything JSON does not know
_SCALARS = frozenset({str, int, float, bool, type(None), bytes})


def name_of(thing: Any) -> str:
    """``module.qualname`` of a function or class; a script run as ``__main__`` is called what it would be
    called if it were imported, so that both ways make the same keys."""
    module = thing.__module__
    if module in ("__main__", "__mp_main__"):
        main = sys.modules.get(module)
        spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
        module = spec.name if spec is not None else PurePath(file).stem if file else "__main__"
    return f"{module}.{thing.__qualname__}"


def _refuse(value: Any) -> NoReturn:
    raise UncacheableCall(
        f"a {type(value).__module__}.{type(value).__qualname__} has no deterministic encoding, so it cannot be "
        f"part of a key: exclude the parameter, or pass plain data, a dataclass, msgspec or pydantic model",
        type=type(value).__qualname__,
    )


_encoder = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_refuse)


def _is_plain(value: Any) -> bool:
    """Whether msgpack itself tells this value from every other: JSON values and bytes."""
    kind = type(value)
    if kind is dict:
        for name in value:
            if type(name) is not str:
                return False
        value = value.values()
    elif kind is not list:
        return kind in _SCALARS
    for item in value:  # noqa: SIM110 - this runs on every call, and all(...) costs three times as much
        if type(item) not in _SCALARS and not _is_plain(item):
            return False
    return True


def _marked(value: Any) -> Any:
    """``value`` with everything that is not plain replaced by an extension that names its type."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is list:
        return [_marked(v) for v in value]
    if isinstance(value, dict):
        if all(type(k) is str for k in value):
            items: Any = {k: _marked(v) for k, v in value.items()}
        else:
            pairs = [(_encoder.encode(_marked(k)), _marked(v)) for k, v in value.items()]
            items = _extension("pairs", "", sorted(pairs, key=lambda pair: pair[0]))
        return items if kind is dict else _extension("mapping", name_of(kind), items)
    return _extension(*_parts(kind, value))


def _extension(kind: str, name: str, parts: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(_MARKED, _encoder.encode((kind, name, parts)))


def _parts(kind: Any, value: Any) -> tuple[str, str, Any]:
    """Kind, class and parts of a value; raises UncacheableCall when it has no deterministic ones."""
    if kind is tuple:
        return "tuple", "", [_marked(v) for v in value]
    if kind is set or kind is frozenset:
        return "set", "", sorted(_encoder.encode(_marked(v)) for v in value)
    if isinstance(value, Enum):
        return "enum", name_of(kind), [value.name, _marked(value.value)]
    if kind is datetime or kind is time:
        return kind.__name__, "", [value.isoformat(), value.fold, value.tzname()]
    if kind is date:
        return "date", "", value.isoformat()
    if kind is timedelta:
        return "timedelta", "", [value.days, value.seconds, value.microseconds]
    if kind is Decimal or kind is UUID:
        return kind.__name__, "", str(value)
    if kind is bytearray or kind is memoryview:
        return "bytes", "", bytes(value)
    fields = _fields(kind, value)
    if fields is None:
        _refuse(value)
    return "object", name_of(kind), {name: _marked(v) for name, v in fields.items()}


def _fields(kind: Any, value: Any) -> dict[str, Any] | None:
    """The fields of a dataclass, named tuple, msgspec, attrs or pydantic object; None for anything else."""
    if isinstance(value, tuple):
        names = getattr(kind, "_fields", None)
        return None if names is None else dict(zip(names, value, strict=True))
    if dataclasses.is_dataclass(kind):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(kind)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in kind.__struct_fields__}
    if hasattr(kind, "__attrs_attrs__"):
        return {a.name: getattr(value, a.name) for a in kind.__attrs_attrs__}
    if isinstance(getattr(kind, "model_fields", None), dict) and hasattr(kind, "model_dump"):
        # Not model_dump(): it leaves out excluded fields and the classes of nested models.
        more = {**(value.__pydantic_extra__ or {}), **(value.__pydantic_private__ or {})}
        return {**{name: getattr(value, name) for name in kind.model_fields}, **more}
    return None


def canonical(value: Any) -> bytes:
    """Deterministic bytes of plain data (numbers, text, bytes, containers, dates, enums, dataclasses, models).

    Raises:
        UncacheableCall: Something inside has no deterministic encoding.
    """
    try:
        return _encoder.encode(value if _is_plain(value) else _marked(value))
    except UncacheableCall:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
        raise UncacheableCall(f"an argument cannot be encoded for the key: {error}") from error


def canonical_arguments(arguments: tuple[Any, ...]) -> bytes:
    """As :func:`canonical` of a list, and quick when all arguments are text, numbers, bytes or None."""
    for value in arguments:
        if type(value) not in _SCALARS:
            return canonical([*arguments])
    try:
        return _encoder.encode(arguments)
    except (ValueError, OverflowError) as error:
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
        semantic: Whether an answer to a differently worded query may serve. Never true for a text without
            a letter or digit: blanks, punctuation and emoji all look alike to an embedder.
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
        self.semantic = semantic and query is not None and any(map(str.isalnum, query))
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
