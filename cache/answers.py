"""Answers of decorated functions, to bytes and back, by return annotation.

Text, numbers, JSON values, dataclasses, msgspec Structs and TypedDicts go through msgspec; pydantic
models through their own TypeAdapter. An answer that does not come back equal is never stored: a hit
must give what the miss gave.
"""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import ConfigError

_STREAMS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


class Codec(typing.NamedTuple):
    """``encode(value) -> bytes`` and ``decode(bytes) -> value``; ``exact`` is the one type whose values need
    no check of the round trip, or None."""

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    exact: type | None


_EXACT = (str, bytes, int, bool)
_encoder = msgspec.msgpack.Encoder()


def _is_pydantic(annotation: Any) -> bool:
    return isinstance(annotation, type) and hasattr(annotation, "model_validate_json")


def _mentions_pydantic(annotation: Any) -> bool:
    return _is_pydantic(annotation) or any(_mentions_pydantic(a) for a in typing.get_args(annotation))


def codec_for(annotation: Any, where: str) -> Codec:
    """The codec for values of ``annotation``; ``where`` names the function in errors.

    Raises:
        ConfigError: Values of this type cannot be stored.
    """
    if annotation in (inspect.Parameter.empty, Any, None, type(None), object):
        return Codec(_encoder.encode, msgspec.msgpack.Decoder().decode, None)
    if _mentions_pydantic(annotation):
        from pydantic import TypeAdapter

        adapter: Any = TypeAdapter(annotation)
        return Codec(adapter.dump_json, adapter.validate_json, None)
    try:
        decoder = msgspec.msgpack.Decoder(annotation)
    except TypeError as error:
        raise ConfigError(
            f"{where} returns {annotation!r}, which cannot be stored ({error}): annotate text, JSON values, "
            "a dataclass, a msgspec Struct or a pydantic model",
            setting="return annotation",
        ) from error
    return Codec(_encoder.encode, decoder.decode, annotation if annotation in _EXACT else None)


def return_annotation(fn: Callable[..., Any]) -> Any:
    """The resolved return annotation, ``Parameter.empty`` when there is none or it cannot be resolved."""
    try:
        hints = typing.get_type_hints(fn)
    except Exception:
        return inspect.Parameter.empty
    return hints.get("return", inspect.Parameter.empty)


def item_annotation(annotation: Any) -> Any:
    """What an iterator annotation yields."""
    origin = typing.get_origin(annotation)
    if origin in _STREAMS:
        args = typing.get_args(annotation)
        return args[0] if args else inspect.Parameter.empty
    return inspect.Parameter.empty


def pack(codec: Codec, value: Any) -> tuple[bytes, str]:
    """``(bytes, "")``, or ``(b"", why not)`` when the value would not come back as it is."""
    try:
        body = codec.encode(value)
    except Exception as error:
        return b"", f"the answer cannot be encoded ({type(error).__name__}: {error})"
    if codec.exact is not None and type(value) is codec.exact:
        return body, ""
    try:
        same = _same(codec.decode(body), value)
    except Exception as error:
        return b"", f"the answer does not decode again ({type(error).__name__})"
    return (
        (body, "") if same else (b"", f"a {type(value).__name__} would not come back equal: annotate the return type")
    )


def _same(back: Any, value: Any) -> bool:
    """Equal, and of equal types all the way down the built-in containers: ``StrEnum`` members equal text and
    ``True`` equals 1, yet neither can stand in for the other."""
    kind = type(value)
    if type(back) is not kind:
        return False
    if kind is list or kind is tuple:
        return len(back) == len(value) and all(map(_same, back, value))
    if kind is dict:
        # In order too: a caller may well iterate.
        return len(back) == len(value) and all(
            _same(k, j) and _same(v, w) for (k, v), (j, w) in zip(back.items(), value.items(), strict=True)
        )
    return bool(back == value)


def is_stream_function(fn: Callable[..., Any]) -> str:
    """``"generator"``, ``"async generator"`` or an empty string."""
    if inspect.isgeneratorfunction(fn):
        return "generator"
    if inspect.isasyncgenfunction(fn):
        return "async generator"
    return ""


__all__ = ["Codec", "codec_for", "is_stream_function", "item_annotation", "pack", "return_annotation"]
