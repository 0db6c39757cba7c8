"""A Redis Cluster: which node holds a key, and the synchronous way to it.

Only commands about one key are sent, so this needs the map of slots and three rules of the specification
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/): MOVED corrects the map, ASK asks
once elsewhere, and a node that is away has the map drawn anew by the others. redis-py's own cluster client
is not used: it sleeps a quarter of a second when the cluster is down, and on an event loop first fetches the
description of every command, which takes longer than a tier may.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import redis
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError

from ..errors import StoreClosed
from .redis_link import CLOSED, DirectLink, begin, fault, left, one, sensible, several
from .redis_url import RedisAddress

Node = tuple[str, int]
T = TypeVar("T")
DRAW = ("CLUSTER", "SLOTS")
AWAY = (redis.ConnectionError, redis.TimeoutError, ClusterDownError, TimeoutError, OSError)


class SlotMap:
    """Which node holds which slot; and the nodes known, in the order in which to ask for a new map."""

    def __init__(self, seeds: Sequence[Node]) -> None:
        self._seeds = dict.fromkeys(seeds)
        self._slots: dict[int, Node] = {}
        self.drawn_at = float("-inf")
        self.stale = True

    def seeds(self) -> list[Node]:
        return list(self._seeds)

    def nodes(self) -> set[Node]:
        """All primaries."""
        return set(self._slots.values())

    def node_of(self, key: bytes) -> Node:
        """The primary that holds ``key``; raises ClusterDownError when none does."""
        node = self._slots.get(key_slot(key))
        if node is None:
            self.stale = True
            raise ClusterDownError("no node holds the slot of the key")
        return node

    def learn(self, answer: Sequence[Any], asked: Node) -> None:
        """Take the answer of CLUSTER SLOTS, given by ``asked``."""
        slots: dict[int, Node] = {}
        for first, last, primary, *_ in answer:
            node = (_text(primary[0]) or asked[0], int(primary[1]))
            self._seeds.setdefault(node)
            slots.update(dict.fromkeys(range(int(first), int(last) + 1), node))
        self._slots = slots
        self.drawn_at = time.monotonic()
        self.stale = False

    def move(self, error: MovedError, asked: Node) -> Node:
        """Note where a slot has gone, and that there may be more such news."""
        node = target(error, asked)
        self._slots[int(error.slot_id)] = node
        self.stale = True
        return node

    def away(self, node: Node) -> None:
        """A node did not answer: ask it last, and draw the map anew."""
        self.stale = True
        if node in self._seeds:
            self._seeds.pop(node, None)
            self._seeds[node] = None


def _text(value: Any) -> str:
    text = value.decode() if isinstance(value, bytes) else value or ""
    return "" if text == "?" else text


def target(error: AskError, asked: Node) -> Node:
    """The node an ASK or MOVED names; without a host it means the one that was asked."""
    return (error.host or asked[0], int(error.port))


def asking(connection: Any, command: tuple[Any, ...]) -> Any:
    """Send a command to a node that is about to take over the slot."""
    return several(connection, (("ASKING",), command))[1]


class ClusterLink:
    """A Redis Cluster; see :class:`~askonce.backends.redis_link.Link`."""

    def __init__(self, address: RedisAddress, timeout_s: float) -> None:
        self._address = address
        self._timeout = timeout_s
        self._map = SlotMap(address.hosts)
        self._links: dict[Node, DirectLink] = {}
        self._lock = threading.Lock()
        self._closed = False

    def call(self, *command: Any) -> Any:
        key = command[3] if command[0] == "EVAL" else command[1]
        return self._guarded(lambda: self._send(key, command))

    def many(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        return self._guarded(lambda: self._send_many(commands))

    def scan(self, pattern: bytes, count: int) -> Iterator[list[bytes]]:
        for node in self._guarded(self._primaries):
            cursor = b"0"
            while True:
                command = ("SCAN", cursor, "MATCH", pattern, "COUNT", count)
                answer = self._guarded(lambda node=node, command=command: self._ask(node, one, command))  # type: ignore[misc]
                with sensible(self, self._address):
                    cursor, names = bytes(answer[0]), list(answer[1])
                yield names
                if cursor == b"0":
                    break

    def size(self) -> int:
        return self._guarded(lambda: sum(int(self._ask(node, one, ("DBSIZE",))) for node in self._primaries()))

    def listener(self, key: bytes) -> Any:
        return self._guarded(lambda: self._reach(self._drawn().node_of(key), DirectLink.open))

    def reset(self) -> None:
        for link in list(self._links.values()):
            link.reset()

    def forked(self) -> ClusterLink:
        return ClusterLink(self._address, self._timeout)

    def close(self) -> None:
        self._closed = True
        for link in list(self._links.values()):
            link.close()

    def _guarded(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreClosed(CLOSED)
        begin(self._timeout)
        try:
            return work()
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    def _primaries(self) -> set[Node]:
        return self._drawn().nodes()

    def _send(self, key: bytes, command: tuple[Any, ...]) -> Any:
        node = self._drawn().node_of(key)
        try:
            return self._ask(node, one, command)
        except MovedError as error:
            return self._ask(self._map.move(error, node), one, command)
        except AskError as error:
            return self._ask(target(error, node), asking, command)
        except AWAY:
            return self._ask(self._drawn().node_of(key), one, command)

    def _send_many(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        shares: dict[Node, list[int]] = {}
        for number, command in enumerate(commands):
            shares.setdefault(self._drawn().node_of(command[1]), []).append(number)
        answers: list[Any] = [None] * len(commands)
        for node, numbers in shares.items():
            try:
                share = self._ask(node, several, [commands[number] for number in numbers])
            except (AskError, *AWAY):  # slots on the move, or a node away: one by one finds the way
                share = [self._send(commands[number][1], commands[number]) for number in numbers]
            for number, answer in zip(numbers, share, strict=True):
                answers[number] = answer
        return answers

    def _ask(self, node: Node, talk: Callable[[Any, Any], T], payload: Any) -> T:
        return self._reach(node, lambda link: link.exchange(talk, payload))

    def _reach(self, node: Node, use: Callable[[DirectLink], T]) -> T:
        try:
            return use(self._link(node))
        except AWAY:
            self._map.away(node)
            raise

    def _link(self, node: Node) -> DirectLink:
        link = self._links.get(node)
        if link is None:
            # Half of the time for one node leaves half to learn who took its place.
            link = self._links.setdefault(node, DirectLink(self._address.at(*node), self._timeout / 2))
        return link

    def _drawn(self) -> SlotMap:
        if not self._map.stale:
            return self._map
        if not self._lock.acquire(timeout=left(self._timeout) or 0):
            raise TimeoutError("another thread is drawing the map of the cluster")
        try:
            if self._map.stale:
                self._draw()
            return self._map
        finally:
            self._lock.release()

    def _draw(self) -> None:
        failed: Exception | None = None
        for node in self._map.seeds():
            try:
                answer = self._ask(node, one, DRAW)
            except Exception as error:
                failed = error
                continue
            self._map.learn(answer, node)
            for gone in set(self._links) - self._map.nodes():
                self._links.pop(gone, None)  # not closed: a thread may be using it
            return
        assert failed is not None
        raise failed
