"""Answers that are known before anyone asks: from a FAQ file into the cache, under the very key a later
call will have.

The key is never made up here. For an OpenAI client the request is built as the SDK sends it and taken
apart by the transport's own code; for a decorated function the function's own binder makes the call.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from ...entry import Entry
from ...errors import AskonceError, ConfigError, MissingExtra, StoreError
from ...upstream.tokens import cost_or_zero, estimate_chat, estimate_tokens
from ..answers import _mentions_pydantic, is_stream_function, item_annotation, pack, return_annotation
from ..call import Call
from ..config import seconds
from ..controls import Controls
from ..core import Cache
from ..decorator import Cached
from ..openai_answer import answer_of
from ..openai_payload import parse
from ..policy import Answer
from ..transfer import Damaged, read, read_lines

BATCH = 64
EMBED_WITHIN_S = 120.0


class Faq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One line of a FAQ file.

    Attributes:
        answer: The answer: text, or for a function whatever JSON its return type is made from.
        question: What is asked.
        request: For a client, instead of ``question``: a whole chat completions body.
        args: For a function: its other arguments, by name.
        tags: Tags of the entry.
        ttl: Seconds or ``"7d"``; by default the policy's.
        model: The model asked for (client), or that wrote the answer (function).
    """

    answer: Any
    question: str | None = None
    request: dict[str, Any] | None = None
    args: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    ttl: float | str | None = None
    model: str | None = None


class Prepared(NamedTuple):
    """A call, its answer, and whether an entry already holds that answer."""

    call: Call
    answer: Answer
    held: Callable[[Entry], bool]


class Target(Protocol):
    """For whom the answers are: turns a line into a call and its answer; raises AskonceError for a bad one."""

    cache: Cache

    def prepare(self, faq: Faq) -> Prepared: ...


class ClientTarget:
    """Chat completions of a wrapped OpenAI client.

    Attributes:
        cache: The cache, of the right tenant; to be set before the first line.

    Args:
        base_url: The client's base URL.
        model: Model of lines that name none.
        system: System prompt in front of each question.
        body: Further fields of every request (``{"temperature": 0}``); ``messages`` in it come before the
            question.

    Raises:
        ConfigError: ``base_url`` is not a URL, or ``body`` has fields that cannot be.
    """

    cache: Cache

    def __init__(self, base_url: str, model: str, system: str | None, body: dict[str, Any]) -> None:
        try:
            import httpx2
        except ImportError as error:
            raise MissingExtra("httpx2", "openai", "warming the answers of an OpenAI client") from error
        from ..transport import call_for

        try:
            url = httpx2.URL(base_url)
        except httpx2.InvalidURL as error:
            raise ConfigError(f"--base-url is {base_url!r}, not a URL: {error}", setting="base_url") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError(f"--base-url is {base_url!r}; write https://host/v1", setting="base_url")
        if not isinstance(body.get("messages", []), list):
            raise ConfigError("messages in --body must be a list", setting="body")
        self._url = str(url.copy_with(path=url.path.rstrip("/") + "/chat/completions"))
        self._model = model
        self._before = list(body.get("messages", []))
        if system is not None:
            self._before.insert(0, {"role": "system", "content": system})
        self._body = {name: value for name, value in body.items() if name != "messages"}
        self._call_for = call_for

    def prepare(self, faq: Faq) -> Prepared:
        if faq.args is not None:
            raise ConfigError("args belong to a function; name it with --function")
        if not isinstance(faq.answer, str) or not faq.answer.strip():
            raise ConfigError("the answer must be text")
        request = faq.request if faq.request is not None else self._request(faq)
        if faq.request is not None and faq.question is not None:
            raise ConfigError("give question or request, not both")
        model = request.get("model")
        messages = request.get("messages")
        if not isinstance(model, str) or not model or not isinstance(messages, list) or not messages:
            raise ConfigError("a request needs model and messages, as a chat completions body")
        if request.get("n") not in (None, 1):
            raise ConfigError("a request for several choices (n) has no single answer")
        parsed = parse("chat", request)
        if parsed.refused:
            raise ConfigError(f"such a request is not cached: {parsed.refused}")
        call = self._call_for(self.cache, self._url, parsed)
        body, mark = _completion(call, model, messages, faq.answer, self.cache.clock.now())
        return Prepared(call, answer_of("chat", body, 0.0, self._cost), lambda entry: mark in entry.body)

    def _request(self, faq: Faq) -> dict[str, Any]:
        if faq.question is None or not faq.question.strip():
            raise ConfigError("it has no question")
        model = faq.model or self._model or self._body.get("model")
        if not model:
            raise ConfigError("it names no model: add one to the line, or --model for all")
        messages = [*self._before, {"role": "user", "content": faq.question}]
        return {**self._body, "model": model, "messages": messages}

    def _cost(self, model: str, prompt: int, completion: int) -> float:
        return cost_or_zero(model, prompt, completion, self.cache.prices)


def _completion(call: Call, model: str, messages: list[Any], text: str, now: float) -> tuple[bytes, bytes]:
    """A chat completion with ``text``, and what marks it. Tokens are estimated: they are what a hit saves."""
    identity = "chatcmpl-warm-" + blake2b(call.key + text.encode(), digest_size=12).hexdigest()
    prompt = estimate_chat([m for m in messages if isinstance(m, dict)])
    written = max(1, estimate_tokens(text))
    body = {
        "id": identity,
        "object": "chat.completion",
        "created": int(now),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written},
    }
    return msgspec.json.encode(body), identity.encode()


class FunctionTarget:
    """A decorated function; its answers go to its own cache.

    Args:
        name: ``package.module:function`` or ``package.module:Class.method``.

    Raises:
        ConfigError: There is no such function, or it is not decorated.
        AskonceError: Its module fails on import.
    """

    def __init__(self, name: str) -> None:
        fn = _find(name)
        made = getattr(getattr(fn, "call_for", None), "__self__", None)
        if not isinstance(made, Cached):
            raise ConfigError(f"{name} is not decorated with @cache.cached()", setting="function")
        self._made = made
        self.cache = made.cache
        self._streams = bool(is_stream_function(made.fn))
        annotation = return_annotation(made.fn)
        self._as_json = _mentions_pydantic(item_annotation(annotation) if self._streams else annotation)
        self._parameters = signature(made.fn).parameters.values()

    def prepare(self, faq: Faq) -> Prepared:
        if faq.request is not None:
            raise ConfigError("request belongs to an OpenAI client; leave --function out")
        arguments = dict(faq.args or {})
        query = self._made.signature.query
        if faq.question is not None:
            if query is None:
                raise ConfigError("the function has no query parameter; give its arguments in args")
            if not faq.question.strip():
                raise ConfigError("the question is blank")
            arguments[query] = faq.question
        elif query is not None and query not in arguments:
            raise ConfigError("it has no question")
        try:
            call = self._made.call_for(*self._positional(arguments), **arguments)
        except TypeError as error:
            raise ConfigError(str(error)) from error
        parts = faq.answer if self._streams and isinstance(faq.answer, list) else [faq.answer]
        packed = [pack(self._made.codec, self._value(part)) for part in parts]
        if why_not := next((why for _, why in packed if why), ""):
            raise ConfigError(why_not)
        bodies = [body for body, _ in packed]
        body = msgspec.msgpack.encode(bodies) if self._streams else bodies[0]
        answer = Answer(kind=self._made.kind, body=body, model=faq.model or self._made.model)
        return Prepared(call, answer, lambda entry: entry.body == answer.body)

    def _positional(self, arguments: dict[str, Any]) -> list[Any]:
        """Take what can be given by position out of ``arguments``, up to the first parameter that is left to
        its default. Parameters that are no part of the key (``self``, ``ctx``) get None."""
        scope, query = self._made.signature.scope_names, self._made.signature.query
        by_position: list[Any] = []
        open_ended = True
        for parameter in self._parameters:
            if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                open_ended = False
                continue
            if (
                parameter.name not in arguments
                and parameter.name not in scope
                and parameter.name != query
                and parameter.default is Parameter.empty
            ):
                arguments[parameter.name] = None
            open_ended = open_ended and parameter.name in arguments and parameter.kind is not Parameter.KEYWORD_ONLY
            if open_ended:
                by_position.append(arguments.pop(parameter.name))
        return by_position

    def _value(self, answer: Any) -> Any:
        """JSON as the type the function returns."""
        encode = msgspec.json.encode if self._as_json else msgspec.msgpack.encode
        try:
            return self._made.codec.decode(encode(answer))
        except (ValueError, TypeError, msgspec.MsgspecError) as error:
            text = " ".join(str(error).split())
            raise ConfigError(f"the answer is not what the function returns: {text}") from error


def _find(name: str) -> Any:
    module, _, path = name.partition(":")
    if not module or not path:
        raise ConfigError(f"--function is {name!r}; write package.module:function", setting="function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as python -m has it
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise ConfigError(f"there is no module {module} here or installed", setting="function") from error
        raise AskonceError(f"importing {module} failed: {error}") from error
    except (Exception, SystemExit) as error:
        raise AskonceError(f"importing {module} failed ({type(error).__name__}: {error})") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{module} has no {path}", setting="function")
        found = getattr(found, part)
    return found


class Warmed(msgspec.Struct):
    """What warming did.

    Attributes:
        stored: Answers stored (in a dry run: that would be).
        replaced: How many of them took the place of another answer, which was retired everywhere.
        renewed: How many were there already and got a new lease.
        without_vector: How many can be found by the very same words only.
        bad: Lines without a usable answer: ``[line number, why]``.
        faults: Tiers that failed on the way.
    """

    stored: int = 0
    replaced: int = 0
    renewed: int = 0
    without_vector: int = 0
    bad: list[tuple[int, str]] = []
    faults: list[str] = []


class _Job(NamedTuple):
    number: int
    faq: Faq
    made: Prepared


def warm(
    target: Target,
    path: Path,
    *,
    tags: Sequence[str] = (),
    ttl: float | None = None,
    dry_run: bool = False,
    step: Callable[[int], None] = lambda steps: None,
) -> Warmed:
    """Store the answers of a FAQ file; good lines are kept whatever the others are.

    Args:
        target: For whom.
        path: The file: one JSON object a line, see :class:`Faq`; may be gzipped.
        tags: More tags for every entry.
        ttl: Seconds, for lines that say nothing.
        dry_run: Check everything, store nothing.
        step: Called with the bytes read since the last call.

    Raises:
        OSError: The file cannot be read.
        AskonceError: It is damaged as a whole.
    """
    report = Warmed()
    batch: list[_Job] = []
    for job in _jobs(target, path, report, step):
        if dry_run:
            why_not = target.cache.policy.refuses(job.made.call, job.made.answer)
            report.stored += not why_not
            if why_not:
                report.bad.append((job.number, why_not))
            continue
        batch.append(job)
        if len(batch) == BATCH:
            _store(target.cache, batch, tags, ttl, report)
            batch = []
    _store(target.cache, batch, tags, ttl, report)
    return report


def _jobs(target: Target, path: Path, report: Warmed, step: Callable[[int], None]) -> Iterator[_Job]:
    decoder = msgspec.json.Decoder(Faq)
    seen: dict[bytes, tuple[int, bytes]] = {}
    for number, data in read_lines(path, step):
        try:
            faq = decoder.decode(data)
            if isinstance(faq.ttl, str):
                faq.ttl = seconds(faq.ttl, "ttl")
            if faq.ttl is not None and not faq.ttl >= 0:
                raise ConfigError(f"ttl is {faq.ttl!r}; it is a number of seconds, zero or more")
            made = target.prepare(faq)
        except (AskonceError, msgspec.MsgspecError, UnicodeError) as error:
            report.bad.append((number, str(error)))
            continue
        mark = blake2b(msgspec.json.encode(faq.answer)).digest()
        first = seen.setdefault(made.call.key, (number, mark))
        if first[1] != mark:
            report.bad.append((number, f"the same question as line {first[0]} with another answer; the first is kept"))
        elif first[0] == number:
            yield _Job(number, faq, made)


def _store(cache: Cache, jobs: Sequence[_Job], tags: Sequence[str], ttl: float | None, report: Warmed) -> None:
    _embed(cache, [job.made.call for job in jobs], report)
    for number, faq, (call, answer, held) in jobs:
        old = _held(cache, call.key)
        # Other processes may hold another answer in memory: retire it there too.
        if old is not None and not held(old) and not cache.invalidate(key=call.key.hex()):
            report.faults = sorted({*report.faults, f"ledger: {cache.ledger.fault}"})
        life = ttl if faq.ttl is None else float(faq.ttl)
        asked = Controls(refresh=True, ttl=life, tags=(*tags, *faq.tags))
        outcome, receipt = cache.run(call, asked, lambda answer=answer: answer)  # type: ignore[misc]
        report.faults = sorted({*report.faults, *receipt.faults})
        if not outcome.stored:
            report.bad.append((number, f"not stored: {outcome.reason}"))
            continue
        report.stored += 1
        if old is not None:
            report.renewed += held(old)
            report.replaced += not held(old)


def _held(cache: Cache, key: bytes) -> Entry | None:
    """A valid entry of this key in any tier."""
    for tier in cache.tiers:
        try:
            row = read(tier, key)
        except StoreError:
            continue
        if row is not None and not isinstance(row, Damaged) and cache.ledger.valid(row):
            return row
    return None


def _embed(cache: Cache, calls: Sequence[Call], report: Warmed) -> None:
    """Embed the questions of a batch together; the pipeline then finds each vector ready."""
    semantic = cache.semantic
    if semantic is None:
        return
    waiting = []
    for call in calls:
        if not call.semantic or call.query is None or semantic.refuses(call.query):
            report.without_vector += 1
        else:
            waiting.append(semantic.embed(call.query))
    for future in waiting:
        try:
            future.result(EMBED_WITHIN_S)
        except (AskonceError, TimeoutError):
            report.without_vector += 1
