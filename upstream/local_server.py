"""The local model over real HTTP, on 127.0.0.1.

::

    with LocalServer(LocalModel()) as server:
        client = OpenAI(base_url=server.base_url, api_key="local")
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from types import TracebackType

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import AskonceError, MissingExtra
from .local_model import Exchange, LocalModel

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingExtra(error.name or "starlette", "local", "the local server") from error

_STARTED_WITHIN_S = 10.0
#: An exchange that never answers is given up after this, should the client never hang up.
_LONGEST_HANG_S = 3600.0


class LocalServer:
    """Serves a :class:`LocalModel` from a daemon thread on a free port of 127.0.0.1.

    Args:
        model: The service.
        clock: Tells the model what time it is. Waiting is real whatever the clock says.
        port: 0 = any free one.

    Attributes:
        base_url: ``http://127.0.0.1:PORT/v1``, for the SDK.
    """

    def __init__(self, model: LocalModel, clock: Clock = SYSTEM_CLOCK, port: int = 0) -> None:
        self.model = model
        self.clock = clock
        self._socket = socket.create_server(("127.0.0.1", port))
        # Accepted sockets inherit it; without it head and body of an answer wait 40 ms for an acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", self._handle, methods=methods)])
        config = uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            loop="asyncio",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name="askonce-local-server",
            daemon=True,
        )

    def start(self) -> None:
        """Start serving; returns when connections are accepted."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_STARTED_WITHIN_S / 0.01)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.01)
        raise AskonceError(f"the local server did not start on port {self.port}; try another port", port=self.port)

    def close(self) -> None:
        """Stop serving, break what is in flight, and free the port."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout=5.0)
        self._socket.close()

    def __enter__(self) -> LocalServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _handle(self, request: Request) -> Response:
        body = await request.body()
        exchange = self.model.begin(request.method, request.url.path, dict(request.headers), body, self.clock.now())
        whole = exchange.body is not None and exchange.broken is None
        try:
            await self._hold(request, exchange)
        except BaseException:
            self._end(exchange)
            raise
        if whole:
            self._end(exchange)
            return Response(exchange.body, exchange.status, exchange.headers)
        return StreamingResponse(self._stream(exchange), exchange.status, exchange.headers)

    async def _hold(self, request: Request, exchange: Exchange) -> None:
        """Wait as long as the model takes; end early when the client has gone."""
        if exchange.broken != "timeout":
            await asyncio.sleep(exchange.delay_s)
            return
        left = min(exchange.delay_s, _LONGEST_HANG_S)
        while left > 0 and not self._server.should_exit and not await request.is_disconnected():
            await asyncio.sleep(0.02)
            left -= 0.02

    async def _stream(self, exchange: Exchange) -> AsyncIterator[bytes]:
        try:
            if exchange.body is not None:
                yield exchange.body
            for chunk in exchange.chunks or ():
                if chunk.delay_s > 0:
                    await asyncio.sleep(chunk.delay_s)
                yield chunk.data
            if exchange.broken is not None:
                # Leaving the body unfinished makes the server close the connection.
                raise ConnectionAbortedError("broken on purpose")
        finally:
            self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        self.model.end(exchange, self.clock.now())
