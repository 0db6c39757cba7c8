"""``@cache.cached()``: functions and methods, synchronous, asynchronous, generators and async generators."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec

from ..errors import ConfigError, NotCached, UncacheableCall
from .answers import Codec, codec_for, is_stream_function, item_annotation, pack, return_annotation
from .broadcast import Shape
from .call import PAIR, Call, canonical, canonical_arguments, exact_key
from .controls import DEFAULT as NO_CONTROLS
from .controls import Controls, Tags, check_tags, current, merge
from .drivers import Given, run_sync
from .policy import Answer
from .receipt import Receipt, Reply
from .signature import Signature, captured
from .streams import Surface, astream, stream
from .usage import Bill, billing
from .versions import conflict, versions_in

if TYPE_CHECKING:
    from .core import Cache
    from .explain import Explanation


class _Loose(NamedTuple):
    """An item of a stream that cannot be encoded, and why; the stream is not stored."""

    item: Any
    why: str


class Cached:
    """What is known of one decorated function. Its methods hang on the decorated function:
    ``answer.reply(...)``, ``answer.explain(...)``, ``answer.call_for(...)``.

    Args:
        cache: The cache.
        fn: The function.
        query: See :func:`cached`.
        options: See :func:`cached`.
    """

    def __init__(
        self,
        cache: Cache,
        fn: Callable[..., Any],
        query: str | Any | None,
        exclude: Sequence[str],
        version: str,
        ttl: float | None,
        tags: Tags,
        model: str,
        semantic: bool,
        name: str | None,
    ) -> None:
        self.cache = cache
        self.fn = fn
        self.semantic = semantic
        self.model = model
        self.tags = check_tags(tags)
        self.sources = versions_in(self.tags)
        # Beforehand, because a hit in memory declares nothing; each call that goes the full way does so again.
        run_sync(cache.pipeline.declare(self.tags), _nobody, cache.workers)
        self.signature = Signature(fn, query, exclude, need_query=semantic and cache.semantic is not None)
        self.label = name or self.signature.name
        self.streams = is_stream_function(fn)
        annotation = return_annotation(fn)
        if self.streams:
            annotation = item_annotation(annotation)
        self.codec: Codec = codec_for(annotation, self.signature.name)
        self.kind = "items" if self.streams else "value"
        self._list = msgspec.msgpack.Encoder()
        self._unlist = msgspec.msgpack.Decoder(list[bytes])
        self.bind = self.signature.bind
        # Canonical bytes of the pair (head, rest) up to the rest: what every call of this function shares.
        head: list[Any] = ["stream" if self.streams else "function", self.label, version, cache.tenant_name]
        around = [] if name is not None else captured(fn)
        self.head_bytes = PAIR + canonical([*head, around] if around else head)
        self.surface = Surface(
            self.pack_items,
            self.unpack_items,
            lambda answer: self.unpack_items(answer.body) if answer.complete else None,
            Shape(freeze=self._freeze, thaw=self._thaw, keep_bytes=64 * cache.policy.max_bytes),
        )
        self._ttl = None if ttl is None else merge(NO_CONTROLS, ttl=ttl)
        self._warned = False

    def scope_and_query(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bytes, str | None]:
        """Canonical scope bytes and the query of one invocation.

        Raises:
            UncacheableCall: An argument cannot be part of a key; the message names it.
        """
        query, rest = self.bind(*args, **kwargs)
        if query is not None and type(query) is not str:
            # Not text: it still has to match exactly.
            rest, query = (*rest, query), None
        try:
            return self.head_bytes + canonical_arguments(rest), query
        except UncacheableCall as error:
            raise self._blame(rest, error) from None

    def _blame(self, rest: tuple[Any, ...], error: UncacheableCall) -> UncacheableCall:
        for name, value in zip((*self.signature.scope_names, self.signature.query), rest, strict=False):
            try:
                canonical(value)
            except UncacheableCall as inner:
                return UncacheableCall(
                    f"{self.signature.name}: parameter {name!r}: {inner} (exclude=[{name!r}] keeps it out of the key)",
                    parameter=name,
                )
        return error

    def call_for(self, *args: Any, **kwargs: Any) -> Call:
        """The call these arguments make: its key, scope and query."""
        scope, query = self.scope_and_query(args, kwargs)
        return self._call(scope, query, exact_key(scope, query))

    def _call(self, scope: bytes, query: str | None, key: bytes) -> Call:
        return Call(scope, query, key=key, semantic=self.semantic, label=self.label, model=self.model, tags=self.tags)

    def controls(self) -> Controls | None:
        """The controls in force, with the decorator's own TTL beneath them."""
        asked = current()
        if self._ttl is None or (asked is not None and asked.ttl is not None):
            return asked
        return self._ttl if asked is None else merge(asked, ttl=self._ttl.ttl)

    def pack(self, value: Any, started: float, bill: Bill) -> Answer:
        """What the function returned, as an Answer."""
        body, why_not = pack(self.codec, value)
        made = self._answer(body, why_not, value, started)
        made.usage, made.cost_usd, made.model = bill.usage, bill.cost_usd, bill.model or self.model
        return made

    def _freeze(self, item: Any) -> bytes | _Loose:
        body, why_not = pack(self.codec, item)
        return _Loose(item, why_not) if why_not else body

    def _thaw(self, frozen: bytes | _Loose) -> Any:
        return frozen.item if isinstance(frozen, _Loose) else self.codec.decode(frozen)

    def pack_items(self, frozen: list[bytes | _Loose], started: float) -> Answer:
        """What the generator yielded, as an Answer."""
        why_not = next((item.why for item in frozen if isinstance(item, _Loose)), "")
        return self._answer(b"" if why_not else self._list.encode(frozen), why_not, None, started)

    def _answer(self, body: bytes, why_not: str, value: Any, started: float) -> Answer:
        if why_not and not self._warned:
            self._warned = True
            warnings.warn(f"{self.signature.name} is not cached: {why_not}", RuntimeWarning, stacklevel=4)
        took = (self.cache.clock.monotonic() - started) * 1000
        return Answer(
            kind=self.kind,
            body=body,
            complete=not why_not,
            why_not=why_not,
            shareable=not why_not,
            model=self.model,
            took_ms=took,
            value=value,
        )

    def unpack(self, outcome: Any) -> Any:
        """The value of an outcome. Raises _Undecodable when a stored body is not one of this function's."""
        if outcome.found is not None:
            try:
                return self.codec.decode(outcome.found.entry.body)
            except Exception as error:
                raise _Undecodable from error
        if outcome.status == "joined" and outcome.answer.complete:
            return self.codec.decode(outcome.answer.body)  # each follower its own copy
        return outcome.answer.value

    def unpack_items(self, body: bytes) -> list[Any]:
        """The items of a stored stream."""
        return [self.codec.decode(item) for item in self._unlist.decode(body)]

    # -- the four colours ------------------------------------------------------------------------------

    def sync_reply(self, *args: Any, **kwargs: Any) -> Reply[Any]:
        """Call the function through the cache; the value with its receipt."""
        return Reply(*self.sync_call(args, kwargs))

    def sync_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Receipt]:
        """As :meth:`sync_reply`, without an object around the two."""
        call = self.call_for(*args, **kwargs)
        asked = self.controls()
        given: Given | None = None
        if asked is None:
            found = self.cache.look_first(call, self.cache.clock.monotonic())
            if isinstance(found, tuple):
                try:
                    return self.codec.decode(found[0].body), found[1]
                except Exception:  # another type was stored
                    asked = _past(asked, call)
            else:
                given = found

        def ask() -> Answer:
            started = self.cache.clock.monotonic()
            with billing(self.cache.prices) as bill:
                value = self.fn(*args, **kwargs)
            return self.pack(value, started, bill)

        outcome, receipt = self.cache.run(call, asked, ask, given=given)
        try:
            return self.unpack(outcome), receipt
        except _Undecodable:
            outcome, receipt = self.cache.run(call, _past(asked, call), ask)
            return self.unpack(outcome), receipt

    async def async_reply(self, *args: Any, **kwargs: Any) -> Reply[Any]:
        """Call the coroutine function through the cache; the value with its receipt."""
        call = self.call_for(*args, **kwargs)

        async def ask() -> Answer:
            started = self.cache.clock.monotonic()
            with billing(self.cache.prices) as bill:
                value = await self.fn(*args, **kwargs)
            return self.pack(value, started, bill)

        asked = self.controls()
        outcome, receipt = await self.cache.arun(call, asked, ask)
        try:
            return Reply(self.unpack(outcome), receipt)
        except _Undecodable:
            outcome, receipt = await self.cache.arun(call, _past(asked, call), ask)
            return Reply(self.unpack(outcome), receipt)

    def sync_stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Run the generator through the cache."""
        call = self.call_for(*args, **kwargs)
        return stream(self.cache, call, self.controls(), lambda: self.fn(*args, **kwargs), self.surface)

    def async_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Run the async generator through the cache."""
        call = self.call_for(*args, **kwargs)
        return astream(self.cache, call, self.controls(), lambda: self.fn(*args, **kwargs), self.surface)

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """What would happen to this call; nothing is asked or changed."""
        return self.cache.explain(self.call_for(*args, **kwargs))

    def fast(self) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[bool, Any]]:
        """A hit in the memory tier in a few microseconds: ``(hit, value)``.

        Everything it needs is bound here once; on any doubt it says no and the full way decides.
        """
        bind, encode, decode = self.bind, canonical_arguments, self.codec.decode
        cache, head, sources = self.cache, self.head_bytes, self.sources
        peek, receipt, clock = cache.peek, cache.memory_receipt, cache.clock.monotonic

        if not cache.has_memory:
            return lambda args, kwargs: (False, None)

        def hit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
            started = clock()
            query, rest = bind(*args, **kwargs)
            if type(query) is not str or current() is not None:
                return False, None
            try:
                entry = peek(exact_key(head + encode(rest), query))
                if entry is None or (sources and conflict(sources, entry.tags)):
                    return False, None
                value = decode(entry.body)
            except Exception:
                return False, None
            receipt(entry, started)
            return True, value

        return hit


def _nobody() -> NoReturn:
    raise AssertionError("versions are declared without asking upstream")


class _Undecodable(Exception):
    """A stored body is not one of this function's: it returned another type when that was stored."""


def _past(asked: Controls | None, call: Call) -> Controls:
    """The controls that pass by an entry which does not decode. Raises NotCached when asking is forbidden."""
    if asked is not None and asked.only_if_cached:
        raise NotCached("the stored answer does not decode as what the function returns now", key=call.key.hex())
    return merge(asked or NO_CONTROLS, refresh=True)


def cached(
    cache: Cache,
    query: str | Any | None = ...,
    *,
    exclude: Sequence[str] = (),
    version: str = "",
    ttl: float | None = None,
    tags: Tags = (),
    model: str = "",
    semantic: bool = True,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function, coroutine function, generator function or async generator function.

    The decorated function keeps its name, signature and colour, and gains ``reply(...)`` (value with
    receipt; not for generators), ``explain(...)`` and ``call_for(...)``; on a method, give these the
    instance as first argument. Plain data that the function captured from a function around it (a system
    prompt, say) is part of the key, as it was when decorated. A generator's ``return`` value is not kept.

    Args:
        cache: The cache.
        query: Parameter whose text may vary by meaning; by default the only string parameter; None for
            exact matches only.
        exclude: Parameters that do not shape the answer (``self``, ``cls`` and ``ctx`` always are).
        version: Change it when the function's prompt changes: old answers stop matching.
        ttl: Seconds an answer is fresh, in place of the policy's.
        tags: Tags of every stored answer: texts, or the versions of what it is made from by name,
            ``{"handbook": "v3"}``.
        model: Model the function asks, for invalidation and receipts.
        semantic: False for exact matches only.
        name: Stable name for the key, in place of ``module.qualname`` and of what the function captured.

    Raises:
        ConfigError: The query cannot be told, or the return type cannot be stored.
    """
    if query is not ... and query is not None and not isinstance(query, str):
        raise ConfigError("write @cache.cached() with brackets; its first argument is the name of the query parameter")

    def decorate(fn: Callable[..., Any]) -> Any:
        if isinstance(fn, classmethod | staticmethod):
            raise ConfigError("put @cache.cached() below @classmethod or @staticmethod, next to the function")
        if not callable(fn):
            raise ConfigError(f"{fn!r} is not a function")
        made = Cached(cache, fn, query, exclude, version, ttl, tags, model, semantic, name)
        wrapper = _wrapper(made, fn)
        wrapper.explain = made.explain
        wrapper.call_for = made.call_for
        wrapper.cache = cache
        return wrapper

    return decorate


def _wrapper(made: Cached, fn: Callable[..., Any]) -> Any:
    if made.streams == "generator":
        wrapped: Any = functools.wraps(fn)(lambda *args, **kwargs: made.sync_stream(*args, **kwargs))
        return wrapped
    if made.streams:
        wrapped = functools.wraps(fn)(lambda *args, **kwargs: made.async_stream(*args, **kwargs))
        return wrapped
    fast = made.fast()
    if inspect.iscoroutinefunction(fn):

        @functools.wraps(fn)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            hit, value = fast(args, kwargs)
            return value if hit else (await made.async_reply(*args, **kwargs)).value

        wrapped = async_wrapper
        wrapped.reply = made.async_reply
        return wrapped

    @functools.wraps(fn)
    def sync_wrapper(*args: Any, **kwargs: Any) -> Any:
        hit, value = fast(args, kwargs)
        return value if hit else made.sync_call(args, kwargs)[0]

    wrapped = sync_wrapper
    wrapped.reply = made.sync_reply
    return wrapped
