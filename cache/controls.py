"""Per-call controls, set for a block of code.

The words follow RFC 9111 section 5.2.1 (request directives of ``Cache-Control``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import msgspec

from ..errors import ConfigError
from .ledger import reserved
from .versions import versioned

Tags: TypeAlias = Sequence[str] | Mapping[str, str]
"""Tags as a user gives them: texts, or the versions of sources by name, ``{"doc:42": "v3"}``."""


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """What one call asks of the cache.

    Attributes:
        no_store: Go straight upstream; neither read nor write.
        refresh: Do not read; ask upstream and store the fresh answer.
        only_if_cached: Never go upstream; raise :class:`askonce.NotCached` on a miss.
        max_age: Accept no answer older than this many seconds.
        ttl: Seconds until the stored answer is stale, in place of the policy's.
        tags: More tags for the stored answer; sources with versions as :func:`~askonce.cache.versions.versioned`
            writes them.
        semantic: False keeps this call to exact matches.
        shadow: True: the semantic tier decides and does not serve, for this call; False: it serves although it is
            in shadow mode; None: as the tier is set.
        audit: False: a hit of this call is not asked again behind it.
    """

    no_store: bool = False
    refresh: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    ttl: float | None = None
    tags: tuple[str, ...] = ()
    semantic: bool = True
    shadow: bool | None = None
    audit: bool = True


DEFAULT = Controls()
_current: ContextVar[Controls | None] = ContextVar("askonce_controls", default=None)


def current() -> Controls | None:
    """The controls in force here, or None when nothing was set."""
    return _current.get()


@contextmanager
def controls(
    *,
    no_store: bool | None = None,
    refresh: bool | None = None,
    only_if_cached: bool | None = None,
    max_age: float | None = None,
    ttl: float | None = None,
    tags: Tags = (),
    semantic: bool | None = None,
    shadow: bool | None = None,
    audit: bool | None = None,
) -> Iterator[Controls]:
    """Set controls for the calls made inside the block (thread and task local). Blocks nest.

    ::

        with askonce.controls(refresh=True, tags=["doc:42"]):
            answer("What does the contract say?")

    A mapping says which version of each source the answer is made from: answers made from other versions are not
    served, and once a version is replaced they are retired.
    """
    merged = merge(
        _current.get() or DEFAULT,
        no_store=no_store,
        refresh=refresh,
        only_if_cached=only_if_cached,
        max_age=max_age,
        ttl=ttl,
        tags=tags,
        semantic=semantic,
        shadow=shadow,
        audit=audit,
    )
    token = _current.set(merged)
    try:
        yield merged
    finally:
        _current.reset(token)


def check_tags(tags: Tags) -> tuple[str, ...]:
    """``tags`` as a tuple; a mapping's are plain and with their version.

    Raises:
        ConfigError: A bare text (it would become one tag per letter), or something that is not text.
    """
    if isinstance(tags, Mapping):
        return versioned(tags)
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise ConfigError(
            f'tags is {tags!r}; write a list of texts, as tags=["doc:42"], or versions, as tags={{"doc:42": "v3"}}',
            setting="tags",
        )
    return tuple(tags)


def merge(base: Controls, **changes: Any) -> Controls:
    """``base`` with the given fields replaced (tags added); None leaves a field as it is."""
    tags = base.tags + check_tags(changes.pop("tags", None) or ())
    made = msgspec.structs.replace(base, tags=tags, **{k: v for k, v in changes.items() if v is not None})
    for name in ("ttl", "max_age"):
        value = getattr(made, name)
        if value is not None and not (type(value) in (int, float) and value >= 0):
            raise ConfigError(f"{name} is {value!r}; it is a number of seconds, zero or more", setting=name)
    if made.no_store and made.only_if_cached:
        raise ConfigError("no_store and only_if_cached exclude each other: one never reads, one only reads")
    return made


_OFF = ("off", "0", "false", "no")
_ON = ("on", "1", "true", "yes")
CONTROL_HEADERS = (
    "cache-control",
    "x-askonce-ttl",
    "x-askonce-tags",
    "x-askonce-versions",
    "x-askonce-semantic",
    "x-askonce-shadow",
    "x-askonce-audit",
)


def from_headers(headers: Mapping[str, str], base: Controls | None) -> Controls | None:
    """Controls asked for by HTTP request headers, on top of ``base``.

    ``Cache-Control: no-store | no-cache | only-if-cached | max-age=N``, ``x-askonce-ttl: seconds``,
    ``x-askonce-tags: a, b``, ``x-askonce-versions: doc:42=v3, doc:7=v1``, ``x-askonce-semantic: off``,
    ``x-askonce-shadow: on | off``, ``x-askonce-audit: off``. Malformed numbers are ignored, as RFC 9111 asks of unknown
    directives; a source without a version is a plain tag.
    """
    changes: dict[str, Any] = {}
    directives = headers.get("cache-control")
    if directives:
        for part in directives.split(","):
            name, _, value = part.strip().partition("=")
            name = name.lower()
            if name == "no-store":
                changes["no_store"] = True
            elif name == "no-cache":
                changes["refresh"] = True
            elif name == "only-if-cached":
                changes["only_if_cached"] = True
            elif name == "max-age":
                changes["max_age"] = _number(value)
    if "x-askonce-ttl" in headers:
        changes["ttl"] = _number(headers["x-askonce-ttl"])
    if "x-askonce-tags" in headers:
        changes["tags"] = tuple(t.strip() for t in headers["x-askonce-tags"].split(",") if t.strip())
    if "x-askonce-versions" in headers:
        changes["tags"] = (*changes.get("tags", ()), *_versions(headers["x-askonce-versions"]))
    for name in ("semantic", "audit", "shadow"):
        word = headers.get(f"x-askonce-{name}", "").strip().lower()
        if word in _OFF:
            changes[name] = False
        elif word in _ON and name == "shadow":
            changes[name] = True
    if changes.get("no_store"):
        changes.pop("only_if_cached", None)
    return merge(base or DEFAULT, **changes) if changes else base


def _versions(text: str) -> tuple[str, ...]:
    """The tags of ``name=version, ...``."""
    parts = [part.partition("=") for part in text.split(",")]
    named = [(name.strip(), version.strip()) for name, _, version in parts if name.strip()]
    plain = tuple(name for name, version in named if not version)
    return (*plain, *versioned({name: version for name, version in named if version and not reserved(name)}))


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().strip('"'))
    except ValueError:
        return None
    return value if value >= 0 else None
