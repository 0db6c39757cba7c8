"""Configuration: one TOML file, overridden by the environment.

::

    [cache]
    directory = "~/.cache/askonce"     # disk tier and index snapshot
    tiers = ["memory", "disk", "redis"]
    deadline_ms = 100
    write_behind = ["redis"]

    [memory]
    max_bytes = "256 MiB"
    max_entries = 100000

    [disk]
    max_bytes = "2 GiB"

    [redis]
    url = "redis://localhost:6379/0"
    namespace = "askonce"
    timeout_ms = 250

    [semantic]
    enabled = true
    embedder = "default"
    max_wrong = 0.01                   # share of the served semantic hits that may be wrong
    shadow = false                     # true: decide and serve nothing; see Cache.shadow_report

    [audits]
    enabled = true                     # left out: when the decision has an error budget
    rate = 0.02                        # left out: as the budget asks
    exact_rate = 0.002
    exact_after = "1d"
    max_concurrent = 1
    tokens_per_day = 200000            # 0: no bound

    [drift]
    enabled = true                     # left out: when any other setting of this section is there
    slow = "1d"                        # longest life of what ages slowly, fast, at once; "never" for no bound
    fast = "30m"
    instant = 0                        # 0: not stored
    on_fingerprint = "keep"            # or "retire": answers of the system fingerprint before

    [policy]
    ttl = "7d"
    stale_if_error = "1h"

    [prices."my-model"]
    input = 0.15
    output = 0.60

Each setting can be overridden as ``ASKONCE_<SECTION>_<NAME>`` (``ASKONCE_REDIS_URL``,
``ASKONCE_SEMANTIC_ENABLED=false``, ``ASKONCE_CACHE_TIERS=memory,disk``). Durations are seconds or
``"90s"``, ``"5m"``, ``"1h"``, ``"7d"``; sizes are bytes or ``"512 KiB"``, ``"2 GiB"``.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..backends.contract import Store
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError
from .audit import Audits
from .core import Cache
from .drift_policy import DriftPolicy, DriftSettings
from .policy import Policy
from .semantic import Conservative, SemanticTier
from .volatile import LEVELS, Level

ENVIRONMENT = "ASKONCE_"
DEFAULT_FILE = "askonce.toml"
TIERS = ("memory", "disk", "redis")


class CacheSection(msgspec.Struct, forbid_unknown_fields=True):
    directory: str = ".askonce"
    tiers: list[str] = msgspec.field(default_factory=lambda: ["memory", "disk"])
    deadline_ms: float = 100.0
    write_behind: list[str] = []


class MemorySection(msgspec.Struct, forbid_unknown_fields=True):
    max_bytes: int | str = "256 MiB"
    max_entries: int = 100_000


class DiskSection(msgspec.Struct, forbid_unknown_fields=True):
    max_bytes: int | str = "2 GiB"


class RedisSection(msgspec.Struct, forbid_unknown_fields=True):
    url: str = ""
    namespace: str = "askonce"
    timeout_ms: float = 250.0

    def __repr__(self) -> str:
        url = re.sub(r"(?<=://).*@", "***@", self.url)  # a password may stand there
        return f"RedisSection(url={url!r}, namespace={self.namespace!r}, timeout_ms={self.timeout_ms!r})"


class SemanticSection(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool = True
    embedder: str = "default"
    max_wrong: float = 0.01
    threshold: float | None = None
    candidates: int = 5
    deadline_ms: float = 250.0
    max_chars: int = 800
    max_vectors: int = 1_000_000
    shadow: bool = False


class AuditsSection(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool | None = None
    rate: float | None = None
    exact_rate: float = 0.002
    exact_after: float | str = "1d"
    max_concurrent: int = 1
    tokens_per_day: int = 200_000
    miss_rate: float | None = None


class DriftSection(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool = False
    slow: float | str = "1d"
    fast: float | str = "30m"
    instant: float | str = 0
    audit_rate: float = 0.03
    suspicion: float = 20.0
    baseline: float = 0.02
    tolerance: float = 0.05
    tag_alarm: float = 1.5
    scope_alarm: float = 3.0
    shrink: float = 0.25
    grow: float = 1.1
    shortest_ttl: float | str = "10m"
    on_snapshot: str = "retire"
    on_fingerprint: str = "keep"
    traffic_psi: float = 0.25
    traffic_window: int = 500
    tighten: float = 0.5


class PolicySection(msgspec.Struct, forbid_unknown_fields=True):
    ttl: float | str = "7d"
    jitter: float = 0.05
    stale_while_revalidate: float | str = 0
    stale_if_error: float | str = 0
    max_bytes: int | str = "1 MiB"
    tag_ttl: dict[str, float | str] = {}


class PriceSection(msgspec.Struct, forbid_unknown_fields=True):
    input: float
    output: float


class Config(msgspec.Struct, forbid_unknown_fields=True):
    """All settings; every one has a default. Field by field as in the module's docstring."""

    cache: CacheSection = msgspec.field(default_factory=CacheSection)
    memory: MemorySection = msgspec.field(default_factory=MemorySection)
    disk: DiskSection = msgspec.field(default_factory=DiskSection)
    redis: RedisSection = msgspec.field(default_factory=RedisSection)
    semantic: SemanticSection = msgspec.field(default_factory=SemanticSection)
    audits: AuditsSection = msgspec.field(default_factory=AuditsSection)
    drift: DriftSection = msgspec.field(default_factory=DriftSection)
    policy: PolicySection = msgspec.field(default_factory=PolicySection)
    prices: dict[str, PriceSection] = {}

    def build(self, **overrides: Any) -> Cache:
        """The cache these settings describe; ``overrides`` are arguments of :class:`Cache`.

        Raises:
            ConfigError: A setting is wrong; nothing was opened or written.
        """
        options: dict[str, Any] = {
            "deadline_ms": self.cache.deadline_ms,
            "write_behind": self.cache.write_behind,
            "prices": {name: (price.input, price.output) for name, price in self.prices.items()},
        }
        if "policy" not in overrides:
            options["policy"] = self.build_policy()
        if "semantic" not in overrides:
            options["semantic"] = self.semantic_tier()
        if "audits" not in overrides:
            options["audits"] = self.build_audits()
        if "drift" not in overrides:
            options["drift"] = self.build_drift(overrides.get("clock", SYSTEM_CLOCK))
        stores: list[Store] = []
        if "tiers" not in overrides:
            self.check_tiers()
            options["tiers"] = stores = self.stores(overrides.get("clock", SYSTEM_CLOCK))
            if "redis" in self.cache.tiers and "states" not in overrides and self.semantic.enabled:
                from ..backends.redis_states import RedisStates

                options["states"] = RedisStates(self.redis.url, namespace=self.redis.namespace)
        try:
            return Cache(**{**options, **overrides})
        except BaseException:
            for store in stores:
                store.close()
            raise

    def check_tiers(self) -> None:
        """Every tier is known, none is named twice, and Redis has a URL."""
        for name in self.cache.tiers:
            if name not in TIERS:
                raise ConfigError(
                    f"[cache] tiers names {name!r}; known tiers are {', '.join(TIERS)}", setting="cache.tiers"
                )
        if len(set(self.cache.tiers)) != len(self.cache.tiers):
            raise ConfigError("[cache] tiers names a tier twice", setting="cache.tiers")
        if "redis" in self.cache.tiers and not self.redis.url:
            raise ConfigError(
                "[cache] tiers has redis but [redis] url is not set: add it, or set ASKONCE_REDIS_URL",
                setting="redis.url",
            )

    def stores(self, clock: Clock = SYSTEM_CLOCK) -> list[Store]:
        """Open the stores in the order of ``[cache] tiers``."""
        made: list[Store] = []
        try:
            for name in self.cache.tiers:
                made.append(self._store(name, clock))
        except BaseException:
            for store in made:
                store.close()
            raise
        return made

    def _store(self, name: str, clock: Clock) -> Store:
        if name == "memory":
            from ..backends.memory import MemoryStore

            return MemoryStore(size(self.memory.max_bytes, "memory.max_bytes"), self.memory.max_entries, clock=clock)
        if name == "disk":
            from ..backends.disk import DiskStore

            directory = Path(self.cache.directory).expanduser()
            return DiskStore(directory, max_bytes=size(self.disk.max_bytes, "disk.max_bytes"), clock=clock)
        from ..backends.redis import RedisStore

        timeout_s = self.redis.timeout_ms / 1000
        return RedisStore(self.redis.url, namespace=self.redis.namespace, timeout_s=timeout_s, clock=clock)

    def semantic_tier(self) -> SemanticTier | None:
        """The semantic tier, or None when it is off."""
        section = self.semantic
        if not section.enabled:
            return None
        from ..embeddings import embedder_from_name

        embedder = embedder_from_name(section.embedder)
        static = section.threshold is not None
        return SemanticTier(
            embedder,
            decision=Conservative.for_embedder(embedder.fingerprint, section.threshold) if static else None,
            max_wrong=section.max_wrong,
            candidates=section.candidates,
            deadline_ms=section.deadline_ms,
            max_chars=section.max_chars,
            max_vectors=section.max_vectors,
            shadow=section.shadow,
        )

    def build_audits(self) -> Audits | bool:
        """The audits' settings; False when they are switched off."""
        section = self.audits
        made = Audits(
            section.rate,
            exact_rate=section.exact_rate,
            exact_after=seconds(section.exact_after, "audits.exact_after"),
            max_concurrent=section.max_concurrent,
            tokens_per_day=section.tokens_per_day or None,
            miss_rate=section.miss_rate,
            always=section.enabled is True,
        )
        return made if section.enabled is not False else False

    def build_drift(self, clock: Clock = SYSTEM_CLOCK) -> DriftPolicy | None:
        """The drift policy, when its section is switched on: by ``enabled``, or in a file by any setting."""
        section = self.drift
        if not section.enabled:
            return None
        told = msgspec.structs.asdict(section)
        del told["enabled"]
        told["shortest_ttl"] = seconds(section.shortest_ttl, "drift.shortest_ttl")
        lifetimes: dict[Level, float | None] = {"timeless": None}
        for level in LEVELS[1:]:
            life = told.pop(level)
            lifetimes[level] = None if life == "never" else seconds(life, f"drift.{level}")
            if not (lifetimes[level] or 0) >= 0:
                raise ConfigError(f"drift.{level} is {life!r}; it is a duration, not below 0", setting=f"drift.{level}")
        try:
            return DriftPolicy(DriftSettings(lifetimes=lifetimes, **told), clock=clock)
        except ConfigError as error:
            raise ConfigError(f"[drift] {error}", setting=f"drift.{error.data.get('setting', '')}") from error

    def build_policy(self) -> Policy:
        """The policy, durations and sizes read."""
        section = self.policy
        ttl = None if section.ttl == "never" else seconds(section.ttl, "policy.ttl")
        return Policy(
            ttl=ttl,
            tag_ttl={tag: seconds(value, f"policy.tag_ttl.{tag}") for tag, value in section.tag_ttl.items()},
            jitter=section.jitter,
            stale_while_revalidate=seconds(section.stale_while_revalidate, "policy.stale_while_revalidate"),
            stale_if_error=seconds(section.stale_if_error, "policy.stale_if_error"),
            max_bytes=size(section.max_bytes, "policy.max_bytes"),
        )


def load_config(path: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read ``path`` (default: ``askonce.toml`` here, if there is one), then the environment.

    Raises:
        ConfigError: The file is missing or not TOML, or a setting is unknown or of the wrong type; the
            message names it and the nearest known one.
    """
    data: dict[str, Any] = {}
    where = str(path) if path is not None else DEFAULT_FILE
    if path is not None or Path(DEFAULT_FILE).is_file():
        try:
            data = tomllib.loads(Path(where).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"there is no file {where}", setting="config") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{where} cannot be read: {error}", setting="config") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{where} is not TOML: {error}", setting="config") from error
    _check_names(data, where)
    _check_prices(data.get("prices", {}), where)
    from_environment = _override(data, os.environ if environ is None else environ)
    if data.get("drift"):
        data["drift"].setdefault("enabled", True)
    try:
        return msgspec.convert(data, Config, strict=False)
    except msgspec.ValidationError as error:
        place = _path(error)
        where = next((v for setting, v in from_environment.items() if place.startswith(setting)), where)
        raise ConfigError(f"{where}: {_readable(error)}", setting=place) from error


def _sections() -> dict[str, type[msgspec.Struct]]:
    return {f.name: f.type for f in msgspec.structs.fields(Config) if isinstance(f.type, type) and f.name != "prices"}


def _check_names(data: Mapping[str, Any], where: str) -> None:
    sections = _sections()
    for section, values in data.items():
        if section == "prices":
            continue
        if section not in sections and not isinstance(values, Mapping):
            raise ConfigError(
                f"{where}: {section!r} stands outside of a section; settings belong under [cache], [redis], ...",
                setting=section,
            )
        if section not in sections:
            raise ConfigError(
                f"{where}: there is no section [{section}]{_near(section, [*sections, 'prices'])}", setting=section
            )
        if not isinstance(values, Mapping):
            raise ConfigError(f"{where}: [{section}] is a section, not a value", setting=section)
        known = sections[section].__struct_fields__
        for name in values:
            if name not in known:
                raise ConfigError(
                    f"{where}: [{section}] has no setting {name!r}{_near(name, known)}", setting=f"{section}.{name}"
                )


def _check_prices(prices: Any, where: str) -> None:
    for name, price in prices.items() if isinstance(prices, Mapping) else ():
        try:
            msgspec.convert(price, PriceSection, strict=False)
        except msgspec.ValidationError as error:
            hint = f'; a name with a dot needs quotes: [prices."{name}.{next(iter(price))}"]' if _nested(price) else ""
            raise ConfigError(
                f"{where}: [prices.{name}] needs input and output, US dollars per million tokens: "
                f"{_readable(error)}{hint}",
                setting=f"prices.{name}",
            ) from error


def _nested(price: Any) -> bool:
    return isinstance(price, Mapping) and any(isinstance(value, Mapping) for value in price.values())


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _override(data: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put the environment's settings into ``data``; returns ``{setting: variable}``."""
    sections = _sections()
    found: dict[str, str] = {}
    for variable, text in environ.items():
        if not variable.startswith(ENVIRONMENT) or variable == "ASKONCE_DATA":
            continue
        section, _, name = variable[len(ENVIRONMENT) :].lower().partition("_")
        fields = {f.name: f for f in msgspec.structs.fields(sections[section])} if section in sections else {}
        if name not in fields:
            known = [f"{ENVIRONMENT}{s}_{n}".upper() for s, t in sections.items() for n in t.__struct_fields__]
            raise ConfigError(f"environment: there is no setting {variable}{_near(variable, known)}", setting=variable)
        if fields[name].type == list[str]:
            value: Any = [part.strip() for part in text.split(",") if part.strip()]
        elif fields[name].type in (bool, bool | None):
            value = _bool(text, variable)
        else:
            value = text
        data.setdefault(section, {})[name] = value
        found[f"{section}.{name}"] = variable
    return found


def _bool(text: str, name: str) -> bool:
    low = text.strip().lower()
    if low in ("1", "true", "yes", "on"):
        return True
    if low in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{name} is {text!r}; write true or false", setting=name)


def _readable(error: msgspec.ValidationError) -> str:
    return str(error).replace("`$.", "`").replace("Object missing", "missing")


def _path(error: msgspec.ValidationError) -> str:
    found = re.search(r"`\$\.([^`]+)`", str(error))
    return found.group(1) if found else ""


_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|)\s*", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|b|kib|mib|gib|kb|mb|gb)\s*", re.IGNORECASE)
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def seconds(value: float | str, name: str) -> float:
    """A duration in seconds: a number, or text as ``"90s"``, ``"5m"``, ``"1h"``, ``"7d"``."""
    if isinstance(value, int | float):
        return float(value)
    found = _DURATION.fullmatch(value)
    if found is None:
        raise ConfigError(f'{name} is {value!r}; write seconds, or "90s", "5m", "1h", "7d"', setting=name)
    return float(found.group(1)) * _SECONDS[found.group(2).lower()]


def size(value: int | str, name: str) -> int:
    """A size in bytes: a number, or text as ``"512 KiB"``, ``"256 MiB"``, ``"2 GiB"``."""
    if isinstance(value, int):
        return value
    found = _SIZE.fullmatch(value)
    if found is None:
        raise ConfigError(f'{name} is {value!r}; write bytes, or "512 KiB", "256 MiB", "2 GiB"', setting=name)
    return int(float(found.group(1)) * _BYTES[found.group(2).lower()])
