"""A TCP proxy that misbehaves on request: late, drop by drop, silent, cut short, reset.

It runs on a thread of its own in front of a server on 127.0.0.1, and can end TLS for one that speaks plain.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class FaultProxy:
    """A proxy to ``127.0.0.1:port`` while the context is open. Attributes may be changed at any time.

    Args:
        port: Where the real server listens.
        tls: Certificate and key to end TLS with; see :func:`certificate`.

    Attributes:
        latency_s: Seconds each piece of an answer is held back.
        drip_s: Seconds between single bytes of an answer; 0 sends them together.
        black_hole: Take everything, give nothing.
        cut_after: Bytes of answers a connection may carry before it is closed; None for no limit.
        reset: Close by RST instead of FIN.
        garble: Bytes sent in place of the next answer.
        opened: Connections taken so far.
    """

    def __init__(self, port: int, *, tls: tuple[Path, Path] | None = None) -> None:
        self.target = port
        self.latency_s = 0.0
        self.drip_s = 0.0
        self.black_hole = False
        self.cut_after: int | None = None
        self.reset = False
        self.garble: bytes | None = None
        self.opened = 0
        self.port = 0
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="fault-proxy")
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"{'redis' if self._context is None else 'rediss'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def drop_all(self) -> None:
        """End every open connection now."""

        async def drop() -> None:
            for writer in list(self._writers):
                self._end(writer)

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        if tasks:
            await asyncio.wait(tasks, timeout=5)  # with their connections gone, they end

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            upstream, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        pumps = [asyncio.ensure_future(self._ask(reader, back)), asyncio.ensure_future(self._answer(upstream, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers -= {writer, back}
            self._end(writer)
            back.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self.black_hole:
                back.write(data)
                await back.drain()

    async def _answer(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while data := await upstream.read(65536):
            if self.black_hole:
                continue
            if self.garble is not None:
                data, self.garble = self.garble, None
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            if self.cut_after is not None and sent + len(data) > self.cut_after:
                writer.write(data[: self.cut_after - sent])
                await writer.drain()
                return
            sent += len(data)
            if not self.drip_s:
                writer.write(data)
                await writer.drain()
                continue
            for byte in data:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(self.drip_s)

    def _end(self, writer: asyncio.StreamWriter) -> None:
        if not self.reset:
            writer.close()
            return
        sock: Any = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key, made now with the ``openssl`` program."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return made, key
