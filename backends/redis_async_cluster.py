"""The way to a Redis Cluster on one event loop; the rules are those of :mod:`.redis_cluster`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import AskError, MovedError

from ..errors import StoreClosed
from .redis_async import DirectLoopLink, aeach, aone
from .redis_cluster import AWAY, DRAW, Node, SlotMap, target
from .redis_link import CLOSED, fault
from .redis_url import RedisAddress

SETTLED_S = 1.0  # a map younger than this is not doubted for one late answer


class ClusterLoopLink:
    """A Redis Cluster, on one event loop; see :class:`~askonce.backends.redis_async.LoopLink`.

    The map is drawn by a task of its own, so that callers whose time is short do not keep starting it anew.
    """

    def __init__(self, address: RedisAddress, timeout_s: float) -> None:
        self._address = address
        self._timeout = timeout_s
        self._map = SlotMap(address.hosts)
        self._links: dict[Node, DirectLoopLink] = {}
        self._drawing: asyncio.Task[None] | None = None
        self._closed = False

    async def call(self, *command: Any) -> Any:
        return await self._timed(command[1], command)

    async def get(self, name: bytes) -> bytes | None:
        answer: bytes | None = await self._timed(name, None)
        return answer

    async def aclose(self) -> None:
        self._closed = True
        if self._drawing is not None:
            self._drawing.cancel()
        for link in list(self._links.values()):
            await link.aclose()

    async def reset(self) -> None:
        for link in list(self._links.values()):
            await link.reset()

    def sever(self) -> None:
        for link in self._links.values():
            link.sever()

    async def _timed(self, key: bytes, command: tuple[Any, ...] | None) -> Any:
        if self._closed:
            raise StoreClosed(CLOSED)
        node: Node | None = None
        try:
            async with asyncio.timeout(self._timeout):
                if self._map.stale and not self._map.nodes():
                    await self._redraw()
                elif self._map.stale:
                    self._start_drawing()
                node = self._map.node_of(key)
                return await self._send(node, key, command)
        except (TimeoutError, asyncio.CancelledError) as error:
            # Perhaps a slow moment, perhaps the node has gone silent: let the others say who is where.
            if node is not None and time.monotonic() - self._map.drawn_at > SETTLED_S:
                self._map.away(node)
            if isinstance(error, TimeoutError):
                raise fault(error, self._address, self._timeout) from None
            raise
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    async def _send(self, node: Node, key: bytes, command: tuple[Any, ...] | None) -> Any:
        try:
            return await self._ask(node, key, command)
        except MovedError as error:
            return await self._ask(self._map.move(error, node), key, command)
        except AskError as error:
            return await self._link(target(error, node)).exchange(_asking, command or ("GET", key))
        except AWAY:
            self._map.away(node)
            await self._redraw()
            return await self._ask(self._map.node_of(key), key, command)

    async def _ask(self, node: Node, key: bytes, command: tuple[Any, ...] | None) -> Any:
        link = self._link(node)
        return await (link.read(key) if command is None else link.exchange(aone, command))

    def _link(self, node: Node) -> DirectLoopLink:
        link = self._links.get(node)
        if link is None:
            link = self._links[node] = DirectLoopLink(self._address.at(*node), self._timeout)
        return link

    async def _redraw(self) -> None:
        await asyncio.shield(self._start_drawing())

    def _start_drawing(self) -> asyncio.Task[None]:
        if self._drawing is None or self._drawing.done():
            self._drawing = asyncio.get_running_loop().create_task(self._draw())
            self._drawing.add_done_callback(_seen)
        return self._drawing

    async def _draw(self) -> None:
        failed: Exception | None = None
        for node in self._map.seeds():
            try:
                async with asyncio.timeout(self._timeout / 2):
                    answer = await self._link(node).exchange(aone, DRAW)
            except Exception as error:
                failed = error
                self._map.away(node)
                continue
            self._map.learn(answer, node)
            for gone in set(self._links) - self._map.nodes():
                await self._links.pop(gone).retire()
            return
        assert failed is not None
        raise failed


async def _asking(connection: Any, command: Sequence[Any]) -> Any:
    allowed, answer = await aeach(connection, (("ASKING",), tuple(command)))
    for one in (allowed, answer):
        if isinstance(one, Exception):
            raise one
    return answer


def _seen(task: asyncio.Task[None]) -> None:
    """A drawing that failed while nobody waited for it is not worth a message."""
    if not task.cancelled():
        task.exception()
