"""Where several processes leave their states for one another in Redis: one hash, a field per member.

A member replaces its own field and reads the others', so that nothing is added twice however often it tries. Who has
not come for ``stale_s`` is thought gone: the next one to come inherits its state, and a mark is left in its
place, so that a member that was only away learns that its past is counted elsewhere now. All of an exchange is one
script; time is the server's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigError, MissingExtra
from ..forks import renew_after_fork
from .redis_url import parse_redis_url

if TYPE_CHECKING:
    from .redis_link import Link

MARKS_KEPT = 100  # times stale_s
MOST_BYTES = 64 * 1024

# A value is ten digits of seconds and the state; a mark has no state. Answers: 1 when our past was taken, and
# then a flat list of 'o' (other) or 'g' (gone) and the state.
EXCHANGE = """
local now = tonumber(redis.call('TIME')[1])
local mine, stale, kept = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HGET', KEYS[1], mine)
local taken = 0
if held and #held == 10 then
  taken = 1
  redis.call('HDEL', KEYS[1], mine)
else
  redis.call('HSET', KEYS[1], mine, string.format('%010d', now) .. ARGV[2])
end
redis.call('EXPIRE', KEYS[1], kept)
local found = {taken}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local name, value = all[i], all[i + 1]
  local age = now - (tonumber(string.sub(value, 1, 10)) or 0)
  if name ~= mine then
    if #value <= 10 then
      if age > kept then redis.call('HDEL', KEYS[1], name) end
    elseif age > stale and taken == 0 then
      redis.call('HSET', KEYS[1], name, string.format('%010d', now))
      found[#found + 1] = 'g'
      found[#found + 1] = string.sub(value, 11)
    else
      found[#found + 1] = 'o'
      found[#found + 1] = string.sub(value, 11)
    end
  end
end
return found
"""


class Found(NamedTuple):
    """What an exchange gave.

    Attributes:
        others: States of the other members.
        orphans: States of members that are gone; they are the caller's now.
        orphaned: The caller's own last state was taken so, and its new one was not written.
    """

    others: list[bytes]
    orphans: list[bytes]
    orphaned: bool


class RedisStates:
    """A meeting place of states in Redis. Methods may be called from any thread.

    Nothing is connected when it is built. The hash is ``{namespace}:states:{name}`` and vanishes when nobody has
    come for a hundred times ``stale_s``.

    Args:
        url: As for :class:`~askonce.backends.redis.RedisStore`.
        namespace: Prefix of the key.
        name: Which states meet here.
        stale_s: Seconds after which a silent member counts as gone; many times the interval of exchanges.
        timeout_s: Seconds one exchange may take, connecting included.

    Raises:
        ConfigError: The URL or another setting is wrong.
        MissingExtra: redis-py is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "askonce",
        name: str = "budget",
        stale_s: float = 3600.0,
        timeout_s: float = 0.25,
    ) -> None:
        address = parse_redis_url(url)
        for label, text in (("namespace", namespace), ("name", name)):
            if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", text):
                raise ConfigError(f"{label} is {text!r}; it is 1 to 100 letters, digits and _ . : -", setting=label)
        for label, value, most in (("stale_s", stale_s, 1e7), ("timeout_s", timeout_s, 1e6)):
            if not isinstance(value, int | float) or not 0 < value <= most:
                raise ConfigError(f"{label} is {value!r}; it is seconds greater than zero", setting=label)
        try:
            from .redis_cluster import ClusterLink
            from .redis_link import DirectLink, sensible
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "redis":
                raise
            raise MissingExtra("redis", "redis", "sharing states through Redis") from None
        timeout = float(timeout_s)
        self._address = address
        self._key = f"{namespace}:states:{name}".encode()
        self._stale = max(1, round(stale_s))
        self._link: Link = ClusterLink(address, timeout) if address.cluster else DirectLink(address, timeout)
        self._sensible: Callable[[Link, Any], Any] = sensible
        self._inherited: list[Any] = []
        renew_after_fork(self)

    def exchange(self, member: str, state: bytes) -> Found:
        """Leave ``state`` as that of ``member``, and get the others'. One round trip.

        Raises:
            ConfigError: The state is empty or over 64 KB.
            StoreError: Redis did not answer, or holds something else under the key.
        """
        if not 0 < len(state) <= MOST_BYTES:
            raise ConfigError(f"the state has {len(state)} bytes; it has 1 to {MOST_BYTES}", setting="state")
        with self._sensible(self._link, self._address):
            taken, *flat = self._link.call(
                "EVAL", EXCHANGE, 1, self._key, member, state, self._stale, MARKS_KEPT * self._stale
            )
            pairs = list(zip(flat[::2], flat[1::2], strict=True))
            others = [bytes(data) for kind, data in pairs if kind == b"o"]
            return Found(others, [bytes(data) for kind, data in pairs if kind == b"g"], bool(taken))

    def close(self) -> None:
        """Close the connections. Closing twice is harmless."""
        self._link.close()

    def renew(self) -> None:
        """In a child process: the sockets are the parent's."""
        self._inherited.append(self._link)  # dropping it would close them
        self._link = self._link.forked()
