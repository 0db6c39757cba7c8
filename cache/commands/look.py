"""``askonce stats`` and ``askonce inspect``: what the stores hold."""

from __future__ import annotations

import heapq
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ...entry import Entry
from ...errors import AskonceError, StoreError
from ..core import Cache
from ..keeping import learned
from ..transfer import Damaged, Held, state_of, survey
from .output import Output, money_text, plural, short, size_text, span_text
from .shared import DEFAULTS, Shared, flag, hexadecimal, opened, reason

_AGES = (("under 1 h", 3600.0), ("under 1 d", 86400.0), ("under 7 d", 604800.0), ("under 30 d", 2592000.0))
_STATES = ("fresh", "stale", "expired", "invalidated", "damaged")
_NOTE = (
    "Hits, misses and savings are counted inside each running process (cache.stats() there); "
    "the stores keep answers, not counters, and what memory tiers hold cannot be seen from here."
)


class _Tally:
    """Counts over entries."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.embedders: Counter[str] = Counter()
        self.ages: Counter[str] = Counter()
        self.scopes: set[bytes] = set()
        self.vectors = 0
        self.tokens = 0
        self.money = 0.0

    def add(self, held: Held, now: float) -> None:
        entry = held.entry
        self.states[held.state] += 1
        if held.state in ("expired", "invalidated"):
            return
        self.scopes.add(entry.scope)
        self.models[entry.model or "unknown"] += 1
        self.tags.update(entry.tags)
        self.tokens += entry.usage.total
        self.money += entry.cost_usd
        age = now - entry.created
        self.ages[next((name for name, limit in _AGES if age < limit), "older")] += 1
        if entry.vector:
            self.vectors += 1
            self.embedders[entry.embedder.partition("/")[0]] += 1


def stats(
    *,
    top: Annotated[int, Parameter(help="Length of the lists of models and tags.")] = 10,
    quick: Annotated[bool, flag("Only what the tiers count themselves; reads no entry.")] = False,
    shared: Shared = DEFAULTS,
) -> int:
    """Count what the disk and Redis tiers hold: entries, bytes, vectors, by model, age and tag.

    Tokens and money are those of the stored answers: what asking for all of them once more would cost.
    """
    out, config = shared.output(), shared.settings()
    with opened(config) as cache:
        tiers = _tiers(cache)
        tally, damaged = _Tally(), 0
        if not quick:
            total = sum(max(0, tier["entries"]) for tier in tiers)
            live = [tier for tier, row in zip(cache.tiers, tiers, strict=True) if not row["fault"]]
            now = cache.clock.now()
            with out.progress("reading entries", total) as step:
                for held in survey(cache, step, live):
                    if isinstance(held, Damaged):
                        damaged += 1
                        _row(tiers, held.tier)["damaged"] += 1
                    else:
                        tally.add(held, now)
                        for name in held.tiers:
                            row = _row(tiers, name)
                            row["vectors"] += bool(held.entry.vector)
                            row[held.state] += 1
                            row["content_bytes"] += held.entry.size
            for tier in tiers:
                if tier["entries"] < 0 and not tier["fault"]:
                    tier["entries"] = sum(tier[name] for name in _STATES)
        directory = next((getattr(tier.store, "directory", None) for tier in cache.tiers if tier.name == "disk"), None)
    data: dict[str, Any] = {"tiers": tiers, "note": _NOTE}
    if directory is not None:
        data |= learned(Path(directory), getattr(config.semantic, "max_wrong", 0.01))
    if quick:
        for tier in tiers:
            for name in ("content_bytes", "vectors", *_STATES):
                tier.pop(name)
    else:
        data |= {
            "entries": sum(tally.states.values()),
            "states": dict(tally.states),
            "damaged": damaged,
            "scopes": len(tally.scopes),
            "vectors": tally.vectors,
            "tokens": tally.tokens,
            "money_usd": tally.money,
            "models": tally.models.most_common(top),
            "tags": tally.tags.most_common(top),
            "ages": {name: tally.ages[name] for name in (*(n for n, _ in _AGES), "older") if tally.ages[name]},
            "embedders": tally.embedders.most_common(top),
        }
    out.result(data, lambda: _stats_page(out, data))
    for tier in tiers:
        if tier["fault"]:
            out.note(f"askonce: {tier['name']} is out of reach: {tier['fault']}")
    return 1 if any(tier["fault"] for tier in tiers) else 0


def _tiers(cache: Cache) -> list[dict[str, Any]]:
    made = []
    for tier in cache.tiers:
        row: dict[str, Any] = {"name": tier.name, "entries": -1, "bytes": -1, "fault": ""}
        row |= dict.fromkeys(("content_bytes", "vectors", *_STATES), 0)
        try:
            held = tier.store.stats()
            row["entries"], row["bytes"] = held.entries, held.bytes
        except StoreError as error:
            row["fault"] = reason(error)
        made.append(row)
    return made


def _row(tiers: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(tier for tier in tiers if tier["name"] == name)


def _stats_page(out: Output, data: dict[str, Any]) -> None:
    names = ("entries", "bytes", "vectors", *_STATES)
    shown = [name for name in names if name in data["tiers"][0]]

    def cell(tier: dict[str, Any], name: str) -> str:
        if tier["fault"]:
            return "?"
        if name == "bytes":
            known = tier["bytes"] >= 0 or "content_bytes" not in tier
            return size_text(tier["bytes"]) if known else f"~{size_text(tier['content_bytes'])}"
        return f"{tier[name]:,}" if tier[name] >= 0 else "?"

    out.table(
        ("tier", *shown),
        [(tier["name"], *(cell(tier, name) for name in shown)) for tier in data["tiers"]],
        right=range(1, len(shown) + 1),
    )
    _learned_page(out, data)
    if "entries" not in data:
        return
    out.say()
    out.say(
        f"{plural(data['entries'], 'answer')} in {plural(data['scopes'], 'scope')}; the servable ones took "
        f"{data['tokens']:,} tokens and {money_text(data['money_usd'])} to make"
    )
    if data["ages"]:
        out.say("age: " + ", ".join(f"{name} {count:,}" for name, count in data["ages"].items()))
    for name in ("models", "tags", "embedders"):
        if data[name]:
            out.say(f"{name}: " + ", ".join(f"{what} {count:,}" for what, count in data[name]))
    out.say()
    out.say(data["note"])


def _learned_page(out: Output, data: dict[str, Any]) -> None:
    """The error budget's meter, and the pairs that are never served for each other."""
    budget, pairs = data.get("budget"), data.get("negatives", 0)
    if budget is None and not pairs:
        return
    out.say()
    if budget is not None:
        low, high = budget["wrong_share_between"]
        audited = f"{budget['audits']:.0f} hits audited, {budget['audits_wrong']:.0f} wrong"
        between = f" ({low:.1%} to {high:.1%})" if budget["audits"] else ""
        out.say(f"error budget {budget['max_wrong']:.1%}: {budget['served']:,.0f} hits served, {audited}{between}")
        if budget["tripped"]:
            out.say(f"tripped, only exact hits are served: {budget['reason']}")
    if pairs:
        out.say(f"{plural(pairs, 'pair')} of questions never served for each other again")


def inspect(
    *,
    key: Annotated[str | None, Parameter(help="Exact key or its beginning; shows the answer.")] = None,
    text: Annotated[str | None, Parameter(help="The very question.")] = None,
    contains: Annotated[str | None, Parameter(help="Part of the question, in any case.")] = None,
    scope: Annotated[str | None, Parameter(help="Scope digest or its beginning.")] = None,
    tag: Annotated[str | None, Parameter(help="A tag the entry carries.")] = None,
    model: Annotated[str | None, Parameter(help="The model that answered.")] = None,
    limit: Annotated[int, Parameter(help="How many to list, newest first; 0 for all.")] = 20,
    shared: Shared = DEFAULTS,
) -> int:
    """List stored entries, newest first; with --key, show one with its answer.

    All conditions must hold. Exit code 1 when nothing matches.
    """
    out, config = shared.output(), shared.settings()
    key, scope = hexadecimal(key, "--key"), hexadecimal(scope, "--scope")
    matched, damaged = 0, 0
    found: list[tuple[float, bytes, Held]] = []
    with opened(config) as cache:
        now = cache.clock.now()
        for held in _candidates(cache, key):
            if isinstance(held, Damaged):
                damaged += 1
                continue
            entry = held.entry
            if (
                (key is None or entry.key.hex().startswith(key))
                and (scope is None or entry.scope.hex().startswith(scope))
                and (text is None or entry.query == text)
                and (contains is None or contains.casefold() in (entry.query or "").casefold())
                and (tag is None or tag in entry.tags)
                and (model is None or entry.model == model)
            ):
                matched += 1
                item = (entry.created, entry.key, held)
                if limit <= 0 or len(found) < limit:
                    heapq.heappush(found, item)
                else:
                    heapq.heappushpop(found, item)
    rows = [held for _, _, held in sorted(found, key=lambda item: item[:2], reverse=True)]
    full = key is not None
    data = {
        "matched": matched,
        "shown": len(rows),
        "damaged": damaged,
        "entries": [_facts(held, now, full) for held in rows],
    }
    if damaged:
        out.note(f"askonce: {plural(damaged, 'row')} cannot be read; askonce doctor says which")
    if not rows:
        out.result(data, lambda: None)
        out.note("askonce: no stored entry matches")
        return 1
    out.result(data, lambda: _entry_page(out, rows, now) if full else _list_page(out, rows, matched, now))
    return 0


def _candidates(cache: Cache, key: str | None) -> Any:
    """All entries, or the one of a full key without reading the others."""
    if key is None or len(key) < 64:
        yield from survey(cache)
        return
    for tier in cache.tiers:
        entry = tier.store.get(bytes.fromhex(key))
        if entry is not None:
            yield Held(entry, (tier.name,), state_of(cache, entry, cache.clock.now()))
            return


def _facts(held: Held, now: float, full: bool) -> dict[str, Any]:
    entry = held.entry
    made = {
        "key": entry.key.hex(),
        "scope": entry.scope.hex(),
        "query": entry.query,
        "kind": entry.kind,
        "model": entry.model,
        "state": held.state,
        "tiers": held.tiers,
        "age_s": now - entry.created,
        "ttl_left_s": None if entry.expires is None else entry.expires - now,
        "created": entry.created,
        "expires": entry.expires,
        "tags": entry.tags,
        "bytes": len(entry.body),
        "prompt_tokens": entry.usage.prompt_tokens,
        "completion_tokens": entry.usage.completion_tokens,
        "cost_usd": entry.cost_usd,
        "cost_ms": entry.cost_ms,
        "embedder": entry.embedder,
    }
    return {**made, "answer": decoded(entry)} if full else made


def _list_page(out: Output, rows: list[Held], matched: int, now: float) -> None:
    table = []
    for held in rows:
        entry = held.entry
        left = "never" if entry.expires is None else span_text(entry.expires - now)
        table.append(
            (
                entry.key.hex()[:12],
                short(entry.query, 60) if entry.query is not None else "(exact only)",
                entry.model or entry.kind,
                span_text(now - entry.created),
                left if held.state in ("fresh", "stale") else held.state,
                short(", ".join(entry.tags), 30),
                f"{entry.usage.total:,}",
                size_text(len(entry.body)),
                "+".join(held.tiers),
            )
        )
    out.table(
        ("key", "question", "model", "age", "ttl left", "tags", "tokens", "size", "tiers"),
        table,
        right=(6, 7),
        flexible=1,
    )
    if matched > len(rows):
        out.note(f"{matched - len(rows):,} more; --limit 0 lists all")


def _entry_page(out: Output, rows: list[Held], now: float) -> None:
    for number, held in enumerate(rows):
        if number:
            out.say()
        entry = held.entry
        usage = entry.usage
        for name, value in (
            ("key", entry.key.hex()),
            ("scope", entry.scope.hex()),
            ("question", entry.query if entry.query is not None else "(none: matches exactly only)"),
            ("model", entry.model or "unknown"),
            ("kind", entry.kind),
            ("state", f"{held.state}, in {' and '.join(held.tiers)}"),
            ("age", span_text(now - entry.created)),
            ("ttl left", "never" if entry.expires is None else span_text(entry.expires - now)),
            ("tags", ", ".join(entry.tags) or "none"),
            ("size", size_text(len(entry.body))),
            ("usage", f"{usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens, {money_text(entry.cost_usd)}"),
            ("took", f"{entry.cost_ms:,.0f} ms"),
            ("embedder", entry.embedder or "none: no vector"),
        ):
            out.say(f"{name:<9} {value}")
        out.say()
        answer = decoded(entry)
        out.say(answer if isinstance(answer, str) else msgspec.json.format(msgspec.json.encode(answer)).decode())


def decoded(entry: Entry) -> Any:
    """The stored answer as plain data: the text of a completion, the value a function returned, or the raw
    JSON. Bytes that are neither come as hexadecimal."""
    try:
        if entry.kind == "items":
            return [_value(item) for item in msgspec.msgpack.decode(entry.body, type=list[bytes])]
        if entry.kind == "value":
            return _value(entry.body)
        return _openai(msgspec.json.decode(entry.body))
    except (msgspec.MsgspecError, AskonceError, UnicodeDecodeError):
        return {"hex": entry.body.hex()}


def _value(body: bytes) -> Any:
    """A function's value: msgpack, or JSON where a pydantic model made it."""
    try:
        made = msgspec.msgpack.decode(body)
    except msgspec.MsgspecError:
        made = msgspec.json.decode(body)
    return msgspec.to_builtins(made, str_keys=True)


def _openai(data: Any) -> Any:
    """The text of a chat or legacy completion with one plain choice; everything else as it is."""
    choices = data.get("choices") if isinstance(data, dict) else None
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict):
        message = choices[0].get("message")
        text = message.get("content") if isinstance(message, dict) else choices[0].get("text")
        if isinstance(text, str) and not (isinstance(message, dict) and message.get("tool_calls")):
            return text
    return data
