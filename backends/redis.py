"""The Redis tier: entries shared by processes and machines, on one server or a cluster, sync and asyncio."""

from __future__ import annotations

import contextlib
import math
import re
import weakref
from binascii import hexlify, unhexlify
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..clock import SYSTEM_CLOCK, Clock
from ..entry import Entry, decode_entry, encode_entry
from ..errors import ConfigError, CorruptEntry, MissingExtra, StoreClosed, StoreError
from ..forks import survive_fork
from .contract import StoreStats
from .redis_url import parse_redis_url

if TYPE_CHECKING:
    from .redis_epochs import RedisEpochs
    from .redis_link import Link

KEY_BYTES = 32
SCAN_COUNT = 1_000
GET_MANY = 64
COUNTED_UP_TO = 20_000  # keys in the database; above, stats() does not count ours
LONGEST_MS = 2**52  # 140,000 years; Redis refuses more


class RedisStore:
    """Entries in Redis. Keeps the ``Store`` and ``AsyncStore`` contracts.

    Nothing is connected when it is built: a Redis that is away is a fault of each operation, raised within
    ``timeout_s``. Rows are ``{namespace}:e:{key in hexadecimal}`` and expire by themselves at the entry's
    ``keep_until``. Stored bytes are those of :func:`~askonce.entry.encode_entry`: no pickle.

    Args:
        url: ``redis://[user:password@]host[:port][/db]``, ``rediss://`` (TLS), ``redis+cluster://`` or
            ``rediss+cluster://`` (several hosts with commas), ``unix:///path/to/socket``; options in the query,
            see :func:`~askonce.backends.redis_url.parse_redis_url`.
        namespace: Prefix of every key; caches of different namespaces do not see each other.
        timeout_s: Seconds one operation may take, connecting included.
        clock: Turns ``keep_until`` into the time that remains.

    Raises:
        ConfigError: The URL or another setting is wrong.
        MissingExtra: redis-py is not installed.
    """

    name = "redis"
    inline = False
    shared = True

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "askonce",
        timeout_s: float = 0.25,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._address = parse_redis_url(url)
        if not isinstance(namespace, str) or not re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", namespace):
            raise ConfigError(
                f"namespace is {namespace!r}; it is 1 to 100 letters, digits and _ . : -", setting="namespace"
            )
        if not isinstance(timeout_s, int | float) or not 0 < timeout_s < math.inf:
            raise ConfigError(f"timeout_s is {timeout_s!r}; it is seconds greater than zero", setting="timeout_s")
        try:
            from .redis_async import DirectLoopLink, LoopLinks
            from .redis_async_cluster import ClusterLoopLink
            from .redis_cluster import ClusterLink
            from .redis_epochs import RedisEpochs
            from .redis_link import DirectLink
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "redis":
                raise
            raise MissingExtra("redis", "redis", "the Redis tier") from None
        address, timeout = self._address, float(timeout_s)
        self.namespace = namespace
        self._clock = clock
        self._prefix = f"{namespace}:e:".encode()
        self._link: Link = ClusterLink(address, timeout) if address.cluster else DirectLink(address, timeout)
        kind: type[Any] = ClusterLoopLink if address.cluster else DirectLoopLink
        self._loops = LoopLinks(lambda: kind(address, timeout))
        self._epochs = RedisEpochs(self._link, address, namespace, timeout)
        self._inherited: list[Any] = []
        self._closed = False
        survive_fork(self)
        weakref.finalize(self, self._epochs.close, wait=False)

    # -- one entry -------------------------------------------------------------------------------------

    def get(self, key: bytes) -> Entry | None:
        data = self._link.call("GET", self._prefix + hexlify(key))
        if data is None:
            return None
        entry = _entry(data)
        if entry is not None and entry.key == key:
            return entry
        self._link.reset()
        raise self._misplaced(key)

    def put(self, entry: Entry) -> None:
        self._link.call(*self._put(entry))

    def delete(self, key: bytes) -> bool:
        return bool(self._link.call("UNLINK", self._prefix + hexlify(key)))

    async def aget(self, key: bytes) -> Entry | None:
        link = self._loops.here()
        data = await link.get(self._prefix + hexlify(key))
        if data is None:
            return None
        entry = _entry(data)
        if entry is not None and entry.key == key:
            return entry
        await link.reset()
        raise self._misplaced(key)

    async def aput(self, entry: Entry) -> None:
        await self._loops.here().call(*self._put(entry))

    async def adelete(self, key: bytes) -> bool:
        return bool(await self._loops.here().call("UNLINK", self._prefix + hexlify(key)))

    def _put(self, entry: Entry) -> tuple[Any, ...]:
        name = self._prefix + hexlify(entry.key)
        try:
            data = encode_entry(entry)
        except (ValueError, OverflowError, TypeError) as error:
            raise StoreError(f"the entry cannot be encoded ({error}); it is not stored", tier=self.name) from error
        left_ms = math.inf if entry.keep_until is None else (entry.keep_until - self._clock.now()) * 1000
        if left_ms <= 0:
            return "UNLINK", name  # it may be dropped already, and what it replaces must go
        if not left_ms < LONGEST_MS:
            return "SET", name, data
        return "SET", name, data, "PX", math.ceil(left_ms)

    def _misplaced(self, key: bytes) -> CorruptEntry:
        return CorruptEntry(
            f"Redis at {self._address} gave something else for the row of {key.hex()}; it is treated as absent",
            tier=self.name,
        )

    # -- many ------------------------------------------------------------------------------------------

    def get_many(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """What ``get`` gives for each key, in a few round trips; a damaged row is None.

        Raises:
            StoreError: Redis did not answer.
        """
        found: list[Entry | None] = []
        for start in range(0, len(keys), GET_MANY):
            part = keys[start : start + GET_MANY]
            try:
                rows = self._link.many([("GET", self._prefix + hexlify(key)) for key in part])
            except CorruptEntry:  # one of them is not a string; find out which
                rows = [self._row(key) for key in part]
            for key, data in zip(part, rows, strict=True):
                entry = None
                with contextlib.suppress(CorruptEntry):
                    entry = _entry(data)
                found.append(entry if entry is not None and entry.key == key else None)
        return found

    def _row(self, key: bytes) -> bytes | None:
        try:
            data: bytes | None = self._link.call("GET", self._prefix + hexlify(key))
        except CorruptEntry:
            return None
        return data

    def keys(self) -> Iterator[bytes]:
        if self._closed:
            raise StoreClosed("this RedisStore is closed; build a new one")
        return self._keys()

    def _keys(self) -> Iterator[bytes]:
        seen: set[bytes] = set()  # SCAN may give a name twice
        for names in self._names():
            for name in names:
                try:
                    key = unhexlify(name[len(self._prefix) :])
                except ValueError:
                    continue  # not ours
                if key not in seen:
                    seen.add(key)
                    yield key

    def clear(self) -> None:
        """Delete the entries of this namespace. The ledger of invalidations stays."""
        for names in self._names():
            if names:
                self._link.many([("UNLINK", name) for name in names])

    def _names(self) -> Iterator[list[bytes]]:
        # As many question marks as a key has digits: another namespace that begins like this one is longer.
        return self._link.scan(self._prefix + b"?" * (2 * KEY_BYTES), SCAN_COUNT)

    def stats(self) -> StoreStats:
        """Entries of this namespace, -1 in a database of more than 20,000 keys; bytes are not known (-1)."""
        if self._link.size() > COUNTED_UP_TO:
            return StoreStats(-1, -1)
        return StoreStats(sum(len(names) for names in self._names()), -1)

    # -- the rest --------------------------------------------------------------------------------------

    @property
    def epochs(self) -> RedisEpochs:
        return self._epochs

    def close(self) -> None:
        self._closed = True
        self._epochs.close()
        self._link.close()
        self._loops.close()

    async def aclose(self) -> None:
        """As :meth:`close`, with the running loop's connections closed when it returns."""
        await self._loops.aclose()
        self.close()

    def __repr__(self) -> str:
        return f"RedisStore({str(self._address)!r}, namespace={self.namespace!r})"

    # -- over a fork -----------------------------------------------------------------------------------

    def hold(self) -> None:
        self._epochs.hold()

    def release(self) -> None:
        self._epochs.release()

    def renew(self) -> None:
        """In a child process: make everything anew that is shared with the parent (sockets, and locks that
        another thread held), and keep the old aside, neither used nor closed."""
        if self._closed:
            return
        self._inherited += [self._link, self._loops]
        self._link, self._loops = self._link.forked(), self._loops.forked()
        self._inherited.append(self._epochs.forked(self._link))


def _entry(data: Any) -> Entry | None:
    """What a row says; None when the answer is no row at all. Raises CorruptEntry."""
    return decode_entry(data) if type(data) is bytes else None
