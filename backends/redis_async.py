"""The way to one Redis server on one of asyncio's event loops, and the links of all loops.

Connections belong to the loop they were opened on, so each running loop has its own. Reads that arrive
while all connections are busy travel together, so that a stampede costs a few round trips instead of a few
thousand. An operation that is cancelled closes its connection: an answer that is still on its way must not
be taken for the next one's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeAlias

import redis
from redis import asyncio as aredis
from redis.exceptions import ResponseError

from ..errors import StoreClosed
from .redis_link import CLOSED, connection_options, fault, place
from .redis_url import RedisAddress

CONNECTIONS = 16  # per loop and server
BATCH = 128

Talk: TypeAlias = Callable[[Any, Any], Coroutine[Any, Any, Any]]


class LoopLink(Protocol):
    """A way to one Redis or cluster, on one loop."""

    async def call(self, *command: Any) -> Any:
        """One command about the key that is its first argument. Raises StoreError."""

    async def get(self, name: bytes) -> bytes | None:
        """``call("GET", name)``, together with others when there are many."""

    async def reset(self) -> None:
        """Use no old connection again: an answer made no sense, so questions and answers may be out of step."""

    async def aclose(self) -> None: ...

    def sever(self) -> None:
        """End the connections of a loop that was closed before them."""


async def aone(connection: Any, command: tuple[Any, ...]) -> Any:
    """Send a command, give its answer."""
    await connection.send_command(*command)
    return await connection.read_response()


async def aeach(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Send commands together, give an answer or the server's refusal (as an exception) for each."""
    await connection.send_packed_command(connection.pack_commands(commands))
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except ResponseError as error:
            answers.append(error)
    return answers


class DirectLoopLink:
    """One Redis server, on one event loop."""

    def __init__(self, address: RedisAddress, timeout_s: float) -> None:
        self._address = address
        self._timeout = timeout_s
        self._idle: list[Any] = []
        self._gate = asyncio.Semaphore(CONNECTIONS)
        self._waiting: list[tuple[bytes, asyncio.Future[Any]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = self._retired = False
        self._options = {**connection_options(address, timeout_s), **place(address)}
        self._options["socket_timeout"] = None  # the whole operation has one
        self._class: type[Any] = aredis.SSLConnection if address.tls else aredis.Connection
        if address.path:
            self._class = aredis.UnixDomainSocketConnection

    async def call(self, *command: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await self.exchange(aone, command)
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    async def get(self, name: bytes) -> bytes | None:
        try:
            async with asyncio.timeout(self._timeout):
                answer: bytes | None = await self.read(name)
                return answer
        except Exception as error:
            raise fault(error, self._address, self._timeout) from None

    async def read(self, name: bytes) -> Any:
        """GET. Raises redis-py's errors."""
        if not self._gate.locked():
            return await self.exchange(aone, ("GET", name))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((name, future))
        if len(self._waiting) % BATCH == 1:
            task = loop.create_task(self._read_waiting())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _read_waiting(self) -> None:
        batch: list[tuple[bytes, asyncio.Future[Any]]] = []

        async def read(connection: Any, _: None) -> list[Any]:
            # Chosen only now, when there is a connection: by now more may be waiting.
            if not batch:
                batch.extend(self._waiting[:BATCH])
                del self._waiting[:BATCH]
            return await aeach(connection, [("GET", name) for name, _ in batch])

        answers: list[Any]
        try:
            async with asyncio.timeout(self._timeout):
                answers = await self.exchange(read, None)
        except Exception as error:
            if not batch:
                batch.extend(self._waiting[:BATCH])
                del self._waiting[:BATCH]
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # its caller has gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def exchange(self, talk: Talk, payload: Any) -> Any:
        """Run ``talk`` on a connection. Raises redis-py's errors; the caller sets the time."""
        async with self._gate:
            if self._closed:
                raise StoreClosed(CLOSED)
            if self._idle:
                try:
                    return await self._talk(self._idle.pop(), talk, payload)
                except redis.ConnectionError:
                    # Closed by the server while it lay idle; the others are too.
                    idle, self._idle = self._idle, []
                    for other in idle:
                        await _discard(other)
            return await self._talk(self._class(**self._options), talk, payload)

    async def _talk(self, connection: Any, talk: Talk, payload: Any) -> Any:
        try:
            if not connection.is_connected:
                await connection.connect()
            answer = await talk(connection, payload)
        except ResponseError:
            await self._keep(connection)
            raise
        except BaseException:
            await _discard(connection)
            raise
        await self._keep(connection)
        return answer

    async def _keep(self, connection: Any) -> None:
        if self._retired:
            await _discard(connection)
        else:
            self._idle.append(connection)

    async def aclose(self) -> None:
        self._closed = True
        await self.retire()

    async def retire(self) -> None:
        """Finish what is running, keep no connections."""
        self._retired = True
        await self.reset()

    async def reset(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await _discard(connection)

    def sever(self) -> None:
        for connection in self._idle:
            # A transport of a closed loop cannot be closed, but its socket can say goodbye to the server; the
            # rest is the garbage collector's. redis-py has no public name for it.
            with contextlib.suppress(Exception):
                connection._writer.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._idle = []


async def _discard(connection: Any) -> None:
    with contextlib.suppress(Exception):
        await connection.disconnect(nowait=True)


class LoopLinks:
    """The links of all loops this store has been used on. Methods may be called from any thread."""

    def __init__(self, make: Callable[[], LoopLink]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._by_loop: dict[asyncio.AbstractEventLoop, LoopLink] = {}
        self._closed = False

    def here(self) -> LoopLink:
        """The running loop's link."""
        loop = asyncio.get_running_loop()
        link = self._by_loop.get(loop)
        return link if link is not None else self._add(loop)

    def _add(self, loop: asyncio.AbstractEventLoop) -> LoopLink:
        if self._closed:
            raise StoreClosed(CLOSED)
        with self._lock:
            for closed in [one for one in self._by_loop if one.is_closed()]:
                self._by_loop.pop(closed).sever()
            link = self._by_loop[loop] = self._make()
            return link

    async def aclose(self) -> None:
        """Close the running loop's link."""
        with self._lock:
            link = self._by_loop.pop(asyncio.get_running_loop(), None)
        if link is not None:
            await link.aclose()
            await asyncio.sleep(0)  # lets the transports finish closing

    def close(self) -> None:
        """Close all; the links of running loops close there."""
        self._closed = True
        with self._lock:
            links, self._by_loop = self._by_loop, {}
        for loop, link in links.items():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_close_soon, loop, link)

    def forked(self) -> LoopLinks:
        """For a child process. This object must not be collected there: transports share the parent's poll."""
        return LoopLinks(self._make)


_closing: set[asyncio.Task[None]] = set()


def _close_soon(loop: asyncio.AbstractEventLoop, link: LoopLink) -> None:
    task = loop.create_task(_quietly(link.aclose))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    with contextlib.suppress(Exception):
        await work()
