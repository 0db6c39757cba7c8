"""Where a Redis is: a URL, checked when a store is built and shown without its secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ..errors import ConfigError

DEFAULT_PORT = 6379
SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster", "unix")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]\s]*)(?::([0-9]{1,5}))?")
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SSL = (*_FILES, "ssl_cert_reqs", "ssl_check_hostname")
_GENERAL = ("client_name", "db", "password", "username")
_YES_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A parsed URL. ``str()`` gives it without user and password.

    Attributes:
        hosts: ``(host, port)``; several only for a cluster (any of its nodes will do).
        path: Path of a Unix socket, else empty.
        options: Keyword arguments for redis-py's connections (TLS files and such).
    """

    hosts: tuple[tuple[str, int], ...]
    path: str = ""
    tls: bool = False
    cluster: bool = False
    db: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    def at(self, host: str, port: int) -> RedisAddress:
        """The address of one node of this cluster."""
        return replace(self, hosts=((host, port),), cluster=False)

    def __str__(self) -> str:
        hidden = "***@" if self.username or self.password else ""
        if self.path:
            return f"unix://{hidden}{self.path}"
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        scheme = ("rediss" if self.tls else "redis") + ("+cluster" if self.cluster else "")
        return f"{scheme}://{hidden}{hosts}" + (f"/{self.db}" if self.db else "")


def parse_redis_url(url: str) -> RedisAddress:
    """Read a Redis URL.

    ``redis://[user:password@]host[:port][/db]``, ``rediss://`` for TLS, ``redis+cluster://`` and
    ``rediss+cluster://`` (several ``host:port`` may be given, with commas), ``unix:///path/to/socket?db=0``.
    Query: ``client_name``, ``db``, ``username``, ``password``, and for TLS ``ssl_ca_certs``, ``ssl_certfile``,
    ``ssl_keyfile`` (paths), ``ssl_cert_reqs`` (``required``, ``optional``, ``none``), ``ssl_check_hostname``.

    Raises:
        ConfigError: The URL is wrong. The message never repeats its user, password or unread parts.
    """
    if not isinstance(url, str):
        _wrong(f"it is a {type(url).__name__}, not a string")
    try:
        parts = urlsplit(url)
    except ValueError:  # its text may repeat the password
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in SCHEMES:
        _wrong("it must begin with " + ", ".join(f"{scheme}://" for scheme in SCHEMES))
    if parts.fragment:
        _wrong("it has a '#'")
    login, _, where = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = _query(parts)
    username = unquote(user) or options.pop("username", None)
    secret = unquote(password) or options.pop("password", None)
    tls, cluster = parts.scheme.startswith("rediss"), parts.scheme.endswith("+cluster")
    if parts.scheme == "unix":
        if where or len(parts.path) < 2:
            _wrong("a Unix socket is written unix:///absolute/path, with three slashes")
        return RedisAddress((), unquote(parts.path), False, False, options.pop("db", 0), username, secret, options)
    db = options.pop("db", None)
    if db is None:
        db = _number(unquote(parts.path).strip("/") or "0", "what follows the host must be a database number")
    if cluster and db:
        _wrong("a cluster has database 0 only")
    hosts = tuple(_host(one) for one in where.split(","))
    if len(hosts) > 1 and not cluster:
        _wrong("several hosts need redis+cluster:// or rediss+cluster://")
    return RedisAddress(hosts, "", tls, cluster, db, username, secret, options)


def _wrong(why: str) -> NoReturn:
    raise ConfigError(
        f"the Redis URL is wrong: {why} (write redis://user:password@host:6379/0 and percent-encode every special "
        "character of user and password)",
        setting="redis_url",
    )


def _number(text: str, why: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        _wrong(why)
    return int(text)


def _host(text: str) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    if match is None:
        _wrong("host or port cannot be read")
    port = int(match[2]) if match[2] else DEFAULT_PORT
    if not 1 <= port <= 65535:
        _wrong("the port must be 1 to 65535")
    return unquote(match[1].strip("[]")) or "localhost", port


def _query(parts: SplitResult) -> dict[str, Any]:
    tls = parts.scheme.startswith("rediss")
    known = _GENERAL + (_SSL if tls else ())
    made: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            said = f" {name!r}" if re.fullmatch(r"[a-z_]{1,40}", name) else ""
            _wrong(f"the option{said} is not known; known are {', '.join(known)}")
        if name == "db":
            made[name] = _number(value, "db must be a number")
        elif name == "ssl_check_hostname":
            if value.lower() not in _YES_NO:
                _wrong("ssl_check_hostname is true or false")
            made[name] = _YES_NO[value.lower()]
        elif name == "ssl_cert_reqs":
            if value not in ("required", "optional", "none"):
                _wrong("ssl_cert_reqs is required, optional or none")
            made[name] = value
        else:
            if name in _FILES and not os.path.isfile(value):
                _wrong(f"{name} names no file: {value}")
            made[name] = value
    return made
