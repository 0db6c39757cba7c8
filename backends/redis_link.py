"""Synchronous ways to a Redis: connections whose whole operation, not each read, has a deadline.

redis-py's ``socket_timeout`` starts anew with every chunk read, so that a server (or network) that drips
a byte now and then holds a caller for as long as it likes. Here each operation puts its end on the thread,
and the sockets measure every wait against it. A connection that the server closed while it lay idle is
replaced once, at once; nothing else is retried, because the tier above is skipped and probed again.

Answers are redis-py's RESP2 ones, unconverted: bytes, int, list or None.
"""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - else the first connection imports it, and a fork meanwhile leaves it half done
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import redis
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from ..errors import CorruptEntry, StoreClosed, StoreError
from .redis_url import RedisAddress

IDLE_KEPT = 32
CLOSED = "this RedisStore is closed; build a new one"

T = TypeVar("T")


class _Budget(threading.local):
    end = math.inf


_budget = _Budget()


def begin(seconds: float) -> None:
    """The operation that starts now on this thread ends in ``seconds`` (``inf``: unbounded)."""
    _budget.end = time.monotonic() + seconds


def left(limit: float | None) -> float | None:
    """Seconds this thread's operation may still take, at most ``limit``; raises TimeoutError when none."""
    seconds = _budget.end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the operation's time is over")
    if seconds == math.inf:
        return limit
    return seconds if limit is None or seconds < limit else limit


class _TimedSocket:
    """A socket whose waits end with the operation on this thread."""

    __slots__ = ("_limit", "_sock")

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._limit: float | None = sock.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, value: float | None) -> None:
        self._limit = value
        self._sock.settimeout(value)

    def recv(self, size: int, *flags: int) -> bytes:
        if self._limit != 0:  # zero is a look at what has arrived, not a wait
            self._sock.settimeout(left(self._limit))
        data: bytes = self._sock.recv(size, *flags)
        return data

    def recv_into(self, buffer: Any, *more: int) -> int:
        if self._limit != 0:
            self._sock.settimeout(left(self._limit))
        count: int = self._sock.recv_into(buffer, *more)
        return count

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(left(self._limit))
        self._sock.sendall(data)


def _timed(connection: Any, connect: Callable[[], Any]) -> _TimedSocket:
    # ``_connect`` is redis-py's own seam between its connection classes: it returns the socket. Opening and a
    # TLS handshake get half of what is left each.
    limits = connection.socket_connect_timeout, connection.socket_timeout
    seconds = left(limits[0])
    share = seconds if seconds is None else seconds / 2
    connection.socket_connect_timeout = connection.socket_timeout = share
    try:
        sock = connect()
    finally:
        connection.socket_connect_timeout, connection.socket_timeout = limits
    sock.settimeout(limits[1])
    return _TimedSocket(sock)


class TimedConnection(redis.Connection):
    def _connect(self) -> Any:
        return _timed(self, super()._connect)


class TimedSSLConnection(redis.SSLConnection):
    def _connect(self) -> Any:
        return _timed(self, super()._connect)


class TimedUnixConnection(redis.UnixDomainSocketConnection):
    def _connect(self) -> Any:
        return _timed(self, super()._connect)


def fault(error: BaseException, address: RedisAddress, timeout_s: float) -> StoreError:
    """What went wrong, in one line without secrets, and what to do next."""
    where = f"Redis at {address}"
    if isinstance(error, StoreError):
        return error
    if isinstance(error, redis.TimeoutError | TimeoutError):
        return StoreError(
            f"{where} did not answer within {timeout_s * 1000:.0f} ms; it is asked again later", tier="redis"
        )
    text = str(error).partition(", with args")[0]  # a server that does not know a command repeats its arguments
    for secret in (address.password, address.username):
        if secret and len(secret) > 3:
            text = text.replace(secret, "***")
    code, text = text.partition(" ")[0], text[:200]
    if isinstance(error, AuthenticationError):
        return StoreError(f"{where} refused the login: mend user and password in the URL", tier="redis")
    if isinstance(error, BusyLoadingError):
        return StoreError(f"{where} is still loading its data; it is asked again later", tier="redis")
    if isinstance(error, redis.ConnectionError | OSError):
        return StoreError(
            f"{where} cannot be reached ({text or type(error).__name__}): start it or mend the URL", tier="redis"
        )
    if code == "WRONGTYPE":
        return CorruptEntry(f"{where} holds another kind of value under one of this cache's keys", tier="redis")
    if isinstance(error, ClusterDownError):
        return StoreError(f"{where}: the cluster is down ({text}); it is asked again later", tier="redis")
    if isinstance(error, AskError | MovedError):
        return StoreError(f"{where} is part of a cluster: write redis+cluster:// or rediss+cluster://", tier="redis")
    if isinstance(error, OutOfMemoryError):
        return StoreError(f"{where} is full: raise maxmemory or set an eviction policy (allkeys-lfu)", tier="redis")
    if isinstance(error, ReadOnlyError):
        return StoreError(f"{where} is a read-only replica: name the primary in the URL", tier="redis")
    if isinstance(error, ResponseError):
        return StoreError(f"{where} refused a command: {text}", tier="redis")
    return StoreError(f"{where} gave no sensible answer ({type(error).__name__}: {text})", tier="redis")


class Link(Protocol):
    """A way to one Redis or cluster. Methods may be called from any thread and raise StoreError."""

    def call(self, *command: Any) -> Any:
        """One command about one key (the first argument, or ``EVAL``'s first key)."""

    def many(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Several commands in one round trip per node; a command's own error is raised."""

    def scan(self, pattern: bytes, count: int) -> Iterator[list[bytes]]:
        """Names of keys on all nodes, about ``count`` looked at per round trip."""

    def size(self) -> int:
        """Keys in the whole database."""

    def listener(self, key: bytes) -> Any:
        """A connection of its own to the node of ``key``; the caller disconnects it."""

    def reset(self) -> None:
        """Use no old connection again: an answer made no sense, so questions and answers may be out of step."""

    def forked(self) -> Link:
        """A fresh link for a child process; this one's sockets stay the parent's."""

    def close(self) -> None: ...


def one(connection: Any, command: tuple[Any, ...]) -> Any:
    """Send a command, give its answer."""
    connection.send_command(*command)
    return connection.read_response()


def several(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Send commands together, give their answers; a refused one is raised when all have been read."""
    connection.send_packed_command(connection.pack_commands(commands))
    answers: list[Any] = []
    refused: ResponseError | None = None
    for _ in commands:
        try:
            answers.append(connection.read_response())
        except ResponseError as error:
            refused = refused or error
    if refused is not None:
        raise refused
    return answers


@contextlib.contextmanager
def sensible(link: Link, address: RedisAddress) -> Iterator[None]:
    """Where answers are taken apart: one that does not fit is a StoreError."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        link.reset()
        raise fault(error, address, 0.0) from None


class DirectLink:
    """One Redis server."""

    def __init__(self, address: RedisAddress, timeout_s: float) -> None:
        self._address = address
        self._timeout = timeout_s
        self._idle: deque[Any] = deque()
        self._closed = False
        self._options = {**connection_options(address, timeout_s), **place(address)}
        self._class: type[Any] = TimedSSLConnection if address.tls else TimedConnection
        if address.path:
            self._class = TimedUnixConnection

    def call(self, *command: Any) -> Any:
        begin(self._timeout)
        try:
            return self.exchange(one, command)
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    def many(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        begin(self._timeout)
        try:
            return self.exchange(several, commands)
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    def scan(self, pattern: bytes, count: int) -> Iterator[list[bytes]]:
        cursor = b"0"
        while True:
            answer = self.call("SCAN", cursor, "MATCH", pattern, "COUNT", count)
            with sensible(self, self._address):
                cursor, names = bytes(answer[0]), list(answer[1])
            yield names
            if cursor == b"0":
                return

    def size(self) -> int:
        with sensible(self, self._address):
            return int(self.call("DBSIZE"))

    def listener(self, key: bytes) -> Any:
        begin(self._timeout)
        try:
            return self.open()
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    def reset(self) -> None:
        self._idle.clear()

    def forked(self) -> DirectLink:
        return DirectLink(self._address, self._timeout)

    def close(self) -> None:
        self._closed = True
        while True:
            try:
                self._idle.pop().disconnect()
            except IndexError:
                return

    def open(self) -> Any:
        """A new connection. Raises redis-py's errors."""
        connection = self._class(**self._options)
        connection.connect()
        return connection

    def exchange(self, talk: Callable[[Any, Any], T], payload: Any) -> T:
        """Run ``talk`` on a connection, within the time begun on this thread. Raises redis-py's errors."""
        if self._closed:
            raise StoreClosed(CLOSED)
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._talk(self.open(), talk, payload)
        try:
            return self._talk(connection, talk, payload)
        except redis.ConnectionError:
            # Closed by the server while it lay idle, as a time-out or a restart does; the others are too.
            self._idle.clear()
            return self._talk(self.open(), talk, payload)

    def _talk(self, connection: Any, talk: Callable[[Any, Any], T], payload: Any) -> T:
        try:
            answer = talk(connection, payload)
        except ResponseError:
            self._keep(connection)
            raise
        except BaseException:  # also KeyboardInterrupt: an answer may still be on its way
            connection.disconnect()
            raise
        self._keep(connection)
        return answer

    def _keep(self, connection: Any) -> None:
        if self._closed or len(self._idle) >= IDLE_KEPT:
            connection.disconnect()
        else:
            self._idle.append(connection)


def connection_options(address: RedisAddress, timeout_s: float) -> dict[str, Any]:
    """Keyword arguments that every kind of connection takes. RESP2: its answers are the same everywhere."""
    return {
        **address.options,
        "username": address.username,
        "password": address.password,
        "protocol": 2,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
    }


def place(address: RedisAddress) -> dict[str, Any]:
    """Keyword arguments that say which server."""
    if address.path:
        return {"path": address.path, "db": address.db}
    host, port = address.hosts[0]
    return {"host": host, "port": port, "db": address.db}
