"""Redis URLs and settings: what is read, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import askonce
from askonce import ConfigError, RedisStore
from askonce.backends.contract import AsyncStore, Store
from askonce.backends.redis_url import parse_redis_url
from tests.redis_server import RedisServer


class TestURLs:
    def test_is_exported(self) -> None:
        """The store is one of the package's own names, and keeps both contracts."""
        assert "RedisStore" in askonce.__all__
        made = RedisStore("redis://127.0.0.1:1")
        assert isinstance(made, Store)
        assert isinstance(made, AsyncStore)

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("redis://", "redis://localhost:6379"),
            ("redis://h", "redis://h:6379"),
            ("redis://h:7/3", "redis://h:7/3"),
            ("redis://h?db=3", "redis://h:6379/3"),
            ("redis://[::1]:7", "redis://[::1]:7"),
            ("redis://:secret@h:7", "redis://***@h:7"),
            ("redis://user:secret@h:7/1", "redis://***@h:7/1"),
            ("redis://h?username=user&password=secret", "redis://***@h:6379"),
            ("rediss://h?ssl_cert_reqs=none&ssl_check_hostname=false", "rediss://h:6379"),
            ("redis+cluster://user:secret@a:1,b:2,c", "redis+cluster://***@a:1,b:2,c:6379"),
            ("rediss+cluster://a:1", "rediss+cluster://a:1"),
            ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock"),
            ("unix://:secret@/run/redis.sock", "unix://***@/run/redis.sock"),
        ],
    )
    def test_good(self, url: str, shown: str) -> None:
        """Each kind of URL is read, and shown without user and password."""
        store = RedisStore(url)
        assert repr(store) == f"RedisStore({shown!r}, namespace='askonce')"

    @pytest.mark.parametrize(
        "url",
        [
            "", "h:6379", "http://h", "redis:/h", "redis://h:0", "redis://h:70000", "redis://h:seven", "redis://h/x",
            "redis://h/1/2", "redis://h?nonsense=1", "redis://h?db=x", "redis://h?ssl_ca_certs=/etc/hosts",
            "redis://a,b", "redis+cluster://a/1", "rediss://h?ssl_cert_reqs=perhaps", "redis://h#f",
            "rediss://h?ssl_ca_certs=/no/such/file", "rediss://h?ssl_check_hostname=2", "unix://host/path", "unix://",
            "redis://[::1", "redis://h:6379:1", "redis://secret/word@h", "redis://:secret#word@h",
            "redis://:secret?word@h:1", "redis://:123/secret@h:1", "redis://:sec[ret@h:1", None, 7, b"redis://h",
        ],
    )  # fmt: skip
    def test_bad(self, url: Any) -> None:
        """A wrong URL is a ConfigError when the store is built; what may be a secret is not repeated."""
        with pytest.raises(ConfigError) as raised:
            RedisStore(url)
        assert "secret" not in str(raised.value)
        assert "word@h" not in str(raised.value).replace("password@host", "")
        assert raised.value.__cause__ is None
        assert raised.value.data["setting"] == "redis_url"

    @given(user=st.text(max_size=20), password=st.text(max_size=20))
    def test_user_and_password_survive_encoding(self, user: str, password: str) -> None:
        """Any user and password, percent-encoded, are read back; neither is ever shown."""
        user, password = f"<{user}|", f"|{password}>"
        try:
            quoted = f"{quote(user, safe='')}:{quote(password, safe='')}"
        except UnicodeEncodeError:
            return
        address = parse_redis_url(f"redis://{quoted}@h")
        assert (address.username, address.password) == (user, password)
        for shown in (str(address), repr(address)):
            assert user not in shown
            assert password not in shown

    @pytest.mark.parametrize(
        ("setting", "value"),
        [("namespace", ""), ("namespace", "a b"), ("namespace", "{a}"), ("namespace", "a*"), ("namespace", 1),
         ("timeout_s", 0), ("timeout_s", -1), ("timeout_s", float("inf")), ("timeout_s", float("nan")),
         ("timeout_s", "1")],
    )  # fmt: skip
    def test_bad_settings(self, setting: str, value: Any) -> None:
        """A wrong setting is a ConfigError that names it."""
        with pytest.raises(ConfigError) as raised:
            RedisStore("redis://h", **{setting: value})
        assert raised.value.data["setting"] == setting

    def test_building_connects_nowhere(self, server: RedisServer) -> None:
        """Building a store opens no connection and starts no thread."""
        with server.client() as client:
            before = client.info("stats")["total_connections_received"]
            threads = threading.active_count()
            made = [RedisStore(server.url), RedisStore(f"redis+cluster://127.0.0.1:{server.port}")]
            assert client.info("stats")["total_connections_received"] == before
            assert threading.active_count() == threads
        assert made

    def test_without_redis_py(self) -> None:
        """Without redis-py, building a store says which extra brings it, and importing the package works."""
        code = (
            "import sys; sys.modules['redis'] = None\n"
            "import askonce\n"
            "try: askonce.RedisStore('redis://h')\n"
            "except askonce.MissingExtra as error: print(error.data['extra'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "redis"
