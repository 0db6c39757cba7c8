"""The invalidation ledger in Redis: one hash, a counter in it, and a channel on which changes are told.

The counter starts from the server's clock in milliseconds, so that it also grows over a loss of the ledger
(FLUSHALL, a restart without persistence); whoever knew the lost one hands back its tags.

A background thread per store listens and keeps a copy, so that looking costs neither a round trip nor, on
an event loop, a wait. It also compares the counter about once a second, because Redis's pub/sub delivers at
most once (https://redis.io/docs/latest/develop/pubsub/).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from ..errors import StoreClosed, StoreError
from .redis_link import Link, begin, fault, sensible
from .redis_url import RedisAddress

POLL_S = 0.9
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
MOST_TAGS = 5_000  # then the older half becomes one "*": what it covered is dropped too early, never too late

_SEQ = """
local function grown(floor)
  local now = redis.call('TIME')
  local held = tonumber(redis.call('HGET', KEYS[1], 'seq') or '0')
  return held, math.max(held + 1, tonumber(floor) + 1, now[1] * 1000 + math.floor(now[2] / 1000))
end
local function text(number) return string.format('%.0f', number) end
local function set(held, seq)
  redis.call('HSET', KEYS[1], 'seq', text(seq))
  if held == 0 then redis.call('HSET', KEYS[1], 'born', text(seq)) end
end
"""
SNAPSHOT = (
    _SEQ
    + """
local all = redis.call('HGETALL', KEYS[1])
if #all > 0 then return all end
local held, seq = grown(ARGV[1])
set(held, seq)
return {'seq', text(seq), 'born', text(seq)}
"""
)
BUMP = (
    _SEQ
    + """
local held, seq = grown(ARGV[2])
local news = {held, seq}
for i = 4, #ARGV do
  redis.call('HSET', KEYS[1], 't:' .. ARGV[i], text(seq))
  news[#news + 1] = ARGV[i]
end
set(held, seq)
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then
  local all, marks = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 't:' then marks[#marks + 1] = tonumber(all[i + 1]) end
  end
  table.sort(marks)
  local cut = marks[math.ceil(#marks / 2)]
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 't:' and tonumber(all[i + 1]) <= cut then
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
  local star = tonumber(redis.call('HGET', KEYS[1], 't:*') or '0')
  redis.call('HSET', KEYS[1], 't:*', text(math.max(star, cut)))
  news = {-1, seq}
end
redis.pcall('PUBLISH', ARGV[1], cmsgpack.pack(news))
return {held, seq}
"""
)
RESTORE = (
    _SEQ
    + """
local news = 0
for i = 3, #ARGV, 2 do news = news + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end
local held, seq = grown(ARGV[2])
if news == 0 and held >= tonumber(ARGV[2]) then return end
set(held, seq)
redis.pcall('PUBLISH', ARGV[1], cmsgpack.pack({-1, seq}))
"""
)
_news = msgspec.msgpack.Decoder(list[int | str])


class RedisEpochs:
    """The ledger of a :class:`~askonce.backends.redis.RedisStore`; keeps the ``Epochs`` contract.

    ``snapshot`` reads the copy the thread keeps: a round trip is made only for the first one and after this
    process's own bumps. While Redis is away it raises StoreError at once.

    Args:
        link: The way to Redis.
        address: Named in errors.
        namespace: Prefix of the ledger's key and channel.
        timeout_s: Seconds one operation may take.
    """

    def __init__(self, link: Link, address: RedisAddress, namespace: str, timeout_s: float) -> None:
        self._link = link
        self._address = address
        self._timeout = timeout_s
        self._key = f"{{{namespace}}}:epochs".encode()
        self._channel = f"{{{namespace}}}:bumps".encode()
        self._seq = 0  # of the last complete copy
        self._born = 0  # another number is another ledger: the one known before was lost
        self._table: dict[str, int] | None = None
        self._own: dict[str, int] = {}  # bumps of this process that are newer than the copy
        self._version = 0
        self._lost = ""
        self._closed = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ear: Any = None

    def snapshot(self) -> tuple[int, dict[str, int]]:
        self._check_open()
        if self._thread is None:
            self._start()
        if self._table is None and not self._lost:
            try:
                self._load()
            except StoreError as error:
                self._lose(error)
        with self._lock:
            if self._lost or self._table is None:
                raise StoreError(self._lost or f"the ledger in Redis at {self._address} was not read yet")
            # A number of our own may run ahead of the copy: what is asked from now on is later than all before it.
            return max(self._seq, *self._own.values(), 0), dict(self._table)

    def bump(self, tags: Sequence[str]) -> int:
        self._check_open()
        if self._lost and _on_event_loop():
            raise StoreError(self._lost)  # the thread is trying; a loop must not be held up by trying too
        names = [_encode(tag) for tag in tags]
        with sensible(self._link, self._address):
            held, seq = map(
                int, self._link.call("EVAL", BUMP, 1, self._key, self._channel, self._seq, MOST_TAGS, *names)
            )
        with self._lock:
            behind = self._table is None or bool(self._lost)
            if seq > self._seq:  # else the copy was read since and has it
                _raise(self._own, tags, seq)
                if self._table is not None:
                    _raise(self._table, tags, seq)
                    if held == self._seq:
                        self._seq = seq
            self._version += 1
        if behind:
            with contextlib.suppress(StoreError):  # the bump is made; the thread reads the rest
                self._load()
        return seq

    def version(self) -> int:
        if self._thread is None and not self._closed:
            self._start()
        return self._version

    def close(self, wait: bool = True) -> None:
        """Stop the thread. Closing twice is harmless."""
        self._closed = True
        thread, ear = self._thread, self._ear
        self._stop.set()
        if ear is not None:
            with contextlib.suppress(Exception):
                ear.disconnect()  # wakes the thread
        if wait and thread is not None and thread is not threading.current_thread():
            thread.join(2 * POLL_S)

    def hold(self) -> None:
        """Before a fork: nobody is to be changing this."""
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    def forked(self, link: Link) -> Any:
        """Go on in a child process over ``link``; returns what must not be closed there."""
        inherited = (self._ear, self._link, self._thread, self._lock)
        self._link = link
        self._table = None  # unless the fork was announced, a thread that is not here may have been changing it
        self._begin_anew()
        return inherited

    # -- the thread ------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None or self._closed:
                return
            thread = threading.Thread(
                target=self._listen, args=(self._stop,), name="askonce-redis-ledger", daemon=True
            )  # fmt: skip
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down
                return
            self._thread = thread

    def _listen(self, stop: threading.Event) -> None:
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            ear = None
            try:
                ear = self._ear = self._link.listener(self._key)
                deaf = not self._subscribe(ear)
                self._load()
                pause = FIRST_PAUSE_S
                self._follow(ear, deaf, stop)
            except Exception as error:
                if not stop.is_set():
                    self._lose(fault(error, self._address, self._timeout))
            finally:
                self._ear = None
                if ear is not None:
                    with contextlib.suppress(Exception):
                        ear.disconnect()
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _subscribe(self, ear: Any) -> bool:
        begin(self._timeout)
        ear.send_command("SUBSCRIBE", self._channel)
        try:
            ear.read_response()
        except ResponseError:  # not permitted: comparing once a second has to do
            return False
        return True

    def _follow(self, ear: Any, deaf: bool, stop: threading.Event) -> None:
        while not stop.is_set():
            if deaf:
                stop.wait(POLL_S)
                self._compare()
                continue
            begin(math.inf)
            if not ear.can_read(timeout=POLL_S):
                if self._compare():
                    return  # there was news, and we were not told: subscribe anew
                continue
            begin(self._timeout)
            kind, _, payload = ear.read_response()
            if kind == b"message":
                self._hear(payload)

    def _compare(self) -> bool:
        held = self._link.call("HGET", self._key, "seq")
        if held is not None and int(held) == self._seq:
            return False
        before = self._seq
        self._load()
        return self._seq != before

    def _hear(self, payload: bytes) -> None:
        try:
            held, seq, *tags = _news.decode(payload)
        except (msgspec.DecodeError, ValueError):  # a tag that is not valid UTF-8
            self._load()
            return
        with self._lock:
            if isinstance(seq, int) and seq <= self._seq:
                return  # our own, or read meanwhile
            if self._table is not None and held == self._seq and isinstance(seq, int):
                _raise(self._table, [str(tag) for tag in tags], seq)
                self._take(seq, self._born, self._table)
                self._version += 1
                return
        self._load()

    def _load(self) -> None:
        """Read the whole ledger. Raises StoreError."""
        seq, born, table = self._read()
        if self._born and born != self._born:
            self._restore()
            seq, born, table = self._read()
        with self._lock:
            news = bool(self._lost) or self._table is None or seq > self._seq
            self._lost = ""
            if seq >= self._seq:  # else a bump of our own has overtaken it
                self._take(seq, born, table)
            if news:
                self._version += 1

    def _take(self, seq: int, born: int, table: dict[str, int]) -> None:
        self._own = {tag: at for tag, at in self._own.items() if at > seq}
        table |= self._own
        self._seq, self._born, self._table = seq, born, table

    def _read(self) -> tuple[int, int, dict[str, int]]:
        with sensible(self._link, self._address):
            rows = self._link.call("EVAL", SNAPSHOT, 1, self._key, self._seq)
            pairs = dict(zip(rows[::2], map(int, rows[1::2]), strict=True))
            seq, born = pairs.pop(b"seq"), pairs.pop(b"born", 0)
            return seq, born, {name[2:].decode("utf-8", "surrogatepass"): at for name, at in pairs.items()}

    def _restore(self) -> None:
        with self._lock:
            flat = [part for tag, at in (self._table or {}).items() for part in (b"t:" + _encode(tag), at)]
        self._link.call("EVAL", RESTORE, 1, self._key, self._channel, self._seq, *flat)

    def _lose(self, error: StoreError) -> None:
        with self._lock:
            if not self._lost:
                self._version += 1
            self._lost = str(error)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed("this RedisStore is closed; build a new one")


def _raise(table: dict[str, int], tags: Sequence[str], seq: int) -> None:
    for tag in tags:
        if seq > table.get(tag, 0):
            table[tag] = seq


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _encode(tag: str) -> bytes:
    return tag.encode("utf-8", "surrogatepass")
